"""Train a model: take up or begin, learn, measure on unheard artists, write it whole."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tagger.model.clips import ClipSet, check
from tagger.model.evaluate import examine
from tagger.model.families import Classical, Transfer, family_named
from tagger.model.folder import Finished, write_model
from tagger.model.heldout import Heldout
from tagger.model.learned import LearnedModel, learn_classical, of_network
from tagger.model.quiet import seed_everything
from tagger.model.recipe import Recipe
from tagger.model.state import drop_state, settings_key
from tagger.model.training import Epoch, Training, Watch
from tagger.model.transfer import TRUNK_SECONDS, learn_transfer, map_alone
from tagger.model.trunk_memory import TrunkAccess

__all__ = ["Epoch", "TrainResult", "Watch", "learn", "train"]


@dataclass(frozen=True, slots=True)
class TrainResult:
    """The outcome of a training: a model in `folder`, or `postponed`, to be taken up by the next call."""

    postponed: bool
    epochs: int
    model_id: str | None = None
    folder: Path | None = None
    card: dict[str, Any] = field(default_factory=dict)
    heldout: Heldout | None = None


def train(
    clips: Mapping[int, ClipSet],
    genres: Sequence[str],
    family: str,
    out: Path,
    work: Path,
    *,
    recipe: Recipe | None = None,
    seed: int = 1,
    deterministic: bool = False,
    max_epochs: int = 60,
    promise: float = 0.90,
    promise_confidence: float = 0.80,
    form: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
    trunk: TrunkAccess | None = None,
) -> TrainResult:
    """Train a model, or go on with a training that was cut short.

    The validation split decides when the learning rate falls, when training ends and which epoch is kept; for a
    classical model, which row of its grid. Clips of the longest length are what the model will hear; shorter ones are
    learned from too, by families that can.

    Parameters
    ----------
    clips : mapping of int to ClipSet
        By length in seconds.
    genres : sequence of str
        Genre ids, in which the labels count; with `NONE` where tracks teach what is none of them.
    family : str
        A key of `FAMILIES`.
    out : Path
        The folder of models; the new one becomes a folder in it.
    work : Path
        The folder for the state of an unfinished training.
    recipe : Recipe, optional
        How to train a network; the family's by default.
    seed : int
        Of weights, order and changes of the clips.
    deterministic : bool
        Same clips and seed, same bits, on one machine; slower.
    max_epochs : int
        Training ends here at the latest.
    promise, promise_confidence : float
        See `tagger.model.calibrate.thresholds`.
    form : mapping, optional
        The settings of the inputs, for the card; none if they are not known.
    facts : mapping, optional
        More for the card, such as `map_hash` and `split_seed`.
    watch : Watch, optional
        Time limit, stop request, progress.
    trunk : TrunkAccess, optional
        For families that stand on it.

    Returns
    -------
    TrainResult
        With `postponed` when the time was out.

    Raises
    ------
    TooFewLabels, UsageError
        See `tagger.model.clips.check`.
    Stopped
        When `watch.should_stop` said so; the state is kept.
    """
    found = learn(clips, genres, family, work, recipe=recipe, seed=seed, deterministic=deterministic,
                  max_epochs=max_epochs, form=form, watch=watch, trunk=trunk)  # fmt: skip
    if isinstance(found, int):
        return TrainResult(True, found)
    heldout, temperature, limits, measures = examine(
        found.logits, found.clips[max(found.clips)], genres, promise, promise_confidence
    )
    finished = Finished(
        model_id=f"{time.strftime('%Y%m%dT%H%M%S')}-{family}-{secrets.token_hex(2)}",
        model=found, family=family, genres=tuple(genres), form=dict(form or {}),
        heldout=heldout, temperature=temperature, thresholds=limits, measures=measures,
        facts={"seed": seed, "deterministic": deterministic, "promise": promise,
               "promise_confidence": promise_confidence, **(facts or {})},
    )  # fmt: skip
    card = write_model(out, finished)
    drop_state(work)
    return TrainResult(False, found.progress.epoch, finished.model_id, out / finished.model_id, card, heldout)


def write_map_alone(
    out: Path, access: TrunkAccess, genres: Sequence[str], form: Mapping[str, Any], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Write the model that has heard no label, the map of the trunk's tags, into the folder of models.

    Its card says `cold_start`: nothing that it says is ever written into a file without a person.

    Returns
    -------
    dict
        The card.
    """
    model = map_alone(access, genres)
    heldout, temperature, limits, measures = examine(model.logits, model.clips[TRUNK_SECONDS], genres, 1.0, 0.5)
    name = f"{time.strftime('%Y%m%dT%H%M%S')}-trunk-map-{secrets.token_hex(2)}"
    return write_model(out, Finished(
        model_id=name, model=model, family="trunk-map", genres=tuple(genres), form=dict(form), heldout=heldout,
        temperature=temperature, thresholds=limits, measures=measures, facts={"cold_start": True, **facts},
    ))  # fmt: skip


def learn(
    clips: Mapping[int, ClipSet],
    genres: Sequence[str],
    family: str,
    work: Path,
    *,
    recipe: Recipe | None = None,
    seed: int = 1,
    deterministic: bool = False,
    max_epochs: int = 60,
    form: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
    trunk: TrunkAccess | None = None,
) -> LearnedModel | int:
    """Learn from the training split, as `train` does, and write nothing but the state of an unfinished training.

    Returns
    -------
    LearnedModel or int
        The model; or, when the time was out, the number of epochs so far.
    """
    kind = family_named(family)
    heard = {seconds: one for seconds, one in clips.items() if len(one)}
    check(heard, genres)
    if not kind.any_length:
        heard = {max(heard): heard[max(heard)]}
    watch = watch or Watch()
    if isinstance(kind, Classical):
        return learn_classical(kind, heard, genres, seed, watch, deterministic)
    if isinstance(kind, Transfer):
        return learn_transfer(kind, heard[max(heard)], genres, trunk, work, seed=seed, deterministic=deterministic,
                              max_epochs=max_epochs, watch=watch)  # fmt: skip
    seed_everything(seed, deterministic)
    recipe = recipe or kind.recipe
    settings = settings_key(
        family=kind.name, recipe=repr(recipe), genres=list(genres), seed=seed, deterministic=deterministic,
        shape=heard[max(heard)].shape[0], form=dict(form or {}), seconds=sorted(heard),
    )  # fmt: skip
    training = Training(heard, genres, kind, recipe, seed, work, watch, form)
    training.begin(settings, exact=deterministic)
    if not training.learn(max_epochs):
        return training.progress.epoch
    training.learner.kept.set_weights(training.best)
    return of_network(training.learner.kept, training.learner.logits, heard, recipe, training.progress)
