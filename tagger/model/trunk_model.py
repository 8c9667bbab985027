"""The trunk put together with a head: from what it hears to genres, as one Keras network that is saved whole.

mel -> musicnn (MSD) ┐                       ┌ embeddings -> what labels taught ─┐
                     ├ pooled features -> head┤                                    ├ sum -> logits
mel -> musicnn (MTT) ┘                       └ tags -> what the map says, scaled ─┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.model.quiet import load
from tagger.model.trunk_map import LEAST, NOTHING, SHARPNESS, means
from tagger.model.trunk_networks import BANDS, EMBEDDING, FRAMES
from tagger.model.trunks import load_trunk

HEARD = ("MSD_musicnn", "MTT_musicnn")  # whose features and tags are used; the vgg networks hear less (decision 0013)


@dataclass(frozen=True, slots=True)
class Trunk:
    """The trunk's halves as Keras networks.

    `front` takes mel, (n, 187, 96), and gives pooled features (n, 3012); `back` takes those and gives embeddings
    (n, 400), the logits of a hundred tags (n, 100) behind them.
    """

    front: Any
    back: Any


def halves(trunks_folder: Path) -> Trunk:
    """Load the installed trunk and cut it where time has been summed up.

    Raises
    ------
    NoModel
        If it is not installed or damaged.
    """
    keras, _ = load()
    inputs = keras.Input((FRAMES, BANDS), name="mel")
    pooled, fronts, backs = [], [], []
    for name in HEARD:
        whole = load_trunk(trunks_folder, name)
        front = keras.Model(whole.input, whole.get_layer("pooled").output, name=f"front_{name}")
        start = keras.Input(front.output_shape[1:], name="pooled")
        x = start
        for layer in ("norm_pooled", "dense", "embedding"):
            x = whole.get_layer(layer)(x)
        back = keras.Model(start, [x, whole.get_layer("tags")(x)], name=f"back_{name}")
        fronts.append(front)
        backs.append(back)
        pooled.append(front(inputs))
    whole_front = keras.Model(inputs, keras.layers.Concatenate(name="pooled")(pooled), name="trunk_front")
    features = keras.Input(whole_front.output_shape[1:], name="features")
    width = features.shape[1] // len(HEARD)
    said = [back(features[:, i * width : (i + 1) * width]) for i, back in enumerate(backs)]
    both = keras.layers.Concatenate(name="both")([*(one[0] for one in said), *(one[1] for one in said)])
    return Trunk(whole_front, keras.Model(features, both, name="trunk_back"))


@dataclass(frozen=True, slots=True)
class Head:
    """What was learned of genres, on top of the map of tags.

    `kernel` float32 (400, genres) on embeddings, `bias` float32 (genres,), `scale` of the map's scores.
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    scale: float


def untaught(genres: int) -> Head:
    """Return the head that has learned nothing: the map alone."""
    return Head(np.zeros((EMBEDDING * len(HEARD), genres), np.float32), np.zeros(genres, np.float32), 1.0)


def head_network(trunk: Trunk, tags: Sequence[Sequence[int]], head: Head) -> Any:
    """Return the network from pooled features (n, 3012) to logits (n, genres).

    Parameters
    ----------
    trunk : Trunk
        Whose back half becomes a part of it.
    tags : sequence of sequences of int
        Which tags speak for each genre; see `tagger.model.trunk_map.speaking`.
    head : Head
        Its first weights.
    """
    keras, _ = load()
    layers = keras.layers
    features = keras.Input(trunk.front.output_shape[1:], name="features")
    both = trunk.back(features)
    size = EMBEDDING * len(HEARD)
    taught = layers.Dense(len(tags), name="taught")
    scaled = layers.Dense(len(tags), use_bias=False, name="scaled")
    logits = layers.Add(name="logits")([taught(both[:, :size]), scaled(_scores(both[:, size:], tags))])
    network = keras.Model(features, logits, name="head")
    taught.set_weights([head.kernel, head.bias])
    scaled.set_weights([head.scale * np.eye(len(tags), dtype=np.float32)])
    scaled.trainable = False
    return network


def _scores(logits: Any, tags: Sequence[Sequence[int]]) -> Any:
    """Return the map's score of each genre: how far the tag that speaks for it the loudest is above its average."""
    keras, _ = load()
    ops = keras.ops
    heard = ops.log(ops.sigmoid(logits) + LEAST)
    usual = np.log(means() + LEAST)
    # Not by a layer of normalisation: its numbers would become inputs when the network is converted.
    above = keras.layers.Rescaling(SHARPNESS, (-SHARPNESS * usual).tolist(), name="above_average")(heard)
    columns = []
    for own in tags:
        if own:
            columns.append(ops.max(ops.take(above, list(own), axis=1), axis=1, keepdims=True))
        else:
            columns.append(ops.clip(above[:, :1], NOTHING, NOTHING))
    return ops.concatenate(columns, axis=1)


def whole_network(trunk: Trunk, head: Any) -> Any:
    """Return the network from mel (n, 187, 96) to logits (n, genres), which is what is saved."""
    keras, _ = load()
    inputs = keras.Input((FRAMES, BANDS), name="mel")
    return keras.Model(inputs, head(trunk.front(inputs)), name="trunk")
