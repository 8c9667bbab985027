"""Does a model keep its promise? On a library of artists that neither the model nor its thresholds have met.

    python -m bench.promise HOME LIBRARY

HOME is that of a station whose current model is judged; LIBRARY was made by `python -m bench.hard` (with other artists,
by another seed) and has a `truth.csv`. Prints the calibration error, and precision, coverage and the share of tracks
outside the genres that would be written, for several promises; against what people typed, mistakes included, and
against the truth.
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
from tagger.base.records import NONE, ClipSource, Split
from tagger.genres.map import default_map_path, load_map
from tagger.library.payload import fingerprint
from tagger.model.calibrate import accepted, precision_bound, thresholds
from tagger.model.heldout import Heldout
from tagger.model.metrics import measure
from tagger.model.saved import Classifier, load

PROMISES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
CONFIDENCE = 0.8
CLIPS = 5


def main(home: Path, library: Path) -> None:
    """Judge the newest model of a home."""
    folder = max(path.parent for path in (home / "models").glob("*/card.json"))
    classifier = load(folder)
    heard, chances = listen(classifier, library, truth(library))
    said, true = as_heldout(classifier, heard, chances)
    print(f"{classifier.id}: {len(said.labelled())} tracks by {len(set(said.groups))} artists, "
          f"{len(said.outside())} outside the genres\n")  # fmt: skip
    own = classifier.heldout()
    nothing = np.zeros(len(said), np.bool_)
    print("| judged by | tracks right (95% interval) | majority | ECE (95% interval) |\n| --- | --- | --- | --- |")
    for name, judged in (("what people typed", said), ("the truth", true)):
        measures = measure(judged, {}, nothing)
        figures = [measures.metrics[key] for key in ("track_accuracy", "majority_baseline", "ece")]
        low, high = measures.intervals["ece"]
        least, most = measures.intervals["track_accuracy"]
        right = f"{figures[0]:.3f} ({least:.3f} to {most:.3f})"
        print(f"| {name} | {right} | {figures[1]:.3f} | {figures[2]:.3f} ({low:.3f} to {high:.3f}) |")
    header = ("promise", "precision (typed)", "80% bound", "precision (truth)", "coverage", "outside written", "genres")
    print(f"\n| {' | '.join(header)} |\n|{' --- |' * len(header)}")
    for promise in PROMISES:
        limits = thresholds(own, promise, CONFIDENCE)
        taken = accepted(said.probabilities, said.genres, limits)
        print("| " + " | ".join(cells(promise, said, true, taken, limits)) + " |")


def truth(library: Path) -> list[dict[str, str]]:
    """Return the rows of a library's `truth.csv`."""
    with (library / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cells(
    promise: float, said: Heldout, true: Heldout, taken: np.ndarray, limits: dict[str, float | None]
) -> Sequence[str]:
    """Return the cells of one promise."""
    calls = said.probabilities.argmax(axis=1)
    inside = said.inside
    right, really = calls == said.labels, calls == true.labels
    here = taken & inside
    outside = int((taken & ~inside).sum()), int((~inside).sum())
    bound = precision_bound(right[here], said.groups[here], CONFIDENCE) if here.any() else 0.0
    written = [genre for genre, limit in limits.items() if limit is not None]
    precision = (f"{share[here].mean():.3f}" if here.any() else "-" for share in (right, really))
    typed, truth = precision
    share = f"{outside[0]} of {outside[1]} ({outside[0] / max(1, outside[1]):.1%})"
    return f"{promise:.2f}", typed, f"{bound:.3f}", truth, f"{here.sum() / inside.sum():.3f}", share, ", ".join(written)


def listen(
    classifier: Classifier, library: Path, rows: Sequence[dict[str, str]]
) -> tuple[list[dict[str, str]], np.ndarray]:
    """Hear every track of a library; return its rows, and the calibrated probabilities (tracks, genres)."""
    sources = []
    for row in rows:
        path = os.fsencode(library / row["path"])
        sources.append(ClipSource(fingerprint(path)[:16], path, 0.0))
    form, seconds = form_from_card(classifier.form_card), classifier.seconds
    heard, clips = [], []
    stream = input_stream(sources, [seconds], form, CLIPS, os.cpu_count() or 1)
    for row, (_, found) in zip(rows, stream, strict=True):
        if not isinstance(found, FileProblem):
            heard.append(row)
            clips.append(found[seconds])
    parts = [classifier.track_probabilities(clips[start : start + 256]) for start in range(0, len(clips), 256)]
    return heard, np.concatenate(parts)


def as_heldout(classifier: Classifier, rows: Sequence[dict[str, str]], chances: np.ndarray) -> tuple[Heldout, Heldout]:
    """Return the tracks with the labels that people typed, and with the true ones."""
    genre_map = load_map(default_map_path())
    genres = classifier.genres if NONE in classifier.genres else (*classifier.genres, NONE)
    chances = np.pad(chances, ((0, 0), (0, len(genres) - chances.shape[1])))
    typed = [genre_map.match_all([row["genre_tag"]]).genre or NONE for row in rows]
    true = [row["genre"] if row["outside"] == "0" else NONE for row in rows]
    count = len(rows)
    names = np.array([str(number) for number in range(count)])
    groups = np.array([row["artist"] for row in rows])
    ones = np.ones(count, np.int64)

    def of(labels: Sequence[str]) -> Heldout:
        places = np.array([genres.index(label) for label in labels])
        return Heldout(genres, names, groups, np.full(count, str(Split.TEST)), places, chances, ones, ones)

    return of(typed), of(true)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
