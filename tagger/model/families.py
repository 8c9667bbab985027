"""The kinds of network, all behind one interface: how each is built and by which recipe it is trained.

Every network takes pictures as float32 (batch, rows, columns, 1) with values 0 to 255, as they lie in the data set,
and gives back logits (batch, genres).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tagger.base.errors import UsageError
from tagger.model.quiet import load


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a family is trained.

    `mixup` is the parameter of the Beta distribution (0: none); `plateau` and `patience` are in epochs without a
    better validation loss: after `plateau` the learning rate falls by `drop`, after `patience` training ends.
    """

    learning_rate: float
    batch: int = 32
    weight_decay: float = 0.0
    smoothing: float = 0.0  # of the labels
    mixup: float = 0.0
    augment: bool = False
    average: float = 0.0  # of the weights, over the steps: how much of it stays from one step to the next
    warmup: int = 0  # steps over which the learning rate rises to its value
    plateau: int = 3
    drop: float = 0.4
    patience: int = 9


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of network.

    `form` is the form of spectrogram that it is meant for, `any_length` says that one network takes clips of every
    length, and `build(rows, columns, genres)` makes an untrained one.
    """

    name: str
    form: str
    any_length: bool
    recipe: Recipe
    build: Callable[[int, int, int], Any]


# --- cnn2d ----------------------------------------------------------------------------------------------------------

# Filters of the blocks; each halves both axes, so the network sees 2-s clips of 96 x 87 as 3 x 3 in the end.
CNN2D_FILTERS = (16, 32, 64, 96, 128)
CNN2D_DENSE = 128


def build_cnn2d(rows: int, columns: int, genres: int) -> Any:
    """Return this system's 2D CNN: small blocks in the manner of VGG, free in time.

    The short-chunk CNN is "simple and best" among CNNs trained from scratch in Won et al., "Evaluation of CNN-based
    automatic music tagging models", 2020; this is a narrow one, for two CPU cores. Bands are levelled one by one at
    the door (batch normalisation along the frequency axis), which takes out most of a recording's equalisation. In
    the end time is summed up by mean and maximum, and frequency keeps its place, since a bass drum is not a hi-hat.

    Parameters
    ----------
    rows : int
        Frequency bands.
    columns : int
        Not used: any number of frames will do.
    genres : int
        Classes.
    """
    keras, _ = load()
    layers = keras.layers
    inputs = keras.Input((rows, None, 1), name="spectrogram")  # (B, rows, T, 1)
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    x = layers.BatchNormalization(axis=1, momentum=0.9, center=False, scale=False, name="bands")(x)
    for number, filters in enumerate(CNN2D_FILTERS, 1):
        x = layers.Conv2D(
            filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"conv{number}"
        )(x)
        # Few steps make an epoch of a small library: with the usual momentum of 0.99 the running averages would lag
        # behind the weights, and the network would answer one genre to everything outside training.
        x = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
        x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    bands = -(-rows // 2 ** len(CNN2D_FILTERS))  # what halving, rounded up, leaves of the frequency axis
    mean = keras.ops.mean(x, axis=2)  # (B, bands, filters)
    peak = keras.ops.max(x, axis=2)
    x = layers.Concatenate(name="moments")([mean, peak])
    x = layers.Reshape((bands * 2 * CNN2D_FILTERS[-1],), name="flat")(x)
    x = layers.Dropout(0.3, name="drop1")(x)
    x = layers.Dense(CNN2D_DENSE, use_bias=False, kernel_initializer="he_normal", name="dense")(x)
    x = layers.BatchNormalization(momentum=0.9, name="norm_dense")(x)
    x = layers.ReLU(name="relu_dense")(x)
    x = layers.Dropout(0.3, name="drop2")(x)
    return keras.Model(inputs, layers.Dense(genres, name="logits")(x), name="cnn2d")


# --- cnn2d-wtsc -----------------------------------------------------------------------------------------------------

WTSC_SMALLEST = 16  # below, nothing is left after its four convolutions and two poolings


def build_wtsc(rows: int, columns: int, genres: int) -> Any:
    """Return the CNN of the college radio station WTSC exactly; 211,450 parameters for 129 x 98 and ten genres,
    443,450 for 129 x 196.

    Parameters
    ----------
    rows, columns : int
        Size of the pictures.
    genres : int
        Classes.

    Raises
    ------
    UsageError
        If the pictures are too small for its four unpadded convolutions.
    """
    if min(rows, columns) < WTSC_SMALLEST:
        raise UsageError(f"cnn2d-wtsc needs pictures of at least 16 x 16, these are {rows} x {columns}")
    keras, _ = load()
    layers = keras.layers

    def conv(filters: int) -> Any:
        return layers.Conv2D(filters, 3, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01))

    network = [keras.Input((rows, columns, 1), name="spectrogram"), layers.Rescaling(1 / 255)]
    for filters in (16, 32):
        network += [conv(filters), layers.BatchNormalization(), conv(filters), layers.MaxPooling2D(2)]
    network += [layers.Flatten(), layers.Dropout(0.5), layers.Dense(genres, name="logits")]
    return keras.Sequential(network, name="cnn2d-wtsc")


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            "cnn2d",
            "mel",
            True,
            Recipe(
                learning_rate=4e-3, weight_decay=0.02, smoothing=0.05, mixup=0.2, augment=True, average=0.99, warmup=30
            ),
            build_cnn2d,
        ),
        Family("cnn2d-wtsc", "wtsc", False, Recipe(learning_rate=1e-3), build_wtsc),
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
