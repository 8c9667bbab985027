"""Propose map lines for genre tags that the map does not know."""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from collections.abc import Mapping

from tagger.base.records import GenreTagState
from tagger.genres import spelling
from tagger.genres.matching import GenreMap

LEAST_LIKENESS = 0.84  # difflib's ratio; "mouse" and "house" are 0.8 alike
MOST_WORDS = 5  # of an alias
LEAST_LETTERS = 3  # of an alias; shorter ones are in texts by chance
WORD_SCORE = 0.7  # a known genre among the words of the tag; times the share of letters that it covers


def suggest(tag: str, genre_map: GenreMap) -> tuple[str, float] | None:
    """Return the canonical genre that an unmapped tag most likely means.

    Parameters
    ----------
    tag : str
        A genre tag.
    genre_map : GenreMap
        The station's map.

    Returns
    -------
    (str, float) or None
        A genre id and a score in (0, 1]; None if nothing comes near, or what comes nearest is skipped on purpose.
    """
    text = spelling.plain(tag)
    words = [word for part in spelling.parts(text) for word in spelling.tokens(part)]
    key = "".join(words)
    if not key:
        return None
    found = [_by_words(words, genre_map), _by_letters(key, genre_map)]
    genre, score = max((proposal for proposal in found if proposal), key=lambda p: p[1], default=(None, 0.0))
    return (genre, round(score, 3)) if genre is not None else None


def _by_words(words: list[str], genre_map: GenreMap) -> tuple[str | None, float] | None:
    """Look for genres among the words; the longest decides, the last one if several are as long."""
    letters = sum(map(len, words))
    best: tuple[int, int, str | None] | None = None
    for start in range(len(words)):
        for end in range(start + 1, min(start + MOST_WORDS, len(words)) + 1):
            run = "".join(words[start:end])
            match = genre_map.aliases.get(run)
            if match is not None and match.genre is not None and len(run) >= LEAST_LETTERS:
                best = max(best or (0, 0, None), (len(run), start, match.genre), key=lambda found: found[:2])
    return None if best is None else (best[2], WORD_SCORE * best[0] / letters)


def _by_letters(key: str, genre_map: GenreMap) -> tuple[str | None, float] | None:
    """Look for the alias that is spelled most alike."""
    near = difflib.get_close_matches(key, genre_map.aliases, n=1, cutoff=LEAST_LIKENESS)
    if not near:
        return None
    match = genre_map.aliases[near[0]]
    if match.state not in (GenreTagState.MAPPED, GenreTagState.SKIPPED):
        return None
    return match.genre, difflib.SequenceMatcher(None, key, near[0]).ratio()


def as_yaml(suggestions: Mapping[str, tuple[str, float]]) -> str:
    """Return proposals as lines to put into `genre_map.yaml`, grouped by genre, the surest first."""
    by_genre: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for tag, (genre, score) in suggestions.items():
        by_genre[genre].append((-score, tag))
    lines = ["# Proposed aliases; add those that are right to genre_map.yaml."]
    for genre in sorted(by_genre):
        lines += [f"- id: {json.dumps(genre, ensure_ascii=False)}", "  aliases:"]
        # JSON's strings are YAML's, too, whatever is in the tag.
        lines += [f"    - {json.dumps(tag)}  # {-score:.2f}" for score, tag in sorted(by_genre[genre])]
    return "\n".join(lines)
