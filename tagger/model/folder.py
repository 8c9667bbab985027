"""Write a finished model as a folder, whole: `models/<id>/` is there with everything in it, or not at all."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import tagger
from tagger.base.files import fsync_folder, write_text
from tagger.base.records import Split
from tagger.model.clips import ClipSet
from tagger.model.evaluate import draw
from tagger.model.heldout import Heldout, unheard, write_heldout
from tagger.model.learned import LearnedModel
from tagger.model.metrics import Measures
from tagger.model.pictures import curves_picture
from tagger.model.pictures_compare import reliability_picture
from tagger.model.runtime import CHECKED, CONVERTED_NAME, convert
from tagger.model.saved import CARD_FORMAT, CARD_NAME, GROUPS_NAME, HELDOUT_NAME, NETWORK_NAME, file_hash

PART = ".part"  # end of the name of a folder that is being written


@dataclass(frozen=True, slots=True)
class Finished:
    """Everything about a model that goes into its folder."""

    model_id: str
    model: LearnedModel
    family: str
    genres: tuple[str, ...]
    form: dict[str, Any]
    heldout: Heldout
    temperature: float
    thresholds: dict[str, float | None]
    measures: Measures
    facts: dict[str, Any]


def write_model(out: Path, finished: Finished) -> dict[str, Any]:
    """Write `out/<id>/` and return its card.

    It is put together in a hidden folder beside, which takes its name in the end; what an earlier kill left of such
    folders is removed.
    """
    out.mkdir(parents=True, exist_ok=True)
    for left in out.glob(f".*{PART}"):
        shutil.rmtree(left)
    folder = out / f".{finished.model_id}{PART}"
    folder.mkdir()
    file = folder / finished.model.file
    finished.model.dump(file)
    card = {**_card(finished), "sha256": file_hash(file), **_converted(folder, finished.model)}
    write_text(folder / CARD_NAME, json.dumps(card, indent=1, allow_nan=False) + "\n")
    write_text(folder / GROUPS_NAME, json.dumps(_groups(finished.model.clips), indent=1) + "\n")
    write_heldout(folder / HELDOUT_NAME, finished.heldout)
    draw(folder, finished.genres, finished.measures)
    reliability_picture(folder / "reliability.png", finished.heldout, finished.model_id)
    if finished.model.progress.history:
        curves_picture(folder / "curves.png", finished.model.progress.history, finished.model.progress.best_epoch)
    for path in (file, folder / CONVERTED_NAME):  # the others were synced when they were written
        with contextlib.suppress(FileNotFoundError), path.open("rb") as written:
            os.fsync(written.fileno())
    fsync_folder(folder)
    folder.rename(out / finished.model_id)
    fsync_folder(out)
    return card


def remove_models(out: Path, old: Collection[str], known: Collection[str], kept: int) -> None:
    """Remove the folders of old models, and the oldest of those that the index does not know.

    A run that is killed before it registers its model leaves such a one; so does a lost index, which may yet be put
    back, so that only as many go as are more than `kept`.

    Parameters
    ----------
    out : Path
        The folder of models.
    old, known : collection of str
        Ids: those to remove, and all that the index knows or knew until now.
    kept : int
        How many that it does not know may stay.
    """
    there = sorted(path.parent.name for path in out.glob(f"[0-9]*/{CARD_NAME}"))  # names begin with the time
    for name in [*old, *[name for name in there if name not in known][:-kept]]:
        hidden = out / f".{name}{PART}"  # killed half-way, this leaves nothing that has a model's name
        with contextlib.suppress(FileNotFoundError):
            (out / name).rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def _converted(folder: Path, model: LearnedModel) -> dict[str, Any]:
    """Convert a network for the runtime that it is heard with, and return what the card says of that."""
    if model.file != NETWORK_NAME:
        return {}
    sample = model.sample
    if sample is None:
        clips = model.clips[max(model.clips)]
        held = unheard(clips)
        positions = held if held.size else np.arange(len(clips))
        sample = clips.take(positions[:: max(1, positions.size // CHECKED)][:CHECKED])  # of every genre
    return {"runtime": convert(folder / model.file, folder, sample)}


def _card(finished: Finished) -> dict[str, Any]:
    model, measures, progress = finished.model, finished.measures, finished.model.progress
    clips = model.clips
    return {
        "format": CARD_FORMAT,
        "id": finished.model_id,
        "family": finished.family,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "genres": list(finished.genres),
        "seconds": max(clips),
        "learned_seconds": sorted(clips),
        "form": finished.form,
        "shape": list(model.shape or clips[max(clips)].shape),
        "file": model.file,
        "output": "logits",
        "parameters": model.parameters,
        "recipe": dict(model.chosen),
        "temperature": finished.temperature,
        "thresholds": finished.thresholds,
        "measured_on": measures.split,
        "measured_tracks": measures.tracks,
        "measured_clips": measures.clips,
        "measured_groups": measures.groups,
        "metrics": measures.metrics,
        "intervals": {name: list(ends) for name, ends in measures.intervals.items()},
        "genre_rows": measures.genres,
        "confusion": measures.confusion.tolist(),
        "outside": measures.outside,
        "counts": _counts(clips, finished.genres),
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "train_seconds": round(progress.seconds, 3),
        "data": progress.data,
        "data_changes": progress.data_changes,
        "history": progress.history,
        "versions": _versions(),
        **finished.facts,
    }


def _versions() -> dict[str, str]:
    packages = {name: importlib.metadata.version(name) for name in ("tensorflow", "keras", "scikit-learn", "numpy")}
    return {"tagger": tagger.__version__, "python": platform.python_version(), **packages}


def _counts(clips: Mapping[int, ClipSet], genres: tuple[str, ...]) -> dict[str, Any]:
    """Return per split the tracks, groups and clips, and the tracks of each genre."""
    longest = clips[max(clips)]
    counts: dict[str, Any] = {}
    for split in Split:
        rows = longest.of(split)
        tracks, first = np.unique(longest.tracks[rows], return_index=True)
        per_genre = np.bincount(longest.labels[rows][first], minlength=len(genres))
        counts[str(split)] = {
            "tracks": int(tracks.size),
            "groups": int(np.unique(longest.groups[rows]).size),
            "clips": sum(len(one.of(split)) for one in clips.values()),
            "genres": dict(zip(genres, per_genre.tolist(), strict=True)),
        }
    return counts


def _groups(clips: Mapping[int, ClipSet]) -> dict[str, list[str]]:
    """Return the groups of each split, over clips of all lengths."""
    return {
        str(split): sorted({str(group) for one in clips.values() for group in one.groups[one.of(split)]})
        for split in Split
    }
