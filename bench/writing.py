"""Genres written into files a second, each with its checks, its journal and its syncs, beside what `cp` takes.

    python -m bench writing [--songs N] [--work DIR]

`tagger write --apply` and `tagger undo` as whole processes over songs of four minutes, less what they take over two
songs; `cp` copies the same songs and leaves them in the page cache. "No sync" is the same with `os.fsync` and
`os.fdatasync` made to do nothing, which no station should want; the index keeps its syncs, which are SQLite's own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.classify import FEW, adopt, songs_of, trained
from bench.scan import TAGGER, tagger, work_folder, work_option
from bench.trees import new_home
from bench.watch import Cost, watched

SONGS, DISTINCT = 200, 4
CONTAINERS = {"mp3": 1, "m4a": 4, "ogg": 4, "flac": 8, "wav": 8}  # by how much fewer of the larger ones
OLD = 1_000_000_000  # [s] a time of change long ago
WITHOUT_SYNC = "import os, sys; os.fsync = os.fdatasync = lambda _: None; from tagger.cli import main; sys.exit(main())"
HEADS = (
    *("container", "MB each", "MB written for each", "whole process, s", "files a second", "share of one `cp`"),
    *("share of a `cp` each", "no sync, files a second", "share of one `cp`", "undone a second"),
    *("one `cp`, files a second", "a `cp` each, files a second"),
)


def main(options: Sequence[str] = ()) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench writing")
    parser.add_argument("--songs", type=int, default=SONGS, help="of four minutes, as MP3")
    work_option(parser)
    arguments = parser.parse_args(options)
    print(f"| {' | '.join(HEADS)} |\n| --- |{' ---: |' * (len(HEADS) - 1)}")
    with work_folder(arguments.work) as work:
        model = trained(work / "model")
        for container, less in CONTAINERS.items():
            count = max(2 * FEW, arguments.songs // less)
            made = songs_of(work / "songs", container, min(count, DISTINCT))
            many, few = (Library(work / str(size), model, made, size) for size in (count, FEW))
            print(f"| {container} | {row(many, few, work / 'copies')} |", flush=True)
            for folder in (made[0].parent, many.folder.parent, few.folder.parent):
                shutil.rmtree(folder)


def row(many: Library, few: Library, copies: Path) -> str:
    """Write and undo with and without syncs, copy, and return the cells of a row."""
    count = len(many.songs) - FEW
    size = sum(path.stat().st_size for path in many.songs) / len(many.songs)
    whole, start = many.write(), few.write()
    synced = count / (whole.seconds - start.seconds)
    undone = count / (many.undo().seconds - few.undo().seconds)
    unsynced = count / (many.write(sync=False).seconds - few.write(sync=False).seconds)
    each, at_once = copied(many.folder, copies)
    cells = (
        *(f"{size / 1e6:.1f}", f"{(whole.written - start.written) / count / 1e6:.1f}"),
        *(f"{whole.seconds:.1f} ({len(many.songs)} files)", f"{synced:.1f}"),
        *(f"{synced / at_once:.1%}", f"{synced / each:.1%}", f"{unsynced:.1f}", f"{unsynced / at_once:.1%}"),
        *(f"{undone:.1f}", f"{at_once:.0f}", f"{each:.0f}"),
    )
    return " | ".join(cells)


class Library:
    """Songs without a genre, and a home whose model has said one of each and may write all of them."""

    def __init__(self, work: Path, model: Path, made: Sequence[Path], count: int) -> None:
        self.folder = work / "library"
        self.folder.mkdir(parents=True)
        for number in range(count):
            song = made[number % len(made)]
            copy = self.folder / f"{number:04}{song.suffix}"
            shutil.copyfile(song, copy)
            os.utime(copy, (OLD, OLD))  # what was changed a moment ago is left alone
        self.songs = sorted(self.folder.iterdir())
        self.home = new_home(work / "home")
        with (self.home / "tagger.toml").open("a", encoding="ascii") as file:
            file.write('promise = 0\nmtime = "preserve"\n')
        tagger(self.home, "scan", self.folder)
        adopt(self.home, model)
        tagger(self.home, "classify")
        os.sync()  # or the first sync that is timed would wait for these copies too

    def write(self, sync: bool = True) -> Cost:
        """Write all genres; return what it took."""
        how = TAGGER if sync else (sys.executable, "-c", WITHOUT_SYNC)
        with tempfile.TemporaryFile("w+", encoding="ascii") as out:
            cost = watched((*how, "--home", self.home, "--json", "write", "--apply", "--again"), out=out)
            out.seek(0)
            said = json.load(out)
        self._run = str(said["run_id"])
        if cost.code or said["counts"]["written"] != len(self.songs):
            raise RuntimeError(f"{said['counts']['written']} of {len(self.songs)} files were written")
        return cost

    def undo(self) -> Cost:
        """Take all of it back; return what it took."""
        return tagger(self.home, "undo", self._run)


def copied(folder: Path, target: Path) -> tuple[float, float]:
    """Return how many files a second `cp` copies, called for each file and once for all."""
    target.mkdir()
    songs = sorted(folder.iterdir())
    os.sync()
    started = time.perf_counter()
    for song in songs:
        subprocess.run(("cp", song, target), check=True)
    each = len(songs) / (time.perf_counter() - started)
    shutil.rmtree(target)
    os.sync()
    started = time.perf_counter()
    subprocess.run(("cp", "-r", folder, target), check=True)
    at_once = len(songs) / (time.perf_counter() - started)
    shutil.rmtree(target)
    return each, at_once


if __name__ == "__main__":
    main()
