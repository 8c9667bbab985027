"""`tagger init`: make a home."""

from __future__ import annotations

import argparse

from tagger.base.files import write_text
from tagger.base.settings import settings_template
from tagger.commands.session import Outcome, Session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`init` has only the options of every command."""
    parser.epilog = "Without --home and $TAGGER_HOME the current folder becomes the home."


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Make the folders, a commented `tagger.toml` and a copy of the genre map; what is there already stays."""
    from tagger.genres.map import default_map_path

    home = session.home
    home.create()
    made: list[str] = []
    for path, text in (
        (home.settings, settings_template()),
        (home.genre_map, default_map_path().read_text(encoding="utf-8")),
    ):
        if not path.exists():
            write_text(path, text)
            made.append(path.name)
    there = f"made {' and '.join(made)}" if made else "was there already, nothing changed"
    lines = [
        f"Home {home.folder}: {there}.",
        "Next: tagger nightly /path/to/your/music     (a dry run: no file is touched without --apply)",
    ]
    return Outcome(counts={"made": len(made)}, own={"made": made}, lines=lines, asked=True)
