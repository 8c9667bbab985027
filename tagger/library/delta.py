"""The way back from a changed file to its original bytes, small enough for a line of the journal.

A tag write leaves the audio as it is and moves it at most. So the original is described as stretches copied from the
changed file (the audio, and what stayed of head and tail) and a few literal bytes.
"""

from __future__ import annotations

import base64
import binascii
import os
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

VERSION = 1
MOST_LITERAL = 1 << 20  # [characters] of literals; a longer way back is not kept
MOST_EDGE = 100 << 20  # [bytes] of head or tail looked at, in memory; no tags are larger
BLOCK = 1 << 20  # [bytes] read at a time
ANCHOR = 1024  # [bytes] that must be found again in the changed file to be copied from there
MOST_SEARCHED = 1 << 30  # [bytes] looked through for anchors that are not there, after which the rest is kept literally

Extent = tuple[int, int]  # offset, length
Op = tuple[str, int, int] | tuple[str, bytes]  # ("copy", offset in the changed file, length) or ("data", bytes)


def reverse_delta(original: bytes, changed: bytes, extent: Extent, changed_extent: Extent) -> dict[str, Any] | None:
    """Describe the original file by the changed one.

    Parameters
    ----------
    original, changed : bytes
        Paths of both files.
    extent, changed_extent : (int, int)
        Offset and length of the audio in each. A wrong extent costs size, not correctness.

    Returns
    -------
    dict or None
        Fit for JSON. None where the literal bytes would take more than 1 MiB.
    """
    with open(original, "rb") as old, open(changed, "rb") as new:
        old_size, new_size = os.fstat(old.fileno()).st_size, os.fstat(new.fileno()).st_size
        offset, length = _clipped(extent, old_size)
        new_offset, new_length = _clipped(changed_extent, new_size)
        if length != new_length or not _equal(old, offset, new, new_offset, length):
            offset, length, new_offset = old_size, 0, new_size  # nothing to rely on: all is head
        heads, tails = (offset, old_size - offset - length), (new_offset, new_size - new_offset - length)
        if max(*heads, *tails) > MOST_EDGE:
            return None
        ops = [
            *_edge_ops(_read(old, 0, offset), _read(new, 0, new_offset), 0),
            *([("copy", new_offset, length)] if length else []),
            *_edge_ops(
                _read(old, offset + length, heads[1]), _read(new, new_offset + length, tails[1]), new_offset + length
            ),
        ]
    packed: list[list[Any]] = [["data", _packed(op[1])] if isinstance(op[1], bytes) else list(op) for op in ops]
    if sum(len(op[1]) for op in packed if op[0] == "data") > MOST_LITERAL:
        return None
    return {"version": VERSION, "size": old_size, "ops": packed}


def literal_size(old: bytes, new: bytes) -> int:
    """Return how many characters of literals the way back from `new`, an edge of a changed file, to `old` takes."""
    return sum(len(_packed(op[1])) for op in _edge_ops(old, new, 0) if isinstance(op[1], bytes))


def apply_delta(changed: BinaryIO, delta: dict[str, Any], target: BinaryIO) -> None:
    """Write the original bytes to `target`, given the changed file.

    Raises
    ------
    ValueError
        If the delta is none of this version, or does not fit the file.
    """
    written = 0
    for kind, *rest in _checked_ops(delta):
        if kind == "copy":
            offset, length = rest
            for block in _blocks(changed, offset, length):
                written += target.write(block)
        else:
            written += target.write(_unpacked(rest[0]))
    if written != delta["size"]:
        raise ValueError("the kept way back does not give the original's size")


def _checked_ops(delta: dict[str, Any]) -> list[list[Any]]:
    try:
        if delta["version"] != VERSION or not isinstance(delta["size"], int):
            raise ValueError("the kept way back is of another version")
        ops: list[list[Any]] = delta["ops"]
        for op in ops:
            kind, *rest = op
            fits = (kind == "copy" and len(rest) == 2 and all(isinstance(n, int) and n >= 0 for n in rest)) or (
                kind == "data" and len(rest) == 1 and isinstance(rest[0], str)
            )
            if not fits:
                raise ValueError("the kept way back is damaged")
    except (KeyError, TypeError) as error:
        raise ValueError("the kept way back is damaged") from error
    return ops


def _edge_ops(old: bytes, new: bytes, base: int) -> Iterator[Op]:
    """Describe `old` by `new`, which lies at `base` of the changed file."""
    prefix = _common(old, new)
    suffix = _common_end(old, new, min(len(old), len(new)) - prefix)
    if prefix:
        yield "copy", base, prefix
    yield from _middle_ops(old[prefix : len(old) - suffix], new[prefix : len(new) - suffix], base + prefix)
    if suffix:
        yield "copy", base + len(new) - suffix, suffix


def _middle_ops(old: bytes, new: bytes, base: int) -> Iterator[Op]:
    """Find long stretches of `old` again in `new`, such as a cover picture that moved; the rest is literal."""
    literal_start = position = searched = 0
    while position + ANCHOR <= len(old) and searched <= MOST_SEARCHED:
        found = new.find(old[position : position + ANCHOR])
        if found < 0:
            searched += max(len(new), MOST_SEARCHED // 256)
            position += ANCHOR
            continue
        back = _common_end(old[literal_start:position], new[:found], min(position - literal_start, found))
        length = back + _common(old[position:], new[found:])
        start = position - back
        if start > literal_start:
            yield "data", old[literal_start:start]
        yield "copy", base + found - back, length
        literal_start = position = start + length
    if literal_start < len(old):
        yield "data", old[literal_start:]


def _common(one: bytes, other: bytes) -> int:
    """Return how many first bytes are equal; by halving, since comparing slices is quick."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_end(one: bytes, other: bytes, most: int) -> int:
    """Return how many of up to `most` last bytes are equal."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _clipped(extent: Extent, size: int) -> Extent:
    offset = min(max(extent[0], 0), size)
    return offset, min(max(extent[1], 0), size - offset)


def _equal(old: BinaryIO, offset: int, new: BinaryIO, new_offset: int, length: int) -> bool:
    pairs = zip(_blocks(old, offset, length), _blocks(new, new_offset, length), strict=True)
    return all(one == other for one, other in pairs)


def _blocks(file: BinaryIO, offset: int, length: int) -> Iterator[bytes]:
    """Yield a stretch of the file in blocks. Raises ValueError if the file ends before it does."""
    while length:
        block = _read(file, offset, min(BLOCK, length))
        yield block
        offset += len(block)
        length -= len(block)


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    block = file.read(length)
    if len(block) != length:
        raise ValueError("the file is shorter than expected")
    return block


def _packed(literal: bytes) -> str:
    return base64.b64encode(zlib.compress(literal, 9)).decode("ascii")


def _unpacked(text: str) -> bytes:
    try:
        unpacker = zlib.decompressobj()
        literal = unpacker.decompress(base64.b64decode(text, validate=True), MOST_EDGE + 1)
        if not unpacker.eof:
            raise ValueError("the kept way back is damaged")
        return literal
    except (binascii.Error, zlib.error) as error:
        raise ValueError("the kept way back is damaged") from error
