"""The file that is to be changed, and whether it may be changed now."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tagger.base.errors import DiskTrouble, ReadOnlyDisk, WriteSkipped
from tagger.base.patience import never, passes, patiently
from tagger.base.records import GenreBlock
from tagger.library.loss import Loss
from tagger.library.trouble import refuse_without_room

BUMP, PRESERVE = "bump", "preserve"


@dataclass(frozen=True, slots=True)
class WriteContext:
    """What a tag write needs to know beside the file.

    Parameters
    ----------
    library : bytes
        The absolute root; links that lead out of it are not followed.
    run : str
        The id of this run, for the name of the copy.
    audio_hash : callable
        Returns a digest of all encoded audio of a file.
    journal : callable
        Called with a stage (``planned ready applied failed``) and facts fit for JSON, before the next step is taken.
    settle_seconds : float
        A file changed more recently is left alone: it may still be copied.
    own_last_write : (int, int), optional
        Size and mtime in ns after this system's own last write of the file, which need not settle.
    mtime : {"bump", "preserve"}
        Whether the written file gets a new time.
    scanned : tuple of GenreBlock, optional
        What the tags said when the change was decided on. A file that says otherwise by now is left alone.
    losses : tuple of Loss
        What the save may lose, as `preflight` named it and the station allows; nothing else.
    stopping : callable
        Says whether a signal asked the run to stop; a fault is then not waited for.
    """

    library: bytes
    run: str
    audio_hash: Callable[[bytes], str]
    journal: Callable[[str, dict[str, Any]], None]
    settle_seconds: float = 600.0
    own_last_write: tuple[int, int] | None = None
    mtime: str = BUMP
    scanned: tuple[GenreBlock, ...] | None = None
    losses: tuple[Loss, ...] = ()
    stopping: Callable[[], bool] = never


@dataclass(frozen=True, slots=True)
class Original:
    """The file to change: the path that it was asked for by, the one where it lies, and the state of file and disk."""

    path: bytes
    target: bytes
    found: os.stat_result
    disk: os.statvfs_result


def examine(path: bytes, context: WriteContext) -> Original:
    """Return the file to change, if it may be changed now.

    Raises
    ------
    WriteSkipped
        If it may not; `postponed` says whether a later run may find it otherwise.
    """
    original = changeable(path, context.library, context.stopping)
    found = original.found
    if context.own_last_write != (found.st_size, found.st_mtime_ns) and _age(found) < context.settle_seconds:
        raise WriteSkipped(path, "was changed a moment ago and may still be copied", postponed=True)
    refuse_without_room(path, found.st_size, original.disk)
    return original


def changeable(path: bytes, library: bytes, stopping: Callable[[], bool] = never) -> Original:
    """Return a file that may be changed as far as its kind, its names and its rights go.

    Raises
    ------
    WriteSkipped
    """
    try:
        original = patiently(lambda: _original(path, library), stopping)
    except OSError as error:
        kind = DiskTrouble if passes(error) else WriteSkipped
        cause = f"cannot be looked at: {error.strerror or error}"
        raise kind(path, cause, postponed=passes(error)) from error
    target, found = original.target, original.found
    folder = os.path.dirname(target)
    if original.disk.f_flag & os.ST_RDONLY:
        raise ReadOnlyDisk(path, "its disk is mounted read-only; mount it so that it can be written to", postponed=True)
    if not stat.S_ISREG(found.st_mode):
        raise WriteSkipped(path, "is not a regular file")
    if found.st_nlink != 1:
        raise WriteSkipped(path, "is hard linked; a change would part it from its other names")
    if not (os.access(target, os.W_OK) and found.st_mode & 0o222):
        raise WriteSkipped(path, "is read-only")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise WriteSkipped(path, "its folder is read-only")
    return original


def _original(path: bytes, library: bytes) -> Original:
    target = _resolved(path, library)
    return Original(path, target, os.stat(target, follow_symlinks=False), os.statvfs(os.path.dirname(target)))


def _resolved(path: bytes, library: bytes) -> bytes:
    """Return where the file lies; links on the way to it and at its end must stay in the library."""
    target, root = os.path.realpath(path), os.path.realpath(library)
    if not target.startswith(root.rstrip(b"/") + b"/"):
        raise WriteSkipped(path, "is a link to a file outside the library")
    return target


def _age(found: os.stat_result) -> float:
    """Return for how many seconds the file has been as it is. A time in the future says nothing; then ctime counts."""
    now = time.time()
    return now - (found.st_mtime if found.st_mtime <= now else found.st_ctime)
