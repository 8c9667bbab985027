"""Find out what became of a change that a killed run left unfinished."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from tagger.library.swap import sha256_of
from tagger.library.walk import is_temporary_name

APPLIED, FAILED, OPEN = "applied", "failed", "open"


def settle(record: dict[str, Any]) -> str:
    """Say whether a change that has no end in the journal took place, and remove the copy that it may have left.

    Parameters
    ----------
    record : dict
        The facts of its stages so far, merged.

    Returns
    -------
    {"applied", "failed", "open"}
        "open": the folder cannot be seen now (not mounted?), ask again later. Where a change was ready and nothing
        tells any more whether it took place, "applied" is the careful answer: a genre that may be this system's own is
        never learned from.
    """
    target = os.fsencode(record["target"])
    if not os.path.isdir(os.path.dirname(target)):
        return OPEN
    left = _remove_copy(record)
    if "sha256_after" not in record or left:
        return FAILED  # replacing takes the copy away, and comes only after `ready`
    try:
        inode, sha256 = os.stat(target).st_ino, sha256_of(target)
    except OSError:
        return APPLIED
    if sha256 in (record["sha256_before"], record["sha256_after"]):
        return APPLIED if sha256 == record["sha256_after"] else FAILED
    return FAILED if inode == record["inode_before"] else APPLIED  # somebody changed the old or the new file since


def _remove_copy(record: dict[str, Any]) -> bool:
    """Remove the copy; say whether there was one. Nothing but a hidden file with this system's mark is ever removed."""
    temporary = os.fsencode(record["temporary"])
    if not is_temporary_name(os.path.basename(temporary)):
        return False
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
        return True
    return False
