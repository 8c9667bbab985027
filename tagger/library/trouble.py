"""What went wrong with a write, in words that say what to do, and whether another night may do better."""

from __future__ import annotations

import errno
import os

from tagger.base.errors import DiskTrouble, FileProblem, NoRoom, WriteFailed, WriteSkipped
from tagger.base.passing import gone
from tagger.base.patience import passes, system_error

FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
MEGABYTE = 1_000_000
RESERVE_BYTES = 64 * MEGABYTE  # stay free on the library's disk, for whoever records or copies music to it,
RESERVE_SHARE = 0.01  # or this share of a disk that is small

NO_ROOM = "the library's disk is full; make room on it"
NO_QUOTA = "the disk quota of the user who runs this is used up; have it raised, or make room"
TOO_LARGE = "is larger than this process or its disk allows a file to be; raise the limit (ulimit -f)"
READ_ONLY = "its disk has become read-only; check the disk and the mount"
TAKEN_AWAY = "it or its folder was taken away meanwhile"


class CopyExists(WriteFailed):
    """There is a file already under the name that the copy was to have; it is not touched."""


def refuse_without_room(path: bytes, size: int, disk: os.statvfs_result) -> None:
    """Make sure that the copy of a file would leave its disk some room.

    Parameters
    ----------
    path : bytes
        The file.
    size : int
        Its size in bytes.
    disk : os.statvfs_result
        Of its folder. File systems that do not know their size are taken to have room.

    Raises
    ------
    NoRoom
    """
    total, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
    needed = size + min(RESERVE_BYTES, int(RESERVE_SHARE * total))
    if total and free < needed:
        raise NoRoom(
            path,
            f"its disk has {free / MEGABYTE:,.1f} MB free, and the copy that is made of it needs "
            f"{needed / MEGABYTE:,.1f} MB, with what is left for others; make room on it",
            postponed=True,
        )


def cause_of(error: BaseException) -> str:
    """Return an error in words for the journal."""
    return error.cause if isinstance(error, FileProblem) else repr(error)


def as_problem(path: bytes, error: BaseException) -> BaseException:
    """Return an error that ended a write as a problem of the file, named as the caller knows it.

    Bugs, interrupts and errors that stop the run are returned as they are.
    """
    if isinstance(error, WriteSkipped):
        return type(error)(path, error.cause, error.postponed)
    found = system_error(error) if isinstance(error, (OSError, FileProblem)) else None
    if found is not None and (known := _known(path, found)) is not None:
        return known
    if passes(error):
        return DiskTrouble(path, f"{_reason(error)}, at every try; check the disk or its server", postponed=True)
    if isinstance(error, FileProblem):
        return WriteFailed(path, error.cause)
    return WriteFailed(path, _reason(error)) if isinstance(error, OSError) else error


def _known(path: bytes, error: OSError) -> WriteSkipped | None:
    """Return the problem that another night may find gone, if people can do something about it."""
    if error.errno in FULL:
        return NoRoom(path, NO_QUOTA if error.errno == errno.EDQUOT else NO_ROOM, postponed=True)
    if error.errno == errno.EFBIG:
        return WriteSkipped(path, TOO_LARGE, postponed=True)
    if error.errno == errno.EROFS:
        return DiskTrouble(path, READ_ONLY, postponed=True)
    return WriteSkipped(path, TAKEN_AWAY, postponed=True) if gone(error) else None


def _reason(error: BaseException) -> str:
    if isinstance(error, FileProblem):
        return error.cause
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
