"""Replace files whole, so that no reader ever sees half of one; and read parts of them by position."""

from __future__ import annotations

import contextlib
import errno
import filecmp
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

# errno(3) of a sync that a disk could not do; others mean that its file system knows no sync of folders
LOST = frozenset((errno.EIO, errno.EREMOTEIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOSPC, errno.EDQUOT))


def read_at(descriptor: int, offset: int, length: int) -> bytes:
    """Return `length` bytes from `offset` on; fewer (or none) where the file has no more."""
    parts = []
    while length > 0 and (part := os.pread(descriptor, length, offset)):
        parts.append(part)  # a network file system may hand out less than was asked for
        offset += len(part)
        length -= len(part)
    return b"".join(parts)


def fsync_folder(folder: str | bytes | os.PathLike[str]) -> None:
    """Make a rename in this folder durable. File systems that cannot sync a folder are left as they are.

    Raises
    ------
    OSError
        The disk failed: nobody knows whether the rename will outlive a power cut.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in LOST:
            raise


@contextlib.contextmanager
def replace_file(
    path: Path, mode: str = "w", encoding: str | None = "utf-8", if_other: bool = False
) -> Iterator[IO[Any]]:
    """Open a temporary file that takes the place of `path` when the block ends without an error.

    Guarantees: after a crash at any point, `path` holds either its old or its new content, whole. Does not keep the
    owner or extended attributes of the old file, so it is for this system's own files, not for music.

    Parameters
    ----------
    path : Path
        The file to replace; its folder must exist.
    mode : {"w", "wb"}
        Text or bytes.
    encoding : str or None
        For text.
    if_other : bool
        Leave `path` as it is if it already holds this.

    Yields
    ------
    file object
        To write to.
    """
    binary = "b" in mode
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, mode, encoding=None if binary else encoding) as file:
            yield file
            file.flush()
            if if_other and path.exists() and filecmp.cmp(temporary, path, shallow=False):
                os.unlink(temporary)
                return
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno and error.filename is None:  # a full disk: say where
            error.filename = str(path)
        raise
    fsync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace `path` with `text`, whole."""
    with replace_file(path) as file:
        file.write(text)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` with `content`, whole."""
    with replace_file(path, "wb") as file:
        file.write(content)
