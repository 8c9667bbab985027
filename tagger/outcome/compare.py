"""Model families side by side: rows for JSON, for a terminal, and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tagger.base.errors import printable
from tagger.outcome.markup import duration, number, percent, some

METRICS = (  # key, heading, meaning
    ("track_accuracy", "tracks right", "the likeliest genre is what people say"),
    ("clip_accuracy", "clips right", "the same for single clips"),
    ("top3_accuracy", "first three", "the right genre is among the three likeliest"),
    ("balanced_accuracy", "balanced", "tracks right, every genre counting the same"),
    ("macro_recall", "macro recall", "of the tracks of a genre, found; mean over genres (the same as balanced)"),
    ("macro_precision", "macro precision", "of the tracks that are called a genre, right; mean over genres"),
    ("macro_f1", "macro F1", "precision and recall of a genre in one; mean over genres"),
    ("roc_auc", "ROC AUC", "a genre's track gets more of it than another track; mean over genres; 0.5 is guessing"),
    ("ece", "ECE", "calibration error: how far confidence is from how often it is right; less is better"),
    ("precision", "right if written", "of the tracks that are sure enough to be written without a person, right"),
    ("coverage", "would be written", "of all tracks, sure enough to be written without a person"),
)
LEAKY = "What the same model would claim if clips of one track could be on both sides, for learning and for testing"
MOST_FAMILY = 20  # characters of a family's name: so a line of `table` fits 120 columns

_TO_ESCAPE = re.compile(r"[\\`*_\[\]<>|~$]|&(?=#?\w+;)")  # what Markdown or HTML in it would take for markup


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """What one family can do and what it costs.

    Parameters
    ----------
    family : str
        Its name.
    metrics, intervals : mapping
        Keyed as in `METRICS`, with `majority_baseline`; intervals are 95%, by bootstrap over artists.
    parameters : int
        Numbers that were learned; 0 where that means nothing.
    train_seconds : float
        Wall time of the training.
    tracks_per_second : float
        When predicting.
    seconds : str
        The length of its clips, such as "1 s".
    leaky : mapping or None
        The metrics of the same family trained and tested on clips dealt out at random; None where not asked for.
    note : str
        For people.
    """

    family: str
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    parameters: int
    train_seconds: float
    tracks_per_second: float
    seconds: str
    leaky: Mapping[str, float] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What all families were measured on.

    `tracks` of the `split` by `groups` artists, with `genres` (names to show) between them; `majority` is the rate of
    always saying the most common genre. `dataset`, `started` (ISO 8601) and `version` are left out where empty.
    """

    tracks: int
    groups: int
    genres: tuple[str, ...]
    majority: float
    split: str = "test"
    dataset: str = ""
    started: str = ""
    version: str = ""


def facts(row: FamilyRow) -> dict[str, Any]:
    """Return a row for JSON."""
    return {
        "family": row.family,
        "metrics": dict(row.metrics),
        "intervals": {name: list(ends) for name, ends in row.intervals.items()},
        "parameters": row.parameters,
        "train_seconds": row.train_seconds,
        "tracks_per_second": row.tracks_per_second,
        "leaky": None if row.leaky is None else dict(row.leaky),
        "note": row.note,
    }


def best_first(rows: Iterable[FamilyRow]) -> list[FamilyRow]:
    """Return rows by track accuracy, the best first; equal ones by name."""
    return sorted(rows, key=lambda row: (-row.metrics.get("track_accuracy", 0.0), row.family))


# --- cells ------------------------------------------------------------------------------------------------------------


def value(row: FamilyRow, key: str) -> str:
    """Return a figure to three places; "-" where it is not known, as the precision of nothing written."""
    if key not in row.metrics or (key == "precision" and not row.metrics.get("coverage", 1)):
        return "-"
    return f"{row.metrics[key]:.3f}"


def interval(row: FamilyRow, key: str) -> str:
    """Return "0.554 to 0.668"; nothing where there is no figure or no interval of it."""
    if key not in row.intervals or value(row, key) == "-":
        return ""
    low, high = row.intervals[key]
    return f"{low:.3f} to {high:.3f}"


def leaky(row: FamilyRow, key: str) -> str:
    """Return the figure that a leaky split would give; "-" where it is not known."""
    return f"{row.leaky[key]:.3f}" if row.leaky and key in row.leaky else "-"


def gap(row: FamilyRow, key: str = "track_accuracy") -> str:
    """Return by how much the leaky figure is above the honest one, "+0.214"; "-" where it is not known."""
    known = row.leaky and key in row.leaky and key in row.metrics
    return f"{row.leaky[key] - row.metrics[key]:+.3f}" if row.leaky and known else "-"


