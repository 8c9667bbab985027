"""Arrays on disk: NumPy's own files, read only if they are whole."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import UnreadableAudio

DTYPES = ("<i2", "<f4")  # samples, and what is computed of them

Head = tuple[tuple[int, ...], str]  # shape, dtype


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Replace `path` with an array, whole; not synced, since it can be made again.

    Parameters
    ----------
    path : Path
        In a folder that exists.
    array : np.ndarray
        Of one of `DTYPES`.
    """
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    os.replace(part, path)


def array_head(path: Path) -> Head:
    """Return the shape and dtype of an array, after checking that its file is as long as that takes.

    Raises
    ------
    UnreadableAudio
        If it is missing or damaged.
    """
    try:
        with path.open("rb") as file:
            return _head(file, path)
    except OSError as error:
        raise UnreadableAudio.because(str(path), error) from error


def read_array(path: Path) -> NDArray[Any]:
    """Return an array.

    Raises
    ------
    UnreadableAudio
        If it is missing or damaged.
    """
    try:
        with path.open("rb") as file:
            shape, dtype = _head(file, path)
            content = file.read()
    except OSError as error:
        raise UnreadableAudio.because(str(path), error) from error
    return np.frombuffer(bytearray(content), dtype=dtype).reshape(shape)


def read_sound(path: Path) -> NDArray[np.int16]:
    """Return a track's clips, int16 (clips, samples).

    Raises
    ------
    UnreadableAudio
        If the file is missing or damaged, or holds something else.
    """
    found = read_array(path)
    if found.ndim != 2 or found.dtype != np.int16:
        raise UnreadableAudio(str(path), "holds no clips")
    return found


def _head(file: IO[bytes], path: Path) -> Head:
    """Read what stands before the numbers."""
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
        size = file.tell() + prod(shape) * dtype.itemsize
        if by_column or dtype.str not in DTYPES or os.fstat(file.fileno()).st_size != size:
            raise ValueError
    except (EOFError, SyntaxError, TokenError, TypeError, ValueError) as error:  # what NumPy makes of damaged files
        raise UnreadableAudio(str(path), "damaged file in the cache") from error
    return shape, dtype.str
