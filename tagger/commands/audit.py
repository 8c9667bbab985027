"""`tagger audit`: genre tags that a person should look at, worst first."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tagger.base.batches import Once
from tagger.commands import suspects
from tagger.commands.conclusions import Conclusion, stamp
from tagger.commands.console import save_text, table
from tagger.commands.model import heldout_file, heldout_of
from tagger.commands.session import Outcome, Session
from tagger.commands.views import audit_track

if TYPE_CHECKING:
    from tagger.index.rows import ModelRow
    from tagger.outcome.audit import Finding

SHOWN = 40  # rows of the table; the CSV and the JSON have all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to put a CSV, how much of the table to show, and whether to judge the labels anew."""
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write all findings as CSV")
    parser.add_argument("--top", type=int, default=SHOWN, metavar="N", help=f"rows to show (default: {SHOWN})")
    parser.add_argument(
        "--refresh", action="store_true", help="first judge every label anew, by models that never heard its artist"
    )


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """List the findings."""
    if arguments.refresh:
        session.begin()
        suspects.refresh(session)
    else:
        session.look()
    from tagger.outcome import audit as findings_of

    findings = find(session)
    groups = findings_of.grouped(findings)
    lines = table(findings_of.TABLE_HEADER, findings_of.table_rows(groups, arguments.top), numbers=frozenset({2}))
    if len(groups) > arguments.top:
        lines.append(f"... and {len(groups) - arguments.top:,} more (--top, --csv FILE)")
    if arguments.csv:
        save_text(arguments.csv, findings_of.to_csv(findings))
        lines.append(f"All findings: {arguments.csv}")
    return Outcome(
        counts=findings_of.counts(findings),
        own={"findings": [finding.facts() for finding in findings]},
        lines=lines if findings else [_nothing(session)],
        asked=True,
    )


def _nothing(session: Session) -> str:
    if not session.index.libraries.all():
        return "No library was scanned yet: tagger scan LIBRARY"
    return "Nothing to find fault with."


def _unheard(session: Session) -> dict[str, tuple[str, float]]:
    """Return what the current model says of labelled tracks by artists that it never heard, by track."""
    current = session.index.models.current()
    heldout = heldout_of(current) if current else None
    if heldout is None:  # the audit has plenty to say without
        return {}
    best = heldout.probabilities.argmax(axis=1)
    return {
        str(track): (heldout.genres[genre], float(chances[genre]))
        for track, genre, chances in zip(heldout.tracks, best, heldout.probabilities, strict=True)
    }


def find(session: Session) -> list[Finding]:
    """Return the findings over all tracks of the index that a person has not dismissed."""
    current = session.index.models.current()
    files = [suspects.suspects_file(session), *([heldout_file(current)] if current else [])]
    known = Conclusion(session, "findings", [session.genre_map.hash, *map(stamp, files)])
    if (rows := known.recall()) is not None:
        return [_finding(*row) for row in rows]
    findings = _find(session, current)
    known.remember([[*finding.facts().values(), finding.detail] for finding in findings])
    return findings


def _finding(path: str, kind: str, genre_tag: str | None, suggested: str | None, score: float, detail: str) -> Finding:
    """Return a finding that was remembered."""
    from tagger.outcome.audit import Finding, Kind

    return Finding(os.fsencode(path), Kind(kind), genre_tag, suggested, score, detail)


def _find(session: Session, current: ModelRow | None) -> list[Finding]:
    from tagger.genres.suggest import suggest
    from tagger.outcome.audit import audit

    views = session.index.select.views(current.model_id if current else None)
    unheard, doubts = _unheard(session), suspects.current(session)
    once = Once()
    tracks = [
        audit_track(view, unheard.get(view.track.track), doubts.get((view.track.track, view.track.label or "")), once)
        for view in views
        if view.track.state is not None and not view.dismissed
    ]
    return audit(tracks, session.genre_map.match_all, lambda tag: suggest(tag, session.genre_map))
