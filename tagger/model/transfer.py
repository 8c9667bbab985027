"""Families with a pretrained trunk: the map of tags alone, a head on the frozen trunk, the trunk's end tuned."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import UsageError
from tagger.base.records import ALONE, Split
from tagger.model.clips import ClipSet
from tagger.model.families import TRUNK_LENGTHS, Network, Transfer
from tagger.model.fit import forward
from tagger.model.heldout import unheard
from tagger.model.learned import LearnedModel, track_loss
from tagger.model.quiet import load, seed_everything
from tagger.model.recipe import Recipe
from tagger.model.saved import NETWORK_NAME
from tagger.model.state import Progress, data_key, settings_key
from tagger.model.training import Training, Watch
from tagger.model.trunk_check import pictures
from tagger.model.trunk_head import TrackFeatures, known_groups, teach
from tagger.model.trunk_map import map_scores, speaking
from tagger.model.trunk_memory import TrunkAccess, pooled_features
from tagger.model.trunk_model import HEARD, Head, Trunk, halves, head_network, untaught, whole_network
from tagger.model.trunk_networks import BANDS, EMBEDDING, FRAMES
from tagger.model.trunks import trunk_digest

MISSING = "it needs the pretrained trunk; `tagger trunk install musicnn` gets it"
TRUNK_SECONDS = TRUNK_LENGTHS[0]
LEAST_TRACKS = 200  # to learn from, before the trunk itself is tuned: fewer teach it the artists
SAMPLE = 16  # clips that go with a model, to check its conversion on
LEAST_JUDGES = 30  # validation tracks that say whether tuning was for the better


@dataclass(frozen=True, slots=True)
class Prepared:
    """The trunk, its features of the clips, which tags speak for each genre, and some of what the trunk heard."""

    trunk: Trunk
    clips: ClipSet
    tags: list[list[int]]
    sample: NDArray[np.float32]


def learn_transfer(
    kind: Transfer,
    clips: ClipSet,
    genres: Sequence[str],
    access: TrunkAccess | None,
    work: Path,
    *,
    seed: int,
    deterministic: bool,
    max_epochs: int,
    watch: Watch,
) -> LearnedModel | int:
    """Learn from clips with the help of the trunk, as `tagger.model.train.learn` does.

    Raises
    ------
    UsageError, NoModel
        If the trunk is not installed, or damaged.
    """
    if access is None:
        raise UsageError(f"{kind.name}: {MISSING}")
    seed_everything(seed, deterministic)
    started = time.monotonic()
    trunk = halves(access.trunks)
    memory = access.memory / trunk_digest(access.trunks)[:16]
    features = pooled_features(trunk.front, clips, memory, watch)
    if features is None:
        return 0
    sample = clips.inputs[unheard(clips)[:SAMPLE]]
    ready = Prepared(trunk, replace(clips, inputs=features), speaking(genres, access.genre_of), sample)
    head, chosen = (untaught(len(genres)), {}) if kind.how == "map" else _frozen(ready, seed)
    progress = Progress("", data_key({1: clips}), [], seconds=time.monotonic() - started)
    frozen = _learned(
        ready,
        head_network(trunk, ready.tags, head),
        progress,
        {"trunk": "map" if kind.how == "map" else "frozen", **chosen},
    )
    if kind.how in ("map", "frozen") or (kind.how == "best" and not _enough(ready.clips)):
        return frozen
    tuned = _tune(ready, genres, head, kind.recipe, work, seed, deterministic, max_epochs, watch)
    if isinstance(tuned, int) or kind.how == "tuned":
        return tuned
    return min((frozen, tuned), key=lambda one: _loss(one, genres))


def map_alone(access: TrunkAccess, genres: Sequence[str]) -> LearnedModel:
    """Return the model that has heard no label: the map of the trunk's tags to genres."""
    trunk = halves(access.trunks)
    tags = speaking(genres, access.genre_of)
    nobody = np.zeros(0, np.str_)
    features = np.zeros((0, trunk.front.output_shape[-1]), np.float32)
    nothing = ClipSet(features, np.zeros(0, np.int64), nobody, nobody, nobody)
    ready = Prepared(trunk, nothing, tags, pictures())
    return _learned(
        ready, head_network(trunk, tags, untaught(len(genres))), Progress("", "", []), {"trunk": "map of tags"}
    )


