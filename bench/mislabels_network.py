"""The default network as a judge of labels: trained from scratch in each fold, for a fixed number of epochs."""

from __future__ import annotations

from functools import partial

import numpy as np

from tagger.model.batches import genre_weights, training_batches
from tagger.model.blueprint import Blueprint
from tagger.model.clips import ClipSet
from tagger.model.families import Network, family_named
from tagger.model.fit import Learner, log_softmax
from tagger.model.suspects import FitPredict
from tagger.model.suspects_table import TrackTable

FAMILY = "cnn2d"


def network(clips: ClipSet, table: TrackTable, genres: int, epochs: int, seed: int) -> FitPredict:
    """Return a judge for `cross_predict`; clips have the labels of the table."""
    family = family_named(FAMILY)
    assert isinstance(family, Network)
    recipe = family.recipe
    owned = clips.with_labels(table.labels[table.owners])

    def fit_predict(learn: np.ndarray, judge: np.ndarray) -> np.ndarray:
        heard = np.isin(table.owners, learn)
        dealt = owned.with_splits(np.where(heard, "train", "test"))
        learner = Learner(partial(family.build, Blueprint(clips.shape, genres, recipe)), recipe)
        weights = genre_weights(table.labels[table.owners[heard]], genres, recipe.strength)
        for epoch in range(epochs):
            rate = recipe.learning_rate * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
            learner.epoch(training_batches({2: dealt}, genres, recipe, weights, seed, epoch), rate, lambda: True)
        unheard = np.flatnonzero(np.isin(table.owners, judge))
        logs = log_softmax(learner.logits(clips.inputs[unheard]))
        sums = np.zeros((len(table), genres))
        np.add.at(sums, table.owners[unheard], logs)
        counts = np.bincount(table.owners[unheard], minlength=len(table))
        return np.exp(log_softmax(sums[judge] / counts[judge, None]))

    return fit_predict