def short(count: int) -> str:
    """Return a number of parameters in at most six characters: "50,860", "211k", "1.24M"; "-" for 0."""
    if count < 100_000:
        return number(count) if count else "-"
    if count < 1_000_000:
        return f"{count // 1000}k"
    return f"{count / 1e6:.2f}M" if count < 10_000_000 else f"{count // 1_000_000}M"


def pace(amount: float) -> str:
    """Return seconds, or tracks per second, with a decimal where it matters."""
    return f"{amount:.1f}" if amount < 100 else f"{amount:,.0f}"


# --- terminal ---------------------------------------------------------------------------------------------------------


def table(rows: Iterable[FamilyRow]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return header and rows of a table for the terminal, the best first; with two spaces between, under 120 columns.

    The column "leaky" is there if any family has such a figure.
    """
    ordered = best_first(rows)
    keys = ("clip_accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "top3_accuracy", "ece")
    leaks = any(row.leaky for row in ordered)
    header = ("family", "tracks", "95%", "clips", "balanced", "F1", "AUC", "top 3", "ECE")
    lines = []
    for row in ordered:
        name = printable(row.family)
        name = name if len(name) <= MOST_FAMILY else name[: MOST_FAMILY - 3] + "..."
        ends = interval(row, "track_accuracy").replace(" to ", "-")
        line = (name, value(row, "track_accuracy"), ends, *(value(row, key) for key in keys))
        claim = (leaky(row, "track_accuracy"),) if leaks else ()
        lines.append((*line, *claim, short(row.parameters), pace(row.train_seconds), pace(row.tracks_per_second)))
    return (*header, *(("leaky",) if leaks else ()), "params", "train s", "tracks/s"), lines


# --- Markdown ---------------------------------------------------------------------------------------------------------


def to_markdown(rows: Iterable[FamilyRow], about: About) -> str:
    """Return everything as Markdown: all figures with their intervals, what they were measured on, costs, leaks."""
    ordered = best_first(rows)
    parts = ["# Model families side by side", _measured_on(ordered, about)]
    figures = [[_safe(row.family), *(_with_interval(row, key) for key, _, _ in METRICS)] for row in ordered]
    parts += ["## Figures", _grid(["family", *(heading for _, heading, _ in METRICS)], figures)]
    parts.append("\n".join(f"- **{heading}**: {meaning}" for _, heading, meaning in METRICS))
    costs = [
        [
            _safe(row.family),
            _safe(row.seconds),
            number(row.parameters) if row.parameters else "-",
            duration(row.train_seconds),
            pace(row.tracks_per_second),
            _safe(row.note),
        ]
        for row in ordered
    ]
    parts += [
        "## Costs",
        _grid(["family", "clips of", "parameters", "training", "tracks per second", "note"], costs),
    ]
    if any(row.leaky for row in ordered):
        parts += ["## If tracks leaked", f"{LEAKY}. It is no figure to expect on new artists.", _leaks(ordered)]
    return "\n\n".join(parts) + "\n"


def _measured_on(rows: Sequence[FamilyRow], about: About) -> str:
    ends = interval(rows[0], "majority_baseline") if rows else ""
    tracks = some(about.tracks, f"{_safe(about.split)} track")
    lines = [
        f"On {tracks} by {some(about.groups, 'artist')} that no model heard. Always saying the most common genre would "
        f"be right on {percent(about.majority)}{f' ({ends})' if ends else ''}. In brackets: 95% intervals, by "
        f"bootstrap over artists.",
        f"Genres: {', '.join(_safe(genre) for genre in about.genres)}.",
    ]
    made = (("Data set", about.dataset), ("Made", about.started), ("Version", about.version))
    lines += [f"{what}: {_safe(words)}." for what, words in made if words]
    return "\n\n".join(lines)


def _leaks(rows: Sequence[FamilyRow]) -> str:
    header = ["family", "tracks right", "leaky", "difference"]
    keys = [(key, heading) for key, heading, _ in METRICS[1:] if any(row.leaky and key in row.leaky for row in rows)]
    header += [f"leaky {heading}" for _, heading in keys]
    cells = [
        [
            _safe(row.family),
            value(row, "track_accuracy"),
            leaky(row, "track_accuracy"),
            gap(row),
            *(leaky(row, key) for key, _ in keys),
        ]
        for row in rows
    ]
    return _grid(header, cells)


def _with_interval(row: FamilyRow, key: str) -> str:
    ends = interval(row, key)
    return f"{value(row, key)} ({ends})" if ends else value(row, key)


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table: the first column to the left, figures to the right."""
    lines = [header, ["---", *("---:" for _ in header[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _safe(words: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _TO_ESCAPE.sub(r"\\\g<0>", printable(" ".join(words.split())))
