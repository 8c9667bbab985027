"""Runtimes that a saved network can be heard with, each in a process of its own that imports nothing else.

    python -m bench.runtimes NAME FOLDER THREADS ROUNDS SIZE,SIZE...

FOLDER is a model's, with the clips to hear in it. What was said is written there, and what it took is printed as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NETWORK_NAME, ONNX_NAME, LITE_NAME = "model.keras", "model.onnx", "model.tflite"
CLIPS_NAME, SAID_NAME = "clips.npy", "said.npy"
TRACK = 5  # clips of a track
AT_ONCE = 20  # clips that are heard together for what is said of them

Hear = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def main(name: str, folder: Path, threads: int, rounds: int, sizes: Sequence[int]) -> None:
    """Hear the clips, so many together."""
    clips = np.load(folder / CLIPS_NAME)
    started = time.perf_counter()
    hear = RUNTIMES[name][1](folder, threads)
    hear(clips[: sizes[0]])
    start = time.perf_counter() - started
    times = [_milliseconds(hear, np.resize(clips, (size, *clips.shape[1:])), rounds) for size in sizes]
    memory = _most_memory()
    pieces = [hear(clips[at : at + AT_ONCE]) for at in range(0, len(clips), AT_ONCE)]
    np.save(folder / SAID_NAME, np.concatenate(pieces))
    print(json.dumps({"start": start, "times": times, "memory": memory}))


def _most_memory() -> float:
    """Return the most memory that this process has held [MB]; `ru_maxrss` begins with its parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def _milliseconds(hear: Hear, clips: NDArray[np.float32], rounds: int) -> tuple[float, float]:
    """Return the median time for a clip, by the clock and of the processor."""
    hear(clips)
    found = []
    for _ in range(rounds):
        clock, processor = time.perf_counter(), time.process_time()
        hear(clips)
        found.append((time.perf_counter() - clock, time.process_time() - processor))
    clock, processor = (1000 * statistics.median(times) / len(clips) for times in zip(*found, strict=True))
    return clock, processor


def _keras(folder: Path) -> Any:
    from tagger.model.quiet import load

    keras, _ = load()
    return keras.saving.load_model(folder / NETWORK_NAME, compile=False)


def _call(folder: Path, _: int) -> Hear:
    network = _keras(folder)
    return lambda clips: np.asarray(network(clips, training=False))


def _predict(folder: Path, _: int) -> Hear:
    network = _keras(folder)
    return lambda clips: network.predict(clips, batch_size=len(clips), verbose=0)  # type: ignore[no-any-return]


def _function(folder: Path, _: int) -> Hear:
    from tagger.model.fit import forward

    return forward(_keras(folder))


def _onnxruntime(folder: Path, threads: int) -> Hear:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(folder / ONNX_NAME, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda clips: session.run(None, {name: clips})[0]  # type: ignore[no-any-return]


def _litert(folder: Path, threads: int) -> Hear:
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-not-found]

    interpreter = Interpreter(str(folder / LITE_NAME), num_threads=threads)
    interpreter.allocate_tensors()
    taken, given = (of()[0]["index"] for of in (interpreter.get_input_details, interpreter.get_output_details))

    def track(clips: NDArray[np.float32]) -> NDArray[np.float32]:
        interpreter.set_tensor(taken, np.resize(clips, (TRACK, *clips.shape[1:])))  # filled up, if there are fewer
        interpreter.invoke()
        return interpreter.get_tensor(given)[: len(clips)]  # type: ignore[no-any-return]

    return lambda clips: np.concatenate([track(clips[at : at + TRACK]) for at in range(0, len(clips), TRACK)])


def _openvino(folder: Path, threads: int) -> Hear:
    import openvino  # type: ignore[import-not-found]

    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    model = core.compile_model(core.read_model(folder / ONNX_NAME), "CPU", settings)
    return lambda clips: model([clips])[model.output(0)]  # type: ignore[no-any-return]


# By name: the module that must be there, and what returns a way to hear; Keras first, which others are compared with.
RUNTIMES: dict[str, tuple[str, Callable[[Path, int], Hear]]] = {
    "Keras, called": ("keras", _call),
    "Keras, `predict`": ("keras", _predict),
    "Keras, `tf.function`": ("keras", _function),
    "ONNX Runtime": ("onnxruntime", _onnxruntime),
    "LiteRT": ("ai_edge_litert", _litert),
    "OpenVINO": ("openvino", _openvino),
}


if __name__ == "__main__":
    runtime, model, threads, rounds, sizes = sys.argv[1:]
    main(runtime, Path(model), int(threads), int(rounds), [int(size) for size in sizes.split(",")])
