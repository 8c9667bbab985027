"""Does a new model take the old one's place? Only if it is not worse where neither has learned."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tagger.base.errors import NoModel
from tagger.base.records import Split
from tagger.model.clips import ClipSet
from tagger.model.heldout import Heldout, listen, unheard
from tagger.model.saved import Classifier


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same tracks: how many, how many each gets right, and what follows in words."""

    tracks: int
    new_right: int
    old_right: int
    promote: bool
    reason: str


def compare_on(
    old: Classifier, clips: Mapping[int, ClipSet], genres: Sequence[str], exclude_groups: Collection[str] = ()
) -> Heldout:
    """Let the old model hear the tracks that a new one is measured on.

    Parameters
    ----------
    old : Classifier
        The model in use.
    clips : mapping of int to ClipSet
        The new data set; labels count in `genres`.
    genres : sequence of str
        The new model's genres.
    exclude_groups : collection of str
        Groups to leave out, besides those that the old model learned from.

    Returns
    -------
    Heldout
        Over the old model's genres and, behind them, those that it does not know (probability 0).

    Raises
    ------
    NoModel
        If the old model cannot hear these clips.
    """
    if old.seconds not in clips:
        raise NoModel(f"model {old.id} hears clips of {old.seconds} s, the data set has none")
    one = clips[old.seconds]
    union = (*old.genres, *(genre for genre in genres if genre not in old.genres))
    place = np.array([union.index(genre) for genre in genres])
    ours = one.with_labels(place[one.labels])
    old.check_size(one.inputs.shape)
    unknown = len(union) - len(old.genres)
    chosen = unheard(ours, {*exclude_groups, *old.trained_groups()})
    found = listen(
        lambda images: np.pad(old.logits(images), ((0, 0), (0, unknown)), constant_values=-1e9), ours, chosen, union
    )
    return found.tempered(old.temperature)


def is_not_worse(new: Heldout, old: Heldout) -> Comparison:
    """Compare two models on the test tracks (validation tracks where there are none) that both were measured on.

    The share of right tracks decides; as many right is not worse, since the new model has learned from more.
    """
    split = Split.TEST if len(new.of(Split.TEST).labelled()) else Split.VAL
    right = _right_by_track(new.of(split).labelled())
    before = _right_by_track(old.of(Split.TEST, Split.VAL).labelled())
    both = sorted(right.keys() & before.keys())
    if not both:
        return Comparison(0, 0, 0, True, "there is no held-out track that the old model has not learned from")
    new_right, old_right = sum(right[key] for key in both), sum(before[key] for key in both)
    words = f"right on {new_right} of {len(both)} held-out tracks, the old model on {old_right}"
    return Comparison(len(both), new_right, old_right, new_right >= old_right, words)


def _right_by_track(heldout: Heldout) -> dict[tuple[str, str], bool]:
    calls = heldout.probabilities.argmax(axis=1)
    return {
        (str(track), heldout.genres[label]): bool(call == label)
        for track, label, call in zip(heldout.tracks, heldout.labels, calls, strict=True)
    }


def judge(new: Heldout, old: Classifier | None, clips: Mapping[int, ClipSet], genres: Sequence[str]) -> Comparison:
    """Say whether a new model is to be promoted.

    Parameters
    ----------
    new : Heldout
        The new model on its held-out tracks.
    old : Classifier or None
        The model in use; None where there is none.
    clips : mapping of int to ClipSet
        What the new model was trained and measured on.
    genres : sequence of str
        The new model's genres, in which the labels count.
    """
    if old is None:
        return Comparison(0, 0, 0, True, "it is the first model")
    try:
        before = compare_on(old, clips, genres)
    except NoModel:  # it takes other pictures; what it said of the same artists stands beside it
        before = old.heldout()
    return is_not_worse(new, before)
