"""What the demo writes into genre tags means to the default map what the demo says that it means."""

from __future__ import annotations

import pytest

from tagger.base.records import GenreTagState
from tagger.demo.names import BLANKS, SPELLINGS, UNCLEAR
from tagger.demo.styles import GENRES
from tagger.genres.map import GenreMap, default_map_path, load_map


@pytest.fixture(scope="module")
def genre_map() -> GenreMap:
    return load_map(default_map_path())


def shown(value: object) -> str:
    return "|".join(value) if isinstance(value, tuple) else str(value)


def test_the_demo_plays_every_genre_of_the_map(genre_map: GenreMap) -> None:
    assert {genre.id for genre in genre_map.genres} == set(GENRES) == set(SPELLINGS)


@pytest.mark.parametrize(
    ("genre", "values"), [(genre, values) for genre, forms in SPELLINGS.items() for values in forms], ids=shown
)
def test_a_spelling_means_its_genre(genre: str, values: tuple[str, ...], genre_map: GenreMap) -> None:
    found = genre_map.match_all(values)
    assert (found.state, found.genre) == (GenreTagState.MAPPED, genre)


@pytest.mark.parametrize(
    "values", [values for values in dict.fromkeys(BLANKS) if any(map(str.strip, values))], ids=shown
)
def test_a_stopgap_is_to_be_filled(values: tuple[str, ...], genre_map: GenreMap) -> None:
    found = genre_map.match_all(values)
    assert (found.state, found.fillable) == (GenreTagState.PLACEHOLDER, True)


@pytest.mark.parametrize("values", UNCLEAR, ids=shown)
def test_an_unclear_tag_is_neither_a_label_nor_to_be_filled(values: tuple[str, ...], genre_map: GenreMap) -> None:
    found = genre_map.match_all(values)
    assert found.state is not GenreTagState.MAPPED
    assert not found.fillable
