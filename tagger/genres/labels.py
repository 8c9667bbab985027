"""From genre tags to a track's state: whose genre it is, what it means, and whether a person closed the track."""

from __future__ import annotations

from collections.abc import Sequence

from tagger.base.records import GenreBlock, GenreMatch, GenreTagState, PastWrite, Provenance, TrackLabel, TrackState
from tagger.genres.map import GenreMap

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
    now = genre_text(blocks)
    own = [write for write in past if write.own]
    last = own[-1] if own else None
    if last is not None and last.by == PERSON and not last.undone and now == last.written:
        match = genre_map.match(last.written)
        return (
            TrackLabel(TrackState.LABELLED, match.genre, False)
            if match.genre
            else TrackLabel(_state(match), None, False)
        )
    if now is not None and _by_machine(now, provenance, past):
        return TrackLabel(TrackState.MACHINE, None, False)
    closed = rejected or provenance is not None or bool(own)
    match = _match(genre_map, blocks)
    if match is None:
        return TrackLabel(TrackState.UNTAGGED, None, closed)
    return TrackLabel(_state(match), match.genre, closed)


def _by_machine(now: str, provenance: Provenance | None, past: Sequence[PastWrite]) -> bool:
    """Say whether the genre is one that this system wrote. Copies count: they were made of a file that it wrote."""
    if provenance is not None and provenance.written == now:
        return True
    return any(write.by != PERSON and not write.undone and write.written == now for write in past)


def _match(genre_map: GenreMap, blocks: Sequence[GenreBlock]) -> GenreMatch | None:
    """Return what the tag blocks say together; None if they say nothing."""
    values = values_that_count(blocks)
    if not values:
        return None
    only_old = all(block.block == OLD_BLOCK for block in blocks if block.values)
    if only_old and values == (NEVER_SET,):
        return GenreMatch(GenreTagState.AMBIGUOUS)
    found = [
        genre_map.match_all(block.values)
        for block in blocks
        if block.block != OLD_BLOCK and any(value.strip() for value in block.values)
    ]
    genres = {match.genre for match in found if match.genre}
    if len(genres) > 1:  # two tag blocks of one file disagree, such as APEv2 and ID3v2
        return GenreMatch(GenreTagState.AMBIGUOUS)
    return next((match for match in found if match.genre), None) or genre_map.match_all(values)


def _state(match: GenreMatch) -> TrackState:
    if match.state is GenreTagState.PLACEHOLDER:
        return TrackState.UNTAGGED if match.fillable else TrackState.SKIPPED
    return STATE_OF[match.state]
