"""Makes a hard music library: `python -m bench.hard OUT`.

The demo's genres are easy to tell apart. These overlap as a station's do: `bench.hard_genres` has what a genre is,
`bench.hard_sound` what makes an artist known by sound alone, `bench.hard_plan` who plays what and which genre tags are
wrong. Beside the audio files (FLAC) lies `truth.csv`.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from bench import hard_outside, hard_synth
from bench.hard_genres import manner
from bench.hard_plan import HardTrack, plan
from bench.hard_sound import sound
from tagger.audio.encode import encode
from tagger.demo.voices import Samples
from tagger.library.compose import compose_tags

RATE = 22050
TRUTH = ("path", "artist", "genre", "genre_tag", "flipped", "outside")


def samples_of(track: HardTrack, seconds: float) -> Samples:
    """Return the samples of a track, float32 (seconds * `RATE`,)."""
    rng = np.random.default_rng((41, *track.seed, track.number))
    own = sound(track.seed)
    if track.kind:
        return hard_outside.track(track.kind, own, seconds, RATE, rng)
    return hard_synth.track(manner(track.genre, track.seed, track.number), own, seconds, RATE, rng)


def make_file(root: Path, seconds: float, track: HardTrack) -> None:
    """Write the file of a track."""
    path = root / track.path
    path.parent.mkdir(parents=True, exist_ok=True)
    encode(path, samples_of(track, seconds), RATE, "flac")
    compose_tags(path, "flac", {"artist": track.artist, "album": track.album, "title": track.title, "genre": track.tag})


def make_library(root: Path, tracks: Sequence[HardTrack], seconds: float, workers: int = 2) -> None:
    """Write the files of all tracks below `root`, and `truth.csv`.

    The truth has a row per file, in the order of the plan: path relative to `root`, artist, the id of the genre that is
    played (empty outside the ten), the genre tag, and 0 or 1 for a genre tag that is wrong and for a track outside.
    """
    root.mkdir(parents=True, exist_ok=True)
    work = partial(make_file, root, seconds)
    if workers > 1:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            list(pool.map(work, tracks, chunksize=16))
    else:
        list(map(work, tracks))
    with (root / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(TRUTH)
        for t in tracks:
            rows.writerow((t.path, t.artist, t.genre, t.tag, int(t.flipped), int(bool(t.kind))))


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the library that the command line asks for, and say how long it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.hard", description="Make a hard synthetic music library.")
    parser.add_argument("out", type=Path, help="folder of the library; new or empty")
    parser.add_argument("--tracks", type=int, default=1200, help="of the ten genres")
    parser.add_argument("--artists", type=int, default=260)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--noise", type=float, default=0.1, help="share of wrong genre tags")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--balanced", action="store_true", help="equal shares, not a station's")
    parser.add_argument("--outside", type=int, default=0, help="further tracks that are none of the ten genres")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args(arguments)
    if asked.out.exists() and (not asked.out.is_dir() or any(asked.out.iterdir())):
        parser.error(f"{asked.out} is not empty")
    if asked.seconds < 2:
        parser.error("--seconds: 2 or more")
    try:
        tracks = plan(asked.tracks, asked.artists, asked.seed, asked.noise, asked.balanced, asked.outside)
    except ValueError as error:
        parser.error(str(error))
    # Each process has a core of its own; threads of numpy would only be in each other's way.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    started = time.perf_counter()
    make_library(asked.out, tracks, asked.seconds, asked.workers)
    took = time.perf_counter() - started
    print(f"{len(tracks)} tracks by {len({t.artist for t in tracks})} artists in {took:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
