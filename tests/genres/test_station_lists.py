"""The default map against real lists: how much of what people type does it place as they meant it?"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tagger.base.records import GenreTagState
from tagger.genres.map import GenreMap, default_map_path, load_map

DATA = Path(__file__).parent / "data"
PLACED = {GenreTagState.MAPPED, GenreTagState.SKIPPED, GenreTagState.PLACEHOLDER}

# Where the default map differs from the station, and why.
DIFFERENCES = {
    "Classical": ("classical", "the station skipped it for want of songs; classical is one of the ten genres"),
    "Singer-Songwriter": ("alt", "the station put `Singer & Songwriter`, the same words, under alt"),
    "Dirty South": ("hip hop", "southern hip hop; the words have no other meaning"),
    "East Coast": ("hip hop", "east coast hip hop, likewise"),
    "Downtempo": ("edm", "the station put `Chill Out/Trip-Hop/Lounge` under edm"),
    "Pop / Rock": ("rock", "the station put `Pop/Rock`, the same words, under rock"),
    "Jazz / Pop / Rock": (None, "names two of the ten genres"),
    "Jazz / R&B": (None, "names two of the ten genres"),
    "Pop / Rock / Soul & Funk": (None, "names two of the ten genres"),
    "Alternative / Jazz / Pop / Rock / R&B / Contemporary Soul / Soul & Funk": (None, "names six of the ten genres"),
}


@pytest.fixture(scope="module")
def genre_map() -> GenreMap:
    return load_map(default_map_path())


def station_rows() -> list[dict[str, str]]:
    with (DATA / "station_genre_tags.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_station_tags_map_as_the_station_mapped_them(genre_map: GenreMap) -> None:
    right = total = 0
    for row in station_rows():
        wanted = None if row["canonical_genre"] == "skip" else row["canonical_genre"]
        found = genre_map.match(row["genre_tag"]).genre
        total += int(row["files"])
        right += int(row["files"]) * (found == wanted)
        if found != wanted:
            assert row["genre_tag"] in DIFFERENCES, row
            assert found == DIFFERENCES[row["genre_tag"]][0]
    assert total == 9720
    assert right / total >= 0.98


def test_every_difference_is_one(genre_map: GenreMap) -> None:
    wanted = {row["genre_tag"]: row["canonical_genre"] for row in station_rows()}
    for tag, (genre, _) in DIFFERENCES.items():
        assert genre_map.match(tag).genre == genre != wanted[tag]


def test_station_tags_are_all_placed(genre_map: GenreMap) -> None:
    unplaced = {row["genre_tag"] for row in station_rows() if genre_map.match(row["genre_tag"]).state not in PLACED}
    assert unplaced == {tag for tag, (genre, _) in DIFFERENCES.items() if genre is None}


def test_all_id3v1_names_are_placed_or_skipped_on_purpose(genre_map: GenreMap) -> None:
    rows = [line.split("\t") for line in (DATA / "id3v1_genres.txt").read_text("utf-8").splitlines()]
    assert len(rows) == 192
    unplaced = [name for _, name in rows if genre_map.match(name).state not in PLACED]
    assert unplaced == []


@pytest.mark.parametrize("spelling", ["{}", "({})", " {} "], ids=["17", "(17)", "spaces"])
def test_numbers_mean_what_their_names_mean(genre_map: GenreMap, spelling: str) -> None:
    for line in (DATA / "id3v1_genres.txt").read_text("utf-8").splitlines()[1:]:
        number, name = line.split("\t")
        assert genre_map.match(spelling.format(number)) == genre_map.match(name), name


def test_jamendo_tags_are_placed_or_skipped_on_purpose(genre_map: GenreMap) -> None:
    with (DATA / "jamendo_genre_tags.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    total = sum(int(row["tracks"]) for row in rows)
    placed = sum(int(row["tracks"]) for row in rows if genre_map.match(row["tag"]).state in PLACED)
    assert placed / total >= 0.90
