"""Proposed map lines."""

from __future__ import annotations

import time

import pytest

from tagger.genres.map import GenreMap
from tagger.genres.suggest import as_yaml, suggest


@pytest.mark.parametrize(
    ("tag", "genre"),
    [
        ("Melancholic Rock Things", "rock"),
        ("Jazzercise Jazz Hour", "jazz"),
        ("Elecktronick", "edm"),
        ("Clasiccal", "classical"),
        ("Soundtrackish", None),
        ("Xyzzyx", None),
        ("", None),
        ("!!!", None),
    ],
)
def test_proposals(default_map: GenreMap, tag: str, genre: str | None) -> None:
    found = suggest(tag, default_map)
    assert (found[0] if found else None) == genre
    assert found is None or 0 < found[1] <= 1


def test_a_misspelling_scores_above_a_word_among_many(default_map: GenreMap) -> None:
    slip, word = suggest("Elecktronick", default_map), suggest("Something With Rock In It", default_map)
    assert slip is not None and word is not None
    assert slip[1] > word[1]


def test_thousands_of_unknown_tags_take_seconds(default_map: GenreMap) -> None:
    started = time.process_time()
    for number in range(50):
        suggest(f"Unheard Of Thing {chr(97 + number % 26) * 5}", default_map)
    assert (time.process_time() - started) / 50 < 0.05


def test_lines_are_grouped_and_nothing_in_a_tag_breaks_them() -> None:
    text = as_yaml({'say "hi": #1': ("rock", 0.5), "Música": ("rock", 0.9), "x": ("r&b", 0.4)})
    lines = text.splitlines()
    assert lines.index('- id: "r&b"') < lines.index('- id: "rock"')
    assert any("say" in line and "hi" in line for line in lines)
