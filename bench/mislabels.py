"""Finding wrong labels: how many of those that are planted come first in the ranking, beside other rankings.

`python -m bench mislabels [--library DIR] [--epochs N]`. DIR is a library with a `truth.csv` (as `bench.hard` writes
it), or a data set of pictures that `tagger dataset` made; without it, pictures are drawn. Half of the planted errors
are of the genre that the right one is most easily taken for, half of any other. With `--epochs`, the default network
is trained in each fold, too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.mislabels_data import clips_of
from bench.mislabels_network import network
from tagger.model.clips import ClipSet
from tagger.model.suspects import cross_predict, doubts, of_the_heard, out_of_fold, rank, usual, with_artists
from tagger.model.suspects_table import TrackTable, track_table

SHARES = (0.05, 0.10, 0.20)  # of the labels that are made wrong
FIRST = (20, 50)  # lengths of the list that a person looks through
SEEDS = (1, 2)


def plant(labels: np.ndarray, similar: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return labels, int64 (tracks,), of which a share is wrong.

    `similar` is float64 (genres, genres), how easily the genre of the row is taken for that of the column.
    """
    random = np.random.default_rng(seed)
    found = labels.copy()
    for number, position in enumerate(random.permutation(len(labels))[: round(share * len(labels))]):
        right = labels[position]
        others = np.flatnonzero(np.arange(len(similar)) != right)
        found[position] = others[similar[right, others].argmax()] if number % 2 else random.choice(others)
    return found


def rankings(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return scores by name, the higher the likelier wrong; those that `rank` was chosen from."""
    at = np.arange(len(labels))
    own, others = probabilities[at, labels], probabilities.copy()
    others[at, labels] = -1
    other, typical = others.max(axis=1), usual(probabilities, labels)
    return {
        "rank": rank(probabilities, labels),
        "self-confidence": -own,
        "margin": other - own,
        "below the usual": typical[labels] - own,
    }


def row(scores: np.ndarray, wrong: np.ndarray, seconds: float) -> list[float]:
    """Return area under the curve, and the share of wrong labels among the first as many as there are, 20 and 50."""
    from sklearn.metrics import roc_auc_score

    first = wrong[np.argsort(-scores, kind="stable")]
    return [roc_auc_score(wrong, scores), *(first[:k].mean() for k in (wrong.sum(), *FIRST)), seconds]


Measured = tuple[dict[str, list[float]], str]


def measure(clips: ClipSet, table: TrackTable, similar: np.ndarray, share: float, seed: int, epochs: int) -> Measured:
    """Plant errors; return the row of each ranking, and what the audit would list, in words."""
    genres = len(similar)
    planted = replace(table, labels=plant(table.labels, similar, share, seed))
    wrong = planted.labels != table.labels
    started = time.perf_counter()
    quick = out_of_fold(planted, genres, seed=seed).probabilities
    seconds = time.perf_counter() - started
    rows = {
        name: row(scores, wrong, took) for name, scores, took in _beside(clips, planted, quick, seconds, seed, epochs)
    }
    found = doubts(planted, quick, seed=seed)
    right = found.suspect & wrong
    better = (found.suggested == table.labels)[right].sum()
    listed = f"the audit lists {found.suspect.sum()}, of which {right.sum()} are wrong"
    return rows, f"seed {seed}: {wrong.sum()} wrong; {listed}, {better} of these with the right genre suggested"


Ranking = tuple[str, np.ndarray, float]


def _beside(
    clips: ClipSet, table: TrackTable, quick: np.ndarray, seconds: float, seed: int, epochs: int
) -> Iterator[Ranking]:
    """Yield name, scores and seconds of each ranking of the table's labels."""
    labels, genres = table.labels, quick.shape[1]
    yield "random", np.random.default_rng(seed).random(len(table)), 0.0
    started = time.perf_counter()
    heard = of_the_heard(table, genres, seed)
    yield "a model that saw the label", -heard[np.arange(len(table)), labels], time.perf_counter() - started
    for name, scores in rankings(quick, labels).items():
        yield f"out of fold: {name}", scores, seconds
    yield "out of fold and the artist's other tracks", rank(with_artists(table, quick), labels), seconds
    if epochs:
        started = time.perf_counter()
        slow = cross_predict(labels, table.groups, genres, network(clips, table, genres, epochs, seed), seed=seed)
        took = time.perf_counter() - started
        for name, scores in rankings(slow, labels).items():
            yield f"cnn2d out of fold, {epochs} epochs: {name}", scores, took
        yield "mean of both: rank", rank((quick + slow) / 2, labels), took + seconds


def main(options: Sequence[str] = ()) -> None:
    """Print a table for each share of planted errors, means over the seeds."""
    parser = argparse.ArgumentParser(prog="python -m bench mislabels", description=__doc__)
    parser.add_argument("--library", type=Path, metavar="DIR", help="a library with truth.csv, or a data set")
    parser.add_argument("--epochs", type=int, default=0, metavar="N", help="train the default network in each fold too")
    arguments = parser.parse_args(options)
    clips, genres = clips_of(arguments.library)
    started = time.perf_counter()
    table = track_table(clips)
    seconds = time.perf_counter() - started
    print(
        f"{len(table):,} tracks by {np.unique(table.groups).size} artists, {genres} genres; table in {seconds:.1f} s",
        flush=True,
    )
    judge = out_of_fold(table, genres).probabilities
    similar = np.stack([judge[table.labels == genre].mean(axis=0) for genre in range(genres)])
    accuracy, majority = (judge.argmax(axis=1) == table.labels).mean(), np.bincount(table.labels).max() / len(table)
    print(f"without any planted, its models get {accuracy:.0%} right (always the most frequent genre: {majority:.0%})")
    for share in SHARES:
        measured = [measure(clips, table, similar, share, seed, arguments.epochs) for seed in SEEDS]
        print(f"\n{share:.0%} of the labels wrong\n")
        print("| ranking | area under curve | right among as many as are wrong | first 20 | first 50 | seconds |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name in measured[0][0]:
            mean = np.mean([rows[name] for rows, _ in measured], axis=0)
            print(f"| {name} | {mean[0]:.3f} | {mean[1]:.2f} | {mean[2]:.2f} | {mean[3]:.2f} | {mean[4]:.1f} |")
        for _, found in measured:
            print(found)


if __name__ == "__main__":
    main(sys.argv[1:])
