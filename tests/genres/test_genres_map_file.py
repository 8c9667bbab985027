"""More about the file: what it may hold, and what is said of what it may not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.base.errors import EXIT_USAGE, MapError
from tagger.base.records import GenreTagState
from tagger.genres.map import GenreMap, default_map_path

TWO = "genres:\n- {id: a, name: A}\n- {id: b, name: B}\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("- a\n- b\n", 1, "the genre map must have keys"),
        ("genres: a\n", 1, "genres must be a list"),
        ("genres:\n- a\n- b\n", 2, "a genre must have keys"),
        (TWO + "genres: []\n", 4, "key 'genres' is there twice"),
        (TWO + "skip: {aliases: x}\n", 4, "aliases must be a list"),
        (TWO + "skip: {aliases: ['']}\n", 4, "an alias must be a text"),
        (TWO + "skip: {aliases: ['-']}\n", 4, "neither letter nor digit"),
        (TWO + "skip: {tags: [x]}\n", 4, "unknown key 'tags'"),
        (TWO + "skip:\n  patterns:\n  - 'x*'\n", 6, "it matches any tag"),
        (TWO + "fillers: [two words]\n", 4, "is not one word"),
        (TWO + "placeholders: [x]\n", 4, "a placeholder must have keys"),
        ("genres:\n- {id: a, name: A}\n- {id: .b, name: B}\n", 3, "cannot be the name of a folder"),
        ("genres:\n- {id: a, name: A}\n- {id: b, name: a}\n", 3, "name 'a' is there twice"),
        ('genres:\n- {id: a, name: A}\n- {id: b, name: "B\\nB"}\n', 3, "is not one line"),
        ("genres:\n- {id: a, name: A}\n- {id: b, name: B, aliases: [A]}\n", 3, "alias 'A' is claimed by a and b"),
        (
            TWO + "placeholders:\n- {tags: [x], fillable: true}\n- {tags: [X], fillable: false}\n",
            6,
            "claimed by placeholders that are fillable and placeholders that are not fillable",
        ),
        ("genres:\n\t- a\n", 2, "not YAML"),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else None,
)
def test_faults(map_of: Callable[[str], GenreMap], tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(MapError) as caught:
        map_of(text)
    assert str(caught.value).startswith(f"{tmp_path / 'genre_map.yaml'}:{line}: ")
    assert said in str(caught.value)
    assert caught.value.exit_code == EXIT_USAGE


def test_entries_are_taken_as_typed(map_of: Callable[[str], GenreMap]) -> None:
    """YAML would make a truth of `no`, nothing of `null`, and a number of `080`."""
    genre_map = map_of("genres:\n- {id: no, name: No, aliases: [null, 080, 1e3]}\n- {id: yes, name: Yes}\n")
    assert [genre.id for genre in genre_map.genres] == ["no", "yes"]
    assert {genre_map.match(tag).genre for tag in ("no", "null", "080", "1e3")} == {"no"}


def test_skip_may_be_a_list_and_a_list_may_be_empty(map_of: Callable[[str], GenreMap]) -> None:
    genre_map = map_of(TWO + "skip: [speech]\nplaceholders:\nfillers:\n")
    assert genre_map.match("Speech").state is GenreTagState.SKIPPED


def test_patterns_are_searched_for_and_the_first_decides(map_of: Callable[[str], GenreMap]) -> None:
    genre_map = map_of(
        "genres:\n- {id: a, name: A, patterns: ['\\bmetal\\b']}\n- {id: b, name: B, patterns: ['core$', 'metal']}\n"
        "skip: {patterns: ['^fake ']}\n"
    )
    tags = {"Death Metal Band": "a", "Metalcore": "b", "Bimetal": "b", "Fake Metal": None, "Metal/Core": "a"}
    assert {tag: genre_map.match(tag).genre for tag in tags} == {**tags, "Metal/Core": None}
    assert genre_map.match("Fake Metal").state is GenreTagState.SKIPPED


def test_a_map_may_give_numbers_a_meaning_of_its_own(map_of: Callable[[str], GenreMap]) -> None:
    genre_map = map_of("genres:\n- {id: rock, name: Rock}\n- {id: jazz, name: Jazz, aliases: [17]}\n")
    assert genre_map.match("(17)").genre == "jazz"
    assert genre_map.match("0").state is GenreTagState.AMBIGUOUS
    assert genre_map.match("8").genre == "jazz"


def test_unmapped_misc_may_be_filled_if_the_station_says_so(map_of: Callable[[str], GenreMap]) -> None:
    text = default_map_path().read_text(encoding="utf-8")
    assert map_of(text).match("Misc").fillable is False
    assert map_of(text.replace("fillable: false", "fillable: true")).match("Misc").fillable is True


@pytest.mark.parametrize(
    ("more", "same"),
    [
        ("# nothing\n", True),
        ("fillers: [x]\n", False),
        ("skip: [x]\n", False),
        ("skip: {patterns: [x]}\n", False),
        ("placeholders: [{tags: [x], fillable: true}]\n", False),
    ],
)
def test_hash_tells_maps_of_different_meaning(map_of: Callable[[str], GenreMap], more: str, same: bool) -> None:
    first = map_of(TWO).hash
    assert len(first) == 16
    assert (map_of(TWO + more).hash == first) is same


def test_default_map_has_hundreds_of_spellings_and_says_of_each_what_it_means(default_map: GenreMap) -> None:
    for genre in default_map.genres:
        assert sum(match.genre == genre.id for match in default_map.aliases.values()) >= 70, genre
    for key, match in default_map.aliases.items():
        if ";" not in key and "/" not in key:
            assert default_map.match(key) == match, key
