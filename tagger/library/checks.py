"""A file as it was before a change, and whether a changed copy is still like it in everything but the genre."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tagger.base.errors import FileProblem, WriteFailed, WriteSkipped
from tagger.library import id3v1
from tagger.library.family import Entry, Family, TagView, Wanted
from tagger.library.payload import fingerprint
from tagger.library.swap import Original, WriteContext, examine
from tagger.library.tags import family_of

# Blocks that a write may add to a file, with what belongs to them (a vendor, texts copied from ID3v1).
NEW_BLOCKS = {"id3v2.3", "apev2", "vorbis", "mp4", "asf", "riff-info"}


@dataclass(frozen=True, slots=True)
class State:
    """A file as it is before the change."""

    original: Original
    container: str
    family: Family
    view: TagView
    entries: Counter[Entry]
    fingerprint: str
    audio_hash: str


def look(path: bytes, ctx: WriteContext) -> State:
    """Read all of a file that a change must not touch.

    Raises
    ------
    WriteSkipped
        If it may not be changed now, or cannot be read well enough to be sure.
    """
    original = examine(path, ctx)
    target = original.target
    try:
        container, family = family_of(target)
        view, entries = family.read(target), Counter(family.entries(target))
        return State(original, container, family, view, entries, fingerprint(target), ctx.audio_hash(target))
    except WriteSkipped:
        raise
    except FileProblem as error:
        raise WriteSkipped(path, error.cause) from error


def check_tags(state: State, copy: bytes, wanted: Wanted, note: str | None) -> None:
    """Raise unless genre and note are as planned and everything else is as it was.

    Raises
    ------
    WriteSkipped
        Something else would be lost or changed.
    WriteFailed
        The genre or the note is not as planned.
    """
    path = state.original.path
    container, _ = family_of(copy)
    after = state.family.read(copy)
    if container != state.container or not _genres_fit(state.view, after, wanted):
        raise WriteFailed(path, "the genre read back from the copy is not the one written")
    if after.note != note:
        raise WriteFailed(path, "the provenance note read back from the copy is not the one written")
    entries = Counter(state.family.entries(copy))
    lost = state.entries - entries
    known = {block.block for block in state.view.blocks}
    added = [entry for entry in entries - state.entries if entry.block in known or entry.block not in NEW_BLOCKS]
    if lost or added:
        names = sorted({f"{entry.block} {entry.key}" for entry in [*lost, *added]})
        raise WriteSkipped(path, f"saving would change other tags: {', '.join(names[:5])}")
    changed = [name for name, text in state.view.fields.items() if after.fields.get(name) != text]
    if changed:
        raise WriteSkipped(path, f"saving would change other tags: {', '.join(changed)}")


def _genres_fit(before: TagView, after: TagView, wanted: Wanted) -> bool:
    """Whether each block holds what it should. Blocks that do not describe the track may stay without a genre."""
    empty_before = {block.block for block in before.blocks if not block.values}
    for number, block in enumerate(after.blocks):
        if block.values == expected(block.block, wanted):
            continue
        if not number or block.values or block.block not in empty_before:
            return False
    return bool(after.blocks) or not wanted("any")


def expected(block: str, wanted: Wanted) -> tuple[str, ...]:
    """Return what a block is to read as; ID3v1 has numbers, and not for every genre."""
    if block != id3v1.BLOCK:
        return wanted(block)
    number = id3v1.number_of(wanted(block))
    return () if number == id3v1.NO_GENRE else (str(number),)


def check_audio(state: State, copy: bytes, ctx: WriteContext) -> None:
    """Raise WriteFailed unless the encoded audio of the copy is that of the file."""
    if fingerprint(copy) != state.fingerprint or ctx.audio_hash(copy) != state.audio_hash:
        raise WriteFailed(state.original.path, "the audio of the copy is not the same")
