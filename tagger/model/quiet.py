"""The one door to Keras and TensorFlow: imported when first needed, without their chatter on stderr.

TensorFlow's libraries write notes about oneDNN and missing GPU drivers straight to file descriptor 2 while they load,
whatever `TF_CPP_MIN_LOG_LEVEL` says (measured with TensorFlow 2.21); cron would mail them every night.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from tagger.base.errors import TaggerError

ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GRPC_VERBOSITY": "NONE",
}


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Keep what native code writes to stderr, and pass it on only if the block fails."""
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except (OSError, ValueError, AttributeError):  # stderr is closed: nothing to hush
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            kept.seek(0)
            os.write(2, kept.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def load() -> tuple[Any, Any]:
    """Import Keras and TensorFlow.

    Returns
    -------
    keras, tensorflow
        The modules.
    """
    if "tensorflow" in sys.modules and "keras" in sys.modules:
        return sys.modules["keras"], sys.modules["tensorflow"]
    os.environ.update(ENVIRONMENT)
    with hushed():
        tensorflow = importlib.import_module("tensorflow")
        keras = importlib.import_module("keras")
        # It takes several networks in one process for one that is compiled again and again.
        tensorflow.get_logger().setLevel("ERROR")
        for device in tensorflow.config.list_physical_devices("GPU"):
            # Otherwise the first process on a GPU takes all of its memory; must come before the GPU is first used.
            with contextlib.suppress(RuntimeError):  # already in use: then its memory is as it is
                tensorflow.config.experimental.set_memory_growth(device, True)
    return keras, tensorflow


def seed_everything(seed: int, deterministic: bool) -> None:
    """Seed Python, NumPy and TensorFlow; with `deterministic`, make the same seed give the same bits.

    Bit-reproducible training needs one thread: with two, sums are taken in varying order even with
    `enable_op_determinism` (measured with TensorFlow 2.21 on two cores). It takes about twice as long.

    Raises
    ------
    TaggerError
        When TensorFlow already runs with several threads in this process, so that the promise cannot be kept.
    """
    keras, tensorflow = load()
    keras.utils.set_random_seed(seed)
    if not deterministic:
        return
    try:
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        raise TaggerError(
            "deterministic training must come first in a process, and a model is in use already: "
            "run `tagger train --deterministic` by itself"
        ) from None
    tensorflow.config.experimental.enable_op_determinism()
