"""Cutting five 2-second clips out of a four-minute file: seek and decode beside decoding all of it, per container."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tagger.audio.clips import clip_offsets
from tagger.audio.decode import decode_all, decode_clips
from tagger.audio.encode import ENCODABLE, encode

SECONDS = 240.0  # of the file
RATE = 44100
ROUNDS = 5


def music() -> np.ndarray:
    """Return four minutes of chords and noise, float32 (n, 2)."""
    random = np.random.default_rng(1)
    clock = np.arange(int(SECONDS * RATE)) / RATE
    chord = (np.sin(2 * np.pi * pitch * clock) * (np.sin(2 * np.pi * pitch / 400 * clock) > 0) for pitch in (220, 277))
    sound = sum(chord)
    stereo = np.stack([sound, np.roll(sound, 400)], axis=1) * 0.1
    return (stereo + 0.01 * random.standard_normal(stereo.shape)).astype(np.float32)


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    """Return the median time of `work`."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times))


def bytes_read(work: Callable[[], object]) -> int:
    """Return how many bytes this process asks the system for during `work` (Linux)."""

    def asked() -> int:
        with open("/proc/self/io") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("rchar"))

    before = asked()
    work()
    return asked() - before


def main() -> None:
    """Print a row per container."""
    samples = music()
    print("| container | five 2-s clips, ms | whole file, ms | ratio | bytes read |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for container in ENCODABLE:
            path = Path(folder) / f"track.{container}"
            encode(path, samples, RATE, container)
            name = os.fsencode(path)
            offsets = clip_offsets("0123456789abcdef", SECONDS, 2.0)
            read = bytes_read(lambda: decode_clips(name, offsets, 2.0)) / path.stat().st_size  # noqa: B023
            cut = milliseconds(lambda: decode_clips(name, offsets, 2.0), ROUNDS)  # noqa: B023
            whole = milliseconds(lambda: decode_all(name), 3)  # noqa: B023
            print(f"| {container} | {cut:.1f} | {whole:.0f} | {whole / cut:.1f} | {read:.0%} |", flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
