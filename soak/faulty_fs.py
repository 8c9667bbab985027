"""A file system that fails on command: all calls go through to a folder, but those that a rule names.

    python -m soak.faulty_fs SOURCE MOUNTPOINT CONTROL [--fold-case] [--no-xattrs]

`CONTROL` is a file of JSON, a list of rules (see `Rule`), looked at anew at every call. Needs `mfusepy`, libfuse and
the right to mount. `soak.faults_mount` starts it in a process of its own.
"""

from __future__ import annotations

import argparse
import errno
import fnmatch
import functools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NEVER_CACHED = {"attr_timeout": 0, "entry_timeout": 0, "negative_timeout": 0}  # each look reaches this file system
FREEZE = "FREEZE"
PAUSE = 0.02  # [s] between two looks at the rules while a call hangs


@dataclass(frozen=True)
class Rule:
    """When which call fails.

    Parameters
    ----------
    on : str
        The call: ``open create read write fsync rename getattr readdir unlink statfs chmod chown utimens setxattr
        getxattr listxattr truncate flush fsyncdir``.
    error : str
        The name of an errno; empty for a call that hangs until the rule is taken away, and is then carried out;
        ``FREEZE`` for a call that goes well, after which the whole file system stops to answer until `thaw`.
    match : str
        A pattern of the file's name.
    skip : int
        How many of these calls go well before.
    times : int or None
        How many fail then; None: all.
    done : bool
        The call is carried out, and only the answer is lost.
    room : int or None
        For ``write``: the bytes that go well before, instead of `skip`.
    """

    on: str
    error: str = ""
    match: str = "*"
    skip: int = 0
    times: int | None = None
    done: bool = False
    room: int | None = None


class Rules:
    """The rules of the control file, and how often each has met its call."""

    def __init__(self, control: Path) -> None:
        self._control = control
        self._fired = control.with_suffix(".fired")
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._rules: list[Rule] = []
        self._met: list[int] = []

    def _refresh(self) -> None:
        found = os.stat(self._control)
        if (found.st_ino, found.st_mtime_ns) != self._stamp:
            self._stamp = found.st_ino, found.st_mtime_ns
            self._rules = [Rule(**rule) for rule in json.loads(self._control.read_text())]
            self._met = [0] * len(self._rules)

    def due(self, call: str, path: str, size: int = 0) -> Rule | None:
        """Return the rule by which a call fails now."""
        with self._lock:
            self._refresh()
            for number, rule in enumerate(self._rules):
                if rule.on != call or not fnmatch.fnmatchcase(os.path.basename(path), rule.match):
                    continue
                self._met[number] += size if rule.room is not None else 1
                met, start = self._met[number], rule.skip if rule.room is None else rule.room
                if met > start and (rule.times is None or met <= start + rule.times):
                    with self._fired.open("a", encoding="utf-8", errors="surrogateescape") as file:
                        file.write(f"{call} {path}\n")
                    return rule
        return None

    def hang(self, rule: Rule) -> None:
        """Wait until a rule is taken away."""
        while True:
            with self._lock:
                self._refresh()
                if rule not in self._rules:
                    return
            time.sleep(PAUSE)


