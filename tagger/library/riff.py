"""WAV and AIFF: an ID3 chunk, and in WAV also LIST INFO with the genre in IGNR.

Many players read only one of the two in a WAV, so both are kept. mutagen knows the ID3 chunk alone; chunks are found
and replaced here, by their headers, and mutagen reads and writes the ID3 block inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from mutagen.aiff import read_float

from tagger.base.errors import UnreadableTags
from tagger.base.records import GenreBlock
from tagger.library import id3, id3_frames
from tagger.library.door import through_mutagen
from tagger.library.family import Entry, TagView, Wanted, best_of, digest, first_fields
from tagger.library.loss import Loss, Permit, refuse
from tagger.library.splice import splice

INFO = "riff-info"
_INFO_FIELDS = {"artist": b"IART", "album": b"IPRD", "title": b"INAM", "track_number": b"ITRK", "year": b"ICRD"}
_ID3_NAMES = (b"id3 ", b"ID3 ")
_AUDIO_NAMES = (b"data", b"SSND")
_MOST_CHUNKS = 10_000
_MOST_ITEMS = 10_000  # of an INFO list
_COMMON = 18  # [bytes] of an AIFF's common chunk
_MOST_TAG_BYTES = 64 << 20
_MOST_TOLD = 0xFFFFFFFE  # the size field has 32 bits, and all ones mean that it was never filled in


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk from byte `start`, its content from `start` + 8; `end` is behind its pad byte."""

    name: bytes
    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + 8 + self.size + self.size % 2


@dataclass(frozen=True, slots=True)
class Layout:
    """The chunks of a file. `sound` says that they and the file's size fit, so that one can be replaced."""

    form: bytes  # b"WAVE", b"AIFF" or b"AIFC"
    order: str  # of bytes
    chunks: tuple[Chunk, ...]
    sound: bool
    end: int

    def first(self, *names: bytes) -> Chunk | None:
        return next((chunk for chunk in self.chunks if chunk.name in names), None)

    @property
    def is_wav(self) -> bool:
        return self.form == b"WAVE"


def layout_of(file: BinaryIO, path: bytes) -> Layout:
    """Return the chunks of a WAV or AIFF file.

    Raises
    ------
    UnreadableTags
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(12)
    mark, form = head[:4], head[8:]
    if mark not in (b"RIFF", b"RF64", b"BW64", b"FORM") or form not in (b"WAVE", b"AIFF", b"AIFC"):
        raise UnreadableTags(path, "is neither WAV nor AIFF")
    order = "big" if mark == b"FORM" else "little"
    told = 8 + int.from_bytes(head[4:8], order)  # type: ignore[arg-type]
    chunks: list[Chunk] = []
    position = 12
    while position + 8 <= size and len(chunks) < _MOST_CHUNKS:
        file.seek(position)
        name = file.read(4)
        length = int.from_bytes(file.read(4), order)  # type: ignore[arg-type]
        if mark in (b"RIFF", b"FORM") and position >= told:
            break
        chunks.append(Chunk(name, position, length))
        position = chunks[-1].end
    # some writers leave the last pad byte out, of the size or of the file too
    sound = mark in (b"RIFF", b"FORM") and told <= size and position - told in (0, 1) and position - size <= 1
    return Layout(form, order, tuple(chunks), sound, position)


# --- reading --------------------------------------------------------------------------------------------------------


def read(path: bytes) -> TagView:
    """Read the tags; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        layout = layout_of(file, path)
        audio = layout.first(*_AUDIO_NAMES)
        if audio is None or audio.start + 8 >= file.seek(0, 2):
            raise UnreadableTags(path, "holds no audio")
        views = []
        if raw := _id3_block(file, layout):
            views.append(id3.view(raw, path))
        if layout.is_wav and (found := _info_lists(file, layout)):
            views.append(_info_view(_content(file, found[0])[4:]))
        seconds = _wav_seconds(file, layout) if layout.is_wav else _aiff_seconds(file, layout)
        return best_of(*views, TagView((), duration=seconds if seconds and seconds > 0 else None))


def id3_block(file: BinaryIO, path: bytes) -> bytes:
    """Return the ID3v2 block of a WAV or AIFF file; empty where there is none.

    Raises
    ------
    UnreadableTags
    """
    return _id3_block(file, layout_of(file, path))


def _id3_block(file: BinaryIO, layout: Layout) -> bytes:
    chunk = layout.first(*_ID3_NAMES)
    if chunk is None:
        return b""
    content = _content(file, chunk)
    return content[: id3.block_size(content[: id3.HEADER])]


def _content(file: BinaryIO, chunk: Chunk) -> bytes:
    file.seek(chunk.start + 8)
    return file.read(min(chunk.size, _MOST_TAG_BYTES))


def _info_lists(file: BinaryIO, layout: Layout) -> list[Chunk]:
    found = []
    for chunk in layout.chunks:
        if chunk.name == b"LIST":
            file.seek(chunk.start + 8)
            if file.read(4) == b"INFO":
                found.append(chunk)
    return found


