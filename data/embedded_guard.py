"""Stops the embedded database when nobody uses it any more, even if the product was killed (P1).

A tiny program of its own, standard library only. Every program that uses the server holds a shared lock on one file;
the system lets go of it however the program ends. This one waits for the exclusive lock: it gets it when the last user
is gone. Then it stops the server and ends. A program that starts meanwhile waits for its own shared lock, and so for
the server to be down.

    embedded_guard.py GUARD_FD USERS_LOCK DATA

`GUARD_FD` is an inherited descriptor that holds the lock by which others see that a guard lives. It is closed first at
the end: whoever then gets the shared lock finds no guard, and makes a new one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path

_STEPS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 15.0), (signal.SIGKILL, 5.0))
"""PostgreSQL's fast shutdown, then immediate, then by force: signal, seconds to wait for its effect."""


def postmaster(data: str) -> int | None:
    """Process id of the server of this data folder, or None when it does not run."""
    try:
        with Path(data, "postmaster.pid").open(encoding="utf-8") as file:
            pid = int(file.readline())
    except (FileNotFoundError, ValueError):
        return None
    return pid if _serves(pid, data) else None


def _serves(pid: int, data: str) -> bool:
    """Whether the process is a server of this folder; the number may have gone to another program since."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False  # gone, or another account's, and so not the server this account started
    try:
        with Path(f"/proc/{pid}/cmdline").open("rb") as file:
            # Empty for a process that has ended and was not collected yet.
            return os.fsencode(data) in file.read().split(b"\0")
    except FileNotFoundError:
        return not Path("/proc/self").is_dir()  # a system without /proc: believe the file


def stop(data: str) -> None:
    """Stop the server and wait for its end."""
    for number, patience in _STEPS:
        pid = postmaster(data)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + patience
        while postmaster(data) == pid and time.monotonic() < deadline:
            time.sleep(0.02)


def _still_there(users: int, users_lock: str) -> bool:
    """False when the database was thrown away and perhaps made anew: its server is then another guard's."""
    try:
        return Path(users_lock).stat().st_ino == os.fstat(users).st_ino
    except FileNotFoundError:
        return True  # the whole home is gone; the server must go too


def main(guard_fd: int, users_lock: str, data: str) -> None:
    """Wait until nobody uses the server, stop it, let go of the locks in the right order."""
    users = os.open(users_lock, os.O_RDWR)
    if os.fork():
        os._exit(0)  # whoever started us need not collect us one day
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError):
        os.write(1, b"ready\n")
    os.close(1)
    fcntl.flock(users, fcntl.LOCK_EX)
    if _still_there(users, users_lock):
        stop(data)
    os.close(guard_fd)
    os.close(users)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
