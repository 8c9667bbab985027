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
from tagger.commands.console import problem_lines
from tagger.commands.labels import label_due_tracks
from tagger.commands.pause import Pause
from tagger.commands.session import Outcome, Session
from tagger.commands.write import POSTPONED, left_alone, plan_facts, plan_lines, take_in, why_postponed, write_context
from tagger.index.rows import Stage

if TYPE_CHECKING:
    from tagger.index.rows import ChangeRow, TrackRow

log = logging.getLogger("tagger")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run to take back."""
    parser.add_argument("undone", metavar="RUN", help="the id of the run; `tagger status` shows the last ones")


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Give the files of a run their earlier tags, the last change first."""
    session.begin()
    changes = session.index.changes
    if session.index.runs.get(arguments.undone) is None:
        wrote = (run for run in session.index.runs.recent(20) if run.counts.get("written") and run.command != "undo")
        recent = [run.run_id for run in wrote]
        known = f"; runs that wrote something: {', '.join(recent)}" if recent else ""
        raise UsageError(f"there is no run {arguments.undone}{known}")
    planned = changes.writes_of_run(arguments.undone)[Stage.APPLIED]
    counts = Counter(planned=planned, written=0, postponed=0, skipped=0, failed=0)
    items: list[PlanItem] = []
    pause = Pause(session)
    with session.console.bar("undoing", planned) as bar:
        for row in changes.of_run(arguments.undone, newest_first=True):
            if row.change.kind != "write" or row.status != Stage.APPLIED:
                continue
            bar.step()
            if (why := pause.before(row.facts.get("size_after", 0))) is not None:
                counts["postponed"] += 1
                items.append(_item(row, POSTPONED + why))
                continue
            result, item = _undo(session, row, pause)
            counts[result] += 1
            session.tally["written"] += result == "written"
            items.append(item)
    pause.tell()
    label_due_tracks(session)
    session.check()
    return Outcome(
        dict(counts),
        {"plan": [plan_facts(item) for item in items], "undone": arguments.undone},
        _lines(session, arguments.undone, counts, items),
        asked=True,
        looked_at=planned,
    )


def _item(row: ChangeRow, reason: str, track: TrackRow | None = None) -> PlanItem:
    """Return the plan's line for taking a change back."""
    change = row.change
    path = track.absolute if track else change.absolute
    return PlanItem(change.track_id, path, change.written, before_text(row), None, "undo", reason)


def _undo(session: Session, row: ChangeRow, pause: Pause) -> tuple[str, PlanItem]:
    """Take one change back; return what became of it."""
    from tagger.index.rows import NewChange
    from tagger.library.write import undo_write

    change = row.change
    found = session.index.select.by_ids([change.track_id] if change.track_id is not None else [])
    track = found.get(change.track_id or -1)
    if track is None:
        session.report(FileProblem(change.absolute, "is no longer in the index; scan the library, then undo again"))
        return "failed", _item(row, "failed: not in the index")
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
        undo_write(track.absolute, dict(row.facts), write_context(session, track, new))
        log.info("undid %r in %s", change.written, os.fsdecode(track.absolute))
        pause.after(None)
        take_in(session, track)
    except WriteSkipped as problem:
        pause.after(problem, track.size)
        result, reason = left_alone(problem)
    except FileProblem as problem:
        session.report(problem)
        result, reason = "failed", f"failed: {problem.cause}"
    return result, _item(row, reason, track)


def before_text(row: ChangeRow) -> str | None:
    """Return the genre that the file had before a change, as people see it."""
    blocks: list[Any] = row.facts.get("genre_blocks", [])
    values = next((block[1] for block in blocks if block[1] and block[0] != "id3v1"), None)
    return "; ".join(values) if values else None


def _lines(session: Session, run: str, counts: Counter[str], items: list[PlanItem]) -> list[str]:
    if not items:
        done = session.index.changes.writes_of_run(run)[Stage.UNDONE]
        return [f"All that run wrote was taken back already ({done:,} files)." if done else "That run wrote nothing."]
    lines = plan_lines(items)
    if counts["postponed"]:
        why = why_postponed(items, counts["postponed"])
        lines.append(f"{counts['postponed']:,} not yet put back ({why}). Once more: tagger undo {run}")
    lines.append(f"{counts['written']:,} put back, {counts['skipped']:,} left alone, {counts['failed']:,} failed.")
    return lines + problem_lines(session.problems)