def _failing(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let a call fail, or lose its answer, or hang, where a rule says so."""

    @functools.wraps(call)
    def met(self: Any, path: str, *arguments: Any) -> Any:
        size = len(arguments[0]) if call.__name__ == "write" else 0
        rule = self.rules.due(call.__name__, path, size)
        if rule is None:
            return call(self, path, *arguments)
        if not rule.error:
            self.rules.hang(rule)
            return call(self, path, *arguments)
        if rule.error == FREEZE:
            threading.Timer(PAUSE, os.kill, (os.getpid(), signal.SIGSTOP)).start()
            return call(self, path, *arguments)
        if rule.done:
            call(self, path, *arguments)
        raise OSError(getattr(errno, rule.error), os.strerror(getattr(errno, rule.error)))

    return met


def operations(source: str, control: Path, fold_case: bool, xattrs: bool) -> Any:
    """Return the file system's calls, for `mfusepy.FUSE`."""
    import mfusepy

    class Passthrough(mfusepy.Operations):
        """Each call on the same path below `source`."""

        use_ns = True

        def __init__(self) -> None:
            self.rules = Rules(control)

        def real(self, path: str) -> str:
            there = source + path.rstrip("/")
            return there if not fold_case or os.path.lexists(there) else _folded(source, path)

        # --- names

        @_failing
        def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
            there = self.real(path)
            found = os.fstat(fh) if fh is not None and not os.path.lexists(there) else os.lstat(there)
            keys = ("st_mode", "st_ino", "st_nlink", "st_uid", "st_gid", "st_size", "st_blocks", "st_blksize")
            times = {f"st_{kind}time": getattr(found, f"st_{kind}time_ns") for kind in "amc"}
            return {**{key: getattr(found, key) for key in keys}, **times}

        @_failing
        def readdir(self, path: str, fh: int) -> list[tuple[str, dict[str, int], int]]:
            with os.scandir(self.real(path) or "/") as entries:
                found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
            return [(name, {"st_mode": stat.st_mode, "st_ino": stat.st_ino}, 0) for name, stat in found]

        def readlink(self, path: str) -> str:
            return os.readlink(self.real(path))

        def symlink(self, target: str, source_path: str) -> int:
            return os.symlink(source_path, self.real(target)) or 0

        def link(self, target: str, source_path: str) -> int:
            return os.link(self.real(source_path), self.real(target)) or 0

        def mkdir(self, path: str, mode: int) -> int:
            return os.mkdir(self.real(path), mode) or 0

        def rmdir(self, path: str) -> int:
            return os.rmdir(self.real(path)) or 0

        @_failing
        def unlink(self, path: str) -> int:
            return os.unlink(self.real(path)) or 0

        @_failing
        def rename(self, old: str, new: str) -> int:
            return os.rename(self.real(old), self.real(new)) or 0

        # --- attributes

        @_failing
        def chmod(self, path: str, mode: int) -> int:
            return os.chmod(self.real(path), mode) or 0

        @_failing
        def chown(self, path: str, uid: int, gid: int) -> int:
            return os.chown(self.real(path), *(-1 if n == 0xFFFFFFFF else n for n in (uid, gid))) or 0

        @_failing
        def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
            return os.utime(self.real(path), ns=times) or 0

        @_failing
        def statfs(self, path: str) -> dict[str, int]:
            found = os.statvfs(self.real(path) or "/")
            keys = ("bavail", "bfree", "blocks", "bsize", "favail", "ffree", "files", "flag", "frsize", "namemax")
            return {f"f_{key}": getattr(found, f"f_{key}") for key in keys}

        @_failing
        def listxattr(self, path: str) -> list[str]:
            self.refuse_xattrs()
            return os.listxattr(self.real(path))

        @_failing
        def getxattr(self, path: str, name: str, position: int = 0) -> bytes:
            self.refuse_xattrs()
            return os.getxattr(self.real(path), name)

        @_failing
        def setxattr(self, path: str, name: str, value: bytes, options: int, position: int = 0) -> int:
            self.refuse_xattrs()
            return os.setxattr(self.real(path), name, value, options) or 0

        def removexattr(self, path: str, name: str) -> int:
            self.refuse_xattrs()
            return os.removexattr(self.real(path), name) or 0

        def refuse_xattrs(self) -> None:
            if not xattrs:
                raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

        # --- content

        @_failing
        def open(self, path: str, flags: int) -> int:
            return os.open(self.real(path), flags)

        @_failing
        def create(self, path: str, mode: int, flags: int | None = None) -> int:
            descriptor = os.open(self.real(path), os.O_RDWR | os.O_CREAT | ((flags or 0) & os.O_EXCL), mode)
            os.fchown(descriptor, *mfusepy.fuse_get_context()[:2])
            return descriptor

        @_failing
        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            return os.pread(fh, size, offset)

        @_failing
        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            return os.pwrite(fh, data, offset)

        @_failing
        def truncate(self, path: str, length: int, fh: int | None = None) -> int:
            return os.truncate(self.real(path) if fh is None else fh, length) or 0

        @_failing
        def flush(self, path: str, fh: int) -> int:
            return 0

        @_failing
        def fsync(self, path: str, datasync: int, fh: int) -> int:
            return os.fsync(fh) or 0

        @_failing
        def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
            return 0

        def release(self, path: str, fh: int) -> int:
            return os.close(fh) or 0

    return Passthrough()


def _folded(source: str, path: str) -> str:
    """Return the path of the file whose name differs in case only, if there is one."""
    there = source
    for part in path.strip("/").split("/"):
        names = os.listdir(there) if os.path.isdir(there) else []
        there = os.path.join(there, next((name for name in names if name.casefold() == part.casefold()), part))
    return there


def main(arguments: Sequence[str]) -> int:
    """Serve the file system until it is unmounted."""
    parser = argparse.ArgumentParser(prog="python -m soak.faulty_fs")
    parser.add_argument("source")
    parser.add_argument("mountpoint")
    parser.add_argument("control", type=Path)
    parser.add_argument("--fold-case", action="store_true")
    parser.add_argument("--no-xattrs", action="store_true")
    given = parser.parse_args(arguments)
    import mfusepy

    os.umask(0)
    served = operations(os.path.abspath(given.source), given.control, given.fold_case, not given.no_xattrs)
    options = {"allow_other": True, "default_permissions": True, "use_ino": True, "hard_remove": True, **NEVER_CACHED}
    mfusepy.FUSE(served, given.mountpoint, foreground=True, fsname="faulty", **options)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
