"""The demo library: its plan, its files, the truth about them, and the verdict."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import mutagen
import numpy as np
import pytest

from tagger.audio.encode import encode
from tagger.base.errors import UsageError
from tagger.demo import synth
from tagger.demo.entry import BROKEN, MISLABELLED, SHORT, TAGGED, UNCLEAR_TAG, UNTAGGED, DemoTrack
from tagger.demo.faults import SAMPLER
from tagger.demo.library import DemoTruth, TruthEntry, make_library
from tagger.demo.names import BLANKS, SPELLINGS, UNCLEAR
from tagger.demo.plan import CONTAINERS, FEWEST, MOST, plan_library
from tagger.demo.styles import GENRES
from tagger.demo.verdict import VerdictRow, verdict
from tagger.library.compose import compose_tags

ALL_CONTAINERS = {"mp3", "flac", "ogg", "opus", "m4a", "alac", "wav", "aiff", "wma", "wavpack", "aac"}


@pytest.fixture(scope="module")
def plan() -> list[DemoTrack]:
    return plan_library(240, 1)


# --- the plan -------------------------------------------------------------------------------------------------------


def test_the_plan_holds_what_was_asked_for(plan: list[DemoTrack]) -> None:
    music = [track for track in plan if track.state != SHORT]
    assert Counter(track.genre for track in music) == dict.fromkeys(GENRES, 24)
    assert len({track.path for track in plan}) == len(plan)
    assert [track.path for track in plan] == sorted(track.path for track in plan)
    assert {track.container for track in music} == ALL_CONTAINERS == {name for name, _ in CONTAINERS}
    assert {track.id3_version for track in music if track.container == "mp3"} == {(2, 3), (2, 4)}
    assert all(track.seconds > 60 for track in music)
    assert all(track.seconds < 60 for track in plan if track.state == SHORT)


def test_the_same_seed_gives_the_same_plan(plan: list[DemoTrack]) -> None:
    assert plan_library(240, 1) == plan
    assert plan_library(240, 2) != plan


def test_every_genre_has_several_artists_and_albums(plan: list[DemoTrack]) -> None:
    for genre in GENRES:
        tracks = [track for track in plan if track.genre == genre]
        assert len({track.tags["artist"] for track in tracks}) == 8
        assert len({track.tags["album"] for track in tracks} - {SAMPLER}) >= 8
        assert len({track.container for track in tracks}) >= 4, "a codec must not give the genre away"
        assert len({(track.artist_seed, track.track_seed) for track in tracks}) == 24


def test_shares_of_faults(plan: list[DemoTrack]) -> None:
    states = Counter(track.state for track in plan)
    assert states == {TAGGED: 168, UNTAGGED: 60, MISLABELLED: 7, UNCLEAR_TAG: 5, SHORT: 2}


def test_one_artist_of_each_genre_is_never_labelled_and_all_others_are(plan: list[DemoTrack]) -> None:
    for genre in GENRES:
        artists = {track.tags["artist"] for track in plan if track.genre == genre}
        silent = [a for a in artists if all(track.state == UNTAGGED for track in plan if track.tags["artist"] == a)]
        labelled = [a for a in artists if any(track.state == TAGGED for track in plan if track.tags["artist"] == a)]
        assert len(silent) == 1
        assert len(labelled) == 7


def test_genre_tags_fit_the_state(plan: list[DemoTrack]) -> None:
    for track in plan:
        values = track.tags.get("genre", ())
        if track.state == TAGGED:
            assert values in SPELLINGS[str(track.genre)]
        elif track.state == MISLABELLED:
            assert any(values in SPELLINGS[genre] for genre in GENRES if genre != track.genre)
            assert values not in SPELLINGS[str(track.genre)]
        elif track.state == UNCLEAR_TAG:
            assert values in UNCLEAR
        else:
            assert values in BLANKS


def test_tags_are_messy(plan: list[DemoTrack]) -> None:
    tagged = [track.tags["genre"] for track in plan if track.state == TAGGED]
    assert len(set(tagged)) > 40
    assert any(len(values) > 1 for values in tagged)
    assert any(values[0].strip("()").isdigit() for values in tagged)
    untagged = [track.tags.get("genre", ()) for track in plan if track.state == UNTAGGED]
    assert () in untagged
    assert ("Unknown genre",) in untagged


def test_one_name_is_not_utf8_and_its_track_is_to_be_filled(plan: list[DemoTrack]) -> None:
    odd = []
    for track in plan:
        try:
            track.path.decode("utf-8")
        except UnicodeDecodeError:
            odd.append(track)
    assert [track.state for track in odd] == [UNTAGGED]


@pytest.mark.parametrize("tracks", [FEWEST, 41, 100, 333])
def test_any_size_has_all_genres_and_something_to_fill(tracks: int) -> None:
    planned = [track for track in plan_library(tracks, 3) if track.state != SHORT]
    assert len(planned) == tracks
    assert len({track.path for track in planned}) == tracks
    for genre in GENRES:
        states = Counter(track.state for track in planned if track.genre == genre)
        assert states[TAGGED] >= 1
        assert states[UNTAGGED] >= 1


@pytest.mark.parametrize("tracks", [0, -5, FEWEST - 1, MOST + 1])
def test_sizes_that_make_no_sense_are_refused(tracks: int) -> None:
    with pytest.raises(UsageError, match=f"ask for {FEWEST} to {MOST}"):
        plan_library(tracks, 1)


def test_names_are_file_names(plan: list[DemoTrack]) -> None:
    for track in plan:
        parts = track.path.split(b"/")
        assert all(0 < len(part) < 200 for part in parts)
        assert not any(part.startswith(b".") for part in parts)


# --- the files ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoTruth, list[int]]:
    """A whole small library; one is enough, and no test changes it."""
    ticks: list[int] = []
    root = tmp_path_factory.mktemp("demo") / "library"

    whole = synth.track

    def brief(genre: str, artist: int, number: int, seconds: float, rate: int = 22050, channels: int = 1) -> np.ndarray:
        return whole(genre, artist, number, min(seconds, 6.0), rate, channels)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synth, "track", brief)  # a minute each would take the test's time
        truth = make_library(root, FEWEST, 5, encode, compose_tags, ticks.append, workers=2)
    return root, truth, ticks


def files_of(root: Path) -> set[bytes]:
    top = os.fsencode(root)
    return {os.path.relpath(os.path.join(where, name), top) for where, _, names in os.walk(top) for name in names}


def test_every_file_has_its_truth(made: tuple[Path, DemoTruth, list[int]]) -> None:
    root, truth, ticks = made
    assert files_of(root) == set(truth.files)
    assert len(truth.paths(BROKEN)) == 3
    assert ticks == [1] * (FEWEST + 2)
    assert not [path for path in root.parent.iterdir() if path != root], "nothing is left beside the library"


def test_files_hold_music_and_their_tags(made: tuple[Path, DemoTruth, list[int]]) -> None:
    root, truth, _ = made
    planned = {track.path: track for track in plan_library(FEWEST, 5)}
    for path, entry in truth.files.items():
        if entry.state == BROKEN:
            continue
        track = planned[path]
        full = os.path.join(os.fsencode(root), path)
        assert (entry.genre, entry.state) == (track.genre, track.state)
        assert int(os.stat(full).st_mtime) == track.mtime
        with av.open(os.fsdecode(full)) as file:
            stream = file.streams.audio[0]
            frames = [frame.to_ndarray() for frame in file.decode(stream)]
        assert sum(frame.size for frame in frames) > 5 * track.rate
        if track.container != "aac":  # mutagen does not tell raw AAC with an ID3 tag from MP3
            assert mutagen.File(full, easy=True).tags is not None


def test_broken_files_are_broken(made: tuple[Path, DemoTruth, list[int]]) -> None:
    root, truth, _ = made
    sizes = []
    for path in truth.paths(BROKEN):
        full = os.path.join(os.fsencode(root), path)
        sizes.append(os.path.getsize(full))
        with pytest.raises(av.FFmpegError), av.open(os.fsdecode(full)) as file:
            next(file.decode(audio=0))
    assert sorted(size > 0 for size in sizes) == [False, True, True]


def test_one_file_name_is_not_utf8(made: tuple[Path, DemoTruth, list[int]]) -> None:
    root, _, _ = made
    odd = [path for path in files_of(root) if b"Caf\xe9" in path]
    assert len(odd) == 1


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.mp3").write_bytes(b"music")
    with pytest.raises(UsageError, match="is not empty"):
        make_library(tmp_path, FEWEST, 1, encode, compose_tags)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.mp3"]


def test_a_demo_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def full_disk(path: bytes, samples: np.ndarray, rate: int, container: str) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        make_library(tmp_path / "library", FEWEST, 1, full_disk, compose_tags)
    assert not list(tmp_path.iterdir())


def test_what_a_stopped_demo_left_does_not_disturb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synth, "track", lambda *arguments: np.zeros(10, dtype=np.float32))

    def quick(path: bytes, samples: np.ndarray, rate: int, container: str) -> None:
        Path(os.fsdecode(path)).write_bytes(b"not really " * 10)

    def no_tags(path: bytes, container: str, tags: Mapping[str, str | Sequence[str]], **options: object) -> None:
        assert tags

    (tmp_path / ".library.part" / "Old").mkdir(parents=True)
    truth = make_library(tmp_path / "library", FEWEST, 1, quick, no_tags)
    assert files_of(tmp_path / "library") == set(truth.files)
    assert [path.name for path in tmp_path.iterdir()] == ["library"]


# --- truth and verdict ----------------------------------------------------------------------------------------------


def test_truth_survives_the_way_through_json(tmp_path: Path) -> None:
    truth = DemoTruth({b"Caf\xe9.mp3": TruthEntry("jazz", UNTAGGED), b"x/y.flac": TruthEntry(None, BROKEN)})
    truth.save(tmp_path / "truth.json")
    (tmp_path / "truth.json").read_text("ascii")
    assert DemoTruth.load(tmp_path / "truth.json") == truth


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', '{"files": {"a": {}}}'], ids=["empty", "list", "3", "bare"])
def test_a_file_that_is_no_truth_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "truth.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="make the demo anew"):
        DemoTruth.load(path)


def test_a_truth_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        DemoTruth.load(tmp_path / "truth.json")


TRUTH = DemoTruth(
    {
        b"right": TruthEntry("jazz", UNTAGGED),
        b"wrong": TruthEntry("rock", UNTAGGED),
        b"open": TruthEntry("pop", UNTAGGED),
        b"open too": TruthEntry("pop", UNTAGGED),
        b"stray": TruthEntry("country", MISLABELLED),
        b"stray too": TruthEntry("country", MISLABELLED),
        b"fine": TruthEntry("edm", TAGGED),
        b"odd": TruthEntry("edm", UNCLEAR_TAG),
        b"jingle": TruthEntry(None, SHORT),
        b"cut": TruthEntry(None, BROKEN),
    }
)
ROWS = [
    VerdictRow(b"right", written="jazz", predicted="jazz"),
    VerdictRow(b"wrong", written="alt", predicted="alt"),
    VerdictRow(b"open", predicted="pop"),
    VerdictRow(b"open too", predicted="edm"),
    VerdictRow(b"stray", flagged=True),
    VerdictRow(b"fine", flagged=True),
    VerdictRow(b"cut", unreadable=True),
    VerdictRow(b"somebody else's", written="jazz"),
]


def test_the_verdict_counts() -> None:
    found = verdict(TRUTH, ROWS)
    assert (found.untagged, found.filled, found.right, found.wrong) == (4, 2, 1, 1)
    assert (found.abstained, found.guessable) == (2, 1)
    assert (found.mislabelled, found.found) == (2, 1)
    assert (found.broken, found.unreadable, found.short, found.unclear) == (1, 1, 1, 1)
    assert found.intruded == 0
    assert found.precision == 0.5
    assert "2: 1 right, 1 wrong (50% of what was written is right)" in found.text()
    assert "WRONGLY" not in found.text()


@pytest.mark.parametrize("path", [b"fine", b"stray", b"odd", b"jingle", b"cut"])
def test_a_write_where_none_belongs_is_told(path: bytes) -> None:
    found = verdict(TRUTH, [VerdictRow(path, written="edm")])
    assert found.intruded == 1
    assert "WRONGLY TOUCHED   1 files" in found.text()


def test_a_verdict_on_nothing_has_no_precision() -> None:
    found = verdict(TRUTH, [])
    assert (found.filled, found.abstained, found.precision) == (0, 4, None)
    assert "%" not in found.text()
