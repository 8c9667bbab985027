"""ASF: WMA files; attributes in the header object."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from mutagen.asf import ASF, ASFUnicodeAttribute

from tagger.base.errors import UnreadableTags
from tagger.base.records import GenreBlock
from tagger.library.door import through_mutagen
from tagger.library.family import NOTE_KEY, Entry, TagView, Wanted, digest, first_fields, kept_values
from tagger.library.loss import Permit
from tagger.library.vorbis import padding

BLOCK = "asf"
GENRE = "WM/Genre"
_FIELDS = {"artist": "Author", "album_artist": "WM/AlbumArtist", "album": "WM/AlbumTitle", "title": "Title"}
_FIELDS |= {"track_number": "WM/TrackNumber", "year": "WM/Year"}
_MOST_HEADER = 256 << 20  # [bytes]; cover pictures are the largest thing in it

# Objects of the ASF specification 1.20.3, section 10, as they stand in files.
_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_CONTENT = bytes.fromhex("3326b2758e66cf11a6d900aa0062ce6c")
_EXTENDED_CONTENT = bytes.fromhex("40a4d0d207e3d21197f000a0c95ea850")
_EXTENSION = bytes.fromhex("b503bf5f2ea9cf118ee300c00c205365")
_METADATA = bytes.fromhex("eacbf8c5af5b77488467aa8c44fa4cca")
_LIBRARY = bytes.fromhex("941c23449894d149a1411d134e457054")
_PADDING = bytes.fromhex("74d40618dfca0945a4ba9aabcb96aae8")
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_CONTENT_NAMES = ("Title", "Author", "Copyright", "Description", "Rating")
_BOOL = 2


def read(path: bytes) -> TagView:
    """Read the tags; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        asf = ASF(file)
    tags = asf.tags
    fields: dict[str, object] = {name: tags[key] for name, key in _FIELDS.items() if key in tags}
    if "year" in fields:
        fields["year"] = str(tags["WM/Year"][0])[:4]
    note = tags.get(NOTE_KEY)
    compilation = tags["WM/IsCompilation"][0] if "WM/IsCompilation" in tags else None
    return TagView(
        blocks=(GenreBlock(BLOCK, kept_values(tags[GENRE]) if GENRE in tags else ()),),
        fields=first_fields(fields),
        compilation=str(compilation).lower() in ("1", "true"),
        note=str(note[0]) if note else None,
        duration=asf.info.length if asf.info.length > 0 else None,
    )


def save(path: bytes, wanted: Wanted, note: str | None, permit: Permit) -> None:
    """Set genre and note in place; see `family.Family`."""
    with through_mutagen("writing", path), open(path, "r+b") as file:
        old_size = file.seek(0, 2)
        file.seek(0)
        asf = ASF(file)
        for key, values in ((GENRE, wanted(BLOCK)), (NOTE_KEY, (note,) if note is not None else ())):
            if values:
                asf.tags[key] = [ASFUnicodeAttribute(value) for value in values]
            elif key in asf.tags:
                del asf.tags[key]
        file.seek(0)
        asf.save(file, padding=padding)
        _correct_file_size(file, old_size, path)


def _correct_file_size(file: BinaryIO, old_size: int, path: bytes) -> None:
    """Let the header tell the file's new size, which mutagen leaves as it was, if it told the old one."""
    new_size = file.seek(0, 2)
    for guid, start, _ in _objects(file, path):
        if guid == _FILE_PROPERTIES:
            file.seek(start + 16)  # behind the file's id
            if int.from_bytes(file.read(8), "little") == old_size:
                file.seek(start + 16)
                file.write(new_size.to_bytes(8, "little"))


def entries(path: bytes) -> list[Entry]:
    """List all other attributes and header objects, by an own parser; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        size = file.seek(0, 2)
        found = []
        for guid, start, end in _objects(file, path):
            file.seek(start)
            content = file.read(end - start)
            if guid in _READERS:
                found += [
                    Entry(BLOCK, name, digest(value))
                    for name, value in _READERS[guid](content)
                    if name not in (GENRE, NOTE_KEY)
                ]
            elif guid == _FILE_PROPERTIES:
                told = int.from_bytes(content[16:24], "little") == size
                rest = content[:16] + (b"its size" if told else content[16:24]) + content[24:]
                found.append(Entry("asf header", guid.hex(), digest(rest)))
            elif guid != _PADDING:
                found.append(Entry("asf header", guid.hex(), digest(content)))
        return found


def _objects(file: BinaryIO, path: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield GUID, start and end of content of each object of the header, and of those in its extension."""
    file.seek(0)
    head = file.read(30)
    size = int.from_bytes(head[16:24], "little")
    if len(head) < 30 or not head.startswith(_HEADER) or size > min(_MOST_HEADER, file.seek(0, 2)):
        raise UnreadableTags(path, "its ASF header does not add up")
    yield from _inner_objects(file, path, 30, size)


def _inner_objects(file: BinaryIO, path: bytes, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while position + 24 <= end:
        file.seek(position)
        head = file.read(24)
        size = int.from_bytes(head[16:], "little")
        if size < 24 or position + size > end:
            raise UnreadableTags(path, "its ASF header does not add up")
        if head[:16] == _EXTENSION:
            yield from _inner_objects(file, path, position + 24 + 22, position + size)
        else:
            yield head[:16], position + 24, position + size
        position += size


# --- attributes: (name, type and value, with language and stream where they are set) ---------------------------------


def _content_attributes(data: bytes) -> Iterator[tuple[str, bytes]]:
    position = 10
    for name, size in zip(_CONTENT_NAMES, struct.unpack("<5H", data[:10]), strict=True):
        if size:
            yield name, _attribute(0, data[position : position + size])
        position += size


def _extended_attributes(data: bytes) -> Iterator[tuple[str, bytes]]:
    position = 2
    for _ in range(int.from_bytes(data[:2], "little")):
        name_size = int.from_bytes(data[position : position + 2], "little")
        name = data[position + 2 : position + 2 + name_size]
        position += 2 + name_size
        kind, size = struct.unpack_from("<2H", data, position)
        yield _text(name), _attribute(kind, data[position + 4 : position + 4 + size])
        position += 4 + size


def _library_attributes(data: bytes) -> Iterator[tuple[str, bytes]]:
    position = 2
    for _ in range(int.from_bytes(data[:2], "little")):
        language, stream, name_size, kind, size = struct.unpack_from("<4HI", data, position)
        position += 12
        name, value = data[position : position + name_size], data[position + name_size : position + name_size + size]
        yield _text(name), _attribute(kind, value, language, stream)
        position += name_size + size


def _attribute(kind: int, value: bytes, language: int = 0, stream: int = 0) -> bytes:
    """Return what tells one value from another. A text's final zeros and the width of a yes or no do not."""
    if kind == 0:
        value = _text(value).encode("utf-8", "surrogatepass")
    elif kind == _BOOL:
        value = b"1" if any(value) else b"0"
    return struct.pack("<3H", kind, language, stream) + value


def _text(data: bytes) -> str:
    return data.decode("utf-16-le", "surrogatepass").strip("\0")


_READERS = {
    _CONTENT: _content_attributes,
    _EXTENDED_CONTENT: _extended_attributes,
    _METADATA: _library_attributes,
    _LIBRARY: _library_attributes,
}
