"""FLAC: a Vorbis comment among the metadata blocks; an ID3v2 block before them where another program left one.

An ID3v1 tag behind the stream is neither read nor written: FLAC has none, and decoders take its bytes for audio.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Literal

from mutagen.flac import FLAC

from tagger.base.errors import UnreadableTags
from tagger.library import id3, mp3, vorbis
from tagger.library.door import through_mutagen
from tagger.library.family import Entry, TagView, Wanted, best_of, digest
from tagger.library.loss import Loss, Permit

_COMMENT, _PADDING, _PICTURE = 4, 1, 6  # types of metadata blocks
_MOST_BLOCKS, _MOST_COMMENTS = 1000, 10_000
_MOST_BYTES = 100 << 20  # of one block; its header can tell 16 MiB, but programs write longer ones


def read(path: bytes) -> TagView:
    """Read the tags; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        flac = _opened(file)
        own = [vorbis.view(flac.tags)] if flac.tags is not None else []
        duration = flac.info.length if flac.info.length > 0 else None
        return best_of(*own, *mp3.outer_views(file, path), TagView((), duration=duration))


def save(path: bytes, wanted: Wanted, note: str | None, permit: Permit) -> None:
    """Set genre and note in place; see `family.Family`."""
    with through_mutagen("writing", path), open(path, "r+b") as file:
        flac = _opened(file)
        if sum(block.code == _COMMENT for block in flac.metadata_blocks) > 1:
            permit(Loss("duplicate-block", "it has a second Vorbis comment, and programs differ in which they read"))
        if flac.tags is None:
            flac.add_tags()
        vorbis.change(flac.tags, wanted(vorbis.BLOCK), note)
        file.seek(0)
        flac.save(file, deleteid3=False, padding=vorbis.padding)
        mp3.save_outer(file, wanted, path, permit)


def entries(path: bytes) -> list[Entry]:
    """List all other tags, by an own parser; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        found = mp3.tag_entries(file, path)
        file.seek(id3.block_size(_head(file)))
        if file.read(4) != b"fLaC":
            raise UnreadableTags(path, "its FLAC stream is not where it should be")
        last = False
        while not last:
            kind, content, last = _metadata_block(file, path)
            if kind == _COMMENT:
                found += vorbis.entries(content)
            elif kind != _PADDING:
                found.append(Entry("flac", f"block {kind}", digest(content)))
        return found


def _opened(file: BinaryIO) -> FLAC:
    """Return mutagen's view of the file.

    It goes by the sizes of the texts and pictures themselves, and would reserve whatever a damaged one claims.

    Raises
    ------
    ValueError
        If there are more of them, or larger ones, than any music has.
    """
    size = file.seek(0, 2)
    at = id3.block_size(_head(file)) + 4
    for _ in range(_MOST_BLOCKS):
        file.seek(at)
        head = file.read(4)
        if len(head) < 4:
            break
        content = file.tell()
        at = content + int.from_bytes(head[1:], "big")
        if head[0] & 0x7F in _CLAIMS:
            at = _CLAIMS[head[0] & 0x7F](file)
            if at > size or at - content > _MOST_BYTES:
                raise ValueError(f"a metadata block claims {at - content} bytes")
        if head[0] & 0x80:
            break
    else:
        raise ValueError(f"it has more than {_MOST_BLOCKS} metadata blocks")
    file.seek(0)
    return FLAC(file)


def _comment_end(file: BinaryIO) -> int:
    """Return where the Vorbis comment that begins here ends, or where it leads out of the file."""
    end = file.seek(0, 1) + 4 + _number(file, "little")
    file.seek(end)
    count, end = _number(file, "little"), end + 4
    if count > _MOST_COMMENTS:
        raise ValueError(f"a Vorbis comment claims {count} values")
    for _ in range(count):
        file.seek(end)
        end += 4 + _number(file, "little")
    return end


def _picture_end(file: BinaryIO) -> int:
    """Return where the picture that begins here ends; type, MIME type, description, four numbers and the data."""
    file.seek(4, 1)
    for more in (0, 16, 0):
        size = _number(file, "big")
        file.seek(size + more, 1)
    return file.tell()


def _number(file: BinaryIO, order: Literal["big", "little"]) -> int:
    return int.from_bytes(file.read(4), order)


_CLAIMS: dict[int, Callable[[BinaryIO], int]] = {_COMMENT: _comment_end, _PICTURE: _picture_end}


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(id3.HEADER)


def _metadata_block(file: BinaryIO, path: bytes) -> tuple[int, bytes, bool]:
    head = file.read(4)
    size = int.from_bytes(head[1:], "big")
    content = file.read(size)
    if len(head) < 4 or len(content) < size:
        raise UnreadableTags(path, "its FLAC metadata is cut off")
    return head[0] & 0x7F, content, bool(head[0] & 0x80)
