"""MP4: M4A with AAC or ALAC; iTunes-style tags in moov/udta/meta/ilst.

When the tags need more room, everything behind them moves and the chunk offsets of all tracks have to follow. Whether
they did is checked: every offset must point at the same byte of the same `mdat` as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from mutagen.mp4 import MP4, MP4FreeForm

from tagger.base.errors import UnreadableTags
from tagger.base.records import GenreBlock
from tagger.library.door import through_mutagen
from tagger.library.family import NOTE_KEY, Entry, TagView, Wanted, digest, first_fields, kept_values
from tagger.library.loss import Permit, refuse
from tagger.library.vorbis import padding

BLOCK = "mp4"
GENRE = "\xa9gen"
NOTE = f"----:com.tagger:{NOTE_KEY}"
_NOTE_HEAD = b"".join(
    (12 + len(text)).to_bytes(4, "big") + name + bytes(4) + text
    for name, text in ((b"mean", b"com.tagger"), (b"name", NOTE_KEY.encode()))
)
_FIELDS = {"artist": "\xa9ART", "album_artist": "aART", "album": "\xa9alb", "title": "\xa9nam", "year": "\xa9day"}
_INNER = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"meta"}
_PADDING = {b"free", b"skip", b"wide"}
_MOST_MOOV = 256 << 20  # [bytes]; the sample tables of a day of audio take a tenth of it


class _Atom(NamedTuple):
    path: tuple[bytes, ...]
    start: int  # of the content
    end: int


def read(path: bytes) -> TagView:
    """Read the tags; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        mp4 = MP4(file)
    duration = mp4.info.length if mp4.info.length > 0 else None
    tags = mp4.tags
    if tags is None:
        return TagView((), duration=duration)
    fields: dict[str, object] = {name: tags[key] for name, key in _FIELDS.items() if tags.get(key)}
    if "year" in fields:
        fields["year"] = str(tags[_FIELDS["year"]][0])[:4]
    if tags.get("trkn"):
        number, total = tags["trkn"][0]
        fields["track_number"] = (f"{number}/{total}" if total else str(number)) if number else None
    note = tags.get(NOTE)
    return TagView(
        blocks=(GenreBlock(BLOCK, kept_values(tags.get(GENRE) or ())),),
        fields=first_fields(fields),
        compilation=bool(tags.get("cpil")),
        note=bytes(note[0]).decode("utf-8", "replace") if note else None,
        duration=duration,
    )


def save(path: bytes, wanted: Wanted, note: str | None, permit: Permit) -> None:
    """Set genre and note in place; see `family.Family`."""
    with through_mutagen("writing", path), open(path, "r+b") as file:
        if any(atom.path == (b"moof",) for atom in _atoms(file, path)):
            refuse(path, permit, "fragmented", "it is a fragmented MP4, whose inner offsets cannot all be followed")
        file.seek(0)
        mp4 = MP4(file)
        if mp4.tags is None:
            mp4.add_tags()
        values = list(wanted(BLOCK))
        _set(mp4.tags, GENRE, values)
        _set(mp4.tags, NOTE, [MP4FreeForm(note.encode("utf-8"))] if note is not None else [])
        file.seek(0)
        mp4.save(file, padding=padding)


def _set(tags: Any, key: str, values: list[Any]) -> None:
    if values:
        tags[key] = values
    elif key in tags:
        del tags[key]


def entries(path: bytes) -> list[Entry]:
    """List all other atoms, and where the chunk offsets point, by an own parser; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        atoms = list(_atoms(file, path))
        media = [(atom.start, atom.end) for atom in atoms if atom.path == (b"mdat",)]
        found = []
        for atom in atoms:
            name = b"/".join(atom.path).decode("latin-1")
            if atom.path[-1] in _PADDING or atom.path[0] == b"mdat":
                continue
            file.seek(atom.start)
            content = file.read(atom.end - atom.start)
            if atom.path[-1] in (b"stco", b"co64"):
                found.append(Entry("mp4 audio", name, digest(_targets(content, atom.path[-1], media))))
            elif not _is_own(atom, content):
                found.append(Entry(BLOCK if b"meta" in atom.path else "mp4 audio", name, digest(content)))
        return found


def _is_own(atom: _Atom, content: bytes) -> bool:
    """Whether the atom is the genre or the note."""
    if b"ilst" not in atom.path:
        return False
    if atom.path[-1] in (b"\xa9gen", b"gnre"):
        return True
    return atom.path[-1] == b"----" and content.startswith(_NOTE_HEAD)


def _targets(content: bytes, name: bytes, media: list[tuple[int, int]]) -> bytes:
    """Return the chunk offsets of an stco or co64 atom as places in the media data, which tags do not move."""
    width = 4 if name == b"stco" else 8
    places = []
    for position in range(8, len(content) - width + 1, width):
        offset = int.from_bytes(content[position : position + width], "big")
        number, start = next(((n, s) for n, (s, e) in enumerate(media) if s <= offset < e), (-1, 0))
        places.append(f"{number}:{offset - start}")
    return "\n".join(places).encode()


def _atoms(file: BinaryIO, path: bytes) -> Iterator[_Atom]:
    """Yield every atom that holds no others, and each child of ilst, in the order of the file."""
    yield from _children(file, path, (), 0, file.seek(0, 2))


def _children(file: BinaryIO, path: bytes, parents: tuple[bytes, ...], start: int, end: int) -> Iterator[_Atom]:
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size, name, content = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if size == 1:
            size, content = int.from_bytes(head[8:16], "big"), start + 16
        elif size == 0:
            size = end - start
        if start + size > end or start + size < content:
            raise UnreadableTags(path, "its MP4 atoms do not add up")
        inside = (*parents, name)
        if name in _INNER or (name == b"ilst" and parents and parents[-1] == b"meta"):
            if size > _MOST_MOOV:
                raise UnreadableTags(path, "its MP4 header is larger than any audio needs")
            if name == b"meta":  # a version comes first, but not in QuickTime's own files
                file.seek(content)
                content += 0 if file.read(8)[4:] == b"hdlr" else 4
            yield from _children(file, path, inside, content, start + size)
        else:
            yield _Atom(inside, content, start + size)
        start += size
