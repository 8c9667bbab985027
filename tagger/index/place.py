"""Where a file lies: on a disk of this machine, or behind a network."""

from __future__ import annotations

import re
from pathlib import Path

# File systems whose locks and shared memory SQLite cannot rely on (sqlite.org/wal.html: "does not work over a network
# filesystem"), as they are named in /proc/self/mountinfo.
NETWORK_FILE_SYSTEMS = frozenset(
    (
        *("9p", "afs", "ceph", "cifs", "davfs", "gfs2", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2"),
        *(
            "orangefs",
            "smb2",
            "smb3",
            "smbfs",
            "fuse.davfs2",
            "fuse.glusterfs",
            "fuse.rclone",
            "fuse.s3fs",
            "fuse.sshfs",
        ),
    )
)
MOUNTS = Path("/proc/self/mountinfo")


def file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the type of the file system that a path lies on, as the kernel names it; None where it does not say.

    Parameters
    ----------
    path : Path
        A file or folder; need not exist.
    mounts : Path
        The kernel's list of mounts (proc(5), /proc/pid/mountinfo).
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    whole = path.resolve()
    best: tuple[int, str] | None = None
    for line in lines:
        fields, _, rest = line.partition(" - ")
        parts, kinds = fields.split(" "), rest.split(" ")
        if len(parts) < 5 or not kinds[0]:
            continue
        point = Path(_unescaped(parts[4]))
        # Later lines cover earlier ones that are mounted at the same place.
        if whole.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = len(point.parts), kinds[0]
    return best[1] if best else None


def is_on_network(path: Path) -> bool:
    """Say whether a path lies on a network file system."""
    return file_system(path) in NETWORK_FILE_SYSTEMS


def _unescaped(text: str) -> str:
    """Undo the kernel's octal escapes of blanks, tabs, newlines and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
