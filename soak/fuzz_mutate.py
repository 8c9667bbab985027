"""Ways to damage a file, by chance and with aim. The same chance does the same damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from soak.fuzz_parts import Part, parts_of

MOST_BYTES = 4 << 20  # a mutant grows no longer than this
EDGE = 4096  # [bytes] at head and tail, where most tags and headers are
EXTREMES = (0, 1, 7, 8, 9, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0xFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
EXTREMES_8 = (*EXTREMES, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
REPEATS = (2, 3, 50, 3000)
NESTS = (3, 100, 2000)
HEADER = 8  # [bytes] that most parts begin with: name and size, in either order

Mutator = Callable[[Random, bytes, Sequence[bytes]], bytes]


def mutate(random: Random, data: bytes, strangers: Sequence[bytes]) -> tuple[bytes, list[str]]:
    """Damage a file one to four times over.

    Parameters
    ----------
    random : Random
        Decides on everything.
    data : bytes
        The file.
    strangers : sequence of bytes
        Files of other kinds, to mix in.

    Returns
    -------
    data : bytes
        The damaged file, of `MOST_BYTES` at most; it may be empty, or whole by chance.
    names : list of str
        What was done to it.
    """
    names = []
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        mutator = random.choice(MUTATORS)
        names.append(mutator.__name__)
        data = mutator(random, data, strangers)[:MOST_BYTES]
    if b"OggS" in data[:64] and random.random() < 0.7:  # readers throw pages with a wrong checksum away
        data = with_ogg_checksums(data)
        names.append("with_ogg_checksums")
    return data, names


def _place(random: Random, size: int) -> int:
    """Return a position, more often near an end of the file than within."""
    match random.randrange(4):
        case 0 | 1:
            return random.randrange(max(1, min(EDGE, size)))
        case 2:
            return max(0, size - 1 - random.randrange(EDGE))
        case _:
            return random.randrange(max(1, size))


def _length(random: Random) -> int:
    return random.choice((1, 2, 4, 16, 128, 1000, 20_000))


def _put(data: bytes, at: int, new: bytes, length: int | None = None) -> bytes:
    """Return the data with `length` bytes (as many as there are new ones) replaced."""
    return data[:at] + new + data[at + (len(new) if length is None else length) :]


# --- by chance ------------------------------------------------------------------------------------------------------


def flip_bits(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Flip single bits."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8, 50)) if data else 0):
        changed[_place(random, len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def set_run(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Overwrite a run with noise, zeros or ones."""
    at, length = _place(random, len(data)), _length(random)
    new = random.choice((random.randbytes(length), bytes(length), b"\xff" * length))
    return _put(data, at, new)


