"""The runtime that saved networks are heard with: ONNX Runtime, without TensorFlow in the process.

A network is converted when it is saved, and both are compared on clips. Where the converted network is missing,
damaged or does not agree, or where there is a GPU, the network itself is heard, by Keras.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.model.fit import forward, log_softmax
from tagger.model.quiet import hushed, load

CONVERTED_NAME = "model.onnx"
AGREEMENT = 1e-4  # by which a probability may differ from Keras's
CHECKED = 64  # clips that both are compared on
# Clips that are heard at a time. More are not faster, and each takes memory: the trunk 60 MB (`bench.runtime`).
AT_ONCE = 2

Shape = tuple[int | None, ...]
Logits = Callable[[NDArray[Any]], NDArray[np.float32]]


def convert(network_path: Path, folder: Path, sample: NDArray[Any]) -> dict[str, Any]:
    """Convert a saved network, and make sure that it says the same.

    Parameters
    ----------
    network_path : Path
        As Keras has saved it.
    folder : Path
        Where `CONVERTED_NAME` is written.
    sample : array of shape (n, ...)
        Real clips to compare both on.

    Returns
    -------
    dict
        For the model's card: `file`, `sha256`, `of` (the SHA-256 of the network that it was made of), `difference` (the
        largest of a probability) and `compared` (clips); or `problem`, if there is no use in it.
    """
    keras, _ = load()
    network = keras.saving.load_model(network_path, compile=False, safe_mode=True)
    theirs = forward(network)(sample)
    path = folder / CONVERTED_NAME
    try:
        _export(network, path)
        _, _, ours = open_session(path)
        said = ours(sample)
    except Exception as error:  # whatever the converter cannot do: the network itself does it
        path.unlink(missing_ok=True)
        return {"problem": (str(error).strip().splitlines() or [type(error).__name__])[0][:200]}
    difference = float(np.abs(np.exp(log_softmax(said)) - np.exp(log_softmax(theirs))).max(initial=0.0))
    if not difference <= AGREEMENT:
        path.unlink()
        return {"problem": f"probabilities differ by {difference:.2g}"}
    digest, of = (hashlib.sha256(one.read_bytes()).hexdigest() for one in (path, network_path))
    return {"file": CONVERTED_NAME, "sha256": digest, "of": of, "difference": difference, "compared": len(sample)}


def converted(folder: Path, card: Mapping[str, Any]) -> tuple[Shape, Logits] | None:
    """Return the shape of a clip and the function from clips to logits of a converted network.

    Returns
    -------
    tuple or None
        None where Keras has to do it.
    """
    facts = card.get("runtime") or {}
    if facts.get("of") != card["sha256"] or sees_gpu() or importlib.util.find_spec("onnxruntime") is None:
        return None
    path = folder / CONVERTED_NAME
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() != facts["sha256"]:
            return None
        shape, genres, logits = open_session(path)
    except Exception:  # of a file that fits its card: another version of the runtime does not take it
        return None
    # A card that does not fit is Keras's to refuse.
    return (shape, logits) if (genres, shape[0]) == (len(card["genres"]), card["shape"][0]) else None


def sees_gpu() -> bool:
    """Say whether there is a GPU for TensorFlow, without loading it."""
    return any(Path("/dev").glob("nvidia[0-9]*")) and os.environ.get("CUDA_VISIBLE_DEVICES", "0") not in ("", "-1")


def open_session(path: Path) -> tuple[Shape, int, Logits]:
    """Open a converted network.

    Returns
    -------
    shape : tuple
        Of one clip, with None where any length will do.
    genres : int
        How many it gives.
    logits : callable
        From clips, (n, ...), to float32 (n, genres); pictures may come without a channel.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Half of the cores: the others decode what is heard next. And no waiting in a loop, which would take them too.
    options.intra_op_num_threads = max(1, (os.cpu_count() or 1) // 2)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    genres = session.get_outputs()[0].shape[-1]
    shape = tuple(size if isinstance(size, int) else None for size in taken.shape[1:])

    def logits(inputs: NDArray[Any]) -> NDArray[np.float32]:
        parts = [
            session.run(None, {taken.name: _as_input(inputs[start : start + AT_ONCE], len(taken.shape))})[0]
            for start in range(0, len(inputs), AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, genres), np.float32)

    return shape, genres, logits


def _as_input(inputs: NDArray[Any], axes: int) -> NDArray[np.float32]:
    batch = np.asarray(inputs, np.float32)
    return batch[..., None] if batch.ndim + 1 == axes else batch


def _export(network: Any, path: Path) -> None:
    """Write a network as ONNX, without what the converter prints."""
    network(np.zeros((1, *(size or 8 for size in network.input_shape[1:])), np.float32))  # it must have been called
    with hushed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("tf2onnx").setLevel(logging.ERROR)
        network.export(path, format="onnx", verbose=False)
