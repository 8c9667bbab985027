"""The trunk's model as a teacher: what it says of tracks is what a small, fast network learns.

Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015; here with calibrated probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.records import Split
from tagger.model.calibrate import fit_temperature
from tagger.model.clips import ClipSet, gather_arrays
from tagger.model.families import FAMILIES, TRUNK_LENGTHS, Transfer
from tagger.model.fit import log_softmax
from tagger.model.heldout import listen, of_track, temper, unheard
from tagger.model.learned import LearnedModel
from tagger.model.training import Watch
from tagger.model.transfer import learn_transfer
from tagger.model.trunk_memory import TrunkAccess, pooled_features
from tagger.model.trunk_model import halves
from tagger.model.trunks import trunk_digest

Shares = NDArray[np.float32]
Named = Sequence[tuple[Any, NDArray[Any]]]  # ClipSource and the inputs of its clips


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model on the trunk that has learned, ready to speak of any track.

    `front` is the trunk's front half, `memory` where its features are kept, `temperature` the one at which its
    probabilities are calibrated, `genres` are what they count in.
    """

    model: LearnedModel
    front: Any
    memory: Path
    temperature: float
    genres: tuple[str, ...]

    def of_training(self) -> dict[str, Shares]:
        """Return what it says of the tracks that it learned from, float32 (genres,) by track."""
        clips = self.model.clips[TRUNK_LENGTHS[0]]
        heard = listen(self.model.logits, clips, clips.of(Split.TRAIN), self.genres).tempered(self.temperature)
        return dict(zip(heard.tracks.tolist(), heard.probabilities.astype(np.float32), strict=True))

    def says(self, tracks: Named, watch: Watch) -> dict[str, Shares]:
        """Return what it says of other tracks, float32 (genres,) by track.

        Parameters
        ----------
        tracks : sequence of (ClipSource, array of shape (clips, 187, 96))
        watch : Watch
            Asked whether to stop; its time limit is the caller's to look at, between two calls.

        Raises
        ------
        Stopped
        """
        labels = sorted({source.label for source, _ in tracks})
        clips = gather_arrays(tracks, labels)
        if clips is None:
            return {}
        features = pooled_features(self.front, clips, self.memory, Watch(should_stop=watch.should_stop))
        if features is None:
            return {}
        logs = log_softmax(self.model.logits(features))
        return {
            track: temper(of_track(logs[clips.tracks == track].mean(axis=0)), self.temperature).astype(np.float32)
            for track in np.unique(clips.tracks).tolist()
        }


def train_teacher(
    clips: ClipSet,
    genres: Sequence[str],
    access: TrunkAccess,
    work: Path,
    *,
    seed: int,
    deterministic: bool,
    max_epochs: int,
    watch: Watch,
) -> Teacher | int:
    """Let a model on the trunk learn from the labels of training artists.

    Returns
    -------
    Teacher or int
        Or, when the time was out, the number of epochs so far.
    """
    kind = FAMILIES["trunk"]
    if not isinstance(kind, Transfer):
        raise TypeError(f"{kind.name} does not stand on the trunk")
    model = learn_transfer(kind, clips, genres, access, work, seed=seed, deterministic=deterministic,
                           max_epochs=max_epochs, watch=watch)  # fmt: skip
    if isinstance(model, int):
        return model
    own = model.clips[TRUNK_LENGTHS[0]]
    held = unheard(own)
    raw = listen(model.logits, own, held[own.splits[held] == str(Split.VAL)], genres)
    front, memory = halves(access.trunks).front, access.memory / trunk_digest(access.trunks)[:16]
    return Teacher(model, front, memory, fit_temperature(raw), tuple(genres))


def targets(clips: ClipSet, genres: Sequence[str], said: Mapping[str, Shares], share: float) -> Shares:
    """Return what is to be learned of each clip, float32 (n, genres).

    Parameters
    ----------
    clips : ClipSet
        Labels count in `genres`; behind them is one of tracks that the teacher alone speaks of.
    genres : sequence of str
    said : mapping of str to float32 array of shape (genres,)
        By track; of a track that is missing, the label is learned.
    share : float
        Of the teacher's word where there is a label too.
    """
    found = np.zeros((len(clips), len(genres)), np.float32)
    labelled = clips.labels < len(genres)
    rows = np.flatnonzero(labelled)
    found[rows, clips.labels[rows]] = 1.0
    heard = clips.splits == str(Split.TRAIN)
    for row, track in enumerate(clips.tracks.tolist()):
        if heard[row] and (word := said.get(track)) is not None:
            weight = share if labelled[row] else 1.0
            found[row] = (1 - weight) * found[row] + weight * word
    return found
