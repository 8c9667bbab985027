"""Put a changed copy in the place of a file: the part of the recipe that all changes share.

The copy lies in the same folder under a hidden name, so that no player imports it. The original is open to others all
the while, and is replaced in one step; whatever fails before that step leaves it as it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tagger.base.errors import FileProblem, WriteFailed, WriteSkipped, path_text
from tagger.base.files import fsync_folder
from tagger.base.records import GenreBlock
from tagger.library.attributes import copy_attributes

MARK = b".tagger-"  # in the name of a copy, before the run
LONGEST_NAME = 255  # [bytes] of a file name, in the file systems of Linux
BLOCK = 1 << 20  # [bytes] read at a time
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
    """

    library: bytes
    run: str
    audio_hash: Callable[[bytes], str]
    journal: Callable[[str, dict[str, Any]], None]
    settle_seconds: float = 600.0
    own_last_write: tuple[int, int] | None = None
    mtime: str = BUMP
    scanned: tuple[GenreBlock, ...] | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """The file to change: the path that it was asked for by, the one where it lies, and its state."""

    path: bytes
    target: bytes
    found: os.stat_result


@dataclass(frozen=True, slots=True)
class Swap:
    """One change of a file.

    `build` makes the changed copy at a path (which exists, and is empty) and returns the SHA-256 of the file as it
    was. `check` raises if the copy is not what it should be. `ready` returns facts for the journal's second line.
    """

    original: Original
    planned: dict[str, Any]
    build: Callable[[bytes], str]
    check: Callable[[bytes], None]
    ready: Callable[[bytes], dict[str, Any]]


def examine(path: bytes, context: WriteContext) -> Original:
    """Return the file to change, if it may be changed now.

    Raises
    ------
    WriteSkipped
        If it may not; `postponed` says whether a later run may find it otherwise.
    """
    try:
        target = _resolved(path, context.library)
        found = os.stat(target, follow_symlinks=False)
        writable = os.access(target, os.W_OK) and bool(found.st_mode & 0o222)
        folder = os.path.dirname(target)
        folder_writable = os.access(folder, os.W_OK | os.X_OK) and not os.statvfs(folder).f_flag & os.ST_RDONLY
    except OSError as error:
        raise WriteSkipped(path, f"cannot be looked at: {error.strerror or error}") from error
    if not stat.S_ISREG(found.st_mode):
        raise WriteSkipped(path, "is not a regular file")
    if found.st_nlink != 1:
        raise WriteSkipped(path, "is hard linked; a change would part it from its other names")
    if not writable:
        raise WriteSkipped(path, "is read-only")
    if not folder_writable:
        raise WriteSkipped(path, "its folder is read-only")
    if context.own_last_write != (found.st_size, found.st_mtime_ns) and _age(found) < context.settle_seconds:
        raise WriteSkipped(path, "was changed a moment ago and may still be copied", postponed=True)
    return Original(path, target, found)


def _resolved(path: bytes, library: bytes) -> bytes:
    if not os.path.islink(path):
        return path
    target, root = os.path.realpath(path), os.path.realpath(library)
    if not target.startswith(root.rstrip(b"/") + b"/"):
        raise WriteSkipped(path, "is a link to a file outside the library")
    return target


def _age(found: os.stat_result) -> float:
    """Return for how many seconds the file has been as it is. A time in the future says nothing; then ctime counts."""
    now = time.time()
    return now - (found.st_mtime if found.st_mtime <= now else found.st_ctime)


def temporary_name(name: bytes, run: str, longest: int = LONGEST_NAME) -> bytes:
    """Return the hidden name under which a file's copy is made: ``.<short name>.tagger-<run>``.

    A long name is cut between characters where it is UTF-8.
    """
    ending = MARK + os.fsencode(run)
    short = name[: longest - 1 - len(ending)]
    if len(short) < len(name):
        with contextlib.suppress(UnicodeDecodeError):
            name.decode("utf-8")
            short = short.decode("utf-8", "ignore").encode("utf-8")
    return b"." + short + ending


