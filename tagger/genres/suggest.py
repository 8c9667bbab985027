"""Propose map lines for genre tags that the map does not know."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from tagger.genres import spelling
from tagger.genres.map import GenreMap

CLOSE = 0.8  # likeness of spellings (difflib's ratio) from which one is taken for a typing error of the other
WORD_SCORE = 0.6  # of a genre that only a word of the tag names


def suggest(tag: str, genre_map: GenreMap) -> tuple[str, float] | None:
    """Return the canonical genre that a tag may mean, and how much the spelling speaks for it; None if nothing does.

    Parameters
    ----------
    tag : str
        A genre tag that the map does not know.
    genre_map : GenreMap
        The map in force.
    """
    text = spelling.plain(tag)
    key = spelling.key(text)
    known = {alias: match.genre for alias, match in genre_map.aliases.items() if match.genre is not None}
    close = difflib.get_close_matches(key, known, n=1, cutoff=CLOSE)
    if close:
        return known[close[0]], round(difflib.SequenceMatcher(None, key, close[0]).ratio(), 2)
    votes = [genre for word in spelling.tokens(text) if (genre := genre_map.match(word).genre)]
    if not votes or len(set(votes)) > 1:
        return None
    return votes[0], WORD_SCORE


def as_yaml(suggestions: Mapping[str, tuple[str, float]]) -> str:
    """Return lines to paste into the aliases of each genre."""
    by_genre: dict[str, list[str]] = {}
    for tag, (genre, _) in sorted(suggestions.items()):
        by_genre.setdefault(genre, []).append(tag)
    lines = ["# Proposed aliases; check them before you paste them into the map:"]
    for genre, tags in sorted(by_genre.items()):
        quoted = ", ".join("'" + tag.replace("'", "''") + "'" for tag in tags)
        lines.append(f"  - id: {genre}\n    aliases: [{quoted}]")
    return "\n".join(lines)
