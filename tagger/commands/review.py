"""`tagger review`: uncertain and suspicious tracks out to a CSV file, a person's decisions in."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tagger.base.errors import UsageError
from tagger.base.records import Problem, TrackState
from tagger.commands.audit import find
from tagger.commands.console import problem_lines, save_text
from tagger.commands.labels import label_due_tracks
from tagger.commands.libraries import track_at
from tagger.commands.session import Outcome, Session
from tagger.commands.views import person_genre

if TYPE_CHECKING:
    from tagger.index.rows import TrackRow, TrackView
    from tagger.outcome.audit import Finding
    from tagger.review.csv_file import ReviewRow

TO_DECIDE = ("suspicious", "stray", "conflicting", "id3v1")  # findings on labels that a person may want to change


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Out or in, and the file."""
    parser.add_argument("action", choices=("export", "import"), help="write the questions, or read the answers")
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    parser.epilog = (
        "Fill the column `decision` with accept, reject, dismiss or a genre; what is left empty is asked again. "
        "`tagger write --apply` then carries the decisions out."
    )


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Export the questions or import the answers."""
    return _export(session, arguments.file) if arguments.action == "export" else _import(session, arguments.file)


def _export(session: Session, file: Path) -> Outcome:
    session.look()
    from tagger.review.csv_file import export_rows

    rows = list(questions(session))
    save_text(file, export_rows(rows))
    lines = [f"{len(rows):,} tracks in {file}. Fill the column `decision`, then: tagger review import {file}"]
    return Outcome({"tracks": len(rows)}, {"out": str(file)}, lines, asked=True)


def questions(session: Session) -> Iterator[ReviewRow]:
    """Yield what a person should decide on: suspicious genres first, then open tracks, the surest first."""
    current = session.index.models.current()
    suspects: dict[bytes, Finding] = {f.path: f for f in reversed(find(session)) if f.kind in TO_DECIDE}
    open_rows: list[tuple[float, bytes, ReviewRow]] = []
    suspect_rows: list[tuple[float, bytes, ReviewRow]] = []
    for view in session.index.select.views(current.model_id if current else None):
        track = view.track
        if (finding := suspects.get(track.absolute)) is not None:
            row = _row(track, finding.suggested, None, finding.detail)
            suspect_rows.append((-finding.score, track.path, row))
        elif _is_open(view):
            prediction = view.prediction
            assert prediction is not None
            row = _row(track, prediction.genre, prediction.confidence, prediction.reason)
            open_rows.append((-prediction.confidence, track.path, row))
    for _, _, row in [*sorted(suspect_rows, key=lambda r: r[:2]), *sorted(open_rows, key=lambda r: r[:2])]:
        yield row


def _is_open(view: TrackView) -> bool:
    """Say whether a track waits for a person: no label, not closed, nothing decided, and the model has a guess."""
    waiting = view.track.state in (TrackState.UNTAGGED, TrackState.UNMAPPED, TrackState.AMBIGUOUS)
    return waiting and view.prediction is not None and not view.track.closed and person_genre(view) is None


def _row(track: TrackRow, predicted: str | None, confidence: float | None, reason: str) -> ReviewRow:
    from tagger.review.csv_file import ReviewRow

    return ReviewRow(
        track.absolute, track.artist, track.album, track.title, track.genre_tag, predicted, confidence, reason
    )


def _import(session: Session, file: Path) -> Outcome:
    from tagger.index.rows import DecisionKind, NewDecision
    from tagger.review.csv_file import import_rows

    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    decisions, problems = import_rows(content, _genre_of(session))
    session.begin()
    session.problems += problems
    new: list[NewDecision] = []
    for decision in decisions:
        track = track_at(session, decision.path)
        if track is None:
            session.problems.append(Problem(os.fsdecode(decision.path), f"line {decision.line}: not in the index"))
        else:
            new.append(NewDecision(track, DecisionKind(decision.kind), decision.genre))
    session.index.decisions.record(session.journal, new, session.run_id)
    label_due_tracks(session)
    counts = {"decisions": len(new), "problems": len(session.problems)}
    lines = [f"{len(new):,} decisions taken in. To write them to the files: tagger write --apply"]
    lines += problem_lines(session.problems)
    return Outcome(counts, {}, lines, asked=True, looked_at=len(decisions) + len(problems))


def _genre_of(session: Session) -> Callable[[str], str | None]:
    genre_map = session.genre_map
    ids = {genre.id.casefold(): genre.id for genre in genre_map.genres}

    def genre_of(text: str) -> str | None:
        return ids.get(text.strip().casefold()) or genre_map.match(text).genre

    return genre_of
