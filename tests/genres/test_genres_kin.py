"""Which tracks hang together: artists, album artists, albums; and what is nobody and no album."""

from __future__ import annotations

import pytest

from tagger.base.records import ALBUM, ALBUM_ARTIST, ARTIST, Kin
from tagger.genres.kin import Kinship
from tagger.genres.map import GenreMap


def row(folder: str = "", artist: str | None = None, album: str | None = None, **more: object) -> Kin:
    facts = {"fingerprint": "f", "library": 1, "album_artist": None, "compilation": False, **more}
    return Kin(folder=folder.encode(), artist=artist, album=album, **facts)  # type: ignore[arg-type]


def keys(genre_map: GenreMap, wanted: Kin, *others: Kin) -> dict[str, str]:
    return dict(Kinship([wanted, *others], genre_map).keys(wanted))


def same(genre_map: GenreMap, one: Kin, other: Kin, *others: Kin) -> set[str]:
    """Return the kinds of keys that two tracks share."""
    kinship = Kinship([one, other, *others], genre_map)
    return {kind for kind, _ in set(kinship.keys(one)) & set(kinship.keys(other))}


def test_artist_then_album(default_map: GenreMap) -> None:
    found = Kinship([], default_map).keys(row("x", "Ann feat. Bob", "Live", album_artist="The Band"))
    assert [kind for kind, _ in found] == [ALBUM_ARTIST, ARTIST, ALBUM]
    found = Kinship([], default_map).keys(row("x", "Ann", "Live", album_artist="ANN"))
    assert [kind for kind, _ in found] == [ARTIST, ALBUM], "one name, one voice"


@pytest.mark.parametrize("more", [{"album_artist": "Various Artists"}, {"album_artist": "DJ X", "compilation": True}])
def test_on_a_compilation_only_its_own_artist_counts(default_map: GenreMap, more: dict[str, object]) -> None:
    found = Kinship([], default_map).keys(row("Hits", "Ann", "Hits", **more))
    assert [kind for kind, _ in found] == [ALBUM, ARTIST]
    assert dict(found)[ARTIST] == "ann"
    assert same(default_map, row("Hits", "Ann", "Hits", **more), row("Hits", "Bob", "Hits", **more)) == {ALBUM}
    assert same(default_map, row("a", "Ann", "Hits", **more), row("b", "Bob", "Hits", **more)) == set()
    assert same(default_map, row("Hits", "Ann", "Hits", **more), row("x", "Ann", "Debut")) == {ARTIST}


@pytest.mark.parametrize("name", ["Various Artists", "Unknown Artist", "VA", ""])
def test_nobody_is_no_kin(default_map: GenreMap, name: str) -> None:
    assert keys(default_map, row("x", name)).keys() <= {ALBUM}
    assert same(default_map, row("a", name), row("b", name)) == set()


def test_an_album_is_found_wherever_its_discs_lie(default_map: GenreMap) -> None:
    assert same(default_map, row("a", "Ann", "Live!"), row("b", "ann", "live")) == {ARTIST, ALBUM}
    assert same(default_map, row("a", "Ann", "Live"), row("a", "Bob", "Live")) == set(), "every band has a Live"
    assert same(default_map, row("x/Box/CD 1"), row("x/Box/CD 2")) == {ALBUM}


def test_a_folder_is_an_album_where_no_name_says_otherwise(default_map: GenreMap) -> None:
    assert same(default_map, row("x/Debut"), row("x/Debut")) == {ALBUM}
    assert same(default_map, row("x/Debut"), row("x/Debut", "Ann", "Debut")) == {ALBUM}, "the tags of one were lost"


@pytest.mark.parametrize(
    ("folder", "others"),
    [
        pytest.param("", [], id="top"),
        pytest.param("Jazz", [], id="a genre"),
        pytest.param("in/Week 12", [row("in/Week 12", "Ann", "A"), row("in/Week 12", "Ann", "B")], id="albums"),
        pytest.param("in/Week 12", [row("in/Week 12", "Ann"), row("in/Week 12", "Bob")], id="artists"),
    ],
)
def test_a_folder_that_is_no_album(default_map: GenreMap, folder: str, others: list[Kin]) -> None:
    assert same(default_map, row(folder), row(folder), *others) == set()


def test_a_file_outside_every_library_has_the_kin_that_its_tags_name(default_map: GenreMap) -> None:
    outside = row("anywhere", "Ann", "Live", library=None)
    assert same(default_map, outside, row("x", "Ann", "Live")) == {ARTIST, ALBUM}
    assert keys(default_map, row("x", None, "Live", library=None)) == {}