def truncate(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Cut the end off, or the beginning."""
    at = _place(random, len(data))
    return data[at:] if random.random() < 0.2 else data[:at]


def insert(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Put noise, zeros or ones in between."""
    length = _length(random)
    new = random.choice((random.randbytes(length), bytes(length), b"\xff" * length))
    return _put(data, _place(random, len(data)), new, 0)


def duplicate_block(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Repeat a stretch elsewhere."""
    at = _place(random, len(data))
    return _put(data, _place(random, len(data)), data[at : at + _length(random)], 0)


def remove_block(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Take a stretch out."""
    return _put(data, _place(random, len(data)), b"", _length(random))


def swap_blocks(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Exchange two stretches of one length."""
    one, other = _place(random, len(data)), _place(random, len(data))
    length = _length(random)
    first, second = data[one : one + length], data[other : other + length]
    return _put(_put(data, one, second), other, first)[: len(data)]


def zero_region(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Fill a large part with zeros, as a disk that failed does."""
    at = random.randrange(max(1, len(data))) // 512 * 512
    return _put(data, at, bytes(min(random.choice((512, 4096, 65536)), max(0, len(data) - at))))


def extreme_number(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Write an extreme number anywhere."""
    return _put(data, _place(random, len(data)), _extreme(random, random.choice((1, 2, 4, 8))))


def _extreme(random: Random, width: int) -> bytes:
    number = random.choice(EXTREMES_8 if width == 8 else EXTREMES) & ((1 << 8 * width) - 1)
    return number.to_bytes(width, random.choice(("big", "little")))


# --- with aim -------------------------------------------------------------------------------------------------------


def _part(random: Random, data: bytes) -> Part | None:
    """Return one of the parts; the first ones, where all headers are, more often."""
    parts = parts_of(data)
    if not parts:
        return None
    return random.choice(parts[:30] if random.random() < 0.7 else parts)


def resize_part(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Let a part claim another size: an extreme one, or a few bytes more or less than it has."""
    part = _part(random, data)
    if part is None or not part.width:
        return extreme_number(random, data, strangers)
    if random.random() < 0.3:
        there = int.from_bytes(data[part.size_at : part.size_at + part.width], part.order)
        near = max(0, there + random.choice((-9, -1, 1, 4, 100, 65536))) & ((1 << 8 * part.width) - 1)
        return _put(data, part.size_at, near.to_bytes(part.width, part.order))
    return _put(data, part.size_at, _extreme(random, part.width))


def repeat_part(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Repeat a part on the spot, up to thousands of times."""
    part = _part(random, data)
    if part is None or part.end == part.start:
        return duplicate_block(random, data, strangers)
    times = min(random.choice(REPEATS), 1 + MOST_BYTES // 4 // (part.end - part.start))
    return _put(data, part.end, data[part.start : part.end] * times, 0)


def remove_part(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Take a part out."""
    part = _part(random, data)
    return _put(data, part.start, b"", part.end - part.start) if part else remove_block(random, data, strangers)


def swap_parts(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Exchange two parts; where one lies in the other, it also stays."""
    first, second = _part(random, data), _part(random, data)
    if first is None or second is None:
        return swap_blocks(random, data, strangers)
    one, other = sorted((first, second))
    middle = data[one.end : other.start]
    return data[: one.start] + data[other.start : other.end] + middle + data[one.start : one.end] + data[other.end :]


def fill_part(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Fill what lies behind a part's size with zeros or noise; its header stays."""
    part = _part(random, data)
    if part is None:
        return zero_region(random, data, strangers)
    at = part.size_at + part.width
    length = max(0, part.end - at)
    return _put(data, at, random.choice((bytes(length), random.randbytes(length))))


def rename_part(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Give a part the first bytes of another, or of none."""
    part, other = _part(random, data), _part(random, data)
    if part is None or other is None:
        return set_run(random, data, strangers)
    return _put(data, part.start, random.choice((data[other.start : other.start + 4], random.randbytes(4))))


def nest_part(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Put a part's header around it many times over, each with a size that fits."""
    part = _part(random, data)
    if part is None or not part.width or part.size_at < part.start:
        return insert(random, data, strangers)
    before, after = data[part.start : part.size_at], data[part.size_at + part.width : part.start + HEADER]
    content = data[part.start : part.end]
    more = len(before) + part.width + len(after)
    for _ in range(min(random.choice(NESTS), MOST_BYTES // 4 // more)):
        size = (len(content) + more) & ((1 << 8 * part.width) - 1)
        content = before + size.to_bytes(part.width, part.order) + after + content
    return _put(data, part.start, content, part.end - part.start)


def glue_stranger(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Put the head or the tail of another file before or behind, where foreign tags would be."""
    other = random.choice(strangers)
    length = random.choice((32, 128, 1024, 30_000))
    piece = other[:length] if random.random() < 0.5 else other[-length:]
    return piece + data if random.random() < 0.5 else data + piece


def strange_part(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Put a part of another file in the place of one, or beside it."""
    part, other = _part(random, data), random.choice(strangers)
    piece = _part(random, other)
    if part is None or piece is None:
        return glue_stranger(random, data, strangers)
    length = part.end - part.start if random.random() < 0.5 else 0
    return _put(data, part.start, other[piece.start : piece.end], length)


def be_stranger(random: Random, data: bytes, strangers: Sequence[bytes]) -> bytes:
    """Be a file of another kind under this suffix, perhaps cut."""
    other = random.choice(strangers)
    return other if random.random() < 0.5 else truncate(random, other, strangers)


MUTATORS: tuple[Mutator, ...] = (
    *(flip_bits, set_run, truncate, insert, duplicate_block, remove_block, swap_blocks, zero_region, extreme_number),
    *(resize_part, resize_part, resize_part, repeat_part, remove_part, swap_parts, fill_part, rename_part, nest_part),
    *(glue_stranger, strange_part, be_stranger),
)


# --- Ogg's checksums ------------------------------------------------------------------------------------------------


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        value <<= 24
        for _ in range(8):
            value = value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return tuple(table)


_CRC = _crc_table()


def with_ogg_checksums(data: bytes) -> bytes:
    """Return the file with the checksum of each Ogg page put right (RFC 3533, section 6)."""
    changed = bytearray(data)
    at = data.find(b"OggS")
    while 0 <= at <= len(data) - 27:
        end = at + 27 + data[at + 26] + sum(data[at + 27 : at + 27 + data[at + 26]])
        changed[at + 22 : at + 26] = bytes(4)
        crc = 0
        for byte in changed[at:end]:
            crc = crc << 8 & 0xFFFFFFFF ^ _CRC[crc >> 24 ^ byte]
        changed[at + 22 : at + 26] = crc.to_bytes(4, "little")
        at = data.find(b"OggS", max(end, at + 4))
    return bytes(changed)
