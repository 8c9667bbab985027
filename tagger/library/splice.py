"""Replace a stretch of a file by another of any length, in place, in bounded memory.

Only ever used on a copy: a kill in the middle leaves a broken file behind.
"""

from __future__ import annotations

from typing import BinaryIO

BLOCK = 1 << 20  # [bytes] moved at a time


def splice(file: BinaryIO, offset: int, length: int, new: bytes) -> None:
    """Put `new` in the place of the `length` bytes at `offset`; what follows moves.

    Parameters
    ----------
    file : binary file
        Open for reading and writing.
    offset, length : int
        The stretch to replace, in bytes; it lies within the file.
    new : bytes
        Its new content.

    Raises
    ------
    ValueError
        If the stretch does not lie within the file.
    """
    size = file.seek(0, 2)
    if offset < 0 or length < 0 or offset + length > size:
        raise ValueError(f"{length} bytes at {offset} are not within {size}")
    shift = len(new) - length
    if shift:
        _move(file, offset + length, size, shift)
    file.seek(offset)
    file.write(new)


def _move(file: BinaryIO, start: int, end: int, shift: int) -> None:
    """Move the bytes from `start` to `end` by `shift`, from the side where nothing is overwritten before it is read."""
    left = end - start
    while left:
        count = min(BLOCK, left)
        position = start + left - count if shift > 0 else end - left
        file.seek(position)
        block = file.read(count)
        if len(block) != count:
            raise OSError("the file ended early while it was being rewritten")
        file.seek(position + shift)
        file.write(block)
        left -= count
    if shift < 0:
        file.truncate(end + shift)
