"""Read parts of a file by position, and nothing else of it."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

from tagger.base.errors import UnreadableTags
from tagger.base.files import read_at


class View:
    """An open regular file of `size` bytes."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size

    def at(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`; fewer (or none) where the file has no more."""
        return b"" if offset < 0 else read_at(self._descriptor, offset, length)


@contextlib.contextmanager
def open_view(path: bytes | str) -> Iterator[View]:
    """Open a file to look into it.

    Raises
    ------
    UnreadableTags
        If it cannot be opened or read, is not a regular file, or is empty.
    """
    try:
        # without O_NONBLOCK, opening a pipe that took the file's place would wait for a writer for ever
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise UnreadableTags(path, "not a regular file")
            if not found.st_size:
                raise UnreadableTags(path, "the file is empty")
            yield View(descriptor, found.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnreadableTags.because(path, error, "cannot be read") from error
