"""Wiring of the report: what a night did, as the report's records."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger import __version__
from tagger.base.records import Decision, PlanItem, Problem, TrackState
from tagger.commands.conclusions import Conclusion, stamp
from tagger.commands.console import problem_lines
from tagger.commands.decisions import Limits, limits_now
from tagger.commands.model import heldout_file

if TYPE_CHECKING:
    from tagger.commands.learn import Learned
    from tagger.commands.session import Session
    from tagger.index.rows import ModelRow, TrackRow
    from tagger.outcome import report as page
    from tagger.outcome.audit import Finding
    from tagger.outcome.plan import Plan

FINDINGS_SHOWN = 200
RUNNERS_UP, WORTH_NAMING = 2, 0.05  # genres named beside the likeliest: how many, and from which probability
PICTURES = (
    ("confusion.png", "Where it goes wrong", "Rows: what people say. Columns: what the model says."),
    ("genres.png", "Genre by genre", "On tracks of artists that it never heard."),
    ("reliability.png", "Is it as sure as it is right?", "Confidence against how often it was right, as it is used."),
    ("curves.png", "Learning", "Loss and accuracy over the epochs."),
)
LEFT_ALONE = "left alone: "
FAILED = "failed: "


@dataclass
class Night:
    """What a night has done so far."""

    roots: tuple[bytes, ...]
    apply: bool
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    plan: Plan | None = None
    items: list[PlanItem] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    learned: Learned | None = None
    report: Path | None = None

    def counts(self, stage: str) -> Mapping[str, int]:
        """Return what a stage counted; nothing if it did not run."""
        return self.stages.get(stage, {}).get("counts", {})

    def lines(self, session: Session) -> list[str]:
        """Return the night in a few lines: what cron mails."""
        scan, heard, wrote = self.counts("scan"), self.counts("classify"), self.counts("write")
        lines = [
            f"{scan['files']:,} files, {scan['labelled']:,} with a person's genre, {scan['untagged']:,} without one, "
            f"{scan['unreadable']:,} unreadable, {scan['missing']:,} missing."
        ]
        if self.learned:
            lines.append(self.learned.text)
        if heard:
            lines.append(
                f"{heard['classified']:,} classified: {heard['accepted']:,} surely enough to write, "
                f"{heard['abstained']:,} for review."
            )
        if self.apply:
            lines.append(f"{wrote['written']:,} files written, {wrote['skipped']:,} left alone, "
                         f"{wrote['failed']:,} failed, {wrote['postponed']:,} postponed.")  # fmt: skip
            if wrote["written"]:
                lines.append(f"To take it back: tagger undo {session.run_id}")
        else:
            lines.append(f"Dry run: {wrote['planned'] - wrote['skipped']:,} files would be written; --apply does it.")
        lines += problem_lines(session.problems, 20)
        lines.append(f"Report: {self.report}")
        return lines


def write_report(session: Session, night: Night) -> Path:
    """Write the report of the run into the home's `reports`, and let the oldest ones go.

    Returns
    -------
    Path
        The page.
    """
    from tagger.outcome.report import write_report as write_page

    folder = session.home.reports / (session.run_id or "run")
    path = write_page(_report(session, night), folder)
    kept = sorted(entry for entry in session.home.reports.iterdir() if entry.is_dir())
    for old in kept[: -session.settings.keep_reports]:
        shutil.rmtree(old)
    return path


def _report(session: Session, night: Night) -> page.Report:
    from tagger.outcome import audit
    from tagger.outcome import report as page

    rows = session.index.select.by_ids(item.track_id for item in night.items if item.track_id is not None)
    refused = [item for item in night.items if item.reason.startswith((LEFT_ALONE, FAILED, "postponed"))]
    changes = [_change(rows, item) for item in night.items if item not in refused]
    return page.Report(
        run_id=session.run_id or "",
        command=session.command,
        version=__version__,
        started=time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() - session.seconds())),
        seconds=session.seconds(),
        home=str(session.home.folder),
        libraries=night.roots,
        applied=night.apply,
        found=night.counts("scan"),
        changes=tuple(changes),
        postponed=night.counts("write").get("postponed", 0),
        skipped=tuple(_problem(item) for item in refused if item.reason.startswith(LEFT_ALONE)),
        failed=tuple(_problem(item) for item in refused if item.reason.startswith(FAILED)),
        left=night.plan.left if night.plan else (),
        abstained=_abstained(session),
        model=_model(session, night),
        no_model=night.learned.text if night.learned else "no model has been trained yet",
        findings=tuple(audit.grouped(night.findings)[:FINDINGS_SHOWN]),
        finding_counts=audit.counts(night.findings),
        errors=tuple(session.problems),
        stages=tuple(page.Stage(name, facts["seconds"], facts["counts"]) for name, facts in night.stages.items()),
        pictures=_pictures(session),
        genre_names={genre.id: genre.name for genre in session.genre_map.genres},
    )


def _change(rows: Mapping[int, TrackRow], item: PlanItem) -> page.Change:
    from tagger.outcome.report import Change

    row = rows.get(item.track_id or -1)
    who = (row.artist, row.album, row.title) if row else (None, None, None)
    replaced = item.reason.startswith("replaces ")
    return Change(item.path, *who, item.before, item.after, item.confidence, item.decision, item.reason, replaced)


def _problem(item: PlanItem) -> Problem:
    return Problem(os.fsdecode(item.path), item.reason.removeprefix(LEFT_ALONE).removeprefix(FAILED))


def _abstained(session: Session) -> tuple[page.Abstained, ...]:
    from tagger.outcome.report import Abstained

    current = session.index.models.current()
    if current is None:
        return ()
    known = Conclusion(session, "abstained", [])
    if (rows := known.recall()) is None:
        rows = sorted(_waiting(session, current.model_id), key=lambda row: (-row[4], os.fsencode(row[0])))
        known.remember(rows)
    return tuple(Abstained(os.fsencode(path), *facts) for path, *facts in rows)


def _waiting(session: Session, model: str) -> Iterator[list[Any]]:
    """Yield what waits for a person, as the fields of `Abstained`, with the path as text."""
    for view in session.index.select.views(model, states=(TrackState.UNTAGGED,)):
        track, prediction = view.track, view.prediction
        if prediction is None or prediction.decision is not Decision.ABSTAIN or track.closed:
            continue
        who = (os.fsdecode(track.absolute), track.artist, track.title)
        likely = sorted(prediction.probabilities.items(), key=lambda pair: -pair[1])
        others = [pair for pair in likely if pair[0] != prediction.genre and pair[1] >= WORTH_NAMING][:RUNNERS_UP]
        said = (prediction.genre, prediction.confidence, prediction.reason)
        yield [*who, *said, others, dict(prediction.clips)]


def _model(session: Session, night: Night) -> page.ModelFacts | None:
    from tagger.outcome.report import GenreScore, ModelFacts

    current = session.index.models.current()
    if current is None:
        return None
    card = current.card
    limits, unmeasured = _limits(session, current)  # the promise may be another than when the model was trained
    names = ("genre", "tracks", "groups", "precision", "recall", "f1")
    return ModelFacts(
        id=current.model_id,
        family=current.family,
        metrics=card["metrics"],
        intervals={key: (low, high) for key, (low, high) in card["intervals"].items()},
        tracks=card["measured_tracks"],
        groups=card["measured_groups"],
        clips=card["measured_clips"],
        split=card["measured_on"],
        promise=session.settings.promise,
        promise_confidence=session.settings.promise_confidence,
        genres=tuple(
            GenreScore(
                **{name: row[name] for name in names},
                measured=row["genre"] not in unmeasured and row["genre"] in limits,
                threshold=limits.get(row["genre"]),
            )
            for row in card["genre_rows"]
        ),
        note=night.learned.text if night.learned else "",
    )


def _limits(session: Session, current: ModelRow) -> Limits:
    promise = [session.settings.promise, session.settings.promise_confidence]
    known = Conclusion(session, "limits", [current.model_id, *promise, stamp(heldout_file(current))])
    limits = known.recall()
    if limits is None:
        found, unmeasured = limits_now(session, current)
        limits = [dict(found), sorted(unmeasured)]
        known.remember(limits)
    return limits[0], limits[1]


def _pictures(session: Session) -> tuple[page.Picture, ...]:
    from tagger.outcome.report import Picture

    current = session.index.models.current()
    if current is None:
        return ()
    folder = Path(current.folder)
    found = [(folder / name, title, caption) for name, title, caption in PICTURES]
    return tuple(Picture(title, caption, path.read_bytes()) for path, title, caption in found if path.exists())
