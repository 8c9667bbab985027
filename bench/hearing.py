"""How many clips of a track, and of which length, are worth hearing.

    python -m bench.hearing HOME LIBRARY

The current model of HOME, which must take clips of every length, hears ten 1-s and ten 2-s clips of each track of
LIBRARY (made by `python -m bench.hard`, of artists that it never met). The table has what it gets right with the first
few of them, and with both lengths together.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tagger.audio.forms import form_from_card
from tagger.audio.workers import input_stream
from tagger.base.errors import FileProblem
from tagger.base.records import ClipSource
from tagger.library.payload import fingerprint
from tagger.model.fit import log_softmax
from tagger.model.saved import Classifier, load

MOST = 10
COUNTS = (1, 2, 3, 5, 10)
LENGTHS: tuple[tuple[int, ...], ...] = ((1,), (2,), (1, 2))  # [s]


def main(home: Path, library: Path) -> None:
    """Print the table."""
    classifier = load(max(path.parent for path in (home / "models").glob("*/card.json")))
    with (library / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["outside"] == "0" and row["genre"] in classifier.genres]
    labels, logs = listen(classifier, library, rows)
    header = ("clips", *(" and ".join(f"{seconds} s" for seconds in lengths) for lengths in LENGTHS))
    print(f"{classifier.id}, {len(labels)} tracks: share right against the truth (loss)\n")
    print(f"| {' | '.join(header)} |\n|{' --- |' * len(header)}")
    for count in COUNTS:
        cells = [figures(labels, logs, count, lengths) for lengths in LENGTHS]
        print(f"| {count} | {' | '.join(cells)} |")


def figures(labels: np.ndarray, logs: dict[int, np.ndarray], count: int, lengths: Sequence[int]) -> str:
    """Return what share of tracks is right with the mean of some clips' log-probabilities, and their loss."""
    # Spread over the track, as fewer clips would be.
    chosen = np.unique(np.linspace(0, MOST - 1, count + 2)[1:-1].round().astype(int)) if count < MOST else slice(None)
    mean = log_softmax(np.mean([logs[seconds][:, chosen].mean(axis=1) for seconds in lengths], axis=0))
    right = (mean.argmax(axis=1) == labels).mean()
    return f"{right:.3f} ({-mean[np.arange(len(labels)), labels].mean():.3f})"


def listen(
    classifier: Classifier, library: Path, rows: Sequence[dict[str, str]]
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Return true labels, and by length the log-probabilities of the clips, (tracks, `MOST`, genres)."""
    paths = [os.fsencode(library / row["path"]) for row in rows]
    sources = [ClipSource(fingerprint(path)[:16], path, 0.0) for path in paths]
    form = form_from_card(classifier.form_card)
    labels: list[int] = []
    said: dict[int, list[np.ndarray]] = {1: [], 2: []}
    stream = input_stream(sources, sorted(said), form, MOST, os.cpu_count() or 1)
    for row, (_, found) in zip(rows, stream, strict=True):
        if isinstance(found, FileProblem) or any(len(found[seconds]) < MOST for seconds in said):
            continue
        labels.append(classifier.genres.index(row["genre"]))
        for seconds, parts in said.items():
            parts.append(log_softmax(classifier.logits(found[seconds])))
    return np.array(labels), {seconds: np.stack(parts) for seconds, parts in said.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
