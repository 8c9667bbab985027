"""One training, epoch by epoch: begin or take up, learn, keep the best, put away when the night ends."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import Stopped, TaggerError
from tagger.base.records import Split
from tagger.model.batches import genre_weights, training_batches
from tagger.model.blueprint import Blueprint
from tagger.model.clips import ClipSet
from tagger.model.families import Network
from tagger.model.fit import Learner, validation
from tagger.model.heldout import unheard
from tagger.model.recipe import Recipe
from tagger.model.state import Progress, data_key, drop_state, load_state, names_in, save_state

SAVE_SECONDS = 10.0  # state goes to disk at most this often: a kill costs this much and the epoch under way
LEAST_GAIN = 0.002  # [nats] a loss that falls by less is no reason to go on
MARGIN = 1.2  # an epoch is begun if this many times the last one's duration is left

log = logging.getLogger("tagger.model")


@dataclass(frozen=True, slots=True)
class Epoch:
    """What a watcher hears after each epoch; `number` counts from 1, `val_*` are None without validation artists."""

    number: int
    of: int
    loss: float
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is asked and told on the way: the seconds left (None: no limit), whether to stop, what an epoch gave."""

    time_left: Callable[[], float | None] = lambda: None
    should_stop: Callable[[], bool] = lambda: False
    on_epoch: Callable[[Epoch], None] = lambda epoch: None

    def go_on(self) -> bool:
        left = self.time_left()
        return not self.should_stop() and (left is None or left > 0)


