"""The hard library: what it promises about counts, noise, artists and sound."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench import hard
from bench.hard_genres import GENRES, HABITS, NEIGHBOURS, STATION_COUNTS, TRAITS, habit, trait
from bench.hard_outside import KINDS
from bench.hard_plan import MOST, WRITTEN, HardTrack, plan
from bench.hard_score import BASS, BEATS, CHANGES, COMPING
from tagger.audio.decode import decode_all
from tagger.base.records import GenreTagState
from tagger.demo.voices import TIMBRES
from tagger.genres.map import GenreMap, default_map_path, load_map
from tagger.library.tags import read_tags


@pytest.fixture(scope="module")
def planned() -> list[HardTrack]:
    return plan(1200, 260, 1, 0.1, outside=120)


@pytest.fixture(scope="module")
def genre_map() -> GenreMap:
    return load_map(default_map_path())


# --- the genres -----------------------------------------------------------------------------------------------------


def test_every_genre_has_all_traits_and_habits(genre_map: GenreMap) -> None:
    assert {genre.id for genre in genre_map.genres} == set(GENRES) == set(NEIGHBOURS)
    assert len(STATION_COUNTS) == len(GENRES)
    assert {len(row) for row in TRAITS.values()} == {len(GENRES) + 1}
    assert {len(row) for rows in HABITS.values() for row in rows.values()} == {len(GENRES)}


@pytest.mark.parametrize(
    ("name", "known"),
    [("beat", BEATS), ("bass", BASS), ("comping", COMPING), ("changes", CHANGES), ("harmony", TIMBRES)],
)
def test_habits_are_known_to_the_players(name: str, known: dict[str, object]) -> None:
    assert set(HABITS[name]) <= set(known)


@pytest.mark.parametrize("name", HABITS)
def test_no_habit_belongs_to_one_genre_alone(name: str) -> None:
    for genre in GENRES:
        chances = habit(name, genre)
        assert chances.sum() == pytest.approx(1)
        assert chances.min() > 0


def test_neighbours_are_closer_than_strangers() -> None:
    def apart(one: str, other: str) -> float:
        return float(sum(np.abs(habit(name, one) - habit(name, other)).sum() for name in HABITS))

    assert apart("alt", "rock") < apart("alt", "jazz")
    assert apart("r&b", "hip hop") < apart("r&b", "country")
    assert abs(trait("tempo", "alt")[0] - trait("tempo", "rock")[0]) < trait("tempo", "alt")[1]


# --- the plan -------------------------------------------------------------------------------------------------------


def test_counts_are_a_stations(planned: list[HardTrack]) -> None:
    counts = Counter(track.genre for track in planned)
    assert counts.pop("") == 120
    assert sum(counts.values()) == 1200
    assert counts["alt"] == pytest.approx(1200 * 2482 / sum(STATION_COUNTS), rel=0.02)
    assert [genre for genre, _ in counts.most_common(4)] == ["alt", "rock", "pop", "edm"]


def test_balanced_counts_are_equal() -> None:
    assert set(Counter(track.genre for track in plan(500, 100, 1, 0.1, balanced=True)).values()) == {50}


def test_artists_have_several_tracks_and_some_have_two_genres(planned: list[HardTrack]) -> None:
    inside = [track for track in planned if track.genre]
    sizes = Counter(track.artist for track in inside)
    assert 2 <= min(sizes.values()) < max(sizes.values()) <= MOST
    assert len(sizes) == pytest.approx(260, rel=0.03)
    genres = {artist: {t.genre for t in inside if t.artist == artist} for artist in sizes}
    assert max(len(played) for played in genres.values()) == 2
    assert 0.1 < sum(len(played) == 2 for played in genres.values()) / len(genres) < 0.15
    for genre in GENRES:
        assert len({track.artist for track in inside if track.genre == genre}) >= 3


def test_wrong_tags_are_as_many_as_asked_and_mostly_confusable(planned: list[HardTrack], genre_map: GenreMap) -> None:
    flipped = [track for track in planned if track.flipped]
    assert len(flipped) == 120
    near = 0
    for track in planned:
        if track.genre:
            means = genre_map.match(track.tag).genre
            assert (means != track.genre) == track.flipped
            near += track.flipped and means in NEIGHBOURS[track.genre]
    assert near > 0.6 * len(flipped)


def test_a_seed_is_a_library_and_another_seed_has_other_artists(planned: list[HardTrack]) -> None:
    assert plan(1200, 260, 1, 0.1, outside=120) == planned
    other = plan(1200, 260, 2, 0.1, outside=120)
    assert not {track.artist for track in planned} & {track.artist for track in other}
    assert not {track.seed for track in planned} & {track.seed for track in other}


def test_paths_differ_and_do_not_name_the_genre(planned: list[HardTrack]) -> None:
    assert len({track.path for track in planned}) == len(planned)
    assert not {part for track in planned for part in Path(track.path).parts} & set(GENRES)


@pytest.mark.parametrize("tag", [tag for tags in KINDS.values() for tag in tags])
def test_tags_outside_are_skipped(tag: str, genre_map: GenreMap) -> None:
    assert genre_map.match(tag).state == GenreTagState.SKIPPED


@pytest.mark.parametrize(("genre", "tag"), [(genre, tag) for genre, tags in WRITTEN.items() for tag in tags])
def test_tags_inside_mean_their_genre(genre: str, tag: str, genre_map: GenreMap) -> None:
    assert genre_map.match(tag).genre == genre


@pytest.mark.parametrize(("tracks", "artists", "noise"), [(100, 20, 0.1), (100, 90, 0.1), (900, 60, 0.1), (200, 50, 2)])
def test_numbers_that_do_not_fit_are_refused(tracks: int, artists: int, noise: float) -> None:
    with pytest.raises(ValueError, match=r"artists do not do|noise lies"):
        plan(tracks, artists, 1, noise)


# --- the sound ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [*GENRES, *KINDS])
def test_a_track_is_the_same_every_time_and_fills_its_length(what: str, planned: list[HardTrack]) -> None:
    track = next(track for track in planned if what in (track.genre, track.kind))
    samples = hard.samples_of(track, 3.0)
    assert samples.dtype == np.float32
    assert samples.shape == (3 * hard.RATE,)
    assert 0.5 < np.abs(samples).max() <= 1
    assert np.array_equal(hard.samples_of(track, 3.0), samples)


@pytest.mark.slow
def test_an_artists_tracks_sound_more_alike_than_a_genres(planned: list[HardTrack]) -> None:
    rock = [track for track in planned if track.genre == "rock"]
    artists = [name for name, count in Counter(track.artist for track in rock).most_common(8) if count > 2]
    chosen = [track for name in artists for track in [t for t in rock if t.artist == name][:3]]
    pictures = []
    for track in chosen:
        power = np.abs(np.fft.rfft(hard.samples_of(track, 6.0))) ** 2
        bands = np.add.reduceat(power, np.unique(np.geomspace(300, len(power) - 1, 24).astype(int)))
        decibel = 10 * np.log10(bands)
        pictures.append(decibel - decibel.mean())
    apart = np.linalg.norm(np.array(pictures)[:, None] - np.array(pictures)[None], axis=2)
    same = np.array([[a.artist == b.artist for b in chosen] for a in chosen]) & ~np.eye(len(chosen), dtype=bool)
    others = np.array([[a.artist != b.artist for b in chosen] for a in chosen])
    assert apart[same].mean() < 0.75 * apart[others].mean()


@pytest.mark.slow
def test_the_files_and_the_truth(tmp_path: Path) -> None:
    root = tmp_path / "library"
    hard.main([str(root), "--tracks", "75", "--artists", "30", "--outside", "5", "--seconds", "2", "--workers", "1"])
    with (root / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == hard.TRUTH
    assert len(rows) == 80
    assert sorted(row["path"] for row in rows) == sorted(str(path.relative_to(root)) for path in root.rglob("*.flac"))
    assert Counter(row["flipped"] for row in rows) == {"0": 72, "1": 8}
    assert [row["genre"] == "" for row in rows] == [row["outside"] == "1" for row in rows]
    for row in (rows[0], rows[-1]):
        name = os.fsencode(root / row["path"])
        tags = read_tags(name)
        assert tags.artist == row["artist"]
        assert [value for block in tags.genre_blocks for value in block.values] == [row["genre_tag"]]
        assert tags.duration == pytest.approx(2, abs=0.05)
    first = plan(75, 30, 1, 0.1, outside=5)[0]
    heard = decode_all(os.fsencode(root / first.path), hard.RATE)
    assert np.allclose(heard, hard.samples_of(first, 2.0), atol=1e-4)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.flac").write_bytes(b"mine")
    with pytest.raises(SystemExit):
        hard.main([str(tmp_path)])
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.flac"]
