"""The kinds of model, all behind one interface: what each hears, how it is built, by which recipe it is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tagger.base.errors import UsageError
from tagger.model import classical, networks, networks_sound
from tagger.model.blueprint import Blueprint
from tagger.model.recipe import Recipe

STUDY_SECONDS = (3,)  # length of the clips in the studies that the families beside the 2D CNNs come from
TRUNK_LENGTHS = (3,)  # what the trunk was trained on [s]


@dataclass(frozen=True, slots=True)
class Network:
    """A kind of neural network.

    Parameters
    ----------
    name : str
        Of the family.
    form : str
        Of what it hears: of spectrograms (``mel``, ``wtsc``), or of clip audio.
    build : callable
        Makes an untrained one from a `Blueprint`; it gives logits.
    recipe : Recipe
        How it is trained.
    seconds : tuple of int
        Lengths of its clips [s]; empty: those of the setting `clip_seconds`.
    any_length : bool
        One network takes clips of every length.
    taught : bool
        It learns what the trunk's model says of tracks, tagged or not, beside what people say.
    """

    name: str
    form: str
    build: Callable[[Blueprint], Any]
    recipe: Recipe
    seconds: tuple[int, ...] = ()
    any_length: bool = False
    taught: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """A kind of model that stands on the pretrained trunk.

    Parameters
    ----------
    name, form, seconds
        As of `Network`.
    how : str
        ``map``: the trunk's tags, mapped to genres, nothing learned; ``frozen``: a head on the trunk as it is;
        ``tuned``: its last layers trained with the head; ``best``: tuned where enough labels are there and validation
        artists speak for it, else frozen.
    recipe : Recipe
        How it is tuned.
    """

    name: str
    how: Literal["map", "frozen", "tuned", "best"]
    recipe: Recipe
    form: str = "musicnn"
    seconds: tuple[int, ...] = TRUNK_LENGTHS
    any_length: bool = False


@dataclass(frozen=True, slots=True)
class Classical:
    """A kind of model from scikit-learn.

    Parameters
    ----------
    name, form, seconds
        As of `Network`.
    build : callable
        Makes an untrained one from a seed and a row of the grid.
    grid : mapping of str to tuple
        What is tried on the validation artists.
    most : int
        Clips that it learns from at the most: some need time that grows with the square of them.
    """

    name: str
    form: str
    build: Callable[..., Any]
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    most: int = classical.MOST_CLIPS
    seconds: tuple[int, ...] = STUDY_SECONDS
    any_length: bool = False


Family = Network | Transfer | Classical

# Chosen on validation artists of the hard synthetic set; docs/accuracy.md has what was compared.
CNN2D_RECIPE = Recipe(
    learning_rate=4e-3, optimizer="adamw", weight_decay=0.02, balance="logit", strength=0.5, smoothing=0.05, mixup=0.2,
    equalise=1.0, shift=True, average=0.99, warmup=30,
)  # fmt: skip
# What the teacher says holds how frequent each genre is; to take that out again would bend it.
TAUGHT_RECIPE = replace(CNN2D_RECIPE, balance="none")
STUDY_RECIPE = Recipe(learning_rate=1e-3, balance="none")
TUNING_RECIPE = Recipe(
    learning_rate=1e-4, optimizer="adamw", weight_decay=0.05, balance="none", average=0.99, warmup=30, patience=6
)

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Network("cnn2d", "mel", networks.cnn2d, CNN2D_RECIPE, any_length=True),
        Network("cnn2d-distilled", "mel", networks.cnn2d, TAUGHT_RECIPE, any_length=True, taught=True),
        Transfer("trunk", "best", TUNING_RECIPE),
        Transfer("trunk-map", "map", TUNING_RECIPE),
        Transfer("trunk-frozen", "frozen", TUNING_RECIPE),
        Transfer("trunk-tuned", "tuned", TUNING_RECIPE),
        Network("cnn2d-wtsc", "wtsc", networks.wtsc, Recipe(learning_rate=1e-3, dropout=0.5)),
        Network("cnn1d", "wave", networks_sound.cnn1d, Recipe(learning_rate=1e-3, batch=32), STUDY_SECONDS),
        Network("waveform-dense", "samples", networks_sound.dense_on_samples, STUDY_RECIPE, STUDY_SECONDS),
        Network("mfcc-dense", "mfcc", networks_sound.dense_on_mfcc, Recipe(learning_rate=1e-4), STUDY_SECONDS),
        Network("mfcc-cnn", "mfcc", networks_sound.cnn_on_mfcc, Recipe(learning_rate=1e-3), STUDY_SECONDS),
        Network("features-mlp", "features", networks_sound.mlp_on_features, Recipe(learning_rate=1e-3), STUDY_SECONDS),
        Classical("knn", "features", classical.knn, {"neighbours": (5, 15, 45)}),
        Classical("logreg", "features", classical.logreg, {"strength": (0.01, 0.1, 1.0)}),
        Classical("svm", "features", classical.svm, {"penalty": (0.3, 1.0, 3.0)}, most=classical.MOST_SVM_CLIPS),
        Classical("forest", "features", classical.forest, {"least_leaf": (1, 4)}),
        Classical("boosting", "features", classical.boosting, {"learning_rate": (0.05, 0.15)}),
        Classical("waveform-knn", "samples", classical.knn, {"neighbours": (5, 45)}),
        Classical("waveform-logreg", "samples", classical.logreg, {"strength": (0.001, 0.1)}),
        Classical("waveform-forest", "samples", classical.forest, {"least_leaf": (4,)}),
    )
}


def family_named(name: str) -> Family:
    """Return a family.

    Raises
    ------
    UsageError
        If there is none of this name.
    """
    if name not in FAMILIES:
        raise UsageError(f"there is no model family {name!r}; there are {', '.join(FAMILIES)}")
    return FAMILIES[name]


def needs_trunk(family: str) -> bool:
    """Say whether a family cannot be trained without the pretrained trunk."""
    kind = family_named(family)
    return isinstance(kind, Transfer) or (isinstance(kind, Network) and kind.taught)
