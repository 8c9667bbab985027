"""`tagger write`: the plan of tag changes, and with `--apply` the changes."""

from __future__ import annotations

import argparse
import logging
import os
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tagger.base.errors import FileProblem, LibraryLooksWrong, WriteSkipped
from tagger.base.records import Decision, FoundFile, PlanItem
from tagger.commands.conclusions import Conclusion
from tagger.commands.console import problem_lines, table
from tagger.commands.decisions import decide_anew_where_due
from tagger.commands.labels import label_due_tracks
from tagger.commands.libraries import mounted_libraries
from tagger.commands.pause import Pause
from tagger.commands.preflight import CheckedPlan, change_lines, checked_plan, note_for
from tagger.commands.session import Outcome, Session
from tagger.commands.views import candidate

if TYPE_CHECKING:
    from tagger.index.rows import NewChange, TrackRow
    from tagger.library.loss import Loss
    from tagger.library.write import WriteContext
    from tagger.outcome.plan import Candidate, Plan

POSTPONED = "postponed: "  # before the reason of a file that waits for another run
FEW = 1  # files may have been deleted since the scan, however short the plan is
SHOWN = 30  # rows of the plan that a person sees; the JSON has all

log = logging.getLogger("tagger")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whether to do it, and how much of it."""
    parser.add_argument("--apply", action="store_true", help="write the tags; without it only the plan is shown")
    parser.add_argument("--max-writes", type=int, metavar="N", help="files to write at most; the rest is postponed")
    parser.add_argument("--again", action="store_true", help="also fill what a person blanked, changed or took back")


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Show the plan, or carry it out."""
    session.begin()
    plan = make_plan(session, arguments.again, [row.library_id for row in mounted_libraries(session)])
    counts, items = carry_out(session, plan, arguments.apply)
    return Outcome(
        counts,
        {"plan": [{**plan_facts(item), "changes": plan.changes(item)} for item in items], "applied": arguments.apply},
        summary(session, counts, items, arguments.apply) + (change_lines(plan) if session.console.verbose else []),
        noteworthy=bool(counts["planned"]),
        looked_at=counts["planned"],
    )


def make_plan(session: Session, again: bool, library_ids: Collection[int]) -> CheckedPlan:
    """Return what the current model's predictions and people's decisions ask to write in these libraries."""
    current = session.index.models.current()
    decide_anew_where_due(session, current)
    model = current.model_id if current else None

    def candidates() -> Iterator[Candidate]:
        for view in session.index.select.views(model, library_ids=library_ids, spoken_of=True):
            yield candidate(session, view)

    lengths = [session.settings.min_seconds, session.settings.max_seconds]
    known = Conclusion(session, "nothing-planned", [session.genre_map.hash, sorted(library_ids), again, *lengths])
    if (left := known.recall()) is not None:
        return CheckedPlan((), (), tuple((why, tracks) for why, tracks in left))
    # A machine's genre has a prediction by the current model only after `classify --refresh`, which asked for this.
    plan = checked_plan(session, candidates, again)
    if not (plan.items or plan.postponed or plan.refused):
        known.remember(plan.left)
    return plan


def plan_facts(item: PlanItem) -> dict[str, Any]:
    """Return a planned change for JSON."""
    facts = {"path": os.fsdecode(item.path), "before": item.before, "after": item.after}
    return {**facts, "confidence": item.confidence, "decision": item.decision, "reason": item.reason}


def carry_out(session: Session, plan: CheckedPlan, apply: bool) -> tuple[dict[str, int], list[PlanItem]]:
    """Carry the plan out, or with `apply` false only count it.

    Returns
    -------
    counts : dict
        Of the command.
    items : list of PlanItem
        What was planned; where a file was left alone, `reason` says why.
    """
    refused = len(plan.refused)
    counts = Counter(planned=len(plan.items) + refused, written=0, postponed=len(plan.postponed), skipped=refused)
    counts["failed"] = 0
    if not apply:
        return dict(counts), [*plan.items, *plan.refused]
    refuse_if_many_gone(session, plan)
    tracks = session.index.select.by_ids(item.track_id for item in plan.items if item.track_id is not None)
    current = session.index.models.current()
    model = current.model_id if current else ""
    items: list[PlanItem] = []
    pause = Pause(session)
    with session.console.bar("writing", len(plan.items)) as bar:
        for item in plan.items:
            bar.step()
            track = tracks[item.track_id or 0]
            if (why := pause.before(track.size, item.album)) is not None:
                counts["postponed"] += 1
                items.append(replace(item, reason=POSTPONED + why))
                continue
            result, reason = _write(session, track, item, model, pause, plan.losses(item))
            counts[result] += 1
            session.tally["written"] += result == "written"
            items.append(item if reason is None else replace(item, reason=reason))
    pause.tell()
    label_due_tracks(session)
    session.check()
    return dict(counts), [*items, *plan.refused]


def refuse_if_many_gone(session: Session, plan: Plan) -> None:
    """Stop before the first write if more of the files to write are gone than a library may lose.

    Raises
    ------
    LibraryLooksWrong
    """
    gone = sum(not os.path.lexists(item.path) for item in plan.items)
    if gone > max(FEW, session.settings.max_missing * len(plan.items)):
        raise LibraryLooksWrong(
            f"{gone} of the {len(plan.items)} files to write are gone; nothing was written. Is everything mounted? "
            "`tagger scan LIBRARY` tells what became of them"
        )


