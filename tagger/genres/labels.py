"""What a track's genre tags mean for it: its state, and its label if a person gave one.

Three rules above all: a genre that this system wrote is never a label, a genre that a person put in its place always
is one, and what a person rejected, blanked or took back stays as the person left it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tagger.base.records import (
    GenreBlock,
    GenreMatch,
    GenreTagState,
    PastWrite,
    Provenance,
    TrackLabel,
    TrackState,
)
from tagger.genres import id3v1
from tagger.genres.matching import AMBIGUOUS, GenreMap, combined

ID3V1 = "id3v1"

# The block that players show comes first.
_BEST = ("id3v2.4", "id3v2.3", "id3v2.2", "vorbis", "mp4", "asf", "apev2", "riff-info", ID3V1)
_RANK = {block: place for place, block in enumerate(_BEST)}

_STATES = {
    GenreTagState.MAPPED: TrackState.LABELLED,
    GenreTagState.SKIPPED: TrackState.SKIPPED,
    GenreTagState.AMBIGUOUS: TrackState.AMBIGUOUS,
    GenreTagState.UNMAPPED: TrackState.UNMAPPED,
}


def label_track(
    genre_map: GenreMap,
    blocks: Sequence[GenreBlock],
    provenance: Provenance | None = None,
    past: Sequence[PastWrite] = (),
    rejected: bool = False,
) -> TrackLabel:
    """Return the state of a track, its label, and whether it is closed to filling.

    Parameters
    ----------
    genre_map : GenreMap
        The station's map.
    blocks : sequence of GenreBlock
        The genre strings of each tag block of the file.
    provenance : Provenance or None
        The note of an earlier write in the file.
    past : sequence of PastWrite
        What was written into this track and into other copies of its audio, oldest first.
    rejected : bool
        A person said no in review.
    """
    told = _blocks_told(genre_map, blocks)
    standing = [write for write in past if not write.undone]
    noted = [provenance.written] if provenance is not None else []
    by_person = [write.written for write in standing if write.by == "person"]
    by_machine = [*noted, *(write.written for write in standing if write.by != "person")]
    by_machine = [text for text in by_machine if not any(genre_map.same(text, other) for other in by_person)]

    # A later write takes the place of an earlier one, so it is enough that one of them still stands in all blocks.
    own = [*noted, *(write.written for write in standing if write.own)]
    ours = provenance is not None or any(write.own for write in past)
    genres = [values for _, values in told if not genre_map.match_all(values).fillable]
    stands = bool(genres) and any(all(_holds(genre_map, values, text) for values in genres) for text in own)
    closed = rejected or (ours and not stands)

    # Where a person changed one block only, what stands in the others is still what this system put there.
    persons = [entry for entry in told if not _left_by(genre_map, *entry, [*by_machine, *by_person])]
    match = _combined(genre_map, persons)
    if len(persons) < len(told) and match.fillable:
        if _blanked(genre_map, blocks):
            return TrackLabel(TrackState.UNTAGGED, None, closed or ours)
        shown = next(entry for entry in told if entry not in persons)
        if _left_by(genre_map, *shown, by_machine):
            # What came from a copy, or was there before the copy was filled, is not this system's to replace.
            return TrackLabel(TrackState.MACHINE, None, closed or not ours)
        match = _combined(genre_map, [entry for entry in told if _left_by(genre_map, *entry, by_person)])
    if match.state is GenreTagState.PLACEHOLDER:
        return TrackLabel(TrackState.UNTAGGED if match.fillable else TrackState.SKIPPED, None, closed)
    return TrackLabel(_STATES[match.state], match.genre, closed)


def match_blocks(genre_map: GenreMap, blocks: Sequence[GenreBlock]) -> GenreMatch:
    """Return what the tag blocks of one file mean together; blocks that name two genres make it ambiguous.

    ID3v1 can only hold numbers of a short list, so it counts where no other block says anything. Its byte 0 (Blues) is
    what a block holds whose genre nobody ever set: no label, and yet not certainly empty.
    """
    return _combined(genre_map, _blocks_told(genre_map, blocks))


def genre_text(blocks: Sequence[GenreBlock]) -> str | None:
    """Return the genre tag for people: the values of the best block that has any, as they are, between "; "."""
    for block in _ranked(blocks):
        values = _filled(block)
        if values:
            return "; ".join(values)
    return None


def _combined(genre_map: GenreMap, told: Sequence[tuple[str, list[str]]]) -> GenreMatch:
    return combined(_match(genre_map, block, values) for block, values in told)


def _match(genre_map: GenreMap, block: str, values: Sequence[str]) -> GenreMatch:
    if block == ID3V1 and [value.strip() for value in values] == [str(id3v1.BLUES)]:
        return AMBIGUOUS
    return genre_map.match_all(values)


def _ranked(blocks: Sequence[GenreBlock]) -> list[GenreBlock]:
    return sorted(blocks, key=lambda block: _RANK.get(block.block, len(_BEST) - 1.5))


def _filled(block: GenreBlock) -> list[str]:
    """Return the values of a block that are more than white space."""
    return [value for value in block.values if value.strip(" \t\r\n\0")]


def _blocks_told(genre_map: GenreMap, blocks: Sequence[GenreBlock]) -> list[tuple[str, list[str]]]:
    """Return the blocks that count, each with its values."""
    told = [(block.block, values) for block in _ranked(blocks) if (values := _filled(block))]
    others = [(block, values) for block, values in told if block != ID3V1]
    if any(not genre_map.match_all(values).fillable for _, values in others):
        return others
    return told


def _left_by(genre_map: GenreMap, block: str, values: Sequence[str], written: Sequence[str]) -> bool:
    """Say whether a block holds a text that this system put there: in ID3v1 that may be the nearest number."""
    if any(_holds(genre_map, values, text) for text in written):
        return True
    genres = {genre_map.match(text).genre for text in written} - {None}
    return block == ID3V1 and genre_map.match_all(values).genre in genres


def _blanked(genre_map: GenreMap, blocks: Sequence[GenreBlock]) -> bool:
    """Say whether the block that players show says nothing any more, though others may still hold a genre."""
    main = next((block for block in _ranked(blocks) if block.block != ID3V1), None)
    return main is None or genre_map.match_all(_filled(main)).fillable


def _holds(genre_map: GenreMap, values: Sequence[str], written: str) -> bool:
    """Say whether a block holds what was written, and nothing else.

    The spelling does not matter: software that turns "Rock" into "(17)" or "ROCK" has not made it a person's genre.
    """
    return all(genre_map.same(value, written) for value in values)
