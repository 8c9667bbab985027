"""What a model says of tracks by artists that it never heard, row by row beside what people say."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import NoModel
from tagger.base.files import write_bytes
from tagger.base.records import NONE, Split
from tagger.model.clips import ClipSet
from tagger.model.fit import READ_CLIPS, log_softmax

HELD_OUT = (Split.VAL, Split.TEST)
COLUMNS = ("track", "group", "label", "split", "clips", "clips_right")
TINY = 1e-12  # a probability is never less: its logarithm must stay a number


@dataclass(frozen=True, slots=True)
class Heldout:
    """Held-out tracks; row i of every column is about the same track, so nothing can be paired wrongly later.

    `genres` are the ids that `labels` (int64 (n,)) and the columns of `probabilities` (float64 (n, genres), each row
    adds up to 1) count in. `clips` (n,) is the number of clips, `clips_right` (n,) how many of them the network gets
    right one by one.
    """

    genres: tuple[str, ...]
    tracks: NDArray[np.str_]
    groups: NDArray[np.str_]
    splits: NDArray[np.str_]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    clips: NDArray[np.int64]
    clips_right: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Heldout:
        """Return the rows where `chosen` is true, or those at the positions in it."""
        return Heldout(
            self.genres,
            self.tracks[chosen],
            self.groups[chosen],
            self.splits[chosen],
            self.labels[chosen],
            self.probabilities[chosen],
            self.clips[chosen],
            self.clips_right[chosen],
        )

    def of(self, *splits: Split) -> Heldout:
        """Return the rows of these splits."""
        return self.only(np.isin(self.splits, [str(split) for split in splits]))

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which of the tracks are of a canonical genre, and not there to teach what is none; bool (n,)."""
        none = self.genres.index(NONE) if NONE in self.genres else -1
        return self.labels != none

    def labelled(self) -> Heldout:
        """Return the tracks of canonical genres."""
        return self.only(self.inside)

    def outside(self) -> Heldout:
        """Return the tracks that are none of the genres."""
        return self.only(~self.inside)

    def tempered(self, temperature: float) -> Heldout:
        """Return the same tracks with the probabilities at another temperature: over 1 less sure, under 1 surer."""
        return replace(self, probabilities=temper(self.probabilities, temperature))


def temper(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return probabilities (..., genres) raised to the power 1 / `temperature`, and made to add up to 1 again."""
    return np.exp(log_softmax(np.log(np.maximum(probabilities, TINY)) / temperature))


def of_track(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of a track whose clips have these log-probabilities, averaged; (..., genres)."""
    return np.exp(log_softmax(logs))


def unheard(clips: ClipSet, groups: Collection[str] = ()) -> NDArray[np.int64]:
    """Return the positions of held-out clips that share neither track nor group with training, nor are of `groups`.

    A data set from elsewhere may have an artist on both sides; such tracks measure memory, not genre.
    """
    heard = clips.of(Split.TRAIN)
    held = clips.of(*HELD_OUT)
    shut = {*clips.groups[heard].tolist(), *groups}
    known = np.array([group in shut for group in clips.groups[held].tolist()], np.bool_)
    leaks = known | np.isin(clips.tracks[held], np.unique(clips.tracks[heard]))
    return held[~leaks]


def listen(
    logits: Callable[[NDArray[Any]], NDArray[np.float32]],
    clips: ClipSet,
    positions: NDArray[np.int64],
    genres: Iterable[str],
) -> Heldout:
    """Hear clips, and put those of one track together.

    Parameters
    ----------
    logits : callable
        From inputs (n, ...) to float32 (n, genres).
    clips : ClipSet
        Of the length that the model works with.
    positions : int64 array
        Which clips.
    genres : iterable of str
        Ids, in the order of the labels and of the logits.
    """
    pieces = [positions[start : start + READ_CLIPS] for start in range(0, positions.size, READ_CLIPS)]
    names = tuple(genres)
    empty = np.zeros((0, len(names)))
    logs = np.concatenate([log_softmax(logits(clips.take(piece))) for piece in pieces]) if pieces else empty
    labels = clips.labels[positions]
    right = logs.argmax(axis=1) == labels
    # A name can stand for two tracks where nobody made sure of it: under different genres, they are different ones.
    keys = np.stack([clips.splits[positions], clips.tracks[positions], labels.astype(str)], axis=1)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    counts = np.bincount(inverse, minlength=first.size)
    scores = np.zeros((first.size, len(names)))
    np.add.at(scores, inverse, logs)
    rows = positions[first]
    return Heldout(
        names,
        clips.tracks[rows],
        clips.groups[rows].astype(np.str_),
        clips.splits[rows],
        clips.labels[rows],
        of_track(scores / np.maximum(counts, 1)[:, None]),
        counts,
        np.bincount(inverse, weights=right, minlength=first.size).astype(np.int64),
    )


def write_heldout(path: Path, heldout: Heldout) -> None:
    """Write the rows as CSV: who, what people say, and the probability of each genre."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, *heldout.genres])
    for i in range(len(heldout)):
        known = (heldout.tracks[i], heldout.groups[i], heldout.genres[heldout.labels[i]], heldout.splits[i])
        counts = (heldout.clips[i], heldout.clips_right[i])
        writer.writerow([*known, *counts, *(f"{share:.9f}" for share in heldout.probabilities[i])])
    # A group can be named after a folder whose name is not UTF-8: its bytes go in as they are.
    write_bytes(path, text.getvalue().encode("utf-8", "surrogateescape"))


def read_heldout(path: Path) -> Heldout:
    """Read what `write_heldout` wrote.

    Raises
    ------
    NoModel
        If the file is missing or damaged.
    """
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            header, *rows = list(csv.reader(file))
        if tuple(header[: len(COLUMNS)]) != COLUMNS or any(len(row) != len(header) for row in rows):
            raise ValueError("columns are missing")
        genres = tuple(header[len(COLUMNS) :])
        number = {genre: i for i, genre in enumerate(genres)}
        labels = [number[row[2]] for row in rows]
        shares = np.array([row[len(COLUMNS) :] for row in rows], dtype=np.float64).reshape(len(rows), len(genres))
    except OSError as error:
        raise NoModel(f"{path} cannot be read: {error.strerror}; train a new model") from error
    except (ValueError, KeyError) as error:
        raise NoModel(f"{path} is damaged ({error}); train a new model") from error
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    track, group, _, split, clips, right = columns[: len(COLUMNS)]
    return Heldout(
        genres,
        np.array(track, np.str_),
        np.array(group, np.str_),
        np.array(split, np.str_),
        np.array(labels, np.int64),
        shares,
        np.array(clips, np.int64),
        np.array(right, np.int64),
    )