def _write(
    session: Session, track: TrackRow, item: PlanItem, model: str, pause: Pause, losses: tuple[Loss, ...]
) -> tuple[str, str | None]:
    """Write one file; return what became of it, and why it was left alone if it was."""
    from tagger.index.rows import NewChange
    from tagger.library.write import write_genre

    run_id = session.run_id or ""
    by_person = item.decision == Decision.PERSON
    name = session.genre_map.name(item.after or "")
    change = NewChange(
        change_id=uuid.uuid4().hex,
        run_id=run_id,
        kind="write",
        by="person" if by_person else "machine",
        library=track.root,
        path=track.path,
        track_id=track.track_id,
        genre=item.after,
        written=name,
        model=None if by_person else model,
        confidence=item.confidence,
    )
    note = note_for(session, item, name, model)
    try:
        write_genre(track.absolute, name, note, write_context(session, track, change, losses))
    except WriteSkipped as problem:
        log.info("left alone: %s", problem)
        pause.after(problem, track.size)
        return left_alone(problem)
    except FileProblem as problem:
        session.report(problem)
        return "failed", f"failed: {problem.cause}"
    log.info("wrote %r to %s", name, os.fsdecode(track.absolute))
    pause.after(None)
    take_in(session, track)
    return "written", None


def left_alone(problem: WriteSkipped) -> tuple[str, str]:
    """Return what a file counts as that was not written, and why in words."""
    if problem.postponed:
        return "postponed", POSTPONED + problem.cause
    return "skipped", f"left alone: {problem.cause}"


def write_context(session: Session, track: TrackRow, change: NewChange, losses: tuple[Loss, ...] = ()) -> WriteContext:
    """Return what the write recipe needs to know and to call."""
    from tagger.library.write import WriteContext

    def journal(stage: str, facts: Mapping[str, Any]) -> None:
        session.index.changes.record(session.journal, change, stage, facts)

    last = session.index.changes.last_applied(track.track_id)
    ours = (last.facts["size_after"], last.facts["mtime_ns_after"]) if last and "size_after" in last.facts else None
    return WriteContext(
        library=track.root,
        run=session.run_id or "",
        settle_seconds=session.settings.settle_minutes * 60,
        own_last_write=ours,
        mtime=session.settings.mtime,
        audio_hash=session.audio_hash,
        journal=journal,
        stopping=session.stopping,
        scanned=track.genre_blocks if change.kind == "write" else None,
        losses=losses,
    )


def take_in(session: Session, track: TrackRow) -> None:
    """Store what a file says now that it was written, so that the next scan finds it unchanged.

    If somebody takes the file away this very moment, the next scan will tell; the write itself is journalled.
    """
    from tagger.genres.labels import genre_text
    from tagger.index.rows import ScannedFile
    from tagger.library.tags import read_tags

    try:
        stat = os.stat(track.absolute)
        tags = read_tags(track.absolute)
    except (OSError, FileProblem) as problem:
        log.warning("written, and gone since: %s", problem)
        return
    file = FoundFile(track.path, stat.st_size, stat.st_mtime_ns)
    read = ScannedFile(file, tags, genre_text(tags.genre_blocks))
    session.index.tracks.save(track.library_id, [read], session.run_id)


def summary(session: Session, counts: Mapping[str, int], items: Sequence[PlanItem], apply: bool) -> list[str]:
    """Return the plan for people."""
    lines = plan_lines(items) if items else ["Nothing to write."]
    if counts["postponed"]:
        lines.append(f"{counts['postponed']:,} postponed to a later run ({why_postponed(items, counts['postponed'])}).")
    if apply:
        lines.append(f"{counts['written']:,} written, {counts['skipped']:,} left alone, {counts['failed']:,} failed.")
        if counts["written"]:
            lines.append(f"To take it back: tagger undo {session.run_id}")
    elif items:
        lines.append("No file was touched. To write: tagger write --apply")
    return lines + problem_lines(session.problems)


def plan_lines(items: Sequence[PlanItem]) -> list[str]:
    """Return the first rows of a plan as a table."""
    rows = [
        (f"{i.confidence:.0%}" if i.confidence is not None else "", i.before or "", i.after or "", _shown(i))
        for i in items[:SHOWN]
    ]
    lines = table(("sure", "before", "after", "file"), rows, numbers=frozenset({0}))
    return [*lines, f"... and {len(items) - SHOWN:,} more"] if len(items) > SHOWN else lines


def why_postponed(items: Sequence[PlanItem], postponed: int) -> str:
    """Return why files wait, with how many for each reason; those that no item tells of have to wait for the budget."""
    why = Counter(item.reason.removeprefix(POSTPONED) for item in items if item.reason.startswith(POSTPONED))
    why["max_writes is reached"] += postponed - why.total()
    return "; ".join(f"{count:,}: {reason}" for reason, count in why.most_common() if count > 0)


def _shown(item: PlanItem) -> str:
    why = f"  ({item.reason})" if item.reason.startswith(("left alone", "failed", "postponed")) else ""
    return os.fsdecode(item.path) + why
