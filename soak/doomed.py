"""Run tagger so that it kills itself just before a chosen step: `python -m soak.doomed '{"roots": [...]}' scan ...`.

A step is whatever changes a file under one of the roots, or the index: opening for writing, renaming, removing,
attributes and times, writes and syncs by file descriptor, and each SQL statement that changes something, COMMIT among
them. What comes before the words of the command line is a JSON object:

    roots   folders (of library and home) under which files count
    at      the number of the step, from 1, before which the process dies; 0: never
    torn    whether a write by file descriptor is cut in half by the kill instead of being left out
    log     a file that gets a line for each step: what it is, the same for all files of a kind
"""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = re.compile(r"\s*(BEGIN IMMEDIATE|COMMIT|(?:INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP)\b)", re.IGNORECASE)
TABLE = re.compile(r"\b(?:INTO|UPDATE|FROM|TABLE|ON)\s+\"?(\w+)", re.IGNORECASE)
# What differs from file to file and run to run: ids of runs, models and tracks, random endings of temporary files.
PARTICULAR = re.compile(r"\d{8}T\d{6}(-[\w-]+)?|[0-9a-f]{16}__\d+|(?<=\.)\w{8}(?=\.part)")
PATH_FIRST = {
    f"os.{name}"
    for name in ("remove", "mkdir", "rmdir", "chmod", "chown", "utime", "setxattr", "removexattr", "truncate", "link")
}


class Steps:
    """Counts the steps of this process, and ends it before one of them.

    Parameters
    ----------
    roots : list of str
        Library and home, in this order.
    at : int
        The step that never happens; 0 for none.
    torn : bool
        Whether half of that step happens, where it is a write.
    log : str, optional
        Path of the log of all steps.
    """

    def __init__(self, roots: list[str], at: int = 0, torn: bool = False, log: str | None = None) -> None:
        self.roots = [os.path.abspath(root) for root in roots]
        self.at = at
        self.torn = torn
        self.count = 0
        self._write, self._fsync, self._connect = os.write, os.fsync, sqlite3.dbapi2.connect
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) if log else None

    def install(self) -> None:
        """Watch from now on."""
        sys.addaudithook(self._hear)
        os.write = self._doomed_write
        os.fsync = self._doomed_fsync  # type: ignore[assignment]
        sqlite3.dbapi2.connect = self._doomed_connect  # type: ignore[assignment]

    def step(self, name: str, what: str, half: Callable[[], object] | None = None) -> None:
        """Count a step; if its time has come, die before it, or after `half` of it."""
        self.count += 1
        if self._log is not None:
            self._write(self._log, f"{name} {what}\n".encode("utf-8", "backslashreplace"))
        if self.count == self.at:
            if self.torn and half is not None:
                half()
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, int) and flags & WRITING:
                self._step_on("open", path)
        elif event == "os.rename":
            self._step_on("rename to", arguments[1])
        elif event in PATH_FIRST:
            self._step_on(event.removeprefix("os."), arguments[0], arguments[-1] if event == "os.remove" else -1)

    def _doomed_connect(self, *arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = self._connect(*arguments, **options)
        connection.set_trace_callback(self._hear_sql)
        return connection

    def _hear_sql(self, statement: str) -> None:
        if found := CHANGES.match(statement):
            table = TABLE.search(statement)
            verb = found[1].upper()
            self.step(verb, table[1] if table and verb not in ("COMMIT", "BEGIN IMMEDIATE") else "")

    def _doomed_write(self, descriptor: int, content: Any) -> int:
        half = bytes(content[: len(content) // 2])
        self._step_on("write", descriptor, half=lambda: self._write(descriptor, half))
        return self._write(descriptor, content)

    def _doomed_fsync(self, descriptor: int) -> None:
        self._step_on("fsync", descriptor)
        self._fsync(descriptor)

    def _step_on(self, name: str, path: Any, folder: int = -1, half: Callable[[], object] | None = None) -> None:
        kind = self._kind(path, folder)
        if kind is not None:
            self.step(name, kind, half)

    def _kind(self, path: Any, folder: int) -> str | None:
        """Return what a path, or a file descriptor, is to the station; None if it lies elsewhere."""
        if isinstance(path, int):
            path = _opened(path)
        path = os.fsdecode(path)
        if folder >= 0:
            path = os.path.join(_opened(folder), path)
        path = os.path.abspath(path)
        library, *others = self.roots
        if path == library or path.startswith(library + "/"):
            if os.path.isdir(path):
                return "music folder"
            return "copy" if ".tagger-" in os.path.basename(path) else "music"
        for root in others:
            if path == root or path.startswith(root + "/"):
                inside = PARTICULAR.sub("*", os.path.relpath(path, root))
                return re.sub(r"dataset/\d+s/.*/", "dataset/.../", inside)
        return None


def _opened(descriptor: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""


def main(words: list[str]) -> int:
    """Run tagger under these conditions; the exit code is its own, unless it dies."""
    conditions = json.loads(words[0])
    from tagger.cli import main as tagger

    Steps(**conditions).install()
    return tagger(words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
