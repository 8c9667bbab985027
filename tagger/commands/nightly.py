"""`tagger nightly`: the whole night, for cron. `run` reads as its stages."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tagger.commands import suspects
from tagger.commands.audit import find
from tagger.commands.classify import classify
from tagger.commands.learn import learn, why_due
from tagger.commands.model import model_in_use
from tagger.commands.report import Night, write_report
from tagger.commands.scan import library_roots, scan_libraries
from tagger.commands.session import Outcome, Session
from tagger.commands.write import carry_out, make_plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Libraries, whether to write, and how long and how much."""
    parser.add_argument("libraries", nargs="+", metavar="LIBRARY", help="a mounted folder of music")
    parser.add_argument("--apply", action="store_true", help="write the tags; without it no file is touched")
    parser.add_argument("--max-minutes", type=minutes, metavar="N", help="stop in time; the rest follows another night")
    parser.add_argument("--max-writes", type=int, metavar="N", help="files to write at most; the rest is postponed")


def minutes(text: str) -> float:
    """Return a time limit; what is no time is refused by the parser."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of minutes")
    return value


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Scan, classify, plan, write, audit, report; learn, and doubt labels, where it is due."""
    roots = library_roots(session, arguments.libraries)
    session.begin()
    if arguments.max_minutes is not None:
        session.deadline = time.monotonic() + 60 * arguments.max_minutes
    night = Night(tuple(roots), arguments.apply)

    with stage(session, night, "scan") as counts:
        counts.update(scan_libraries(session, roots))
    libraries = library_ids(session, roots)
    due = why_due(session)
    if model_in_use(session) is None:
        learn_now(session, night, due)
    if model_in_use(session) is not None:
        with stage(session, night, "classify") as counts:
            counts.update(classify(session, libraries))
    with stage(session, night, "write") as counts:
        night.plan = make_plan(session, again=False, library_ids=libraries)
        done, night.items = carry_out(session, night.plan, arguments.apply)
        counts.update(done)
    with stage(session, night, "audit") as counts:
        night.findings = find(session)
        counts.update(findings=len(night.findings))
    night.report = write_report(session, night)
    if due and not night.learned:
        learn_now(session, night, due)
    doubted = doubt_labels(session, night)
    if doubted:
        night.findings = find(session)
    if doubted or night.learned:
        night.report = write_report(session, night)
    session.index.runs.forget_idle(session.settings.keep_runs_days)
    return _outcome(session, night)


@contextlib.contextmanager
def stage(session: Session, night: Night, name: str) -> Iterator[dict[str, int]]:
    """Run a stage: its counts and its seconds go into the night."""
    session.check()
    session.console.say(f"{name} ...")
    counts: dict[str, int] = {}
    started = time.monotonic()
    yield counts
    night.stages[name] = {"counts": counts, "seconds": round(time.monotonic() - started, 3)}


def library_ids(session: Session, roots: Sequence[bytes]) -> list[int]:
    """Return the index's numbers of these libraries."""
    rows = (session.index.libraries.get(root) for root in roots)
    return [row.library_id for row in rows if row is not None]


def learn_now(session: Session, night: Night, due: str | None) -> None:
    """Make the data set and train, as far as the time allows."""
    if due is None or session.out_of_time():
        return
    with stage(session, night, "learn") as counts:
        night.learned = learn(session, due)
        counts.update(night.learned.counts)


def doubt_labels(session: Session, night: Night) -> bool:
    """Judge the labels by models of other artists, where that is due and time is left; say whether it was done."""
    if session.out_of_time() or not suspects.due(session):
        return False
    with stage(session, night, "suspects") as counts:
        counts.update(suspects=suspects.refresh(session))
    return True


def _outcome(session: Session, night: Night) -> Outcome:
    counts: Counter[str] = Counter()
    for facts in night.stages.values():
        counts.update(facts["counts"])
    written, planned = counts["written"], counts["planned"]
    own: dict[str, Any] = {"stages": night.stages, "report": str(night.report), "applied": night.apply}
    own["trained"] = night.learned.model_id if night.learned else None
    noteworthy = bool(written or counts["failed"] or session.new_problems or (planned and not night.apply))
    noteworthy = noteworthy or bool(night.learned and night.learned.model_id)
    return Outcome(dict(counts), own, night.lines(session), noteworthy, looked_at=counts["files"])
