"""Replace files whole: no reader ever sees half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


def fsync_folder(folder: str | bytes | os.PathLike[str]) -> None:
    """Make a rename in this folder durable. File systems that cannot sync a folder are left as they are."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def replace_file(path: Path, mode: str = "w", encoding: str | None = "utf-8") -> Iterator[IO[Any]]:
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
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
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
