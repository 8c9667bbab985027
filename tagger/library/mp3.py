"""MP3 and raw AAC: ID3v2 before the audio, APEv2, Lyrics3 and ID3v1 behind it.

A genre goes into every block that describes the track. A file without such a block gets ID3v2.3. Blocks that gain
tools leave (APEv2 with nothing but loudness) stay as they are.
"""

from __future__ import annotations

import contextlib
from typing import BinaryIO

from mutagen import MutagenError
from mutagen.aac import AAC
from mutagen.mp3 import MPEGInfo

from tagger.base.errors import UnreadableTags
from tagger.library import apev2_block, id3, id3_frames, id3v1
from tagger.library.door import DAMAGE, SLIPS, through_mutagen
from tagger.library.family import Entry, TagView, Wanted, best_of, digest
from tagger.library.loss import Loss, Permit


def read(path: bytes) -> TagView:
    """Read the tags; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        return best_of(*_views(file, path), TagView((), duration=_duration(file)))


def _views(file: BinaryIO, path: bytes) -> list[TagView]:
    """Return what each block says, the one that players read first in front."""
    views = []
    if raw := id3.head_block(file):
        views.append(id3.view(raw, path))
    if block := apev2_block.find(file):
        views.append(apev2_block.view(block))
    if old := id3v1.find(file):
        views.append(id3v1.view(old))
    return views


def _duration(file: BinaryIO) -> float | None:
    """Return the length in seconds that the first frames tell; None where mutagen finds none."""
    file.seek(0)
    offset = id3.block_size(file.read(id3.HEADER))
    file.seek(offset)
    sync = file.read(2)
    try:
        if len(sync) == 2 and sync[0] == 0xFF and sync[1] & 0xF6 == 0xF0:  # layer 0: ADTS
            file.seek(0)
            seconds = AAC(file).info.length
        else:
            seconds = MPEGInfo(file, offset).length
    except (MutagenError, *DAMAGE, *SLIPS):
        return None  # the tags are readable all the same; the audio room measures what is missing
    return seconds if seconds > 0 else None


def save(path: bytes, wanted: Wanted, note: str | None, permit: Permit) -> None:
    """Set genre and note in place; see `family.Family`."""
    with through_mutagen("writing", path), open(path, "r+b") as file:
        old_v1, block, raw = id3v1.find(file), apev2_block.find(file), id3.head_block(file)
        look_for_seconds(file, len(raw), block, permit)
        in_ape = block is not None and block.descriptive
        if in_ape:
            values = wanted(apev2_block.BLOCK)
            apev2_block.save(file, block, values, None if raw else note, path, permit)
        if raw or not in_ape:
            name = id3.block_name(raw) if raw else f"id3v2.{id3.NEW_VERSION}"
            id3.save_at_head(file, wanted(name), note, path, permit, old_v1)
        if old_v1 is not None:
            id3v1.patch(file, wanted(id3v1.BLOCK))


def look_for_seconds(file: BinaryIO, head: int, block: apev2_block.Block | None, permit: Permit) -> None:
    """Ask for permission to leave a second ID3v2 or APE tag as it is: programs differ in which of two they read.

    Parameters
    ----------
    file : binary file
    head : int
        Where the first ID3v2 tag ends; 0 if there is none.
    block : Block or None
        The last APE tag.
    permit : callable

    Raises
    ------
    WriteSkipped
    """
    file.seek(head)
    start = file.read(apev2_block.HEADER)
    if head and id3.block_size(start[: id3.HEADER]):
        permit(Loss("duplicate-block", "it has a second ID3v2 tag, and programs differ in which they read"))
    if start.startswith(apev2_block.MARK):
        permit(Loss("duplicate-block", "it has an APE tag before its audio, which programs read differently"))
    if block is not None and block.items is not None and block.start >= apev2_block.HEADER:
        file.seek(block.start - apev2_block.HEADER)
        if file.read(apev2_block.HEADER).startswith(apev2_block.MARK):
            permit(Loss("duplicate-block", "it has a second APE tag, and programs differ in which they read"))


def entries(path: bytes) -> list[Entry]:
    """List all other tags; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        return tag_entries(file, path)


def tag_entries(file: BinaryIO, path: bytes) -> list[Entry]:
    """List the entries of the ID3v2, APEv2, Lyrics3 and ID3v1 blocks around the audio of any file."""
    found: list[Entry] = []
    if raw := id3.head_block(file):
        found += id3_frames.entries(raw, path)
    if block := apev2_block.find(file):
        found += apev2_block.entries(block)
    if old := id3v1.find(file):
        found += id3v1.entries(old)
        start = apev2_block.tail_start(file)
        file.seek(start)
        if lyrics := file.read()[: -id3v1.SIZE]:
            found.append(Entry("lyrics3", "lyrics", digest(lyrics)))
    return found


def outer_views(file: BinaryIO, path: bytes) -> list[TagView]:
    """Return the view of an ID3v2 block before a container that has tags of its own (FLAC, WavPack, ...).

    A damaged one there is no reason to give the file up.
    """
    views = []
    if raw := id3.head_block(file):
        with contextlib.suppress(UnreadableTags):
            views.append(id3.view(raw, path))
    return views


def save_outer(file: BinaryIO, wanted: Wanted, path: bytes, permit: Permit) -> None:
    """Bring the genre in an ID3v2 block before such a container into line, where it holds one."""
    raw = id3.head_block(file)
    if raw and id3.view(raw, path).blocks[0].values:
        id3.save_at_head(file, wanted(id3.block_name(raw)), None, path, permit)