class Training:
    """One training under way.

    Parameters
    ----------
    clips : mapping of int to ClipSet
        By length in seconds, none empty; the longest is what the network will hear.
    genres : sequence of str
        Ids, in which the labels count.
    family : Network
        What to train.
    recipe : Recipe
        How.
    seed : int
        Of order and changes of the clips.
    work : Path
        The folder for its state.
    watch : Watch
        Time limit, stop request, progress.
    form : mapping, optional
        Of the inputs, from the data set's card.
    """

    def __init__(
        self,
        clips: Mapping[int, ClipSet],
        genres: Sequence[str],
        family: Network,
        recipe: Recipe,
        seed: int,
        work: Path,
        watch: Watch,
        form: Mapping[str, Any] | None = None,
    ) -> None:
        self.clips = clips
        self.genres = genres
        self.recipe = recipe
        self.seed = seed
        self.work = work
        self.watch = watch
        longest = clips[max(clips)]
        labels = np.concatenate([one.labels[one.of(Split.TRAIN)] for one in clips.values()])
        shares = np.bincount(labels, minlength=len(genres)) / max(1, labels.size)
        plan = Blueprint(longest.shape, len(genres), recipe, form or {})
        self.learner = Learner(partial(family.build, plan), recipe, shares if recipe.balance == "logit" else None)
        held = unheard(longest)
        self.validation = held[longest.splits[held] == str(Split.VAL)]
        self.weights = genre_weights(labels, len(genres), recipe.strength)
        self.progress = Progress("", "", [])
        self.best: list[NDArray[Any]] = self.learner.weights()
        self._kept: dict[str, NDArray[Any]] = {}
        self._saved_at = time.monotonic()

    def begin(self, settings: str, exact: bool) -> None:
        """Begin anew, or take up what lies in the work folder if it fits.

        Labels grow from night to night, so a long training would never end if it had to see the same data all along.
        It goes on with other data as long as nothing that is held out now has been learned from; `exact` forbids it.
        """
        data = data_key(self.clips)
        heard = names_in(self.clips, Split.TRAIN)
        found = load_state(self.work)
        if found is None or not (self._usable(found[0], settings, data, exact) and self.learner.fits(found[1])):
            self.progress = Progress(settings, data, sorted(heard), learning_rate=self.recipe.learning_rate)
            return
        progress, arrays, best = found
        self.learner.restore(arrays)
        self.best = best
        self.progress = progress
        if progress.data != data:
            progress.data, progress.heard = data, sorted({*progress.heard, *heard})
            progress.data_changes += 1
            self._measure_best_again()
        log.info("training goes on from epoch %d", progress.epoch + 1)

    def _usable(self, progress: Progress, settings: str, data: str, exact: bool) -> bool:
        if progress.settings != settings:
            return False
        if progress.data == data:
            return True
        return not exact and not names_in(self.clips, Split.VAL, Split.TEST) & set(progress.heard)

    def _measure_best_again(self) -> None:
        """A loss on other validation tracks is no yardstick for the new ones."""
        now = self.learner.weights()
        self.learner.kept.set_weights(self.best)
        result = self._validate()
        self.progress.best_loss = result[0] if result else None
        self.learner.kept.set_weights(now)

    def _validate(self) -> tuple[float, float] | None:
        return validation(self.learner.logits, self.clips[max(self.clips)], self.validation)

    def learn(self, max_epochs: int) -> bool:
        """Go through epochs until nothing is gained any more; False if the time was out before.

        Raises
        ------
        Stopped
        """
        progress = self.progress
        self._kept = self.learner.arrays()
        last = 0.0
        while progress.epoch < max_epochs and progress.since < self.recipe.patience:
            left = self.watch.time_left()
            if not self.watch.go_on() or (left is not None and left < MARGIN * last):
                return self._put_away()
            started = time.monotonic()
            batches = training_batches(
                self.clips, len(self.genres), self.recipe, self.weights, self.seed, progress.epoch
            )
            loss = self.learner.epoch(batches, progress.learning_rate, self.watch.go_on)
            if loss is None:
                return self._put_away()
            self._note(loss, self._validate(), started)
            last = time.monotonic() - started
            self._kept = self.learner.arrays()
            if time.monotonic() - self._saved_at >= SAVE_SECONDS:
                self._save()
            self._tell(max_epochs)
        self._save()  # measuring and writing the model can be cut short too
        return True

    def _note(self, loss: float, checked: tuple[float, float] | None, started: float) -> None:
        """Write the epoch into the history, and draw the consequences."""
        progress, recipe = self.progress, self.recipe
        progress.epoch += 1
        row = {"epoch": progress.epoch, "loss": loss, "learning_rate": progress.learning_rate}
        if checked:
            row |= {"val_loss": checked[0], "val_accuracy": checked[1]}
        yardstick = checked[0] if checked else loss
        if not math.isfinite(loss + yardstick):
            drop_state(self.work)
            raise TaggerError(f"training lost its way in epoch {progress.epoch} (the loss is not a number); "
                              "try another --seed, and look at the data set with `tagger dataset info`")  # fmt: skip
        gained = math.inf if progress.best_loss is None else progress.best_loss - yardstick
        if gained > 0:
            progress.best_loss, progress.best_epoch = yardstick, progress.epoch
            self.best = self.learner.weights()
        if gained > LEAST_GAIN:
            progress.since = 0
        else:
            progress.since += 1
            if progress.since % recipe.plateau == 0:
                progress.learning_rate *= recipe.drop
        row["seconds"] = time.monotonic() - started
        progress.seconds += row["seconds"]
        progress.history.append(row)

    def _tell(self, max_epochs: int) -> None:
        row = self.progress.history[-1]
        checked = row.get("val_loss"), row.get("val_accuracy")
        epoch = Epoch(int(row["epoch"]), max_epochs, row["loss"], *checked, row["learning_rate"], row["seconds"])
        self.watch.on_epoch(epoch)

    def _put_away(self) -> bool:
        self._save()
        if self.watch.should_stop():
            raise Stopped(f"stopped after {self.progress.epoch} epochs; the next training goes on from there")
        return False

    def _save(self) -> None:
        save_state(self.work, self.progress, self._kept, self.best)
        self._saved_at = time.monotonic()
