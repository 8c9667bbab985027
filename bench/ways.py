"""Ways of hearing songs that the system is measured beside, each in processes of their own.

    python -m bench.ways WAY SECONDS FILE...     (waits for a line before it starts, then prints seconds)

`decode`: the same seeks as the system's and nothing else, by the decoder's own means: nothing that hears these clips
can be faster. `plain`: what one would write first, five `librosa.load(offset, duration)`, `melspectrogram`, and a call
of the network, song by song. `seed`: what student systems do, the whole file by `librosa.load`,
`scipy.signal.spectrogram` and `predict` for each song.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import av
import numpy as np

from tagger.audio.clips import clip_offsets
from tagger.audio.decode import MARGIN, PREROLL, RATE
from tagger.audio.spectrogram import FORMS
from tagger.model.blueprint import Blueprint
from tagger.model.families import FAMILIES, Network

CLIPS, SECONDS, GENRES = 5, 2.0, 10
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
)
Way = Callable[[str, float], None]


def songs_per_second(way: str, files: Sequence[str], duration: float, processes: int) -> float:
    """Hear files in so many processes at once, and return how many a second, start-up left out.

    Parameters
    ----------
    way : str
        See above.
    files : sequence of str
        Dealt out to the processes.
    duration : float
        Of each file [s].
    processes : int
    """
    command = (sys.executable, "-m", "bench.ways", way, str(duration))
    started = [
        subprocess.Popen(
            (*command, *files[number::processes]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | ONE_THREAD | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        for number in range(processes)
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the way {way} does not start")
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    slowest = max(float(process.communicate()[0]) for process in started)
    return len(files) / slowest


def main(way: str, duration: float, files: Sequence[str]) -> None:
    """Hear each file once, and print how long it took."""
    hear = {"decode": lambda: _decode, "plain": _plain, "seed": _seed}[way]()
    hear(files[0], duration)
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.perf_counter()
    for file in files:
        hear(file, duration)
    print(time.perf_counter() - begun, flush=True)


def _decode(file: str, duration: float) -> None:
    with av.open(file, options={"fflags": "+fastseek"}) as container:
        stream = container.streams.audio[0]
        stream.codec_context.thread_count = 1
        base = float(stream.time_base or 0)
        start = stream.start_time or 0
        for offset in clip_offsets(file, duration, SECONDS, CLIPS):
            container.seek(start + int(max(0.0, offset - PREROLL) / base), stream=stream, backward=True)
            end = start + (offset + SECONDS + MARGIN) / base
            for frame in container.decode(stream):
                if frame.pts is not None and frame.pts >= end:
                    break


def _plain() -> Way:
    import librosa

    form = FORMS["mel"]
    network = _network("cnn2d", (form.bands, form.columns(SECONDS)))

    def hear(file: str, duration: float) -> None:
        pictures = []
        for offset in clip_offsets(file, duration, SECONDS, CLIPS):
            clip, _ = librosa.load(file, sr=RATE, offset=offset, duration=SECONDS)
            clip = librosa.util.fix_length(clip, size=round(SECONDS * RATE))
            power = librosa.feature.melspectrogram(
                y=clip, sr=RATE, n_fft=form.n_fft, hop_length=form.hop, n_mels=form.bands
            )
            pictures.append(255 + librosa.power_to_db(power, ref=np.max) * (255 / 80))
        np.asarray(network(np.array(pictures, np.float32)[..., None], training=False))

    return hear


def _seed() -> Way:
    import librosa
    from scipy.signal import spectrogram

    form = FORMS["wtsc"]
    columns = form.columns(SECONDS)
    network = _network("cnn2d-wtsc", (form.bands, columns))

    def hear(file: str, duration: float) -> None:
        song, _ = librosa.load(file, sr=RATE)
        _, _, power = spectrogram(song, RATE, nperseg=form.n_fft, noverlap=form.n_fft - form.hop)
        picture = 10 * np.log10(np.maximum(power, 1e-10))
        starts = [int(offset * RATE / form.hop) for offset in clip_offsets(file, duration, SECONDS, CLIPS)]
        pictures = np.stack([picture[:, start : start + columns] for start in starts])
        network.predict(pictures[..., None], verbose=0)

    return hear


def _network(family: str, shape: tuple[int, int]) -> Any:
    kind = FAMILIES[family]
    if not isinstance(kind, Network):
        raise TypeError(f"{family} is no network")
    return kind.build(Blueprint(shape, GENRES, kind.recipe))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