def _info_items(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return names and values of what follows INFO in its list."""
    items: list[tuple[bytes, bytes]] = []
    position = 0
    while position + 8 <= len(data):
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        if len(items) == _MOST_ITEMS:
            raise ValueError(f"its INFO list has more than {_MOST_ITEMS} items")
        items.append((data[position : position + 4], data[position + 8 : position + 8 + size]))
        position += 8 + size + size % 2
    return items


def _info_view(data: bytes) -> TagView:
    items = dict(reversed(_info_items(data)))
    genre = _info_text(items.get(b"IGNR", b""))
    fields = {name: _info_text(items[key]) for name, key in _INFO_FIELDS.items() if key in items}
    if "year" in fields:
        fields["year"] = fields["year"][:4]
    return TagView((GenreBlock(INFO, (genre,) if genre else ()),), first_fields(fields))


def _info_text(value: bytes) -> str:
    value = value.split(b"\0")[0]
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")  # Windows programs wrote what their code page was


def _wav_seconds(file: BinaryIO, layout: Layout) -> float | None:
    """Return the length by the format chunk's bytes per second; of a cut file, what is left of it."""
    form, data = layout.first(b"fmt "), layout.first(b"data")
    if form is None or data is None:
        return None
    per_second = int.from_bytes(_content(file, form)[8:12], "little")
    present = min(data.size, file.seek(0, 2) - data.start - 8)
    return present / per_second if per_second else None


def _aiff_seconds(file: BinaryIO, layout: Layout) -> float | None:
    """Return the length that the common chunk tells: samples per channel, and a rate of 80 bits."""
    common = layout.first(b"COMM")
    told = _content(file, common)[:_COMMON] if common else b""
    if len(told) < _COMMON:
        raise ValueError("it has no common chunk")
    rate: float = read_float(told[8:18])
    return int.from_bytes(told[2:6], "big") / rate if rate > 0 else None


# --- saving ---------------------------------------------------------------------------------------------------------


def save(path: bytes, wanted: Wanted, note: str | None, permit: Permit) -> None:
    """Set genre and note in place; see `family.Family`."""
    with through_mutagen("writing", path), open(path, "r+b") as file:
        layout = _sound_layout(file, path, permit)
        chunk = layout.first(*_ID3_NAMES)
        raw = _id3_block(file, layout)
        name = id3.block_name(raw) if raw else f"id3v2.{id3.NEW_VERSION}"
        block = id3.rewritten(raw, wanted(name), note, path, permit)
        name_of_chunk = chunk.name if chunk else (b"id3 " if layout.is_wav else b"ID3 ")
        _put(file, path, layout, chunk, name_of_chunk, block, permit)
        if layout.is_wav:
            layout = _sound_layout(file, path, permit)
            chunk = next(iter(_info_lists(file, layout)), None)
            content = _info_with(_content(file, chunk) if chunk else b"INFO", wanted(INFO))
            _put(file, path, layout, chunk, b"LIST", content, permit)


def _sound_layout(file: BinaryIO, path: bytes, permit: Permit) -> Layout:
    layout = layout_of(file, path)
    if not layout.sound:
        told = "the sizes in its header do not fit the file (64-bit, cut off, or never filled in)"
        refuse(path, permit, "sizes", told)
    for what, count in (
        ("ID3 chunk", sum(chunk.name in _ID3_NAMES for chunk in layout.chunks)),
        ("INFO list", len(_info_lists(file, layout)) if layout.is_wav else 0),
    ):
        if count > 1:
            text = f"it has more than one {what}, and programs differ in which they read"
            permit(Loss("duplicate-block", text))
    if file.seek(0, 2) < layout.end:  # the pad byte that the last chunk lacks
        file.write(b"\0")
    return layout


def _info_with(content: bytes, values: tuple[str, ...]) -> bytes:
    """Return the INFO list's content with the genre set where it stood, else at its end; empty: nothing is left."""
    items = _info_items(content[4:])
    at = next((index for index, (name, _) in enumerate(items) if name == b"IGNR"), len(items))
    kept = [item for item in items if item[0] != b"IGNR"]
    new = [(b"IGNR", _info_bytes("; ".join(values)) + b"\0")] if values else []
    items = [*kept[:at], *new, *kept[at:]]
    body = b"".join(name + len(v).to_bytes(4, "little") + v + b"\0" * (len(v) % 2) for name, v in items)
    return b"INFO" + body if items else b""


def _info_bytes(text: str) -> bytes:
    try:
        return text.encode("cp1252")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def _put(
    file: BinaryIO, path: bytes, layout: Layout, chunk: Chunk | None, name: bytes, content: bytes, permit: Permit
) -> None:
    """Replace a chunk, or append it; empty content takes it out. The file's own size follows."""
    if chunk is None and not content:
        return
    start, length = (chunk.start, chunk.end - chunk.start) if chunk else (layout.end, 0)
    new = name + len(content).to_bytes(4, layout.order) + content + b"\0" * (len(content) % 2)  # type: ignore[arg-type]
    new = new if content else b""
    told = layout.end - 8 + len(new) - length
    if told > _MOST_TOLD:
        refuse(path, permit, "sizes", "it would grow past what its header can tell (4 GiB)")
    splice(file, start, length, new)
    file.seek(4)
    file.write(told.to_bytes(4, layout.order))  # type: ignore[arg-type]


# --- what else is in it ---------------------------------------------------------------------------------------------


def entries(path: bytes) -> list[Entry]:
    """List all other chunks but the audio; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        layout = layout_of(file, path)
        info = next(iter(_info_lists(file, layout)), None) if layout.is_wav else None
        found: list[Entry] = []
        for chunk in layout.chunks:
            content = b"" if chunk.name in _AUDIO_NAMES else _content(file, chunk)
            if chunk.name in _ID3_NAMES and id3.block_size(content[: id3.HEADER]):
                found += id3_frames.entries(content, path)
            elif chunk == info:
                items = [item for item in _info_items(content[4:]) if item[0] != b"IGNR"]
                found += [Entry(INFO, name.decode("latin-1"), digest(value)) for name, value in items]
            else:
                key = chunk.name.decode("latin-1")
                found.append(Entry("riff", key, digest(chunk.size.to_bytes(4, "big") + content)))
        return found
