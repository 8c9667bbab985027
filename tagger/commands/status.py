"""`tagger status`: what the index, the model and the last runs look like."""

from __future__ import annotations

import argparse
import os
from datetime import datetime
from typing import Any

from tagger.base.lock import at_work
from tagger.base.records import TrackState
from tagger.commands.console import table
from tagger.commands.session import Outcome, Session
from tagger.index.rows import RunRow, Stage

RUNS_SHOWN = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`status` has only the options of every command."""


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Look, without changing anything."""
    session.look()
    index, running = session.index, at_work(session.home.lock)
    counts = index.select.counts()
    numbers = {state.value: counts.states[state] for state in TrackState}
    own: dict[str, Any] = {
        "index": index.name.removeprefix("the index "),
        "libraries": [
            {"path": os.fsdecode(row.root), "scanned_at": _time(row.scanned_at)} for row in index.libraries.all()
        ],
        "model": _model(session),
        "runs": [
            {
                "run_id": row.run_id,
                "command": row.command,
                "started_at": _time(row.started_at),
                "status": row.status if row.status != "running" or running else "killed",
                "counts": _counts(session, row),
            }
            for row in index.runs.recent(RUNS_SHOWN)
        ],
    }
    counted = {"files": sum(numbers.values()) + counts.unreadable, **numbers}
    counted |= {"unreadable": counts.unreadable, "missing": counts.missing}
    return Outcome(counted, own, _lines(session, counted, own), asked=True)


def _counts(session: Session, row: RunRow) -> dict[str, int]:
    """Return what a run counted; of one that was stopped or killed, what it had written by then."""
    if row.counts or row.status == "done":
        return dict(row.counts)
    writes = session.index.changes.writes_of_run(row.run_id)
    return {"written": writes[Stage.APPLIED] + writes[Stage.UNDONE]}


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _model(session: Session) -> dict[str, Any] | None:
    current = session.index.models.current()
    if current is None:
        return None
    card = current.card
    return {"id": current.model_id, "family": current.family, "genres": card["genres"], "metrics": card["metrics"]}


def _lines(session: Session, counts: dict[str, int], own: dict[str, Any]) -> list[str]:
    states = ", ".join(f"{counts[state.value]:,} {state.value}" for state in TrackState if counts[state.value])
    lines = [f"Home:   {session.home.folder}", f"Index:  {own['index']}"]
    for library in own["libraries"]:
        lines.append(f"Library {library['path']}, last scanned {library['scanned_at'] or 'never'}")
    lines.append(f"Tracks: {states or 'none yet'}; {counts['unreadable']:,} unreadable, {counts['missing']:,} missing")
    model = own["model"]
    if model:
        metrics = model["metrics"]
        lines.append(
            f"Model:  {model['id']}, {metrics['track_accuracy']:.0%} of held-out tracks right "
            f"(always saying the most frequent genre: {metrics['majority_baseline']:.0%})"
        )
    else:
        lines.append("Model:  none yet")
    rows = [
        (run["run_id"], run["command"], run["status"], run["counts"].get("written", 0) or "") for run in own["runs"]
    ]
    return [*lines, "", *table(("run", "command", "status", "files written"), rows, frozenset({3}))] if rows else lines
