"""Train families of models on one split and measure them on the same tracks, each as the others are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tagger.base.errors import NoModel
from tagger.base.files import write_text
from tagger.base.records import Split
from tagger.model.calibrate import accepted_unseen, thresholds
from tagger.model.clips import ClipSet
from tagger.model.evaluate import examine
from tagger.model.families import Classical, family_named
from tagger.model.figures import figures
from tagger.model.heldout import Heldout, read_heldout, write_heldout
from tagger.model.learned import Logits
from tagger.model.metrics import Measures, measure
from tagger.model.state import data_key, drop_state, settings_key
from tagger.model.train import learn
from tagger.model.training import Watch
from tagger.model.trunk_memory import TrunkAccess

SHARE_HELD = 0.15  # of the clips, for validation and for testing each, where they are dealt out by clip


@dataclass(frozen=True, slots=True)
class Contender:
    """A family that was trained: what it says of held-out tracks, calibrated, and what it took.

    `logits` is there only if it was trained just now, and not remembered from an earlier call.
    """

    family: str
    heldout: Heldout
    seconds: int
    parameters: int
    train_seconds: float
    history: list[dict[str, float]]
    logits: Logits | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a family stands on the tracks that all of them were measured on; metrics and intervals by name."""

    heldout: Heldout
    measures: Measures
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]


def contend(
    family: str,
    clips: Mapping[int, ClipSet],
    genres: Sequence[str],
    form: Mapping[str, Any],
    folder: Path,
    *,
    seed: int,
    max_epochs: int,
    promise: float,
    confidence: float,
    deterministic: bool = False,
    watch: Watch | None = None,
    trunk: TrunkAccess | None = None,
) -> Contender | None:
    """Train a family and hear the held-out tracks, or take what an earlier call found with the same clips and settings.

    Parameters
    ----------
    family : str
        A key of `FAMILIES`.
    clips, genres, form
        As for `tagger.model.train.train`.
    folder : Path
        Where results and unfinished trainings are kept.
    seed, max_epochs, promise, confidence, deterministic, watch, trunk
        As for `tagger.model.train.train`.

    Returns
    -------
    Contender or None
        None when the time was out; the next call goes on.
    """
    kind = family_named(family)
    key = settings_key(
        family=family, recipe=repr(kind.grid if isinstance(kind, Classical) else kind.recipe), genres=list(genres),
        form=dict(form), seed=seed, epochs=max_epochs, promise=(promise, confidence), exact=deterministic,
        data=data_key(clips), trunk=None if trunk is None else trunk.key(genres),
    )  # fmt: skip
    known = _remembered(folder, family, key)
    if known is not None:
        return known
    work = folder / f"training-{family}"
    found = learn(clips, genres, family, work, seed=seed, deterministic=deterministic, max_epochs=max_epochs,
                  form=form, watch=watch, trunk=trunk)  # fmt: skip
    if isinstance(found, int):
        return None
    heard = max(found.clips)
    heldout = examine(found.logits, found.clips[heard], genres, promise, confidence)[0]
    contender = Contender(
        family, heldout, heard, found.parameters, found.progress.seconds, found.progress.history,
        found.hears or found.logits,
    )  # fmt: skip
    _remember(folder, contender, key)
    drop_state(work)
    # As the next call will read it, digit by digit, so that both say the same.
    return replace(_remembered(folder, family, key) or contender, logits=contender.logits)


def _remember(folder: Path, contender: Contender, key: str) -> None:
    """Keep what was found; the note comes last, so without it the rest does not count."""
    folder.mkdir(parents=True, exist_ok=True)
    write_heldout(folder / f"{contender.family}.csv", contender.heldout)
    facts = {
        "key": key,
        "seconds": contender.seconds,
        "parameters": contender.parameters,
        "train_seconds": contender.train_seconds,
        "history": contender.history,
    }
    write_text(folder / f"{contender.family}.json", json.dumps(facts) + "\n")


def _remembered(folder: Path, family: str, key: str) -> Contender | None:
    try:
        facts = json.loads((folder / f"{family}.json").read_text(encoding="utf-8"))
        if facts["key"] != key:
            return None
        heldout = read_heldout(folder / f"{family}.csv")
        return Contender(
            family, heldout, facts["seconds"], facts["parameters"], facts["train_seconds"], facts["history"]
        )
    except (OSError, ValueError, KeyError, TypeError, NoModel):
        return None  # nothing usable: it is trained


def standings(contenders: Sequence[Contender], promise: float, confidence: float) -> dict[str, Standing]:
    """Measure families on the tracks that every one of them has heard, so that each is judged on the same.

    Parameters
    ----------
    contenders : sequence of Contender
        At least one.
    promise, confidence : float
        See `tagger.model.calibrate.thresholds`.
    """
    names = [set(_names(one.heldout)) for one in contenders]
    common = set.intersection(*names)
    found = {}
    for one in contenders:
        heldout = one.heldout.only(np.array([name in common for name in _names(one.heldout)], np.bool_))
        limits = thresholds(heldout, promise, confidence)
        measures = measure(heldout, limits, accepted_unseen(heldout, promise, confidence))
        more, more_intervals = figures(heldout)
        found[one.family] = Standing(
            heldout, measures, {**measures.metrics, **more}, {**measures.intervals, **more_intervals}
        )
    return found


def _names(heldout: Heldout) -> list[tuple[str, str]]:
    labels = [heldout.genres[label] for label in heldout.labels]
    return list(zip(heldout.tracks.tolist(), labels, strict=True))


def dealt_by_clip(clips: Mapping[int, ClipSet], seed: int) -> dict[int, ClipSet]:
    """Return the same clips, dealt out without regard to tracks and artists: the split that flatters.

    Each clip passes for a track of its own, so nothing warns of it.
    """
    found = {}
    for seconds, one in clips.items():
        share = np.random.default_rng((seed, seconds)).random(len(one))
        splits = np.where(share < SHARE_HELD, str(Split.TEST), str(Split.TRAIN))
        splits = np.where((share >= SHARE_HELD) & (share < 2 * SHARE_HELD), str(Split.VAL), splits)
        names = np.array([f"{track}#{seconds}.{i}" for i, track in enumerate(one.tracks.tolist())])
        found[seconds] = ClipSet(one.inputs, one.labels, names, names, splits)
    return found
