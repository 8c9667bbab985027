"""The pretrained trunks as Keras networks of our own: `musicnn` and `vgg`, after Pons and Serra, 2019.

Pons and Serra, "musicnn: Pre-trained convolutional neural networks for music audio tagging", 2019. They take
log-compressed mel power, float32 (batch, 187 frames, 96 bands), lowest band first, as `audio/trunk_mel.py` makes it,
and give an embedding and the logits of fifty tags. Shapes follow the published variables; `MUSICNN_CHECKPOINT` and
`VGG_CHECKPOINT` say which is which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.model.quiet import load

FRAMES, BANDS = 187, 96
TAGS = 50
EPSILON = 1e-3  # of batch normalisation, as TensorFlow 1 had it

# Filters of the front end as 1.6 times 128 and 32, cut off: 204 see timbre, 51 each see a rhythm.
TIMBRE, RHYTHM = 204, 51
TIMBRE_BANDS = {"timbre40": 38, "timbre70": 67}  # 40% and 70% of the bands
RHYTHM_FRAMES = {"rhythm128": 128, "rhythm64": 64, "rhythm32": 32}  # 2.0, 1.0 and 0.5 s
FRONT = (*TIMBRE_BANDS, *RHYTHM_FRAMES)
# Frames that one step of a rhythm's convolution answers for. A convolution along time on one channel keeps a CPU
# waiting; sixteen frames side by side as channels, with the kernel once for each place in them, take a fifth of the
# time and give the same numbers.
STRIDE = 16
MIDDLE, EMBEDDING = 64, 200
VGG_FILTERS = 128

# Our layers, and what their variables are called in the published checkpoints.
MUSICNN_CHECKPOINT = {
    "norm_input": "batch_normalization",
    **{name: f"conv2d_{n}" if n else "conv2d" for n, name in enumerate(FRONT)},
    **{f"norm_{name}": f"batch_normalization_{n}" for n, name in enumerate(FRONT, 1)},
    **{f"middle{n}": f"conv2d_{4 + n}" for n in (1, 2, 3)},
    **{f"norm_middle{n}": f"batch_normalization_{5 + n}" for n in (1, 2, 3)},
    "norm_pooled": "batch_normalization_9",
    "dense": "dense",
    "embedding": "batch_normalization_10",
    "tags": "dense_1",
}
VGG_CHECKPOINT = {
    "norm_input": "batch_normalization",
    **{f"conv{n}": f"{n}CNN" for n in range(1, 6)},
    **{f"norm{n}": f"batch_normalization_{n}" for n in range(1, 6)},
    "tags": "dense",
}


def musicnn() -> Any:
    """Return the untrained network whose front end looks for timbres and rhythms; outputs embedding (200), tags (50).

    The middle sums up with residual connections, everything is pooled over time by maximum and mean.
    """
    keras, _ = load()
    layers = keras.layers

    def norm(name: str) -> Any:
        return layers.BatchNormalization(epsilon=EPSILON, name=f"norm_{name}")

    inputs = keras.Input((FRAMES, BANDS), name="mel")
    x = norm("input")(layers.Reshape((FRAMES, BANDS, 1), name="picture")(inputs))
    padded = layers.ZeroPadding2D((3, 0), name="pad")(x)
    front = []
    for name, bands in TIMBRE_BANDS.items():
        y = layers.Conv2D(TIMBRE, (7, bands), activation="relu", name=name)(padded)
        front.append(keras.ops.max(norm(name)(y), axis=2))
    picture = layers.Reshape((FRAMES, BANDS), name="levelled")(x)
    for name, frames in RHYTHM_FRAMES.items():
        blocks, taps = -(-FRAMES // STRIDE), _taps(frames)
        before = (frames - 1) // 2  # as "same" padding has it
        after = (blocks + taps - 1) * STRIDE - FRAMES - before
        y = layers.ZeroPadding1D((before, after), name=f"pad_{name}")(picture)
        y = layers.Reshape((blocks + taps - 1, STRIDE, BANDS), name=f"blocks_{name}")(y)
        y = layers.Permute((1, 3, 2), name=f"turn_{name}")(y)
        y = layers.Conv2D(STRIDE * RHYTHM, (taps, 1), activation="relu", name=name)(y)
        y = layers.Reshape((blocks * STRIDE, RHYTHM), name=f"frames_{name}")(keras.ops.max(norm(name)(y), axis=2))
        front.append(layers.Cropping1D((0, blocks * STRIDE - FRAMES), name=f"crop_{name}")(y))
    parts = [layers.Concatenate(name="front")(front)]  # (B, 187, 561)
    for number in (1, 2, 3):
        name = f"middle{number}"
        y = norm(name)(layers.Conv1D(MIDDLE, 7, padding="same", activation="relu", name=name)(parts[-1]))
        parts.append(y if number == 1 else layers.Add(name=f"residual{number}")([y, parts[-1]]))
    x = layers.Concatenate(name="all")(parts)  # (B, 187, 753)
    # Maximum and mean of a channel side by side, as the published weights have them.
    moments = keras.ops.stack([keras.ops.max(x, axis=1), keras.ops.mean(x, axis=1)], axis=2)
    x = layers.Flatten(name="pooled")(moments)
    x = layers.Dense(EMBEDDING, activation="relu", name="dense")(norm("pooled")(x))
    embedding = layers.BatchNormalization(epsilon=EPSILON, name="embedding")(x)
    return keras.Model(inputs, [embedding, layers.Dense(TAGS, name="tags")(embedding)], name="musicnn")


def _taps(frames: int) -> int:
    """Return how many blocks of `STRIDE` frames the answers to one block look at."""
    return -(-(STRIDE + frames - 1) // STRIDE)


def _spread(kind: str, value: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a published variable of a rhythm's layers as it is for blocks of frames.

    A kernel (frames, filters) becomes (taps, 1, `STRIDE`, `STRIDE` * filters): for the answer at each place of a block,
    the kernel moved there. Others, (filters,), are the same at each place.
    """
    if kind != "kernel":
        return np.tile(value, STRIDE)
    frames, filters = value.shape
    moved = np.zeros((_taps(frames) * STRIDE, STRIDE, filters), np.float32)
    for place in range(STRIDE):
        moved[place : place + frames, place] = value
    return moved.reshape(-1, 1, STRIDE, STRIDE * filters)


