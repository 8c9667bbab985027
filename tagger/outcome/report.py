"""The report of a run: what was found, written and left, how far the model is to be trusted, how to undo.

`write_report` makes ``report.html`` for people, one file that needs nothing else, and ``report.json`` for programs.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from tagger.base.errors import path_text
from tagger.base.files import write_text
from tagger.base.records import Problem
from tagger.outcome.audit import FindingGroup

ABSTAINED_KEPT = 1000  # in report.json: a first night over a large library can leave 100,000


@dataclass(frozen=True, slots=True)
class Change:
    """One tag change, done or (in a dry run) intended. `before` is the raw genre tag, `after` a genre id.

    `replaced` says that an earlier run's genre gave way, so that the track is not counted as one without a genre.
    """

    path: bytes  # absolute
    artist: str | None
    album: str | None
    title: str | None
    before: str | None
    after: str | None
    confidence: float | None
    decision: str  # accept: the model was sure enough; person: decided in review
    reason: str
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Abstained:
    """A track without a genre that the model is not sure enough about.

    `others` are the next likely genres with their probabilities, `clips` for how many each genre was the likeliest.
    """

    path: bytes  # absolute
    artist: str | None
    title: str | None
    genre: str
    confidence: float
    reason: str
    others: tuple[tuple[str, float], ...] = ()
    clips: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GenreScore:
    """How one genre does on held-out artists. `threshold` None: never written without a person."""

    genre: str
    tracks: int  # held-out tracks of this genre,
    groups: int  # by this many artists
    precision: float
    recall: float
    f1: float
    threshold: float | None
    measured: bool


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model that predicted.

    `metrics` and `intervals` (95%) are keyed as in its card; `tracks`, `groups` and `clips` say on how many held-out
    tracks, artists and clips they were measured, `split` on which part of the data set.
    """

    id: str
    family: str
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    tracks: int
    groups: int
    clips: int
    split: str
    promise: float
    promise_confidence: float
    genres: tuple[GenreScore, ...] = ()
    note: str = ""  # such as: trained in this run; kept, since the new one was worse


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG picture, put into the page."""

    title: str
    caption: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the run and what it counted."""

    name: str
    seconds: float
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the report tells.

    Parameters
    ----------
    run_id, command, version : str
        Which run this is.
    started : str
        Local time, as ISO 8601 with seconds.
    seconds : float
        How long it took.
    home : str
        The home folder.
    libraries : tuple of bytes
        Their roots; paths below them are shown without them.
    applied : bool
        False for a dry run: then `changes` are what would be done.
    found : mapping of str to int
        The counts of the scan: files, states and so on, from before anything was written.
    changes : tuple of Change
        Written, or in a dry run planned.
    postponed : int
        Planned for later nights.
    skipped, failed : tuple of Problem
        Files that were not written, each with its reason.
    left : tuple of (reason, tracks)
        Why tracks are not in the plan; the reasons read after "the track".
    abstained : tuple of Abstained
        All that waits for a person: the page counts them. JSON gets the `ABSTAINED_KEPT` surest and their number.
    model : ModelFacts or None
        None where there is none; `no_model` then says why.
    findings, finding_counts
        The audit's groups, worst first, and its number of findings of each kind.
    errors : tuple of Problem
        Files that could not be read.
    stages, pictures, notes
        The stages, pictures, and lines that a person should read first.
    genre_names : mapping of str to str
        Genre id to name.
    """

    run_id: str
    command: str
    version: str
    started: str
    seconds: float
    home: str
    libraries: tuple[bytes, ...]
    applied: bool
    found: Mapping[str, int]
    changes: tuple[Change, ...] = ()
    postponed: int = 0
    skipped: tuple[Problem, ...] = ()
    failed: tuple[Problem, ...] = ()
    left: tuple[tuple[str, int], ...] = ()
    abstained: tuple[Abstained, ...] = ()
    model: ModelFacts | None = None
    no_model: str = ""
    findings: tuple[FindingGroup, ...] = ()
    finding_counts: Mapping[str, int] = field(default_factory=dict)
    errors: tuple[Problem, ...] = ()
    stages: tuple[Stage, ...] = ()
    pictures: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()
    genre_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def undo(self) -> str:
        """The command that takes this run's changes back; empty if there are none."""
        return f"tagger undo {self.run_id}" if self.applied and self.changes else ""


def report_facts(report: Report) -> dict[str, Any]:
    """Return the report for JSON: paths with surrogate escapes, pictures by their titles only."""
    surest = sorted(report.abstained, key=lambda track: (-track.confidence, track.path))[:ABSTAINED_KEPT]
    facts: dict[str, Any] = _plain(dataclasses.replace(report, pictures=(), abstained=tuple(surest)))
    facts["waiting"] = len(report.abstained)
    facts["pictures"] = [picture.title for picture in report.pictures]
    facts["undo"] = report.undo or None
    return facts


def _plain(value: Any) -> Any:
    """Return a record as what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: _plain(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return path_text(value) if isinstance(value, bytes) else value


def write_report(report: Report, folder: Path) -> Path:
    """Write ``report.html`` and ``report.json`` into `folder`, each whole; the folder is made if missing.

    Returns
    -------
    Path
        Of the HTML file.
    """
    from tagger.outcome.page import render

    folder.mkdir(parents=True, exist_ok=True)
    facts = json.dumps(report_facts(report), ensure_ascii=True, allow_nan=False, indent=1)
    write_text(folder / "report.json", facts + "\n")
    page = folder / "report.html"
    write_text(page, render(report))
    return page
