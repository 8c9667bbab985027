"""Labelled clips to plant wrong labels in: of a library with a `truth.csv`, of a data set, or drawn."""

from __future__ import annotations

import csv
import importlib.util
import os
from pathlib import Path

import numpy as np

from tagger.audio.dataset_info import dataset_clips, dataset_lengths
from tagger.audio.images import read_png
from tagger.audio.spectrogram import FORMS
from tagger.audio.workers import input_stream
from tagger.base.records import ClipSource
from tagger.model.clips import ClipSet, gather

SECONDS, CLIPS = 2, 5  # as a home's data set has them
GENERATOR = Path(__file__).parent.parent / "tests" / "model" / "conftest.py"  # of the tests' pictures


def clips_of(library: Path | None) -> tuple[ClipSet, int]:
    """Return the clips, all labels right, and the number of genres."""
    if library is None:
        return _drawn()
    if (library / "truth.csv").exists():
        return _cut(library)
    files = dataset_clips(library, max(dataset_lengths(library)))
    genres = sorted({file.label for file in files})
    return gather(files, read_png, genres), len(genres)


def _cut(library: Path) -> tuple[ClipSet, int]:
    """Cut the clips of every track that is of one of the genres."""
    with (library / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["outside"] != "1"]
    genres = sorted({row["genre"] for row in rows})
    sources = [ClipSource(f"{i:016x}", os.fsencode(library / row["path"]), 0.0) for i, row in enumerate(rows)]
    pictures, owners = [], []
    for source, found in input_stream(sources, [SECONDS], FORMS["mel"], CLIPS, os.cpu_count() or 1):
        if isinstance(found, dict) and SECONDS in found:
            pictures.append(found[SECONDS])
            owners += [int(source.track, 16)] * len(found[SECONDS])
    labels = np.array([genres.index(rows[owner]["genre"]) for owner in owners])
    tracks = np.array([sources[owner].track for owner in owners])
    groups = np.array([rows[owner]["artist"] for owner in owners])
    return ClipSet(np.concatenate(pictures), labels, tracks, groups, np.full(len(owners), "train")), len(genres)


def _drawn() -> tuple[ClipSet, int]:
    """Draw pictures as the tests do, and so much noise over them that genres are taken for each other."""
    spec = importlib.util.spec_from_file_location("pictures", GENERATOR)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{GENERATOR} is not there: name a --library")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    clips = module.make_clips_of(genres=10, artists=14, tracks=4, clips=CLIPS, seconds=(SECONDS,), rows=96)[SECONDS]
    noise = np.random.default_rng(0).normal(60, 45, clips.inputs.shape)
    inputs = np.clip(0.35 * clips.inputs + noise, 0, 255).astype(np.uint8)
    return ClipSet(inputs, clips.labels, clips.tracks, clips.groups, clips.splits), 10
