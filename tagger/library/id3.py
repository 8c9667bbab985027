"""The ID3v2 tag block, apart from where it lies: at the head of a file, or in a chunk of WAV and AIFF.

Reading: mutagen parses the block as it is, with no translation to another version.

Saving: mutagen is told that it knows no frame. It then carries every frame along as the bytes that it found, flags,
duplicates, damaged text, final zeros and all, and only the genre and the note are written anew, in the version that
the block had. (Parsed and written back, frames would be merged, dropped, re-encoded or lose their flags.)
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO, NoReturn

from mutagen.id3 import COMM, ID3, TALB, TCON, TIT2, TPE1, TRCK, TXXX, TYER, Encoding, Frames, ID3v1SaveOptions

from tagger.base.records import GenreBlock
from tagger.library import id3v1, id3v22
from tagger.library.door import through_mutagen
from tagger.library.family import NOTE_KEY, TagView, first_fields, kept_values
from tagger.library.id3_frames import (
    GENRE_IDS,
    HEADER,
    block_name,
    block_size,
    has_extended_header,
    is_note,
    refuse_swarm,
)
from tagger.library.loss import Loss, Permit, refuse
from tagger.library.splice import splice

MOST_BYTES = 100 << 20  # of a block at the head of a file; parsing and saving takes six times its size in memory
GROWTH = 1024  # [bytes] of padding in a block that has to grow, so that the next change moves nothing
NEW_VERSION = 3  # ID3v2.3 is what players and station software read most surely
# Behind the block while mutagen works on it: it looks for an ID3v1 tag in the last 131 bytes, and must find none.
_TAIL = bytes(256)
_FOOTER = 0x10  # in the flags of an ID3v2.4 block
_BODIES = {"artist": "TPE1", "album_artist": "TPE2", "album": "TALB", "title": "TIT2", "track_number": "TRCK"}
_DATES = ("TDRC", "TYER", "TDRL", "TDOR", "TORY")


class _NothingKnown(dict[str, Any]):
    """Frames that mutagen may recognise but not parse.

    It asks `name in frames` to tell the two ways apart in which taggers write sizes, and `frames[name]` to parse.
    """

    def __getitem__(self, name: str) -> NoReturn:
        raise KeyError(name)


def head_block(file: BinaryIO) -> bytes:
    """Return the ID3v2 block at the head of the file; empty where there is none.

    Raises
    ------
    ValueError
        If it is larger than any music needs.
    """
    file.seek(0)
    size = block_size(file.read(HEADER))
    if size > MOST_BYTES:
        raise ValueError(f"its ID3v2 tag takes {size >> 20} MiB, more than any music needs")
    file.seek(0)
    return file.read(size)


# --- reading --------------------------------------------------------------------------------------------------------


def view(raw: bytes, path: bytes) -> TagView:
    """Return what the block says.

    Raises
    ------
    UnreadableTags
    """
    tags = _parsed(raw, path)
    genre = tags.get("TCON")
    fields: dict[str, object] = {name: tags[key].text for name, key in _BODIES.items() if key in tags}
    date = next((str(tags[key].text[0]) for key in _DATES if key in tags and tags[key].text), None)
    fields["year"] = date and date[:4]
    compilation = tags.get("TCMP")
    note = tags.get(f"TXXX:{NOTE_KEY}")
    return TagView(
        blocks=(GenreBlock(block_name(raw), kept_values(genre.text) if genre else ()),),
        fields=first_fields(fields),
        compilation=compilation is not None and str(compilation).strip("\0 ") == "1",
        note=str(note) if note is not None else None,
    )


def _parsed(raw: bytes, path: bytes) -> ID3:
    tags = ID3()
    with through_mutagen("reading the ID3v2 tag", path):
        refuse_swarm(raw)
        tags.load(BytesIO(raw), translate=False, load_v1=False)
    return tags


# --- saving ---------------------------------------------------------------------------------------------------------


def rewritten(
    raw: bytes, values: tuple[str, ...], note: str | None, path: bytes, permit: Permit, old_v1: bytes | None = None
) -> bytes:
    """Return the block with genre and note set; all other frames are those of `raw`, byte for byte.

    Parameters
    ----------
    raw : bytes
        The block as it is; empty: make a new one.
    values : tuple of str
        The genre; empty: take it out.
    note : str or None
        The provenance; None: take it out.
    path : bytes
        The file, for messages.
    permit : callable
        Asked before something is lost.
    old_v1 : bytes, optional
        The ID3v1 tag of a file that has no ID3v2 block. Its texts are copied into the new block, because many
        players read ID3v1 only where there is no ID3v2, and would no longer see them.

    Returns
    -------
    bytes
        The new block, as long as the old one where its padding suffices; empty where nothing is left in it.

    Raises
    ------
    WriteSkipped
        If saving would lose something.
    UnreadableTags
    """
    if not raw and not values and note is None:
        return b""
    raw = _plain_block(raw, path, permit) if raw else b""
    tags = _raw_tags(raw, path) if raw else ID3()
    version = raw[3] if raw else NEW_VERSION
    if values:
        tags.add(TCON(encoding=_encoding("".join(values), version), text=list(values)))
    if note is not None:
        tags.add(TXXX(encoding=_encoding(note, version), desc=NOTE_KEY, text=[note]))
    if not raw and old_v1 is not None:
        _copy_v1(tags, old_v1)
    if not tags and not tags.unknown_frames:
        return b""
    target = BytesIO(raw + _TAIL)
    with through_mutagen("writing the ID3v2 tag", path):
        # Without a separator, several values stay apart as they were; "/" would join them into one.
        tags.save(target, v1=ID3v1SaveOptions.REMOVE, v2_version=version, v23_sep=None, padding=_padding)
    return target.getvalue()[: -len(_TAIL)]


def _padding(info: Any) -> int:
    """Keep the padding there is; mutagen would shrink a large one and so move the audio."""
    return info.padding if info.padding >= 0 else GROWTH


def _plain_block(raw: bytes, path: bytes, permit: Permit) -> bytes:
    """Return the block in a form that mutagen can save: ID3v2.3 or v2.4, with nothing behind the frames.

    Raises
    ------
    WriteSkipped
        If that would lose something, and it is not permitted.
    UnreadableTags
    """
    version, flags = raw[3], raw[5]
    if version == id3v22.VERSION:
        permit(Loss("id3v2.2", "its tag is ID3v2.2, which can only be rewritten as ID3v2.3"))
        return id3v22.translated(raw, path)
    if version not in (3, 4):
        refuse(path, permit, "damaged", f"its tag is ID3v2.{version}, which nobody knows")
    if has_extended_header(raw):
        permit(Loss("extended-header", "its ID3v2 tag has an extended header, which saving drops"))
    if version == 4 and flags & _FOOTER:
        permit(Loss("footer", "its ID3v2 tag has a footer, which saving drops"))
        return raw[:5] + bytes([flags & ~_FOOTER]) + raw[6:-HEADER]
    return raw


def _raw_tags(raw: bytes, path: bytes) -> ID3:
    """Return the block's tags with every frame but genre and note as raw bytes."""
    version, flags = raw[3], raw[5]
    tags = ID3()
    with through_mutagen("reading the ID3v2 tag", path):
        refuse_swarm(raw)
        tags.load(BytesIO(raw), known_frames=_NothingKnown(Frames), translate=False, load_v1=False)
    frames = [frame for frame in tags.unknown_frames if frame[:4] not in GENRE_IDS and not is_note(frame)]
    if version == 4:
        frames = [_settled(frame, bool(flags & 0x80)) for frame in frames]
    tags.unknown_frames = frames
    return tags


