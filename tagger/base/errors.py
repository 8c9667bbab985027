"""Failures, each with the exit code that `cli` turns it into.

Two kinds: a `TaggerError` stops the run; a `FileProblem` concerns one file, which is reported and skipped.
"""

from __future__ import annotations

import os
from typing import Self

from tagger.base.passing import gone, passing

EXIT_DONE = 0
EXIT_MANY_FILES_FAILED = 1
EXIT_USAGE = 2
EXIT_LOCKED = 3
EXIT_LIBRARY_WRONG = 4
EXIT_FAILED = 5
EXIT_STOPPED = 130


def path_text(path: str | bytes | os.PathLike[str]) -> str:
    """Return a path as text; bytes that are not UTF-8 become surrogate escapes."""
    return os.fsdecode(path)


def printable(text: str) -> str:
    """Return text that any UTF-8 terminal or log takes: surrogate escapes and control characters are spelled out."""
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


class TaggerError(Exception):
    """A failure that stops the run. The message is one line: what, where, what to do."""

    exit_code = EXIT_FAILED


class UsageError(TaggerError):
    """The command line asks for something that cannot be done."""

    exit_code = EXIT_USAGE


class SettingsError(UsageError):
    """A setting has a value that is not allowed."""


class MapError(UsageError):
    """The genre map is faulty; the message names file and line."""


class NoModel(UsageError):
    """A model is needed and there is none, or it does not fit."""


class Locked(TaggerError):
    """Another run holds the lock."""

    exit_code = EXIT_LOCKED


class LibraryLooksWrong(TaggerError):
    """The library is not mounted, hangs, is empty, or lost too many of its files. Nothing was changed."""

    exit_code = EXIT_LIBRARY_WRONG


class IndexUnusable(TaggerError):
    """The index cannot be opened, is damaged, or was made by a newer version."""


class Stopped(TaggerError):
    """A signal asked the run to stop."""

    exit_code = EXIT_STOPPED


class FileProblem(Exception):
    """One file could not be handled; it is reported and skipped.

    Parameters
    ----------
    path : str or bytes
        The file.
    cause : str
        What is wrong with it, in a few words.
    postponed : bool
        A later run may well find it otherwise (a server that did not answer, a file still being copied), so that
        nothing is to be remembered against the file.
    struck : bool
        The file made the process that read it crash, hang or ask for too much memory: a strike against it.
    """

    def __init__(self, path: str | bytes, cause: str, postponed: bool = False, struck: bool = False) -> None:
        super().__init__(path, cause, postponed, struck)  # all, so that it survives the way through pickle
        self.path = path_text(path)
        self.cause = cause
        self.postponed = postponed
        self.struck = struck

    @classmethod
    def because(cls, path: str | bytes, error: OSError, doing: str = "") -> Self:
        """Return the problem that the system's error makes; it is postponed where the error is likely to pass."""
        reason = error.strerror or str(error)
        return cls(path, f"{doing}: {reason}" if doing else reason, postponed=passing(error) or gone(error))

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.cause}"


class UnreadableTags(FileProblem):
    """The metadata of a file cannot be read."""


class UnreadableAudio(FileProblem):
    """The audio of a file cannot be decoded, or there is nothing to hear in it."""


class WriteSkipped(FileProblem):
    """A tag write was not done because it would not be safe now; the file is as it was."""


class NoRoom(WriteSkipped):
    """The disk of the library has no room for a copy of the file, nor for those of others that are as large."""


class ReadOnlyDisk(WriteSkipped):
    """The disk of the library is mounted so that nothing can be written to it."""


class DiskTrouble(WriteSkipped):
    """A disk or its server failed at every try; it may do better on another night."""


class WriteFailed(FileProblem):
    """A tag write was begun on a copy and failed its checks; the file is as it was."""