def _frozen(ready: Prepared, seed: int) -> tuple[Head, dict[str, Any]]:
    tracks = track_features(ready)
    usual, spread = usual_embeddings(ready.trunk)
    return teach(tracks, usual, spread, seed)


def usual_embeddings(trunk: Trunk) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of the embeddings, float64 (400,) each.

    They end in batch normalisation, whose shift and scale are just that over what the trunk was trained on.
    """
    means, spreads = [], []
    for name in HEARD:
        gamma, beta = trunk.back.get_layer(f"back_{name}").get_layer("embedding").get_weights()[:2]
        means.append(beta)
        spreads.append(np.abs(gamma))
    return np.concatenate(means).astype(np.float64), np.concatenate(spreads).astype(np.float64)


def track_features(ready: Prepared) -> TrackFeatures:
    """Return the training tracks as the head is taught them."""
    positions = ready.clips.of(Split.TRAIN)
    clips = ready.clips.only(positions)
    said = forward(ready.trunk.back)(clips.inputs)
    size = EMBEDDING * len(HEARD)
    keys = np.stack([clips.tracks, clips.labels.astype(str)], axis=1)
    _, first, owner = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    owner = owner.reshape(-1)
    labels, groups = clips.labels[first], clips.groups[first].astype(np.str_)
    return TrackFeatures(
        _means(said[:, :size], owner),
        _means(map_scores(said[:, size:], ready.tags), owner),
        labels,
        known_groups(groups.tolist(), labels.astype(str).tolist(), [group.startswith(ALONE) for group in groups]),
    )


def _means(values: NDArray[Any], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    sums = np.zeros((int(owner.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(sums, owner, values)
    return sums / np.bincount(owner)[:, None]


def _learned(ready: Prepared, head: Any, progress: Progress, chosen: Mapping[str, Any]) -> LearnedModel:
    whole = whole_network(ready.trunk, head)
    return LearnedModel(
        forward(head), {TRUNK_SECONDS: ready.clips}, progress, int(whole.count_params()), NETWORK_NAME, whole.save,
        chosen, hears=forward(whole), shape=(FRAMES, BANDS), sample=ready.sample if len(ready.sample) else pictures(),
    )  # fmt: skip


def _enough(clips: ClipSet) -> bool:
    learned = np.unique(clips.tracks[clips.of(Split.TRAIN)]).size
    held = unheard(clips)
    judges = np.unique(clips.tracks[held[clips.splits[held] == str(Split.VAL)]]).size
    return learned >= LEAST_TRACKS and judges >= LEAST_JUDGES


def _tune(
    ready: Prepared,
    genres: Sequence[str],
    head: Head,
    recipe: Recipe,
    work: Path,
    seed: int,
    deterministic: bool,
    max_epochs: int,
    watch: Watch,
) -> LearnedModel | int:
    """Train the trunk's last dense layers with the head, from where the frozen head is."""
    keras, _ = load()

    def build(_: Any) -> Any:
        back = keras.models.clone_model(ready.trunk.back)
        back.set_weights(ready.trunk.back.get_weights())
        for name in HEARD:
            for layer in back.get_layer(f"back_{name}").layers:
                layer.trainable = layer.name == "dense"
        return head_network(Trunk(ready.trunk.front, back), ready.tags, head)

    clips = {TRUNK_SECONDS: ready.clips}
    # With other labels it begins anew: that takes minutes, and a teacher's state is kept after its training has ended.
    settings = settings_key(family="trunk-tuned", recipe=repr(recipe), genres=list(genres), seed=seed, tags=ready.tags,
                            data=data_key(clips))  # fmt: skip
    training = Training(clips, genres, Network("trunk-tuned", "musicnn", build, recipe), recipe, seed, work, watch)
    training.begin(settings, exact=deterministic)
    if not training.learn(max_epochs):
        return training.progress.epoch
    training.learner.kept.set_weights(training.best)
    return _learned(ready, training.learner.kept, training.progress, {"trunk": "tuned", **asdict(recipe)})


def _loss(model: LearnedModel, genres: Sequence[str]) -> float:
    """Return the mean loss of validation tracks."""
    clips = model.clips[TRUNK_SECONDS]
    held = unheard(clips)
    return track_loss(model.logits, clips, held[clips.splits[held] == str(Split.VAL)], genres)[1]