def _settled(frame: bytes, unsynchronised: bool) -> bytes:
    """Return an ID3v2.4 frame that reads the same in a new block.

    Its size is written the standard's way (old iTunes wrote plain numbers, and one block must not mix the two), and
    unsynchronisation that stood in the block's header, which mutagen clears, moves into the frame's own flags.
    """
    size, flags = len(frame) - HEADER, frame[9] | (0x02 if unsynchronised else 0)
    spread = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return frame[:4] + spread + frame[8:9] + bytes([flags]) + frame[10:]


def _encoding(text: str, version: int) -> Encoding:
    """Return the plainest encoding that holds the text; UTF-8 exists in ID3v2.4 only."""
    try:
        text.encode("latin-1")
        return Encoding.LATIN1
    except UnicodeEncodeError:
        return Encoding.UTF8 if version == 4 else Encoding.UTF16


def _copy_v1(tags: ID3, old: bytes) -> None:
    said = id3v1.view(old).fields
    frames = {"title": TIT2, "artist": TPE1, "album": TALB, "year": TYER, "track_number": TRCK}
    for name, frame in frames.items():
        if name in said:
            tags.add(frame(encoding=Encoding.LATIN1, text=[said[name]]))
    if comment := id3v1.comment(old):
        tags.add(COMM(encoding=Encoding.LATIN1, lang="XXX", desc="", text=[comment]))


def save_at_head(
    file: BinaryIO,
    values: tuple[str, ...],
    note: str | None,
    path: bytes,
    permit: Permit,
    old_v1: bytes | None = None,
) -> None:
    """Rewrite the block at the head of an open file, or put one there.

    Raises
    ------
    WriteSkipped
    """
    raw = head_block(file)
    new = rewritten(raw, values, note, path, permit, old_v1)
    if new != raw:
        splice(file, 0, len(raw), new)
