"""A file as it was before a change, and whether a changed copy is still like it in everything but the genre."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tagger.base.errors import DiskTrouble, FileProblem, WriteFailed, WriteSkipped
from tagger.base.patience import patiently
from tagger.library import id3v1
from tagger.library.family import Entry, Family, TagView, Wanted
from tagger.library.loss import Loss, losses_between, names
from tagger.library.original import Original, WriteContext, examine
from tagger.library.payload import fingerprint
from tagger.library.tags import family_of
from tagger.library.trouble import as_problem


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
    try:
        return patiently(lambda: _state(original, ctx), ctx.stopping)
    except WriteSkipped:
        raise
    except FileProblem as error:
        problem = as_problem(path, error)
        raise (problem if isinstance(problem, WriteSkipped) else WriteSkipped(path, error.cause)) from error


def _state(original: Original, ctx: WriteContext) -> State:
    target = original.target
    container, family = family_of(target)
    view, entries = family.read(target), Counter(family.entries(target))
    return State(original, container, family, view, entries, fingerprint(target), ctx.audio_hash(target))


def check_tags(state: State, copy: bytes, wanted: Wanted, note: str | None, allowed: tuple[Loss, ...] = ()) -> None:
    """Raise unless genre and note are as planned and everything else is as it was, but for losses that are allowed.

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
    if container != state.container:
        raise WriteFailed(path, "the copy is taken for another container")
    check_genre(path, state.view, after, wanted, note)
    losses = losses_between(state.view, state.entries, after, Counter(state.family.entries(copy)))
    if unforeseen := [loss for loss in losses if loss not in allowed]:
        raise WriteSkipped(path, f"saving would change other tags: {names(unforeseen)}")


def check_genre(path: bytes, before: TagView, after: TagView, wanted: Wanted, note: str | None) -> None:
    """Raise WriteFailed unless genre and note are as planned."""
    if not _genres_fit(before, after, wanted):
        raise WriteFailed(path, "the genre read back from the copy is not the one written")
    if after.note != note:
        raise WriteFailed(path, "the provenance note read back from the copy is not the one written")


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
    """Make sure that the encoded audio of the copy is that of the file.

    Raises
    ------
    WriteFailed
        It is not.
    DiskTrouble
        That of the file itself reads differently now.
    """
    if fingerprint(copy) == state.fingerprint and ctx.audio_hash(copy) == state.audio_hash:
        return
    original = state.original
    if ctx.audio_hash(original.target) != state.audio_hash:
        raise DiskTrouble(original.path, "its audio does not read the same twice; check its disk", postponed=True)
    raise WriteFailed(original.path, "the audio of the copy is not the same")
