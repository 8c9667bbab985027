"""The networks of the studies beside the 2D CNN: on the waveform, on MFCCs, on a table of features.

Each levels what comes in by batch normalisation at the door, so that nothing has to be measured before training.
Their sizes are those of the usual teaching examples of their kind; they are here to be compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tagger.base.errors import UsageError
from tagger.model.blueprint import Blueprint
from tagger.model.quiet import load

FULL_SCALE = 32768  # of 16-bit samples
WEIGHTS = 1e-3  # strength of the L2 penalty on dense layers

# Filters, width and stride of each convolution of `cnn1d`; each is followed by a pooling of 4. The first one spans
# 6 ms at 22,050 Hz, and goes in steps of 0.7 ms, so that an epoch takes no longer than that of the default network.
CNN1D = ((16, 128, 16), (32, 16, 2), (64, 8, 2))


def cnn1d(plan: Blueprint) -> Any:
    """Return a 1D CNN on the waveform: three convolutions, summed up over time, and a dense layer."""
    keras, _ = load()
    layers = keras.layers
    network = _samples(plan)
    network += [layers.Reshape((plan.shape[0], 1))]  # (B, samples, 1)
    for filters, width, stride in CNN1D:
        network += [layers.Conv1D(plan.wide(filters), width, stride, padding="same", use_bias=False),
                    layers.BatchNormalization(momentum=0.9), layers.Activation(plan.recipe.activation),
                    layers.MaxPooling1D(4)]  # fmt: skip
    network += [layers.GlobalAveragePooling1D(), *_dense(plan, (64,))]
    return _named("cnn1d", network)


def dense_on_samples(plan: Blueprint) -> Any:
    """Return a dense network on every 50th sample."""
    return _named("waveform-dense", [*_samples(plan), *_dense(plan, (512, 256, 64))])


def dense_on_mfcc(plan: Blueprint) -> Any:
    """Return a dense network on MFCCs, with dropout and L2."""
    keras, _ = load()
    layers = keras.layers
    network = [keras.Input(plan.shape, name="mfcc"), _level()]
    return _named("mfcc-dense", [*network, layers.Flatten(), *_dense(plan, (512, 256, 64))])


def cnn_on_mfcc(plan: Blueprint) -> Any:
    """Return a small 2D CNN on MFCCs as (frames, coefficients, 1)."""
    keras, _ = load()
    layers = keras.layers
    network = [keras.Input(plan.shape, name="mfcc"), _level(), layers.Reshape((*plan.shape, 1))]
    for size in (3, 3, 2):
        network += [
            layers.Conv2D(plan.wide(32), size, padding="same", activation=plan.recipe.activation),
            layers.MaxPooling2D(size, strides=2, padding="same"),
            layers.BatchNormalization(momentum=0.9),
        ]
    return _named("mfcc-cnn", [*network, layers.Flatten(), *_dense(plan, (64,))])


def mlp_on_features(plan: Blueprint) -> Any:
    """Return a dense network on a table of features, of which the recipe may leave out groups.

    Raises
    ------
    UsageError
        If there is no such group.
    """
    keras, _ = load()
    network = [keras.Input(plan.shape, name="features"), _level()]
    if plan.recipe.groups:
        network.append(keras.layers.Rescaling(_mask(plan)))
    return _named("features-mlp", [*network, *_dense(plan, (256, 128, 64))])


def _mask(plan: Blueprint) -> list[float]:
    """Return 1 for each feature that is used, 0 for the others."""
    groups = plan.form.get("groups", {})
    mask = [0.0] * plan.shape[0]
    for name in plan.recipe.groups:
        if name not in groups:
            raise UsageError(f"there is no group of features {name!r}; there are {', '.join(groups)}")
        first, behind = groups[name]
        mask[first:behind] = [1.0] * (behind - first)
    return mask


def _samples(plan: Blueprint) -> list[Any]:
    keras, _ = load()
    return [keras.Input(plan.shape, name="samples"), keras.layers.Rescaling(1 / FULL_SCALE)]


def _level() -> Any:
    keras, _ = load()
    return keras.layers.BatchNormalization(momentum=0.9, center=False, scale=False)


def _dense(plan: Blueprint, sizes: Sequence[int]) -> list[Any]:
    """Return dense layers with L2 and dropout, and the logits."""
    keras, _ = load()
    layers = keras.layers
    network = []
    for units in sizes:
        network += [layers.Dense(plan.wide(units), activation=plan.recipe.activation,
                                 kernel_regularizer=keras.regularizers.L2(WEIGHTS)),
                    layers.Dropout(plan.recipe.dropout)]  # fmt: skip
    return [*network, layers.Dense(plan.genres, name="logits")]


def _named(name: str, network: Sequence[Any]) -> Any:
    keras, _ = load()
    return keras.Sequential(list(network), name=name)
