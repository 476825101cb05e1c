"""The embedded server: safe settings, nothing touched above the home, nothing left behind (P1)."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import pytest_asyncio

from data import embedded, embedded_guard, embedded_place

Until = Callable[[Callable[[], object]], Awaitable[None]]

ROOT = Path(__file__).parents[2]

STARTED: list[embedded.EmbeddedServer] = []

PROGRAM = """
import asyncio, pathlib, subprocess, sys
from data import embedded
server = asyncio.run(embedded.start(pathlib.Path(sys.argv[1])))
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False)
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest_asyncio.fixture(scope="module")
async def made() -> AsyncIterator[Path]:
    """A home whose data folder exists, with the server of the product's own settings."""
    with tempfile.TemporaryDirectory(prefix="anlin-") as folder:
        home = Path(folder, "home")
        await (await embedded.start(home)).stop()
        yield home
        await asyncio.to_thread(embedded.throw_away, home)


@pytest_asyncio.fixture
async def home(made: Path) -> AsyncIterator[Path]:
    """The same home, and afterwards nothing runs in it, whatever became of the test."""
    yield made
    for server in STARTED:
        await server.stop()
    STARTED.clear()
    await asyncio.to_thread(embedded_guard.stop, data_of(made))


async def start(home: Path) -> embedded.EmbeddedServer:
    server = await embedded.start(home)
    STARTED.append(server)
    return server


def data_of(home: Path) -> str:
    return (home / "postgres.location").read_text(encoding="utf-8").splitlines()[0]


def processes_of(home: Path) -> list[int]:
    """Every living process of this home: server, its children, guard. Those that wait to be collected are dead."""
    data, found = data_of(home), []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if data in process.cmdline() or (process.name().startswith("postgres") and process.cwd() == data):
                found.append(process.pid)
    return found


def guard_of(home: Path) -> int:
    (guard,) = [
        pid for pid in processes_of(home) if str(home / "postgres.users") in psutil.Process(pid).cmdline()
    ]
    return guard


