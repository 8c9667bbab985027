"""Search for a better recipe: tries over a small space, judged by validation artists alone.

A search that was killed is taken up again. Test artists are not looked at: the best recipe is trained once more in the
ordinary way, and measured on them then.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tagger.base.records import Split
from tagger.model.clips import ClipSet, check
from tagger.model.families import Classical, Family, Network, Transfer, family_named
from tagger.model.heldout import TINY, listen, unheard
from tagger.model.learned import LearnedModel, learn_classical
from tagger.model.recipe import Recipe
from tagger.model.state import data_key, drop_state, settings_key
from tagger.model.train import learn
from tagger.model.training import Watch

TRIES_NAME = "tries.jsonl"
How = Literal["grid", "random"]
Options = dict[str, Any]

# The whole space, of which a random search draws. Learning rates are factors on the family's own.
SPACE: dict[str, tuple[Any, ...]] = {
    "batch": (16, 32, 64, 128),
    "epochs": (20, 40, 60),
    "rate": (0.25, 0.5, 1.0, 2.0, 4.0),
    "optimizer": ("sgd", "rmsprop", "adam", "adamw"),
    "activation": ("relu", "elu", "gelu"),
    "dropout": (0.1, 0.3, 0.5),
    "width": (0.5, 1.0, 1.5),
}
PLAIN = ("batch", "optimizer", "activation", "dropout", "width")  # options that are the recipe's own
LENGTHS = ("1", "2", "1+2")  # of the clips of pictures that are learned from, where there are such [s]
# What a grid goes through: few values of what matters most.
GRID: dict[str, tuple[Any, ...]] = {"batch": (16, 32, 64), "epochs": (20, 60), "rate": (0.25, 1.0, 4.0)}
# For the table of features, the studies' own questions: batch size and epochs, activations, groups of features.
FEATURES_GRID: dict[str, tuple[Any, ...]] = {"batch": (32, 128), "epochs": (20, 60), "activation": ("relu", "elu")}

log = logging.getLogger("tagger.model")


@dataclass(frozen=True, slots=True)
class Try:
    """One try: its options, and what validation artists made of it; `loss` is of tracks."""

    number: int
    options: Options
    track_accuracy: float
    balanced_accuracy: float
    loss: float
    epochs: int
    seconds: float

    @property
    def rank(self) -> tuple[float, float, int]:
        """What sorts the best first: tracks right, of equals the lower loss."""
        return -self.track_accuracy, self.loss, self.number


@dataclass(frozen=True, slots=True)
class Search:
    """What a search has found so far; `finished` once all of `wanted` tries are there."""

    tries: list[Try]
    wanted: int

    @property
    def finished(self) -> bool:
        return len(self.tries) >= self.wanted

    @property
    def best(self) -> Try:
        return min(self.tries, key=lambda one: one.rank)


# --- the space ------------------------------------------------------------------------------------------------------


def options_of(
    family: Family, how: How, tries: int, lengths: Sequence[int], groups: Sequence[str], seed: int
) -> list[Options]:
    """Return what is to be tried, in order; the family's own recipe first.

    Parameters
    ----------
    family : Family
        A classical one has a grid of its own.
    how : str
        ``grid``: every row of the small grid; ``random``: `tries` rows drawn from the whole space.
    tries : int
        How many at random.
    lengths : sequence of int
        Lengths of the clips that there are [s].
    groups : sequence of str
        Groups of features; empty where there are none.
    seed : int
        Of the drawing.
    """
    if isinstance(family, Classical):
        return list(_rows(family.grid))
    space = dict(SPACE if how == "random" else FEATURES_GRID if groups else GRID)
    if groups:
        space["groups"] = ("", *groups, *(f"-{group}" for group in groups))
    if family.any_length and len(lengths) > 1:
        space["clips"] = LENGTHS
    if how == "grid":
        return [{}, *_rows(space)]
    random = np.random.default_rng((seed, 5))
    found: list[Options] = [{}]
    total = int(np.prod([len(values) for values in space.values()]))
    while len(found) < min(tries, total):
        drawn = {name: values[int(random.integers(len(values)))] for name, values in space.items()}
        if drawn not in found:
            found.append(drawn)
    return found


def _rows(space: Mapping[str, Sequence[Any]]) -> Iterator[Options]:
    for values in itertools.product(*space.values()):
        yield dict(zip(space, values, strict=True))


def recipe_of(family: Network | Transfer, options: Mapping[str, Any], groups: Sequence[str] = ()) -> Recipe:
    """Return the family's recipe with these options; without any it is the family's own."""
    recipe = family.recipe
    plain = {name: options[name] for name in PLAIN if name in options}
    if "rate" in options:
        plain["learning_rate"] = recipe.learning_rate * options["rate"]
    chosen = str(options.get("groups", ""))
    if chosen.startswith("-"):
        plain["groups"] = tuple(group for group in groups if group != chosen[1:])
    elif chosen:
        plain["groups"] = (chosen,)
    return replace(recipe, **plain)


def clips_of(clips: Mapping[int, ClipSet], options: Mapping[str, Any]) -> dict[int, ClipSet]:
    """Return the clips of the lengths that the options name."""
    wanted = {int(part) for part in str(options.get("clips", "")).split("+") if part}
    return {seconds: one for seconds, one in clips.items() if not wanted or seconds in wanted}


# --- the tries ------------------------------------------------------------------------------------------------------


def search(
    clips: Mapping[int, ClipSet],
    genres: Sequence[str],
    family: str,
    work: Path,
    *,
    how: How = "random",
    tries: int = 20,
    seed: int = 1,
    max_epochs: int = 60,
    form: Mapping[str, Any] | None = None,
    deterministic: bool = False,
    watch: Watch | None = None,
) -> Search:
    """Try recipes, or go on with a search that was cut short.

    Parameters
    ----------
    clips, genres, family, seed, max_epochs, form, deterministic, watch
        As for `tagger.model.train.train`.
    work : Path
        The folder for the results, and for the state of an unfinished try.
    how, tries
        See `options_of`.

    Returns
    -------
    Search
        Unfinished when the time was out.

    Raises
    ------
    TooFewLabels, UsageError
        See `tagger.model.clips.check`.
    Stopped
        When `watch.should_stop` said so; what is finished is kept.
    """
    kind = family_named(family)
    clips = {seconds: one for seconds, one in clips.items() if len(one)}
    check(clips, genres)
    watch = watch or Watch()
    groups = tuple((form or {}).get("groups", ()))
    wanted = options_of(kind, how, tries, sorted(clips), groups, seed)
    key = settings_key(
        family=family, own=repr(kind.grid if isinstance(kind, Classical) else kind.recipe), genres=list(genres),
        data=data_key(clips), seed=seed, epochs=max_epochs, form=dict(form or {}), exact=deterministic,
    )  # fmt: skip
    done = _read(work, key)
    for number, options in enumerate(wanted, 1):
        if any(one.options == options for one in done):
            continue
        found = _try(kind, options, clips, genres, work, seed, max_epochs, form or {}, deterministic, watch)
        if found is None:
            break
        chosen = clips_of(clips, options)
        done.append(Try(number, options, *judge(found, chosen, genres), found.progress.epoch,
                        round(found.progress.seconds, 2)))  # fmt: skip
        _write(work, key, done[-1])
        drop_state(work)
    return Search(sorted((one for one in done if one.options in wanted), key=lambda one: one.number), len(wanted))


def _try(
    kind: Family,
    options: Options,
    clips: Mapping[int, ClipSet],
    genres: Sequence[str],
    work: Path,
    seed: int,
    max_epochs: int,
    form: Mapping[str, Any],
    deterministic: bool,
    watch: Watch,
) -> LearnedModel | None:
    """Train with these options; None when the time was out."""
    if isinstance(kind, Classical):
        left = watch.time_left()
        if left is not None and left <= 0:
            return None
        one = replace(kind, grid={name: (value,) for name, value in options.items()})
        return learn_classical(one, clips, genres, seed, watch, deterministic)
    recipe = recipe_of(kind, options, tuple(form.get("groups", ())))
    epochs = min(max_epochs, options.get("epochs", max_epochs))
    found = learn(
        clips_of(clips, options), genres, kind.name, work, recipe=recipe, seed=seed, max_epochs=epochs, form=form,
        deterministic=deterministic, watch=watch,
    )  # fmt: skip
    return None if isinstance(found, int) else found


def judge(model: LearnedModel, clips: Mapping[int, ClipSet], genres: Sequence[str]) -> tuple[float, float, float]:
    """Return what share of validation tracks a model gets right, the same balanced over genres, and its loss."""
    one = clips[max(clips)]
    held = unheard(one)
    heard = listen(model.logits, one, held[one.splits[held] == str(Split.VAL)], genres).labelled()
    if not len(heard):
        return 0.0, 0.0, 0.0
    right = heard.probabilities.argmax(axis=1) == heard.labels
    balanced = np.mean([right[heard.labels == genre].mean() for genre in np.unique(heard.labels)])
    chances = heard.probabilities[np.arange(len(heard)), heard.labels]
    return float(right.mean()), float(balanced), float(-np.log(np.maximum(chances, TINY)).mean())


# --- on disk --------------------------------------------------------------------------------------------------------


def _write(work: Path, key: str, one: Try) -> None:
    work.mkdir(parents=True, exist_ok=True)
    path = work / TRIES_NAME
    torn = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")  # by a kill; this try must not be lost with it
    with path.open("a", encoding="ascii") as file:
        file.write("\n" * torn + json.dumps({"key": key, **asdict(one)}) + "\n")


def _read(work: Path, key: str) -> list[Try]:
    """Return the tries on the same clips; a line that a kill tore is as if it had not been tried."""
    try:
        lines = (work / TRIES_NAME).read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            facts = json.loads(line)
            if facts.pop("key") == key:
                found.append(Try(**facts))
        except (ValueError, TypeError, KeyError, AttributeError):
            log.warning("%s: a line cannot be read and is left out", work / TRIES_NAME)
    return found


def rows_for_people(found: Search) -> list[tuple[str, ...]]:
    """Return a row for each try, the best first: number, tracks right, balanced, loss, epochs, seconds, options."""
    rows: list[tuple[str, ...]] = []
    for one in sorted(found.tries, key=lambda one: one.rank):
        options = ", ".join(f"{name} {value or 'all'}" for name, value in one.options.items()) or "the family's own"
        figures = (f"{one.track_accuracy:.3f}", f"{one.balanced_accuracy:.3f}", f"{one.loss:.3f}")
        rows.append((str(one.number), *figures, str(one.epochs), f"{one.seconds:.0f}", options))
    return rows


HEADER = ("try", "tracks right", "balanced", "loss", "epochs", "seconds", "options")
