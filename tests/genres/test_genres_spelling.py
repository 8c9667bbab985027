"""Spelling: what does not matter must not change what a tag means, and nothing that is typed may stop a scan."""

from __future__ import annotations

import html
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.base.records import GenreTagState
from tagger.genres import spelling
from tagger.genres.map import GenreMap, default_map_path, load_map

MAP = load_map(default_map_path())
ALIASES = st.sampled_from(sorted(key for key, match in MAP.aliases.items() if match.genre and key.isalpha()))
TAGS = st.sampled_from(
    ["Rock & Roll", "Soul and R&B", "Drum 'n' Bass", "Hip Hop", "Alt. Rock", "Música Clásica", "R&B"]
)


@given(tag=ALIASES, upper=st.booleans(), left=st.sampled_from(["", " ", "\t", "(", "[", "'", "\ufeff"]))
def test_case_and_what_stands_around_do_not_matter(tag: str, upper: bool, left: str) -> None:
    typed = f"{left}{tag.upper() if upper else tag.title()} "
    assert MAP.match(typed) == MAP.match(tag)


@given(tag=TAGS, space=st.sampled_from([" ", "  ", "-", "_", ".", "\u00a0", "\u2010"]))
def test_what_is_between_words_does_not_matter(tag: str, space: str) -> None:
    assert MAP.match(tag.replace(" ", space)).genre == MAP.match(tag).genre is not None


@given(tag=TAGS, times=st.integers(1, 2), joined=st.sampled_from(["&", " & ", " and ", " n ", " 'n' ", "+", " + "]))
def test_entities_and_the_ways_to_write_and_do_not_matter(tag: str, times: int, joined: str) -> None:
    typed = tag.replace("&", joined)
    for _ in range(times):
        typed = html.escape(typed)
    assert MAP.match(typed).genre == MAP.match(tag).genre is not None


@given(st.text(max_size=60))
def test_any_text_means_something_and_always_the_same(text: str) -> None:
    match = MAP.match(text)
    assert match.state in set(GenreTagState)
    assert (match.genre is not None) is (match.state is GenreTagState.MAPPED)
    assert load_or_same(text) == match


def load_or_same(text: str) -> object:
    """Return the match of a map that has seen no tag before."""
    fresh = GenreMap(MAP.genres, MAP.aliases, MAP.rules, MAP.placeholder_rules, MAP.fillers)
    return fresh.match(text)


@given(st.lists(TAGS, min_size=1, max_size=4), st.sampled_from([";", "; ", "\0", " | ", "\n"]))
def test_a_joined_list_means_what_its_values_mean(tags: list[str], separator: str) -> None:
    assert MAP.match(separator.join(tags)) == MAP.match_all(tags)


@pytest.mark.parametrize(
    ("typed", "meant", "place"),
    [
        ("altenative", "alternative", 4),
        ("alternnative", "alternative", 6),
        ("alternetive", "alternative", 6),
        ("altrenative", "alternative", 3),
        ("alternativ", "alternative", 10),
        ("alternative", "alternative", None),
        ("altrnatve", "alternative", None),
        ("rock", "alternative", None),
    ],
    ids=["missing", "added", "wrong", "swapped", "end missing", "same", "two", "other"],
)
def test_typing_slips(typed: str, meant: str, place: int | None) -> None:
    assert spelling.typing_slip(typed, meant) == place


@pytest.mark.parametrize("unit", ["a ", "rock ", "www.", "x@", "(1)", "&", "-", "a.b/", "1 ", "the 80s "])
def test_long_tags_take_no_time(unit: str) -> None:
    """A tag of a thousand characters must not send a pattern astray (many seconds if it does)."""
    tag = (unit * 1000)[:998] + "!"
    started = time.process_time()
    MAP.match(tag)
    assert time.process_time() - started < 1.0
