"""`tagger genres`: every genre tag with its count and what it maps to."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from tagger.base.records import GenreTagState
from tagger.commands.console import table
from tagger.commands.session import Outcome, Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which tags, and whether to propose lines for the map."""
    parser.add_argument("--unmapped", action="store_true", help="only what the map does not place")
    parser.add_argument("--suggest", action="store_true", help="propose map lines for tags that the map does not know")


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """List the tags, the most frequent first."""
    session.look()
    from tagger.genres.suggest import as_yaml, suggest

    genre_map = session.genre_map
    rows, counts, proposals = [], Counter({state.value: 0 for state in GenreTagState}), {}
    for entry in session.index.select.genre_tag_counts():
        if entry.genre_tag is None:
            continue
        match = genre_map.match(entry.genre_tag)
        counts[match.state.value] += entry.count
        if arguments.unmapped and match.state not in (GenreTagState.UNMAPPED, GenreTagState.AMBIGUOUS):
            continue
        rows.append((entry.genre_tag, entry.count, match.genre, match.state.value))
        if match.state is GenreTagState.UNMAPPED and (found := suggest(entry.genre_tag, genre_map)):
            proposals[entry.genre_tag] = found
    shown = [(tag, count, genre or "", state) for tag, count, genre, state in rows]
    lines = table(("genre tag", "tracks", "maps to", "state"), shown, frozenset({1}))
    own: dict[str, Any] = {"genres": [{"genre_tag": a, "count": b, "canonical": c, "state": d} for a, b, c, d in rows]}
    if arguments.suggest:
        lines += ["", as_yaml(proposals)] if proposals else ["", "Nothing to propose."]
        own["suggestions"] = [{"genre_tag": tag, "canonical": g, "score": s} for tag, (g, s) in proposals.items()]
    if not rows:
        lines = ["Every genre tag has its place." if arguments.unmapped else "No genre tags yet: tagger scan LIBRARY"]
    return Outcome(dict(counts), own, lines, asked=True)
