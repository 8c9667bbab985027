"""Whose genre is it, and is the track closed? Every order of person and machine."""

from __future__ import annotations

import pytest

from tagger.base.records import GenreBlock, PastWrite, Provenance, TrackLabel
from tagger.base.records import TrackState as T
from tagger.genres.labels import genre_text, label_track
from tagger.genres.map import GenreMap, default_map_path, load_map


@pytest.fixture(scope="module")
def genre_map() -> GenreMap:
    return load_map(default_map_path())


def v24(*values: str) -> GenreBlock:
    return GenreBlock("id3v2.4", values)


def v1(*values: str) -> GenreBlock:
    return GenreBlock("id3v1", values)


NOTE = Provenance("Rock", "m", 0.9, "r")
WROTE = PastWrite("Rock", "machine", undone=False, own=True)
UNDONE = PastWrite("Rock", "machine", undone=True, own=True)
COPY = PastWrite("Rock", "machine", undone=False, own=False)
PERSON = PastWrite("Rock", "person", undone=False, own=True)


@pytest.mark.parametrize(
    ("blocks", "note", "past", "expected"),
    [
        ([], None, [], TrackLabel(T.UNTAGGED, None, False)),
        ([v24(), v1()], None, [], TrackLabel(T.UNTAGGED, None, False)),
        ([v24("Unknown")], None, [], TrackLabel(T.UNTAGGED, None, False)),
        ([v24("Other")], None, [], TrackLabel(T.SKIPPED, None, False)),
        ([v24("Soundtrack")], None, [], TrackLabel(T.SKIPPED, None, False)),
        ([v24("Zzyzx")], None, [], TrackLabel(T.UNMAPPED, None, False)),
        ([v24("Rock", "Jazz")], None, [], TrackLabel(T.AMBIGUOUS, None, False)),
        ([v24("Rock"), v1("8")], None, [], TrackLabel(T.LABELLED, "rock", False)),
        ([v24("Rock"), GenreBlock("apev2", ("Jazz",))], None, [], TrackLabel(T.AMBIGUOUS, None, False)),
        ([v24(), v1("17")], None, [], TrackLabel(T.LABELLED, "rock", False)),
        ([v1("0")], None, [], TrackLabel(T.AMBIGUOUS, None, False)),
        ([v24("Rock")], NOTE, [], TrackLabel(T.MACHINE, None, False)),
        ([v24("Rock")], None, [WROTE], TrackLabel(T.MACHINE, None, False)),
        ([v24("Rock")], None, [COPY], TrackLabel(T.MACHINE, None, True)),
        ([v24("Rock")], None, [UNDONE], TrackLabel(T.LABELLED, "rock", True)),
        ([v24("Jazz")], NOTE, [WROTE], TrackLabel(T.LABELLED, "jazz", True)),
        ([], NOTE, [WROTE], TrackLabel(T.UNTAGGED, None, True)),
        ([], None, [WROTE], TrackLabel(T.UNTAGGED, None, True)),
        ([], None, [UNDONE], TrackLabel(T.UNTAGGED, None, True)),
        ([], None, [COPY], TrackLabel(T.UNTAGGED, None, False)),
        ([v24("Rock")], None, [PERSON], TrackLabel(T.LABELLED, "rock", False)),
        ([v24("Rock")], None, [WROTE, PERSON], TrackLabel(T.LABELLED, "rock", False)),
        ([], None, [PERSON], TrackLabel(T.UNTAGGED, None, True)),
        ([v24(), GenreBlock("riff-info", ("Rock",))], None, [WROTE], TrackLabel(T.UNTAGGED, None, True)),
        ([v24("Jazz"), GenreBlock("riff-info", ("Rock",))], NOTE, [WROTE], TrackLabel(T.LABELLED, "jazz", True)),
        ([v24(), v1("17")], NOTE, [WROTE], TrackLabel(T.UNTAGGED, None, True)),
        ([v24("Rock"), v1("17")], NOTE, [WROTE], TrackLabel(T.MACHINE, None, False)),
        ([v24("Rock"), GenreBlock("apev2", ())], NOTE, [], TrackLabel(T.MACHINE, None, False)),
        ([v24("Unknown"), GenreBlock("riff-info", ("Rock",))], None, [WROTE], TrackLabel(T.UNTAGGED, None, True)),
        ([v24(), GenreBlock("riff-info", ("Rock",))], None, [PERSON], TrackLabel(T.UNTAGGED, None, True)),
        ([v24("Zzyzx"), GenreBlock("riff-info", ("Rock",))], None, [PERSON], TrackLabel(T.UNMAPPED, None, True)),
        ([v24("Jazz"), GenreBlock("riff-info", ("Rock",))], None, [PERSON], TrackLabel(T.LABELLED, "jazz", True)),
    ],
    ids=[
        *["nothing", "empty blocks", "placeholder", "placeholder to keep", "skipped", "unmapped", "two genres"],
        *["ID3v1 differs", "blocks differ", "ID3v1 alone", "ID3v1 zero", "note", "journal", "copy of a written file"],
        *["typed again after undo", "changed", "blanked", "blanked, note gone", "undone", "copy from before"],
        *["decided", "decided over machine", "decided, then blanked"],
        *["blanked, INFO left", "changed, INFO left", "blanked, ID3v1 left", "with ID3v1", "with an empty block"],
        *["made a placeholder, INFO left", "decided, then blanked, INFO left"],
        *["decided, then made unknown, INFO left", "decided, then changed, INFO left"],
    ],
)
def test_state_label_closed(
    genre_map: GenreMap, blocks: list[GenreBlock], note: Provenance | None, past: list[PastWrite], expected: TrackLabel
) -> None:
    assert label_track(genre_map, blocks, note, past) == expected


def test_rejected_track_is_closed(genre_map: GenreMap) -> None:
    assert label_track(genre_map, [], None, [], rejected=True) == TrackLabel(T.UNTAGGED, None, True)


def test_genre_for_peoples_eyes() -> None:
    assert genre_text([v24("Rock", "Pop"), v1("8")]) == "Rock; Pop"
    assert genre_text([v24(""), v1("8")]) == "8"
    assert genre_text([v24(" ")]) is None
