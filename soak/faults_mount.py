"""Mounts for trials: the faulty file system in a process of its own, and what else `mount` makes; all go away again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from soak.faulty_fs import PAUSE, Rule

START_SECONDS = 20.0


class FaultyMount:
    """The file system, mounted; use it in a `with` block, which unmounts it whatever happens.

    Parameters
    ----------
    source : Path
        Where the files lie.
    mountpoint : Path
        Where they are seen; an empty folder.
    """

    def __init__(self, source: Path, mountpoint: Path, fold_case: bool = False, xattrs: bool = True) -> None:
        self.source, self.mountpoint = source, mountpoint
        self._control = mountpoint.with_name(f"{mountpoint.name}.rules.json")
        self._options = [*(["--fold-case"] if fold_case else []), *([] if xattrs else ["--no-xattrs"])]
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> FaultyMount:
        self._control.with_suffix(".fired").unlink(missing_ok=True)
        self.rule()
        command = [sys.executable, "-m", "soak.faulty_fs", str(self.source), str(self.mountpoint), str(self._control)]
        root = str(Path(__file__).parent.parent)
        with self._control.with_suffix(".log").open("wb") as log:
            self._server = subprocess.Popen(
                [*command, *self._options], cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end = time.monotonic() + START_SECONDS
        while not os.path.ismount(self.mountpoint):
            if self._server.poll() is not None or time.monotonic() > end:
                self.__exit__()
                raise RuntimeError("the faulty file system cannot be mounted")
            time.sleep(PAUSE)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        unmount(self.mountpoint)

    def rule(self, *rules: Rule) -> None:
        """Let these calls fail from now on, and no others."""
        new = self._control.with_suffix(".new")
        new.write_text(json.dumps([dataclasses.asdict(rule) for rule in rules]))
        os.replace(new, self._control)

    def fired(self) -> list[str]:
        """Return the calls that failed until now, each with its path."""
        with contextlib.suppress(FileNotFoundError):
            text = self._control.with_suffix(".fired").read_text("utf-8", "surrogateescape")
            return text.splitlines()
        return []

    def await_fired(self, count: int = 1, seconds: float = 60.0) -> None:
        """Wait until so many calls have failed."""
        end = time.monotonic() + seconds
        while len(self.fired()) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.fired())} of {count} faults took place")
            time.sleep(PAUSE)

    def freeze(self) -> None:
        """Let no call be answered any more, as when a server or its network is down; a kill ends who waits for it."""
        if self._server is not None:
            self._server.send_signal(signal.SIGSTOP)
            while not self._is_frozen():
                time.sleep(PAUSE)

    def _is_frozen(self) -> bool:
        """Whether no thread of the server can take up another call."""
        assert self._server is not None
        tasks = Path(f"/proc/{self._server.pid}/task").glob("*/stat")
        return all(task.read_text("ascii", "replace").rpartition(")")[2].split()[0] == "T" for task in tasks)

    def thaw(self) -> None:
        """Answer again, all that was asked meanwhile."""
        if self._server is not None:
            self._server.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the server, as when it crashes: all that waits for it fails."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(timeout=START_SECONDS)
            self._server = None


def unmount(mountpoint: Path) -> None:
    """Take away whatever is mounted at a folder, also while it is in use."""
    while str(mountpoint) in mounted():
        subprocess.run(["umount", "--lazy", str(mountpoint)], check=True)


def mounted() -> list[str]:
    """Return the folders at which something is mounted, also what no longer answers."""
    lines = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape").splitlines()
    return [line.split(" ")[1].replace("\\040", " ") for line in lines]


@contextlib.contextmanager
def mounted_at(mountpoint: Path, *arguments: str) -> Iterator[None]:
    """Mount something with `mount` for the length of a `with` block."""
    subprocess.run(["mount", *arguments, str(mountpoint)], check=True)
    try:
        yield
    finally:
        unmount(mountpoint)


def why_unusable() -> str:
    """Say what keeps this machine from mounting such a file system; nothing where it can."""
    if os.geteuid() != 0:
        return "only root may mount"
    if not os.path.exists("/dev/fuse"):
        return "there is no /dev/fuse"
    try:
        import mfusepy  # noqa: F401
    except (ImportError, OSError, AttributeError) as error:
        return f"FUSE cannot be used: {error}"
    return ""
