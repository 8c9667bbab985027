"""Tracks classified per second, five clips of 2 s each, beside the decoder's own limit and beside other ways.

    python -m bench classify [--songs N] [--rounds N] [--containers A,B] [--work DIR]

The system runs as a whole process, `tagger classify`, from opening files to rows in the index; the time that it takes
over a library of two songs is taken off, so that start-up does not count. The other ways (see `bench.ways`) are timed
without theirs. What `cold` says was not in the page cache before; `throttled` songs come through a file system with
100 MB/s and 2 ms a request.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.clips import RATE, SECONDS, music
from bench.scan import tagger, work_folder, work_option
from bench.throttled_fs import throttled
from bench.trees import SUFFIXES, linked_library, new_home
from bench.ways import songs_per_second
from tagger.audio.encode import ENCODABLE, encode
from tagger.audio.spectrogram import FORMS
from tagger.index.store import open_index
from tagger.model.clips import ClipSet
from tagger.model.train import train

SONGS, ROUNDS, DISTINCT, FEW = 400, 3, 8, 2
OTHERS = {"plain": 40, "seed": 6}  # songs that slower ways hear
LESS = 5  # by how much smaller the library of each other container is
GENRES = ("alt", "rock")


def main(options: Sequence[str] = ()) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench classify")
    parser.add_argument("--songs", type=int, default=SONGS, help="of four minutes, as MP3")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which the median counts")
    parser.add_argument("--containers", default=",".join(ENCODABLE), help="beside MP3")
    work_option(parser)
    arguments = parser.parse_args(options)
    with work_folder(arguments.work) as work:
        model = trained(work / "model")
        beside_other_ways(work, model, arguments.songs, arguments.rounds)
        over_a_slow_line(work, model, arguments.songs // LESS, arguments.rounds)
        print(
            "| container | limit [songs/s] | classified, 2 workers | share of the limit |\n| --- | ---: | ---: | ---: |"
        )
        for container in arguments.containers.split(","):
            station = new_station(work, model, container, arguments.songs // LESS)
            found = in_turn(arguments.rounds, {
                "limit": lambda: station.limit(2),  # noqa: B023
                "system": lambda: station.classified(2),  # noqa: B023
            })  # fmt: skip
            print(f"| {container} | {middle(found['limit']):.0f} | {middle(found['system']):.0f} | "
                  f"{share(found, 'limit'):.0%} |", flush=True)  # fmt: skip
            shutil.rmtree(station.folder)


# --- a station whose songs wait for a genre ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Station:
    """A library of songs that are copies of a few distinct ones, a home that knows them, and a home with few songs.

    `songs` are the distinct files, as the library has them.
    """

    folder: Path
    songs: list[Path]
    count: int
    home: Path
    few: Path

    def classified(self, workers: int, cold: bool = False) -> float:
        """Return how many songs a second `tagger classify` hears, start-up left out."""
        os.environ["TAGGER_WORKERS"] = str(workers)
        seconds = []
        for home in (self.few, self.home):
            if cold:
                self.forget()
            seconds.append(tagger(home, "classify", "--refresh").seconds)
        return (self.count - FEW) / (seconds[1] - seconds[0])

    def limit(self, processes: int, cold: bool = False) -> float:
        """Return how many songs a second can be decoded with the same seeks."""
        return self.other("decode", self.count, processes, cold)

    def other(self, way: str, songs: int, processes: int, cold: bool = False) -> float:
        """Return how many songs a second another way hears."""
        if cold:
            self.forget()
        files = [str(song) for song in self.songs] * (songs // len(self.songs) + 1)
        return songs_per_second(way, files[:songs], SECONDS, processes)

    def forget(self) -> None:
        """Take the songs out of the page cache."""
        for song in self.songs:
            descriptor = os.open(song, os.O_RDONLY)
            os.fdatasync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def new_station(work: Path, model: Path, container: str, count: int, distinct: int = DISTINCT) -> Station:
    """Make a station with so many songs, copies of some distinct ones."""
    folder = work / container
    songs = songs_of(folder / "songs", container, distinct)
    linked_library(folder / "library", songs, max(1, count // distinct))
    linked_library(folder / "few", songs[:FEW], 1)
    homes = [home_of(folder / f"home-{name}", folder / name, model) for name in ("library", "few")]
    return Station(folder, songs, max(1, count // distinct) * distinct, *homes)


def songs_of(folder: Path, container: str, count: int) -> list[Path]:
    """Make songs of four minutes, without tags."""
    folder.mkdir(parents=True)
    samples, found = music(), []
    for number in range(count):
        found.append(folder / f"{number}.{SUFFIXES.get(container, container)}")
        encode(found[-1], np.roll(samples, 100_003 * number, axis=0), RATE, container)
    return found


def home_of(folder: Path, library: Path, model: Path) -> Path:
    """Make a home that has scanned a library, and whose model is this one."""
    home = new_home(folder)
    tagger(home, "scan", library)
    adopt(home, model)
    return home


def adopt(home: Path, model: Path) -> None:
    """Make a model that lies elsewhere the one of a home."""
    from tagger.model.saved import read_card

    card = read_card(model)
    folder = home / "models" / model.name
    shutil.copytree(model, folder)
    with open_index(home / "index.db") as index:
        index.models.add(model.name, card["family"], folder, card)
        index.models.promote(model.name)


def trained(folder: Path) -> Path:
    """Train the default network for one epoch, on made-up pictures: what it says takes as long to say."""
    form, random, count = FORMS["mel"], np.random.default_rng(1), 60
    pictures = random.integers(0, 256, (count, form.bands, form.columns(2)), dtype=np.uint8)
    names = np.array([str(number) for number in range(count)])
    splits = np.array(["train", "train", "val", "test"])[np.arange(count) % 4]
    clips = {2: ClipSet(pictures, np.arange(count) // 4 % len(GENRES), names, names, splits)}
    result = train(clips, GENRES, "cnn2d", folder, folder / "work", max_epochs=1, form=form.card())
    assert result.folder is not None
    return result.folder


# --- measurements -----------------------------------------------------------------------------------------------------


def beside_other_ways(work: Path, model: Path, songs: int, rounds: int) -> None:
    """Print what the system makes of MP3s beside the limit and other ways."""
    station = new_station(work, model, "mp3", songs)
    found = in_turn(rounds, {
        "limit": lambda: station.limit(2),
        "system": lambda: station.classified(2),
        "limit, one process": lambda: station.limit(1),
        "system, one worker": lambda: station.classified(1),
        "limit, cold": lambda: station.limit(2, cold=True),
        "system, cold": lambda: station.classified(2, cold=True),
        "plain": lambda: station.other("plain", OTHERS["plain"], 2),
        "seed": lambda: station.other("seed", OTHERS["seed"], 1),
    })  # fmt: skip
    rows = (
        ("the limit: the same seeks, decoded, nothing else, 2 processes", "limit", "limit"),
        ("**`tagger classify`, 2 workers**", "system", "limit"),
        ("the limit, 1 process", "limit, one process", "limit, one process"),
        ("`tagger classify`, 1 worker", "system, one worker", "limit, one process"),
        ("the limit, cold", "limit, cold", "limit, cold"),
        ("`tagger classify`, 2 workers, cold", "system, cold", "limit, cold"),
        ("the plain good way, 2 processes", "plain", "limit"),
        ("the seed's way, 1 process", "seed", "limit"),
    )
    print(f"{station.count} MP3s of four minutes, 128 kbit/s; median of {rounds}:\n")
    print("| way | songs a second | share of its limit |\n| --- | ---: | ---: |")
    for text, name, limit in rows:
        print(f"| {text} | {middle(found[name]):.1f} | {share(found, limit, name):.0%} |")
    print(f"\nthe system is {share(found, 'plain'):.1f} times as fast as the plain good way, "
          f"{share(found, 'seed'):.0f} times as fast as the seed's way\n", flush=True)  # fmt: skip
    shutil.rmtree(station.folder)


def over_a_slow_line(work: Path, model: Path, songs: int, rounds: int) -> None:
    """Print the same through a throttled file system; a line that says so where none can be mounted."""
    source = work / "far"
    files = songs_of(source / "songs", "mp3", DISTINCT * 4)
    linked_library(source / "library", files, max(1, songs // len(files)))
    linked_library(source / "few", files[:FEW], 1)
    count = max(1, songs // len(files)) * len(files)
    try:
        found = in_turn(rounds, {
            name: _once_far(work, model, source, count, way)
            for name, way in {"system": None, "limit": "decode", "plain": "plain", "seed": "seed"}.items()
        })  # fmt: skip
    except RuntimeError as error:
        print(f"throttled: not measured, {error}\n")
        return
    print("throttled to 100 MB/s and 2 ms a request, nothing in the cache:\n")
    print("| way | songs a second |\n| --- | ---: |")
    names = {
        "system": "**`tagger classify`, 2 workers**",
        "limit": "the same seeks, 2 processes",
        "plain": "the plain good way, 2 processes",
        "seed": "the seed's way, 1 process",
    }
    for name, text in names.items():
        print(f"| {text} | {middle(found[name]):.1f} |")
    print(f"\nthe system is {share(found, 'plain'):.1f} times as fast as the plain good way, "
          f"{share(found, 'seed'):.0f} times as fast as the seed's way\n", flush=True)  # fmt: skip
    shutil.rmtree(source)


def _once_far(work: Path, model: Path, source: Path, count: int, way: str | None) -> Callable[[], float]:
    """Return a measurement that mounts the folder anew, so that no cache knows it."""

    def measure() -> float:
        homes = []
        for name in ("library", "few"):
            home = work / f"far-{name}"
            if not home.exists():
                with throttled(source, work / "mount") as mount:
                    home_of(home, mount / name, model)
            homes.append(home)
        with throttled(source, work / "mount") as mount:
            station = Station(mount, sorted((mount / "songs").iterdir()), count, *homes)
            return station.classified(2) if way is None else station.other(
                way, OTHERS.get(way, count), 2 if way != "seed" else 1
            )  # fmt: skip

    return measure


def in_turn(rounds: int, measurements: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Take measurements in turn, so that a slow moment of the machine meets all of them."""
    found: dict[str, list[float]] = {name: [] for name in measurements}
    for _ in range(rounds):
        for name, measurement in measurements.items():
            found[name].append(measurement())
    return found


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def share(found: dict[str, list[float]], beside: str, name: str = "system") -> float:
    """Return the median ratio of two measurements, round by round."""
    return middle([one / other for one, other in zip(found[name], found[beside], strict=True)])


if __name__ == "__main__":
    main()
