"""Features and MFCCs as files that other programs read: a CSV table, and JSON as the MFCC tutorials have it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tagger.audio.features import FEATURES
from tagger.base.cells import text_cell
from tagger.base.files import replace_file

DECIMALS = 4  # of MFCCs in JSON; they are tens and hundreds, and the tenth of a thousandth says nothing about sound

Row = tuple[str, str, str, NDArray[np.float32]]  # track, label, split, what was computed of its clips


def write_features_csv(path: Path, rows: Iterable[Row]) -> None:
    """Replace a CSV file with the features of tracks, whole: a line for each clip.

    Parameters
    ----------
    path : Path
        In a folder that exists.
    rows : iterable of (str, str, str, np.ndarray [shape=(clips, 85)])
        Track, label, split and features. Columns: ``track label split clip`` (the clip's number, from 0), then
        `FEATURES`, with as many digits as it takes to get the same float32 again.

    Raises
    ------
    ValueError
        If the features are not 85.
    """
    with replace_file(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["track", "label", "split", "clip", *FEATURES])
        for track, label, split, found in rows:
            if found.ndim != 2 or found.shape[1] != len(FEATURES):
                raise ValueError(f"features of {track} have the shape {found.shape}, not (clips, {len(FEATURES)})")
            for clip, numbers in enumerate(found):
                writer.writerow([track, text_cell(label), split, clip, *map(str, numbers)])


def write_mfcc_json(path: Path, genres: Sequence[str], rows: Iterable[Row]) -> None:
    """Replace a JSON file with the MFCCs of tracks, whole.

    Parameters
    ----------
    path : Path
        In a folder that exists.
    genres : sequence of str
        Ids; a label is the place of its genre among them.
    rows : iterable of (str, str, str, np.ndarray [shape=(clips, frames, coefficients)])
        Track, label, split and MFCCs, written as they come. The file's object has ``mapping`` (the genres), and one
        entry for each clip in each of ``mfcc`` (a list of frames, each a list of coefficients, rounded to `DECIMALS`),
        ``labels`` (numbers), ``tracks`` and ``splits``.

    Raises
    ------
    ValueError
        If a label is none of the genres.
    """
    places = {genre: number for number, genre in enumerate(genres)}
    labels: list[int] = []
    tracks: list[str] = []
    splits: list[str] = []
    with replace_file(path) as file:
        file.write(f'{{"mapping": {json.dumps(list(genres))},\n"mfcc": [')
        for track, label, split, found in rows:
            if label not in places:
                raise ValueError(f"the label {label!r} of {track} is none of {list(genres)}")
            for clip in found:
                file.write((",\n" if labels else "\n") + json.dumps(_rounded(clip), allow_nan=False))
                labels.append(places[label])
                tracks.append(track)
                splits.append(split)
        file.write(
            f'],\n"labels": {json.dumps(labels)},\n"tracks": {json.dumps(tracks)},\n"splits": {json.dumps(splits)}}}\n'
        )


def _rounded(clip: NDArray[np.float32]) -> list[list[float]]:
    """Return frames of coefficients whose digits end where `DECIMALS` says."""
    rounded: list[list[float]] = np.round(clip.astype(np.float64), DECIMALS).tolist()
    return rounded
