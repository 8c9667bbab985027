"""Cutting five 2-second clips out of a four-minute file: seek and decode beside decoding all of it, per container."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.throttled_fs import BYTES_PER_SECOND, WAIT
from tagger.audio.clips import clip_offsets
from tagger.audio.decode import decode_all, decode_clips
from tagger.audio.encode import ENCODABLE, encode

SECONDS = 240.0  # of the file
RATE = 44100
ROUNDS = 5
CLIP = 2.0  # [s]
KINDS = (("mp3", 320_000), *((container, None) for container in ENCODABLE))  # with bit rates [bit/s]


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


def asked_for(work: Callable[[], object]) -> tuple[int, int]:
    """Return how many bytes this process asks the system for during `work`, and in how many reads (Linux)."""

    def so_far() -> tuple[int, int]:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
        counts = {line.partition(":")[0]: int(line.split()[1]) for line in lines}
        return counts["rchar"], counts["syscr"]

    before = so_far()
    work()
    after = so_far()
    return after[0] - before[0], after[1] - before[1]


def plain(name: str, offsets: Sequence[float]) -> None:
    """Cut the clips as one would at first."""
    import librosa

    for offset in offsets:
        librosa.load(name, sr=22050, offset=offset, duration=CLIP)


def main() -> None:
    """Print a row per container and bit rate."""
    heads = ("container", "five clips, ms", "whole file, ms", "ratio", "reads", "bytes read", "share of the file",
             "over a slow line, ms", "bytes read by `librosa.load`")  # fmt: skip
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    samples = music()
    with tempfile.TemporaryDirectory() as folder:
        for container, bit_rate in KINDS:
            path = Path(folder) / f"track.{container}"
            encode(path, samples, RATE, container, bit_rate=bit_rate)
            print(f"| {container}{f' {bit_rate // 1000} kbit/s' if bit_rate else ''} | {row(path)} |", flush=True)
            path.unlink()


def row(path: Path) -> str:
    """Measure a file and return the cells of its row."""
    name = os.fsencode(path)
    offsets = clip_offsets("0123456789abcdef", SECONDS, CLIP)
    size = path.stat().st_size
    cut = milliseconds(lambda: decode_clips(name, offsets, CLIP), ROUNDS)
    whole = milliseconds(lambda: decode_all(name), 3)
    read, times = asked_for(lambda: decode_clips(name, offsets, CLIP))
    slow = times * WAIT * 1000 + read / BYTES_PER_SECOND * 1000
    try:
        theirs, _ = asked_for(lambda: plain(str(path), offsets))
        beside = f"{theirs:,} ({theirs / size:.0%})"
    except Exception:  # libsndfile does not know every container
        beside = "cannot"
    return (f"{cut:.1f} | {whole:.0f} | {whole / cut:.1f} | {times} | {read:,} | {read / size:.1%} | {slow:.0f} | "
            f"{beside}")  # fmt: skip


if __name__ == "__main__":
    main()
