"""Labels where tag blocks, notes and earlier writes say different things."""

from __future__ import annotations

import pytest

from tagger.base.records import GenreBlock, PastWrite, Provenance, TrackLabel, TrackState
from tagger.genres.labels import genre_text, label_track, match_blocks
from tagger.genres.map import GenreMap

UNTAGGED, LABELLED, MACHINE = TrackState.UNTAGGED, TrackState.LABELLED, TrackState.MACHINE
AMBIGUOUS, SKIPPED = TrackState.AMBIGUOUS, TrackState.SKIPPED


def blocks(**values: str) -> list[GenreBlock]:
    names = {"v2": "id3v2.3", "v1": "id3v1", "ape": "apev2", "info": "riff-info"}
    return [GenreBlock(names[block], (value,) if value else ()) for block, value in values.items()]


def note(written: str) -> Provenance:
    return Provenance(written, "model", 0.9, "run")


def wrote(genre: str, by: str = "machine", undone: bool = False, own: bool = True) -> PastWrite:
    return PastWrite(genre, by, undone, own)


@pytest.mark.parametrize(
    ("tags", "provenance", "past", "expected"),
    [
        pytest.param({"v2": "Unknown", "v1": "17"}, None, [], (LABELLED, "rock", False), id="v1 beside a placeholder"),
        pytest.param({"v2": "Unknown", "v1": "0"}, None, [], (AMBIGUOUS, None, False), id="v1 zero beside one"),
        pytest.param({"v2": "Blues", "v1": "0"}, None, [], (LABELLED, "r&b", False), id="Blues, and v1 zero"),
        pytest.param({"v2": "", "v1": "12"}, None, [], (SKIPPED, None, False), id="v1 Other"),
        pytest.param({"v2": "Jazz", "v1": "12"}, None, [], (LABELLED, "jazz", False), id="v1 Other beside Jazz"),
        pytest.param({"v2": "Jazz", "ape": "Unknown"}, None, [], (LABELLED, "jazz", False), id="block says nothing"),
        pytest.param({"v2": "Jazz", "ape": "Bebop"}, None, [], (LABELLED, "jazz", False), id="blocks agree"),
        pytest.param({"v2": "Jazz", "ape": "Other"}, None, [], (LABELLED, "jazz", False), id="block says Other"),
        pytest.param({"v2": "ROCK"}, note("Rock"), [], (MACHINE, None, False), id="other software's capitals"),
        pytest.param({"v2": "(17)"}, note("Rock"), [], (MACHINE, None, False), id="other software's number"),
        pytest.param({"v2": "Rock; Live"}, note("Rock"), [], (LABELLED, "rock", True), id="a person added to it"),
        pytest.param({"v2": "Rock"}, None, [wrote("Jazz"), wrote("Rock")], (MACHINE, None, False), id="refreshed"),
        pytest.param(
            {"v2": "Rock"},
            None,
            [wrote("Rock", undone=True), wrote("Rock")],
            (MACHINE, None, False),
            id="undone, again",
        ),
        pytest.param(
            {"v2": "Jazz"}, None, [wrote("Jazz", undone=True)], (LABELLED, "jazz", True), id="typed after undo"
        ),
        pytest.param(
            {"v2": "Rock"}, None, [wrote("Jazz", own=False)], (LABELLED, "rock", False), id="copy got another"
        ),
        pytest.param(
            {"v2": "Rock"},
            None,
            [wrote("Rock", own=False), wrote("Rock", by="person")],
            (LABELLED, "rock", False),
            id="decided, and a copy filled",
        ),
        pytest.param(
            {"v2": "Rock"}, None, [wrote("Jazz", by="person")], (LABELLED, "rock", True), id="decided, then changed"
        ),
        pytest.param(
            {"v2": "Other"}, None, [wrote("Rock", undone=True)], (SKIPPED, None, True), id="placeholder after undo"
        ),
        pytest.param(
            {"v2": "Rock", "ape": "Jazz"}, note("Rock"), [], (LABELLED, "jazz", True), id="changed in one block"
        ),
        pytest.param({"v2": "", "ape": "Rock"}, note("Rock"), [], (UNTAGGED, None, True), id="blanked in one block"),
        pytest.param({"v2": "Unknown"}, note("Rock"), [], (UNTAGGED, None, True), id="made a placeholder"),
    ],
)
def test_labels(
    default_map: GenreMap,
    tags: dict[str, str],
    provenance: Provenance | None,
    past: list[PastWrite],
    expected: tuple[TrackState, str | None, bool],
) -> None:
    assert label_track(default_map, blocks(**tags), provenance, past) == TrackLabel(*expected)


def test_the_nearest_id3v1_number_is_not_a_persons(default_map: GenreMap) -> None:
    """Soul's number stands for Funk & Soul, which has none: what is left is a track whose genre was blanked."""
    left = blocks(v2="", v1="42")
    assert label_track(default_map, left, note("Funk & Soul")) == TrackLabel(UNTAGGED, None, True)


def test_rejection_closes_and_keeps_the_label(default_map: GenreMap) -> None:
    assert label_track(default_map, blocks(v2="Jazz"), rejected=True) == TrackLabel(LABELLED, "jazz", True)


def test_blocks_for_the_audit(default_map: GenreMap) -> None:
    assert match_blocks(default_map, blocks(v2="Rock", ape="Jazz")).genre is None
    assert match_blocks(default_map, blocks(v2="Rock", v1="8")).genre == "rock"


def test_genre_text_is_of_the_block_that_players_show() -> None:
    assert genre_text(blocks(v1="17", info="Rock", ape="Jazz", v2="Hip Hop")) == "Hip Hop"
    assert genre_text(blocks(v1="17", info="Rock")) == "Rock"
    assert genre_text([GenreBlock("vorbis", ("Rock", " ", "Pop"))]) == "Rock; Pop"
    assert genre_text([GenreBlock("some-new-block", ("Rock",)), GenreBlock("id3v1", ("8",))]) == "Rock"
