"""Find out what became of a change that a killed run left unfinished."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from tagger.library.swap import sha256_of
from tagger.library.walk import is_temporary_name

PLANNED, READY, APPLIED, FAILED = "planned", "ready", "applied", "failed"


def settle(path: bytes, record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Say whether a change that has no end in the journal took place, and remove the copy that it may have left.

    Parameters
    ----------
    path : bytes
        The file, absolute, as it is reached now.
    record : dict
        The facts of the change's stages so far, merged.

    Returns
    -------
    stage : str
        ``applied`` or ``failed``; or the stage that the change is in, ``planned`` or ``ready``, if its folder cannot
        be seen now (not mounted?): ask again later. Where a change was ready and nothing tells any more whether it
        took place, ``applied`` is the careful answer: a genre that may be this system's own is never learned from.
    facts : dict
        For the journal, besides.
    """
    target = os.path.realpath(path) if os.path.islink(path) else path
    folder = os.path.dirname(target)
    ready = "sha256_after" in record
    if not os.path.isdir(folder):
        return (READY if ready else PLANNED), {}
    left = _remove_copy(folder, record)
    if not ready or left or not _took_place(target, record):
        return FAILED, {"reason": "the run was cut off before the file was changed"}
    return APPLIED, {"settled": True}


def _took_place(target: bytes, record: dict[str, Any]) -> bool:
    try:
        inode, sha256 = os.stat(target).st_ino, sha256_of(target)
    except OSError:
        return True
    if sha256 in (record["sha256_before"], record["sha256_after"]):
        return bool(sha256 == record["sha256_after"])
    return bool(inode != record["inode_before"])  # somebody changed the old or the new file since


def _remove_copy(folder: bytes, record: dict[str, Any]) -> bool:
    """Remove the copy; say whether there was one, which means that it did not take the file's place.

    Nothing but a hidden file with this system's mark is ever removed.
    """
    name = os.path.basename(os.fsencode(record.get("temporary", "")))
    if not is_temporary_name(name):
        return False
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, name))
        return True
    return False
