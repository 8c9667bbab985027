"""One run at a time: the lock of a home.

The lock is the operating system's (through filelock), so it goes away with the process that held it, however that
process ended. Who holds it stands in a small file beside it, for the message to the second run.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tagger.base.errors import Locked
from tagger.base.files import write_text


def _holder_path(lock: Path) -> Path:
    return lock.with_name(lock.name + ".holder")


def _said(lock: Path) -> dict[str, Any]:
    """Return what the holder wrote down."""
    found: dict[str, Any] = json.loads(_holder_path(lock).read_text(encoding="utf-8"))
    return found


def holder(lock: Path) -> str:
    """Say who took the lock last, in words."""
    try:
        said = _said(lock)
        return f"`tagger {said['command']}` (process {said['pid']} on {said['host']}, since {said['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another run"


def at_work(lock: Path) -> bool:
    """Say whether the run that took the lock last is still there. On another machine it is taken to be."""
    try:
        said = _said(lock)
        if said["host"] == socket.gethostname():
            os.kill(int(said["pid"]), 0)
    except PermissionError:
        return True  # somebody else's process
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


@contextlib.contextmanager
def run_lock(lock: Path, command: str) -> Iterator[None]:
    """Hold the lock of a home while the block runs.

    Parameters
    ----------
    lock : Path
        The lock file.
    command : str
        What is being done, for the message that another run prints.

    Raises
    ------
    Locked
        At once, if another run holds it.
    """
    guard = FileLock(lock)
    try:
        guard.acquire(timeout=0)
    except Timeout:
        raise Locked(f"{holder(lock)} is at work in {lock.parent}; wait until it has finished") from None
    try:
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        facts = {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": since}
        write_text(_holder_path(lock), json.dumps(facts))
        yield
    finally:
        _holder_path(lock).unlink(missing_ok=True)
        guard.release()
