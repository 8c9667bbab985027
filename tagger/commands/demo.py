"""`tagger demo`: a small library of synthetic music, and a whole night over it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.base.errors import UsageError
from tagger.base.files import write_text
from tagger.base.home import SETTINGS_NAME
from tagger.base.records import TrackState
from tagger.base.settings import load_settings
from tagger.commands import nightly
from tagger.commands.audit import find
from tagger.commands.session import Outcome, Session
from tagger.commands.views import current_genre

if TYPE_CHECKING:
    from tagger.demo.library import DemoTruth
    from tagger.demo.verdict import VerdictRow

TRACKS = 320
TRUTH = "truth.json"
FLAGGING = ("stray", "suspicious", "conflicting", "id3v1")  # findings that point at a wrong genre
# With some ten artists per genre, two are held out: nobody can promise 90% of anything from so few. These values
# make the night show everything all the same; a station keeps the defaults.
SETTINGS: dict[str, Any] = {"promise": 0.75, "promise_confidence": 0.5, "epochs": 40}
SEED = 7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How large."""
    parser.add_argument("--tracks", type=int, default=TRACKS, metavar="N", help=f"default: {TRACKS}")
    parser.epilog = "The demo's home is ./tagger-demo unless --home says otherwise; an earlier demo there is replaced."


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Make the library, let `nightly --apply` run over it, and compare what it wrote with the truth."""
    library = _prepare(session)
    started = time.monotonic()
    truth = _make_library(session, library, arguments.tracks)
    making = time.monotonic() - started
    session.console.say("the night begins")
    night = argparse.Namespace(libraries=[str(library)], apply=True, max_minutes=None, max_writes=None)
    outcome = nightly.run(session, night)
    from tagger.demo.verdict import verdict

    result = verdict(truth, _rows(session, library))
    outcome.asked = True
    outcome.own["verdict"] = {
        name: getattr(result, name)
        for name in ("untagged", "filled", "right", "wrong", "abstained", "mislabelled", "found", "intruded")
    }
    shown = " ".join(f"{key}={value}" for key, value in SETTINGS.items())
    outcome.lines = [
        f"Made {len(truth.files)} files in {library} ({making:.0f} s).",
        f"Settings for so few tracks (in {session.home.settings}): {shown}",
        "",
        *outcome.lines,
        "",
        "Against the truth, which only the demo knows:",
        *(f"  {line}" for line in result.text().split("\n")),
        "",
        "This is synthetic music, made for the demo: its accuracy says nothing about yours.",
        f"Index: {session.home.index}   Pictures: {session.home.models}",
        f"Look around: tagger --home {session.home.folder} status | genres | audit | export",
    ]
    return outcome


def _prepare(session: Session) -> Path:
    """Make room for the demo, and give its home the settings that fit it."""
    folder = session.home.folder
    if folder.exists() and any(folder.iterdir()):
        if not (folder / TRUTH).exists():
            raise UsageError(f"{folder} is not an earlier demo: choose another folder with --home")
        shutil.rmtree(folder)
    session.home.create()
    library = folder / "library"
    lines = [f"{key} = {json.dumps(value)}" for key, value in SETTINGS.items()]
    text = "\n".join(["# Settings of the demo; a station keeps the defaults.", *lines, ""])
    write_text(folder / SETTINGS_NAME, text)
    write_text(folder / TRUTH, "{}\n")  # from here on this is a demo, also if it is stopped half-way
    session.settings = load_settings(folder / SETTINGS_NAME, {}, {})
    return library


def _make_library(session: Session, library: Path, tracks: int) -> DemoTruth:
    from tagger.audio.encode import encode
    from tagger.demo.library import make_library
    from tagger.library.compose import compose_tags

    with session.console.bar("playing", tracks, "tracks") as bar:

        def step(count: int) -> None:
            bar.step(count)
            session.check()

        truth = make_library(library, tracks, SEED, encode, compose_tags, step, session.settings.workers)
    truth.save(session.home.folder / TRUTH)
    return truth


def _rows(session: Session, library: Path) -> Iterator[VerdictRow]:
    """Yield what became of every file of the library."""
    from tagger.demo.verdict import VerdictRow

    root = os.fsencode(library)
    current = session.index.models.current()
    flagged = {finding.path for finding in find(session) if finding.kind in FLAGGING}
    for view in session.index.select.views(current.model_id if current else None):
        track = view.track
        written = current_genre(session.genre_map, track) if track.state is TrackState.MACHINE else None
        predicted = view.prediction.genre if view.prediction else None
        yield VerdictRow(os.path.relpath(track.absolute, root), written, predicted, False, track.absolute in flagged)
    for track in session.index.select.unreadable():
        yield VerdictRow(os.path.relpath(track.absolute, root), unreadable=True)
