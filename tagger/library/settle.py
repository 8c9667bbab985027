"""Find out what became of a change that a killed run left unfinished."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from tagger.base.errors import LibraryLooksWrong
from tagger.base.patience import patiently
from tagger.library.probe import probe
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
        ``applied`` or ``failed``; or the stage that the change is in, ``planned`` or ``ready``, if its library or
        folder cannot be seen now (not mounted?) or its disk fails: ask again later. Where a change was ready and
        nothing tells any more whether it took place, ``applied`` is the careful answer: a genre that may be this
        system's own is never learned from.
    facts : dict
        For the journal, besides.
    """
    ready = "sha256_after" in record
    later = READY if ready else PLANNED
    if not _library_answers(path, record):
        return later, {}
    target = os.path.realpath(path) if os.path.islink(path) else path
    if target != path and not _within(target, path, record):
        return later, {}  # a link that leads out of the library by now
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        return later, {}
    try:
        left = patiently(lambda: _remove_copy(folder, record))
        took_place = ready and not left and patiently(lambda: _took_place(target, record))
    except OSError:  # the disk fails, or has become read-only
        return later, {}
    if took_place:
        return APPLIED, {"settled": True}
    return FAILED, {"reason": "the run was cut off before the file was changed"}


def _library_answers(path: bytes, record: dict[str, Any]) -> bool:
    """Whether the library is mounted, wherever it is now; touching a server that hangs would block this process."""
    root = _root(path, record)
    if root is None:
        return True  # not known
    try:
        probe(root)
    except LibraryLooksWrong:
        return False
    return True


def _root(path: bytes, record: dict[str, Any]) -> bytes | None:
    """Return the library that the path lies in, wherever it is mounted now; None if that is not known."""
    library, asked = os.fsencode(record.get("library", "")), os.fsencode(record.get("path", ""))
    within = asked.removeprefix(library)
    if not library or within == asked or not path.endswith(within):
        return None
    return path.removesuffix(within) or b"/"


def _within(target: bytes, path: bytes, record: dict[str, Any]) -> bool:
    """Whether the target of a link lies in the library, as it must have when the change was planned."""
    root = _root(path, record)
    return root is None or target.startswith(os.path.realpath(root).rstrip(b"/") + b"/")


def _took_place(target: bytes, record: dict[str, Any]) -> bool:
    try:
        inode, sha256 = os.stat(target).st_ino, sha256_of(target)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
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
