"""The 2D CNNs on spectrograms. They take float32 (batch, rows, columns, 1) with values 0 to 255, as the pictures of a
data set have them, and give logits (batch, genres)."""

from __future__ import annotations

from typing import Any

from tagger.base.errors import UsageError
from tagger.model.blueprint import Blueprint
from tagger.model.quiet import load

# Filters of the blocks; each halves both axes, so the network sees 2-s clips of 96 x 87 as 3 x 3 in the end.
CNN2D_FILTERS = (16, 32, 64, 96, 128)
CNN2D_DENSE = 128
LEAST_SPREAD = 8.0  # [grey levels] = 2.5 dB: what varies less in a band is not blown up to the size of music

WTSC_SMALLEST = 16  # below, nothing is left after its four convolutions and two poolings


def cnn2d(plan: Blueprint) -> Any:
    """Return this system's 2D CNN: small blocks in the manner of VGG, free in time.

    The short-chunk CNN is "simple and best" among CNNs trained from scratch in Won et al., "Evaluation of CNN-based
    automatic music tagging models", 2020; this is a narrow one, for two CPU cores. Bands are levelled one by one at
    the door (batch normalisation along the frequency axis), which takes out most of a recording's equalisation. In
    the end time is summed up by mean and maximum, and frequency keeps its place, since a bass drum is not a hi-hat.
    """
    keras, _ = load()
    layers = keras.layers
    recipe, rows = plan.recipe, plan.shape[0]
    inputs = keras.Input((rows, None, 1), name="spectrogram")  # (B, rows, T, 1)
    x = layers.BatchNormalization(axis=1, momentum=0.9, epsilon=LEAST_SPREAD**2, center=False, scale=False,
                                  name="bands")(inputs)  # fmt: skip
    for number, filters in enumerate(CNN2D_FILTERS, 1):
        x = layers.Conv2D(plan.wide(filters), 3, padding="same", use_bias=False, kernel_initializer="he_normal",
                          name=f"conv{number}")(x)  # fmt: skip
        # Few steps make an epoch of a small library: with the usual momentum of 0.99 the running averages would lag
        # behind the weights, and the network would answer one genre to everything outside training.
        x = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
        x = layers.Activation(recipe.activation, name=f"active{number}")(x)
        x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    bands = -(-rows // 2 ** len(CNN2D_FILTERS))  # what halving, rounded up, leaves of the frequency axis
    mean = keras.ops.mean(x, axis=2)  # (B, bands, filters)
    peak = keras.ops.max(x, axis=2)
    x = layers.Concatenate(name="moments")([mean, peak])
    x = layers.Reshape((bands * 2 * plan.wide(CNN2D_FILTERS[-1]),), name="flat")(x)
    x = layers.Dropout(recipe.dropout, name="drop1")(x)
    x = layers.Dense(plan.wide(CNN2D_DENSE), use_bias=False, kernel_initializer="he_normal", name="dense")(x)
    x = layers.BatchNormalization(momentum=0.9, name="norm_dense")(x)
    x = layers.Activation(recipe.activation, name="active_dense")(x)
    x = layers.Dropout(recipe.dropout, name="drop2")(x)
    return keras.Model(inputs, layers.Dense(plan.genres, name="logits")(x), name="cnn2d")


def wtsc(plan: Blueprint) -> Any:
    """Return the CNN of the college radio station WTSC exactly; 211,450 parameters for 129 x 98 and ten genres,
    443,450 for 129 x 196.

    Raises
    ------
    UsageError
        If the pictures are too small for its four unpadded convolutions.
    """
    rows, columns = plan.shape
    if min(rows, columns) < WTSC_SMALLEST:
        raise UsageError(f"cnn2d-wtsc needs pictures of at least 16 x 16, these are {rows} x {columns}")
    keras, _ = load()
    layers = keras.layers
    active = plan.recipe.activation

    def conv(filters: int) -> Any:
        weights = keras.regularizers.L2(0.01)
        return layers.Conv2D(plan.wide(filters), 3, activation=active, kernel_regularizer=weights)

    network = [keras.Input((rows, columns, 1), name="spectrogram"), layers.Rescaling(1 / 255)]
    for filters in (16, 32):
        network += [conv(filters), layers.BatchNormalization(), conv(filters), layers.MaxPooling2D(2)]
    network += [layers.Flatten(), layers.Dropout(plan.recipe.dropout), layers.Dense(plan.genres, name="logits")]
    return keras.Sequential(network, name="cnn2d-wtsc")
