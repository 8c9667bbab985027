"""From genre tags to a track's state: whose genre it is, what it means, and whether a person closed the track."""

from __future__ import annotations

from collections.abc import Sequence

from tagger.base.records import GenreBlock, GenreMatch, GenreTagState, PastWrite, Provenance, TrackLabel, TrackState
from tagger.genres.matching import AMBIGUOUS, GenreMap

OLD_BLOCK = "id3v1"
NEVER_SET = "0"  # "Blues", which many programs left in ID3v1 without meaning it
PERSON = "person"

STATE_OF = {
    GenreTagState.MAPPED: TrackState.LABELLED,
    GenreTagState.SKIPPED: TrackState.SKIPPED,
    GenreTagState.AMBIGUOUS: TrackState.AMBIGUOUS,
    GenreTagState.UNMAPPED: TrackState.UNMAPPED,
}


def genre_text(blocks: Sequence[GenreBlock]) -> str | None:
    """Return the genre tag as people see it: the values of the block that counts, joined; None if there is none."""
    values = [value for value in values_that_count(blocks) if value.strip()]
    return "; ".join(values) if values else None


def values_that_count(blocks: Sequence[GenreBlock]) -> tuple[str, ...]:
    """Return the values of the first block that has any; ID3v1, short and often stale, only if no other has."""
    for old in (False, True):
        for block in blocks:
            if (block.block == OLD_BLOCK) is old and any(value.strip() for value in block.values):
                return block.values
    return ()


def label_track(
    genre_map: GenreMap,
    blocks: Sequence[GenreBlock],
    provenance: Provenance | None,
    past: Sequence[PastWrite],
    rejected: bool = False,
) -> TrackLabel:
    """Say where a track stands.

    Parameters
    ----------
    genre_map : GenreMap
        The map in force.
    blocks : sequence of GenreBlock
        The genre strings of each tag block.
    provenance : Provenance or None
        The note that this system left in the file.
    past : sequence of PastWrite
        What this system wrote into this track and into copies of its audio, the oldest first.
    rejected : bool
        A person said in review that the track stays without a genre.

    Returns
    -------
    TrackLabel
    """
    own = [write for write in past if write.own]
    last = own[-1] if own else None
    if last is not None and last.by == PERSON and not last.undone and genre_text(blocks) == last.written:
        decided = genre_map.match(last.written)
        return TrackLabel(_state(decided), decided.genre, False)
    machine = {write.written for write in past if write.by != PERSON and not write.undone}
    if provenance is not None:
        machine.add(provenance.written)
    theirs = _without(blocks, machine, genre_map)
    if not any(_text(block) for block in theirs) and _main(blocks) in machine:
        return TrackLabel(TrackState.MACHINE, None, False)
    closed = rejected or provenance is not None or bool(own)
    match = _match(genre_map, theirs)
    if match is None:
        return TrackLabel(TrackState.UNTAGGED, None, closed)
    return TrackLabel(_state(match), match.genre, closed)


def _without(blocks: Sequence[GenreBlock], machine: set[str], genre_map: GenreMap) -> list[GenreBlock]:
    """Return the blocks that hold what people typed. What this system wrote is nobody's, in whichever block a tag
    editor left it; so is the ID3v1 number that goes with it."""
    if not machine:
        return list(blocks)
    genres = {genre_map.match(name).genre for name in machine}
    return [
        block
        for block in blocks
        if _text(block) not in machine
        and not (block.block == OLD_BLOCK and genre_map.match_all(block.values).genre in genres)
    ]


def _text(block: GenreBlock) -> str:
    return "; ".join(value for value in block.values if value.strip())


def _main(blocks: Sequence[GenreBlock]) -> str:
    """Return what the block says that players read: the first that is no ID3v1. Blanked there, a genre is blanked."""
    return next((_text(block) for block in blocks if block.block != OLD_BLOCK), "")


def _match(genre_map: GenreMap, blocks: Sequence[GenreBlock]) -> GenreMatch | None:
    """Return what the tag blocks say together; None if they say nothing."""
    values = values_that_count(blocks)
    if not values:
        return None
    spoken = [block for block in blocks if block.block != OLD_BLOCK and _text(block)]
    if not spoken and values == (NEVER_SET,):
        return AMBIGUOUS
    found = [genre_map.match_all(block.values) for block in spoken] or [genre_map.match_all(values)]
    named = {match.genre: match for match in found if match.genre}
    if len(named) > 1:  # two tag blocks of one file disagree, such as APEv2 and ID3v2
        return AMBIGUOUS
    return next(iter(named.values())) if named else found[0]


def _state(match: GenreMatch) -> TrackState:
    if match.state is GenreTagState.PLACEHOLDER:
        return TrackState.UNTAGGED if match.fillable else TrackState.SKIPPED
    return STATE_OF[match.state]
