"""`tagger undo RUN`: put the tags that a run changed back as they were."""

from __future__ import annotations

import argparse
import logging
import os
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

from tagger.base.errors import FileProblem, UsageError, WriteSkipped
from tagger.base.records import PlanItem
from tagger.commands.labels import label_due_tracks
from tagger.commands.session import Outcome, Session
from tagger.commands.write import plan_facts, summary, take_in, write_context

if TYPE_CHECKING:
    from tagger.index.rows import ChangeRow

log = logging.getLogger("tagger")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run to take back."""
    parser.add_argument("undone", metavar="RUN", help="the id of the run; `tagger status` shows the last ones")


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Give the files of a run their earlier tags, the last change first."""
    session.begin()
    from tagger.index.rows import Stage

    changes = session.index.changes.of_run(arguments.undone)
    if not changes and session.index.runs.get(arguments.undone) is None:
        recent = [entry.run_id for entry in session.index.runs.recent(20) if entry.counts.get("written")]
        known = f"; runs that wrote something: {', '.join(recent)}" if recent else ""
        raise UsageError(f"there is no run {arguments.undone}{known}")
    applied = [row for row in reversed(changes) if row.change.kind == "write" and row.status == Stage.APPLIED]
    counts = Counter(planned=len(applied), written=0, postponed=0, skipped=0, failed=0)
    items: list[PlanItem] = []
    with session.console.bar("undoing", len(applied)) as bar:
        for row in applied:
            bar.step()
            if session.stopping():
                counts["postponed"] += 1
                continue
            result, item = _undo(session, row)
            counts[result] += 1
            items.append(item)
    label_due_tracks(session)
    session.check()
    return Outcome(
        dict(counts),
        {"plan": [plan_facts(item) for item in items], "undone": arguments.undone},
        _lines(session, counts, items),
        asked=True,
        looked_at=len(applied),
    )


def _undo(session: Session, row: ChangeRow) -> tuple[str, PlanItem]:
    """Take one change back; return what became of it."""
    from tagger.index.rows import NewChange
    from tagger.library.write import undo_write

    change = row.change
    found = session.index.select.by_ids([change.track_id] if change.track_id is not None else [])
    track = found.get(change.track_id or -1)
    path = track.absolute if track else change.absolute
    before = change.written
    after = before_text(row)
    if track is None:
        session.report(FileProblem(path, "is no longer in the index; scan the library, then undo again"))
        return "failed", PlanItem(None, path, before, after, None, "undo", "failed: not in the index")
    new = NewChange(
        change_id=uuid.uuid4().hex,
        run_id=session.run_id or "",
        kind="undo",
        by="person",
        library=track.root,
        path=track.path,
        track_id=track.track_id,
        undoes=change.change_id,
    )
    reason = f"takes back {change.written!r} of run {change.run_id}"
    result = "written"
    try:
        undo_write(path, dict(row.facts), write_context(session, track, new))
        log.info("undid %r in %s", change.written, os.fsdecode(path))
        take_in(session, track)
    except WriteSkipped as problem:
        result, reason = "postponed" if problem.postponed else "skipped", f"left alone: {problem.cause}"
    except FileProblem as problem:
        session.report(problem)
        result, reason = "failed", f"failed: {problem.cause}"
    return result, PlanItem(track.track_id, path, before, after, None, "undo", reason)


def before_text(row: ChangeRow) -> str | None:
    """Return the genre that the file had before a change, as people see it."""
    blocks: list[Any] = row.facts.get("genre_blocks", [])
    values = next((block[1] for block in blocks if block[1] and block[0] != "id3v1"), None)
    return "; ".join(values) if values else None


def _lines(session: Session, counts: Counter[str], items: list[PlanItem]) -> list[str]:
    if not items:
        return ["That run wrote nothing that could be taken back."]
    lines = summary(session, {**counts, "written": 0}, items, apply=True)[:-1]
    return [*lines, f"{counts['written']:,} put back, {counts['skipped']:,} left alone, {counts['failed']:,} failed."]
