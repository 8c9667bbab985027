"""The default map on real lists of genre tags."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tagger.base.records import GenreTagState
from tagger.genres import id3v1
from tagger.genres.map import GenreMap

DATA = Path(__file__).with_name("data")
PLACED = {GenreTagState.MAPPED, GenreTagState.SKIPPED}
# What each list measures at; a change of the map may not lower it.
STATION_SHARE = 0.993
JAMENDO_SHARE = 0.998


def rows(name: str, delimiter: str = ",") -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def test_station_tags_mean_what_the_station_said(default_map: GenreMap) -> None:
    expected = {row["genre_tag"]: row["map"] or "skip" for row in rows("station_differences.csv")}
    total = same = 0
    found, wanted = {}, {}
    for row in rows("station.csv"):
        tag, files = row["genre_tag"], int(row["files"])
        genre = default_map.match(tag).genre or "skip"
        total += files
        same += files * (genre == row["canonical_genre"])
        found[tag], wanted[tag] = genre, expected.get(tag, row["canonical_genre"])
    assert found == wanted
    assert total == 9720
    assert same / total >= STATION_SHARE


def test_listed_differences_are_differences(default_map: GenreMap) -> None:
    station = {row["genre_tag"]: row["canonical_genre"] for row in rows("station.csv")}
    for row in rows("station_differences.csv"):
        assert row["reason"]
        assert (row["map"] or "skip") != station[row["genre_tag"]]


def test_what_the_station_skips_is_known(default_map: GenreMap) -> None:
    """Skipped on purpose, or a placeholder: not merely unknown."""
    for row in rows("station.csv"):
        if default_map.match(row["genre_tag"]).genre is None and row["canonical_genre"] == "skip":
            state = default_map.match(row["genre_tag"]).state
            assert state in {GenreTagState.SKIPPED, GenreTagState.PLACEHOLDER}, row


def test_jamendo_tags_are_placed(default_map: GenreMap) -> None:
    total = placed = 0
    for row in rows("jamendo.tsv", "\t"):
        tracks = int(row["tracks"])
        total += tracks
        placed += tracks * (default_map.match(row["tag"]).state in PLACED)
    assert placed / total >= JAMENDO_SHARE


ID3V1 = [line.split("\t") for line in (DATA / "id3v1.txt").read_text(encoding="utf-8").splitlines()]


def test_id3v1_list_is_whole() -> None:
    assert list(id3v1.NAMES) == [name for _, name in ID3V1]
    assert id3v1.genre_name(192) is None
    assert id3v1.genre_name(-1) is None


@pytest.mark.parametrize(("number", "name"), ID3V1, ids=[name for _, name in ID3V1])
def test_id3v1_genres_are_placed_or_skipped(default_map: GenreMap, number: str, name: str) -> None:
    match = default_map.match(name)
    if name == "Other":
        assert (match.state, match.fillable) == (GenreTagState.PLACEHOLDER, False)
    else:
        assert match.state in PLACED
    assert default_map.match(f"({number})") == match
    assert default_map.match(f"({number}){name}") == match
    if number != "0":
        assert default_map.match(number) == match
