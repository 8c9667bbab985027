"""`tagger export`: the index as CSV, JSON lines or M3U playlists."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tagger.base.errors import UsageError
from tagger.commands.console import print_out, save_text
from tagger.commands.session import Outcome, Session
from tagger.commands.views import export_row

if TYPE_CHECKING:
    from tagger.outcome.export import ExportRow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Format and place."""
    parser.add_argument("--format", choices=("csv", "jsonl", "m3u"), default="csv", help="default: csv")
    parser.add_argument("--out", type=Path, metavar="PATH", help="a file, or a folder for m3u; standard output without")


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Write one line per readable track that is there."""
    session.look()
    from tagger.outcome import export

    if arguments.format == "m3u" and arguments.out is None:
        raise UsageError("m3u makes a playlist per genre; say where with --out FOLDER")
    rows = list(exported(session))
    own = {"out": str(arguments.out) if arguments.out else None}
    if arguments.out is None and session.console.as_json:  # one object is all that may stand on standard output
        return Outcome({"tracks": len(rows)}, {**own, "tracks": [row.facts() for row in rows]}, asked=True)
    if arguments.format == "m3u":
        made, problems = export.write_playlists(rows, arguments.out, [genre.id for genre in session.genre_map.genres])
        session.problems += problems
        lines = [f"{len(made)} playlists with {sum(made.values()):,} tracks in {arguments.out}."]
    else:
        texts = (export.csv_lines if arguments.format == "csv" else export.jsonl_lines)(rows)
        lines = []
        if arguments.out is None:
            print_out(texts)
        else:
            save_text(arguments.out, "".join(texts))
            lines.append(f"{len(rows):,} tracks in {arguments.out}.")
    return Outcome({"tracks": len(rows)}, own, lines, asked=True)


def exported(session: Session) -> Iterator[ExportRow]:
    """Yield the readable tracks of all libraries, by path."""
    current = session.index.models.current()
    for view in session.index.select.views(current.model_id if current else None):
        if view.track.state is not None:
            yield export_row(session, view)