def carry_out(swap: Swap, context: WriteContext) -> os.stat_result:
    """Make the copy, check it, and put it in the original's place.

    Returns
    -------
    os.stat_result
        The state of the new file.

    Raises
    ------
    WriteSkipped, WriteFailed
        The file is as it was, and the copy is gone.
    """
    target = swap.original.target
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, temporary_name(name, context.run, os.statvfs(folder).f_namemax))
    context.journal("planned", {**swap.planned, **_found_facts(swap.original), "temporary": path_text(temporary)})
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError as error:
        context.journal("failed", {"reason": f"no copy can be made beside it: {error.strerror}"})
        raise WriteFailed(swap.original.path, f"no copy can be made beside it: {error.strerror}") from error
    try:
        _make(swap, context, temporary)
        os.replace(temporary, target)
    except BaseException as error:
        _clear_away(temporary, error, context)
        raise _as_problem(swap.original.path, error) from error
    fsync_folder(folder)
    made = os.stat(target)
    context.journal("applied", {"size_after": made.st_size, "mtime_ns_after": made.st_mtime_ns})
    return made


def _clear_away(temporary: bytes, error: BaseException, context: WriteContext) -> None:
    """Remove the copy and write down that the change failed."""
    try:
        os.unlink(temporary)
    except FileNotFoundError:
        return  # interrupted just after it took the original's place: what became of it is settled at the next start
    context.journal("failed", {"reason": error.cause if isinstance(error, FileProblem) else repr(error)})


def _as_problem(path: bytes, error: BaseException) -> BaseException:
    """Return the error as a problem of the file, named as the caller knows it; bugs and interrupts as they are."""
    if isinstance(error, WriteSkipped):
        return WriteSkipped(path, error.cause, error.postponed)
    if isinstance(error, FileProblem):
        return WriteFailed(path, error.cause)
    if isinstance(error, OSError):
        return WriteFailed(path, error.strerror or str(error))
    return error


def _make(swap: Swap, context: WriteContext, temporary: bytes) -> None:
    """Make and check the copy, and write down what is about to happen."""
    original = swap.original
    sha256_before = swap.build(temporary)
    swap.check(temporary)
    copy_attributes(original.target, original.found, temporary)
    if context.mtime == PRESERVE:
        os.utime(temporary, ns=(original.found.st_atime_ns, original.found.st_mtime_ns))
    _sync(temporary)
    facts = {"sha256_before": sha256_before, "sha256_after": sha256_of(temporary), **swap.ready(temporary)}
    made = os.stat(temporary)
    facts |= {"size_after": made.st_size, "mtime_ns_after": made.st_mtime_ns, "inode_after": made.st_ino}
    if _identity(os.stat(original.target, follow_symlinks=False)) != _identity(original.found):
        raise WriteSkipped(original.path, "was changed by someone else meanwhile", postponed=True)
    context.journal("ready", facts)


def _identity(found: os.stat_result) -> tuple[int, ...]:
    times = found.st_mtime_ns, found.st_ctime_ns
    return found.st_dev, found.st_ino, found.st_size, found.st_nlink, *times


def _found_facts(original: Original) -> dict[str, Any]:
    found = original.found
    return {
        "path": path_text(original.path),
        "target": path_text(original.target),
        "size_before": found.st_size,
        "mtime_ns_before": found.st_mtime_ns,
        "inode_before": found.st_ino,
    }


def copy_hashed(source: bytes, copy: bytes) -> str:
    """Copy a file's bytes and return their SHA-256 as hex."""
    digest = hashlib.sha256()
    with open(source, "rb") as old, open(copy, "wb") as new:
        while block := old.read(BLOCK):
            digest.update(block)
            new.write(block)
    return digest.hexdigest()


def sha256_of(path: bytes) -> str:
    """Return the SHA-256 of a file as hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: bytes) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