def ask(server: embedded.EmbeddedServer, question: str) -> object:
    with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def run_program(home: Path) -> tuple[subprocess.Popen[str], int]:
    """Another program that uses the server; gives it and a child of its, which inherits what can be inherited."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    return program, int(program.stdout.readline())


def end(program: subprocess.Popen[str], child: int) -> None:
    program.kill()
    program.communicate()
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", ""),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
        ("max_connections", "100"),
        ("shared_buffers", "128MB"),
        ("data_checksums", "on"),
    ],
)
async def test_the_server_is_set_up_for_keeping(home: Path, setting: str, value: str) -> None:
    server = await start(home)
    assert ask(server, f"SHOW {setting}") == value
    await server.stop()


async def test_the_server_listens_on_its_socket_alone_behind_a_closed_folder(home: Path) -> None:
    server = await start(home)
    pid = embedded_guard.postmaster(data_of(home))
    kinds = {connection.family.name for connection in psutil.Process(pid).net_connections("all")}
    assert kinds == {"AF_UNIX"}
    assert stat.S_IMODE(server.place.socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.place.data.stat().st_mode) == 0o700
    await server.stop()


async def test_text_folds_and_sorts_the_same_on_every_machine(home: Path) -> None:
    server = await start(home)
    assert ask(server, "SELECT datlocale FROM pg_database WHERE datname = 'anlin'") == "C.UTF-8"
    assert ask(server, "SELECT upper('é安')") == "É安"
    await server.stop()


async def test_a_killed_program_leaves_no_server_behind(home: Path, until: Until) -> None:
    program, child = await asyncio.to_thread(run_program, home)
    assert processes_of(home)
    program.send_signal(signal.SIGKILL)
    await until(lambda: not processes_of(home))
    assert psutil.pid_exists(child), "the program's own child outlives it and must not hold the server"
    end(program, child)


async def test_two_programs_share_one_server_until_the_last_has_gone(home: Path, until: Until) -> None:
    mine = await start(home)
    server = embedded_guard.postmaster(data_of(home))
    program, child = await asyncio.to_thread(run_program, home)
    assert embedded_guard.postmaster(data_of(home)) == server
    end(program, child)
    assert ask(mine, "SELECT 1") == 1
    assert embedded_guard.postmaster(data_of(home)) == server
    await mine.stop()
    await until(lambda: not processes_of(home))


async def test_programs_that_start_at_once_find_one_server(home: Path, until: Until) -> None:
    servers = await asyncio.gather(*(start(home) for _ in range(4)))
    assert len({ask(server, "SELECT pg_postmaster_start_time()") for server in servers}) == 1
    guard_of(home)
    for server in servers:
        await server.stop()
    await until(lambda: not processes_of(home))


async def test_a_start_while_the_guard_stops_the_server_waits_and_starts_anew(
    home: Path, until: Until
) -> None:
    first = await start(home)
    old = embedded_guard.postmaster(data_of(home))
    assert old is not None
    os.kill(old, signal.SIGSTOP)  # the server takes its time to stop
    await first.stop()
    with (home / "postgres.users").open("rb") as users:

        def guard_at_work() -> bool:
            try:
                fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            fcntl.flock(users, fcntl.LOCK_UN)
            return False

        await until(guard_at_work)
    starting = asyncio.create_task(start(home))
    await asyncio.wait([starting], timeout=0.05)
    assert not starting.done()
    os.kill(old, signal.SIGCONT)
    second = await starting
    assert ask(second, "SELECT 1") == 1
    assert embedded_guard.postmaster(data_of(home)) not in (None, old)
    await second.stop()
    await until(lambda: not processes_of(home))


async def test_a_dead_guard_is_replaced_at_the_next_start(home: Path, until: Until) -> None:
    first = await start(home)
    server, guard = embedded_guard.postmaster(data_of(home)), guard_of(home)
    os.kill(guard, signal.SIGKILL)
    await until(lambda: guard not in processes_of(home))
    await first.stop()
    second = await start(home)
    assert embedded_guard.postmaster(data_of(home)) == server
    assert guard_of(home) != guard
    await second.stop()
    await until(lambda: not processes_of(home))


async def test_a_server_that_was_killed_comes_back_with_what_was_committed(home: Path) -> None:
    server = await start(home)
    with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("TRUNCATE kept")
        connection.execute("INSERT INTO kept VALUES (7)")
    pid = embedded_guard.postmaster(data_of(home))
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await server.revive()
    assert ask(server, "SELECT n FROM kept") == 7
    assert embedded_guard.postmaster(data_of(home)) != pid
    await server.stop()


async def test_a_stale_number_that_another_program_has_now_does_not_hinder(home: Path, until: Until) -> None:
    await (await start(home)).stop()
    await until(lambda: not processes_of(home))
    stranger = leave_stale_number(home)
    server = await start(home)
    assert ask(server, "SELECT 1") == 1
    assert stranger.poll() is None
    stranger.communicate()


def leave_stale_number(home: Path) -> subprocess.Popen[bytes]:
    """As after a container's restart: the file of a server that was killed, and its number a living process's."""
    lock = Path(data_of(home), "postmaster.pid")
    owner = lock.parent.stat()
    user = owner.st_uid if os.geteuid() == 0 else None
    stranger = subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=user)
    lock.write_text(f"{stranger.pid}\n{lock.parent}\n1\n5432\n/nowhere\n\n0 0\nready\n", encoding="utf-8")
    os.chown(lock, owner.st_uid, owner.st_gid)
    return stranger


def state_of(folders: list[Path]) -> tuple[object, ...]:
    """Modes and owners of folders, and the accounts of the machine."""
    stats = [folder.stat() for folder in folders]
    accounts = [Path(file).read_bytes() for file in ("/etc/passwd", "/etc/group")]
    return [(one.st_mode, one.st_uid, one.st_gid) for one in stats], accounts


async def test_accounts_and_the_folders_above_stay_as_they_were(tmp_path: Path) -> None:
    above = tmp_path / "private"
    above.mkdir(mode=0o700)
    home = above / "home"
    folders = [above, *above.parents]
    before = state_of(folders)
    server = await embedded.start(home)
    try:
        assert ask(server, "SELECT 1") == 1
        runs_as = psutil.Process(embedded_guard.postmaster(data_of(home))).uids().effective
        assert runs_as == server.place.data.stat().st_uid != 0
        assert state_of(folders) == before
    finally:
        await server.stop()
        await asyncio.to_thread(embedded.throw_away, home)
    assert not server.place.data.exists()
    assert list(home.iterdir()) == []
    if server.place.data.is_relative_to(embedded_place.SYSTEM):
        assert not server.place.data.parent.exists()


async def test_data_in_use_are_not_thrown_away(home: Path) -> None:
    server = await start(home)
    with pytest.raises(embedded.EmbeddedInUse):
        await asyncio.to_thread(embedded.throw_away, home)
    assert ask(server, "SELECT 1") == 1
    await server.stop()


def write_version(home: Path, version: str) -> None:
    Path(data_of(home), "PG_VERSION").write_text(f"{version}\n", encoding="ascii")


async def test_data_of_another_version_are_refused_and_kept(home: Path, until: Until) -> None:
    await (await start(home)).stop()
    await until(lambda: not processes_of(home))
    write_version(home, "17")
    try:
        with pytest.raises(embedded.EmbeddedVersion, match="17"):
            await start(home)
    finally:
        write_version(home, "18")
    await until(lambda: not processes_of(home))


async def test_a_making_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    place = embedded_place.find(home)
    half = place.data.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n", encoding="ascii")
    server = await start(home)
    assert ask(server, "SELECT 1") == 1
    assert not half.exists()
    await server.stop()
    await asyncio.to_thread(embedded.throw_away, home)


def test_a_long_home_gets_a_short_closed_socket_folder(tmp_path: Path) -> None:
    long = tmp_path.joinpath(*["很长的名字" * 4] * 3)
    folder = embedded_place._socket_folder(long)
    assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 103
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert embedded_place._socket_folder(long) == folder
    folder.chmod(0o755)
    with pytest.raises(embedded_place.EmbeddedUnsafeFolder):
        embedded_place._socket_folder(long)
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(embedded_place.EmbeddedUnsafeFolder):
        embedded_place._socket_folder(long)
    folder.unlink()


async def test_a_long_home_works(tmp_path: Path) -> None:
    home = tmp_path.joinpath(*["很长的名字" * 4] * 3)
    server = await start(home)
    assert ask(server, "SELECT 1") == 1
    await server.stop()
    await asyncio.to_thread(embedded.throw_away, home)
    assert not server.place.socket.exists()


def test_binaries_that_others_cannot_reach_are_copied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_place, "SYSTEM", tmp_path / "system")
    monkeypatch.setattr(embedded_place, "_open_to_all", lambda path: False)
    copied = embedded_place._reachable_bin()
    monkeypatch.undo()
    assert copied.is_relative_to(tmp_path / "system")
    assert subprocess.check_output([copied / "psql", "--version"], text=True).startswith(
        "psql (PostgreSQL) 18"
    )
    assert [path.name for path in (tmp_path / "system").iterdir()] == [copied.parts[len(tmp_path.parts) + 1]]
    assert all(path.stat().st_mode & 0o055 for path in (copied, copied / "postgres", copied / "initdb"))


def test_a_machine_without_binaries_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(embedded_place.EmbeddedUnsupported, match="ANLIN_DATABASE_URL"):
        embedded_place.wheel()


async def test_databases_are_cloned_and_removed(home: Path) -> None:
    server = await start(home)
    with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS cloned (n int)")
    await server.create_database("copy", template="anlin")
    with psycopg.connect(server.url_of("copy").replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM cloned").fetchone() == (0,)
    await server.drop_database("copy")
    assert ask(server, "SELECT count(*) FROM pg_database WHERE datname = 'copy'") == 0
    await server.stop()
