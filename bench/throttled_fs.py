"""A folder as a network drive shows it: each read waits, and no more than so many bytes come in a second.

    python -m bench.throttled_fs SOURCE MOUNTPOINT

Read-only; needs `mfusepy`, libfuse and the right to mount. `throttled` mounts it in a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from soak.faults_mount import unmount

WAIT = 0.002  # [s] for each request that reads
BYTES_PER_SECOND = 100e6
START_SECONDS = 20.0


def operations(source: str) -> Any:
    """Return the file system's calls, for `mfusepy.FUSE`."""
    import mfusepy

    class Throttled(mfusepy.Operations):
        """Looks and reads below `source`; reads share one line, and each waits besides."""

        use_ns = True

        def __init__(self) -> None:
            self._lock = threading.Lock()
            self._free_at = 0.0  # when the line is free again

        def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
            found = os.lstat(source + path.rstrip("/"))
            keys = ("st_mode", "st_ino", "st_nlink", "st_uid", "st_gid", "st_size")
            return {key: getattr(found, key) for key in keys} | {
                f"st_{kind}time": getattr(found, f"st_{kind}time_ns") for kind in "amc"
            }

        def readdir(self, path: str, fh: int) -> list[str]:
            return [".", "..", *os.listdir(source + path.rstrip("/"))]

        def open(self, path: str, flags: int) -> int:
            return os.open(source + path, os.O_RDONLY)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            found = os.pread(fh, size, offset)
            with self._lock:
                now = time.monotonic()
                self._free_at = max(now, self._free_at) + len(found) / BYTES_PER_SECOND
                due = self._free_at + WAIT
            time.sleep(max(0.0, due - now))
            return found

        def release(self, path: str, fh: int) -> int:
            os.close(fh)
            return 0

    return Throttled()


@contextlib.contextmanager
def throttled(source: Path, mountpoint: Path) -> Iterator[Path]:
    """Mount a folder for the length of a `with` block; nothing of it is in any cache when it begins."""
    mountpoint.mkdir(exist_ok=True)
    server = subprocess.Popen([sys.executable, "-m", "bench.throttled_fs", str(source), str(mountpoint)])
    try:
        end = time.monotonic() + START_SECONDS
        while not os.path.ismount(mountpoint):
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the throttled file system cannot be mounted: is FUSE there, and allowed?")
            time.sleep(0.05)
        yield mountpoint
    finally:
        unmount(mountpoint)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=5)
        server.kill()


if __name__ == "__main__":
    import mfusepy

    mfusepy.FUSE(operations(sys.argv[1]), sys.argv[2], foreground=True, ro=True, nothreads=False)