def vgg() -> Any:
    """Return the untrained network of five plain blocks; outputs embedding (256), tags (50)."""
    keras, _ = load()
    layers = keras.layers
    inputs = keras.Input((FRAMES, BANDS), name="mel")
    x = layers.Reshape((FRAMES, BANDS, 1), name="picture")(inputs)
    x = layers.BatchNormalization(epsilon=EPSILON, name="norm_input")(x)
    pools = (((4, 1), 2), (2, 2), (2, 2), (2, 2), (4, 4))
    for number, (size, strides) in enumerate(pools, 1):
        x = layers.Conv2D(VGG_FILTERS, 3, padding="same", activation="relu", name=f"conv{number}")(x)
        x = layers.BatchNormalization(epsilon=EPSILON, name=f"norm{number}")(x)
        x = layers.MaxPooling2D(size, strides, name=f"pool{number}")(x)
    embedding = layers.Flatten(name="embedding")(x)
    return keras.Model(inputs, [embedding, layers.Dense(TAGS, name="tags")(embedding)], name="vgg")


NETWORKS: Mapping[str, tuple[Callable[[], Any], Mapping[str, str]]] = {
    "musicnn": (musicnn, MUSICNN_CHECKPOINT),
    "vgg": (vgg, VGG_CHECKPOINT),
}


def from_variables(architecture: str, variable: Callable[[str], NDArray[np.float32]]) -> Any:
    """Build a network and fill it from a published checkpoint.

    Parameters
    ----------
    architecture : str
        ``musicnn`` or ``vgg``.
    variable : callable
        Returns the variable of a name, such as ``conv2d_1/kernel``.

    Raises
    ------
    ValueError
        If a variable has another shape than the layer's weights.
    """
    build, names = NETWORKS[architecture]
    network = build()
    for layer in network.layers:
        if not layer.weights:
            continue
        values = []
        for weight in layer.weights:
            kind = weight.path.rsplit("/", 1)[-1]
            name = f"{names[layer.name]}/{kind}"
            value = variable(name)
            if layer.name.removeprefix("norm_") in RHYTHM_FRAMES:
                value = _spread(kind, value.reshape([n for n in value.shape if n != 1]))
            # Kernels over time alone were published as (frames, channels, 1, filters): ones do not count.
            if [n for n in value.shape if n != 1] != [n for n in weight.shape if n != 1]:
                raise ValueError(f"{name} is {value.shape}, the layer {layer.name} has {tuple(weight.shape)}")
            values.append(value.reshape(weight.shape))
        layer.set_weights(values)
    return network
