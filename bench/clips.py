"""Cutting five 2-second clips out of a four-minute file, per container: time, reads and bytes.

The system's own way (`track_clips`) stands beside decoding all of the file and beside `librosa.load(offset, duration)`.
Bytes are those that the process asks the system for, from files in the page cache; what a slow line would make of them
(2 ms a request, 100 MB/s) is reckoned, one request after the other, without what a system reads ahead.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.throttled_fs import BYTES_PER_SECOND, WAIT
from tagger.audio.clips import clip_offsets, track_clips
from tagger.audio.decode import decode_all
from tagger.audio.encode import ENCODABLE, encode
from tagger.audio.spectrogram import FORMS
from tagger.base.records import ClipSource

SECONDS = 240.0  # of the file
RATE = 44100
ROUNDS = 5
CLIP = 2.0  # [s]
# With bit rates [bit/s]; None is the encoder's own.
KINDS = (("mp3", 320_000), ("mp3", 128_000), *((container, None) for container in ENCODABLE if container != "mp3"))
TRACKS = [f"{number:016x}" for number in range(10)]  # ids: each puts the clips elsewhere
MOST = 0.1  # of an MP3 may be read
HEADS = (
    *("container", "five clips, ms", "whole file, ms", "ratio", "reads", "bytes read", "share of the file"),
    *("most of ten tracks", "over a slow line, ms", "whole file over it, ms"),
    *("bytes read by `librosa.load`", "its reads", "over the slow line, ms"),
)


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
    """Print a row per container and bit rate, and whether little enough of each MP3 is read."""
    samples, shares = music(), {}
    with tempfile.TemporaryDirectory() as folder:
        warm_up(Path(folder) / "warm.wav", samples)
        print(f"| {' | '.join(HEADS)} |\n| --- |{' ---: |' * (len(HEADS) - 1)}")
        for container, bit_rate in KINDS:
            name = f"{container} {bit_rate // 1000} kbit/s" if bit_rate else container
            path = Path(folder) / f"track.{container}"
            encode(path, samples, RATE, container, bit_rate=bit_rate)
            cells, shares[name] = row(path)
            print(f"| {name} | {cells} |", flush=True)
            path.unlink()
    for name, share in shares.items():
        if name.startswith("mp3"):
            found = "kept" if share <= MOST else "**not kept**"
            print(f"\nAt most {MOST:.0%} of an MP3 of four minutes is to be read: {name}, {share:.1%}, {found}.")


def warm_up(path: Path, samples: np.ndarray) -> None:
    """Go each way once, so that no file's bytes are those of modules that are loaded at first use."""
    encode(path, samples[: 60 * RATE], RATE, "wav")
    five_clips(path, TRACKS[0])
    plain(str(path), [1.0])
    path.unlink()


def five_clips(path: Path, track: str) -> None:
    """Cut clips and make them into pictures as the system does."""
    track_clips(ClipSource(track, os.fsencode(path), SECONDS), [CLIP], FORMS["mel"])


def row(path: Path) -> tuple[str, float]:
    """Measure a file; return the cells of its row, and the most of it that is read for one track."""
    name, size = os.fsencode(path), path.stat().st_size
    cut = milliseconds(lambda: five_clips(path, TRACKS[0]), ROUNDS)
    whole = milliseconds(lambda: decode_all(name), 3)
    found = [asked_for(lambda: five_clips(path, track)) for track in TRACKS]  # noqa: B023
    read, times = (round(statistics.mean(values)) for values in zip(*found, strict=True))
    most = max(bytes_read for bytes_read, _ in found) / size
    cells = (
        *(f"{cut:.1f}", f"{whole:.0f}", f"{whole / cut:.1f}", f"{times}", f"{read:,}", f"{read / size:.1%}"),
        *(f"{most:.1%}", f"{slow(read, times):.0f}", f"{slow(*asked_for(lambda: decode_all(name))):.0f}"),
        *beside(path, size),
    )
    return " | ".join(cells), most


def slow(read: int, times: int) -> float:
    """Return what so many bytes in so many reads take over a slow line [ms], by reckoning."""
    return 1000 * (times * WAIT + read / BYTES_PER_SECOND)


def beside(path: Path, size: int) -> tuple[str, str, str]:
    """Return bytes, reads and time over the slow line of librosa's way, where it knows the container."""
    from audioread import NoBackendError

    offsets = clip_offsets(TRACKS[0], SECONDS, CLIP)
    try:
        with warnings.catch_warnings(action="ignore"):  # of its second way, which needs programs that are not there
            read, times = asked_for(lambda: plain(str(path), offsets))
    except NoBackendError:
        return "cannot", "-", "-"
    return f"{read:,} ({read / size:.0%})", f"{times:,}", f"{slow(read, times):.0f}"


if __name__ == "__main__":
    main()
