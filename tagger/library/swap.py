"""Put a changed copy in the place of a file: the part of the recipe that all changes share.

The copy lies in the same folder under a hidden name, so that no player imports it. The original is open to others all
the while, and is replaced in one step; whatever fails before that step leaves it as it was. Errors that may pass are
met with patience; a copy is then made anew, since a sync that failed once may not tell the second time. Where the
system says that the one step failed, it is looked whether it did: the answer of a server can get lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tagger.base.errors import DiskTrouble, FileProblem, WriteFailed, WriteSkipped, path_text
from tagger.base.files import fsync_folder
from tagger.base.patience import passes, patiently
from tagger.library.attributes import copy_attributes
from tagger.library.original import PRESERVE, Original, WriteContext
from tagger.library.trouble import CopyExists, as_problem, cause_of

MARK = b".tagger-"  # in the name of a copy, before the run
LONGEST_NAME = 255  # [bytes] of a file name, in the file systems of Linux
BLOCK = 1 << 20  # [bytes] read at a time
UNSEEN = "its disk or server fails, so that it cannot be seen whether it was changed; the next run looks"


@dataclass(frozen=True, slots=True)
class Swap:
    """One change of a file.

    `build` makes the changed copy at a path (which exists, and is empty) and returns the SHA-256 of the file as it
    was. `check` raises if the copy is not what it should be. `ready` returns facts for the journal's second line. All
    three may be called again for another copy.
    """

    original: Original
    planned: dict[str, Any]
    build: Callable[[bytes], str]
    check: Callable[[bytes], None]
    ready: Callable[[bytes], dict[str, Any]]


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
        The file is as it was, and the copy is gone; or, after a `DiskTrouble`, the next run looks what became of them.
    """
    original = swap.original
    folder, name = os.path.split(original.target)
    temporary = os.path.join(folder, temporary_name(name, context.run, original.disk.f_namemax or LONGEST_NAME))
    context.journal("planned", {**swap.planned, **_found_facts(original), "temporary": path_text(temporary)})
    with _held(folder) as at:
        try:
            made, facts = _made_patiently(swap, context, temporary)
            patiently(lambda: _refuse_if_changed(original), context.stopping)
            context.journal("ready", facts)
        except BaseException as error:  # the file is as it was
            if isinstance(error, CopyExists) or _cleared_away(temporary, at) is not None:
                context.journal("failed", {"reason": cause_of(error)})
            raise as_problem(original.path, _or_changed(original, error)) from error
        try:
            _replace(original, temporary, facts["sha256_after"], context)
        except BaseException as error:
            if _cleared_away(temporary, at):  # it did not take the file's place; else the next run looks what happened
                context.journal("failed", {"reason": cause_of(error)})
            raise as_problem(original.path, error) from error
    return _applied(original, made, context)


@contextlib.contextmanager
def _held(folder: bytes) -> Iterator[int | None]:
    """Hold on to the folder, so that the copy can be removed also if the folder gets another name meanwhile."""
    try:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _cleared_away(temporary: bytes, at: int | None) -> bool | None:
    """Remove the copy. Return whether it was there; None if that cannot be told now, which the next run settles."""
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            patiently(lambda: os.unlink(temporary))
            return True
        if at is None:
            return None
        os.unlink(os.path.basename(temporary), dir_fd=at)  # the folder has another name, or its disk was unmounted
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return True


def _made_patiently(swap: Swap, context: WriteContext, temporary: bytes) -> tuple[os.stat_result, dict[str, Any]]:
    """Make the copy, and make it anew while that fails with an error that may pass."""
    ours = False

    def make() -> tuple[os.stat_result, dict[str, Any]]:
        nonlocal ours
        try:
            _create(swap.original.path, temporary, ours)
            return _make(swap, context, temporary)
        except BaseException as error:
            if passes(error):
                ours = True
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            raise

    return patiently(make, context.stopping)


def _create(path: bytes, temporary: bytes, ours: bool) -> None:
    """Make the copy's empty file. One that is there already is taken only if it is of an earlier try."""
    flags = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_TRUNC if ours else os.O_EXCL)
    try:
        os.close(os.open(temporary, flags, 0o600))
    except FileExistsError as error:
        raise CopyExists(path, f"no copy can be made beside it: {error.strerror}") from error
    except PermissionError as error:
        raise WriteFailed(path, f"no copy can be made beside it: {error.strerror}") from error


def _make(swap: Swap, context: WriteContext, temporary: bytes) -> tuple[os.stat_result, dict[str, Any]]:
    """Fill and check the copy; return its state, and what is to be written down before it is used."""
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
    return made, facts


def _refuse_if_changed(original: Original) -> None:
    if _identity(os.stat(original.target, follow_symlinks=False)) != _identity(original.found):
        raise WriteSkipped(original.path, "was changed by someone else meanwhile", postponed=True)


def _or_changed(original: Original, error: BaseException) -> BaseException:
    """Return the error, or that somebody changed the file meanwhile, which then is what led to it."""
    if isinstance(error, (OSError, FileProblem)):
        try:
            _refuse_if_changed(original)
        except WriteSkipped as changed:
            return changed
        except OSError:
            return error
    return error


def _replace(original: Original, temporary: bytes, sha256: str, context: WriteContext) -> None:
    """Put the copy in the original's place.

    Raises
    ------
    DiskTrouble
        It cannot be seen whether that was done.
    OSError
        It was not done.
    """

    def replace() -> None:
        _refuse_if_changed(original)  # once more: writing down what is about to happen took a moment
        try:
            os.replace(temporary, original.target)
        except OSError:
            if not _lies_there(original, temporary, sha256, context):
                raise

    patiently(replace, context.stopping)


def _lies_there(original: Original, temporary: bytes, sha256: str, context: WriteContext) -> bool:
    """Whether the copy has taken the original's place although the system answered with an error."""
    try:
        with contextlib.suppress(FileNotFoundError):
            patiently(lambda: os.lstat(temporary), context.stopping)
            return False
        return patiently(lambda: sha256_of(original.target), context.stopping) == sha256
    except OSError as error:
        raise DiskTrouble(original.path, UNSEEN, postponed=True) from error


def _applied(original: Original, made: os.stat_result, context: WriteContext) -> os.stat_result:
    """Make the replacement durable and write it down; what was done is never called a failure."""
    try:
        patiently(lambda: fsync_folder(os.path.dirname(original.target)), context.stopping)
    except OSError as error:
        raise DiskTrouble(original.path, UNSEEN, postponed=True) from error
    with contextlib.suppress(OSError):  # somebody else may have taken it away again
        made = patiently(lambda: os.stat(original.target), context.stopping)
    context.journal("applied", {"size_after": made.st_size, "mtime_ns_after": made.st_mtime_ns})
    return made


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
