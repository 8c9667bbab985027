"""Genres written into files a second, each with its checks, its journal and its syncs, beside what `cp` takes.

    python -m bench writing [--songs N] [--work DIR]

`tagger write --apply` and `tagger undo` as whole processes over songs of four minutes, less what they take over two
songs; "no sync" is the same with `os.fsync` made to do nothing, which no station should want.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.classify import FEW, adopt, songs_of, trained
from bench.scan import tagger, work_folder
from bench.trees import new_home

SONGS, DISTINCT = 200, 4
CONTAINERS = {"mp3": 1, "m4a": 4, "ogg": 4, "flac": 8, "wav": 8}  # by how much fewer of the larger ones
OLD = 1_000_000_000  # [s] a time of change long ago
WITHOUT_SYNC = "import os, sys; os.fsync = os.fdatasync = lambda _: None; from tagger.cli import main; sys.exit(main())"


def main(options: Sequence[str] = ()) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench writing")
    parser.add_argument("--songs", type=int, default=SONGS, help="of four minutes, as MP3")
    parser.add_argument("--work", type=Path, help="where to make libraries (default: the folder for temporary files)")
    arguments = parser.parse_args(options)
    heads = (
        "container",
        "MB each",
        "written a second",
        "undone",
        "written, no sync",
        "`cp`, a process each",
        "one `cp`",
    )
    print(f"| {' | '.join(heads)} |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    with work_folder(arguments.work) as work:
        model = trained(work / "model")
        for container, less in CONTAINERS.items():
            count = max(FEW + 1, arguments.songs // less)
            many, few = (Library(work, model, container, size) for size in (count, FEW))
            written = rate(many, few, lambda library: library.write())
            undone = rate(many, few, lambda library: library.undo())
            unsynced = rate(many, few, lambda library: library.write(sync=False))
            each, at_once = copied(many.folder, work / "copies")
            size = sum(path.stat().st_size for path in many.songs) / count / 1e6
            rates = (f"{one:.1f}" for one in (size, written, undone, unsynced, each, at_once))
            print(f"| {container} | {' | '.join(rates)} |", flush=True)
            for library in (many, few):
                shutil.rmtree(library.folder)


class Library:
    """Songs without a genre, and a home whose model has said one of each and may write all of them."""

    def __init__(self, work: Path, model: Path, container: str, count: int) -> None:
        self.folder = work / f"{container}-{count}"
        made = songs_of(work / f"{container}-songs-{count}", container, min(count, DISTINCT))
        self.folder.mkdir()
        for number in range(count):
            song = made[number % len(made)]
            copy = self.folder / f"{number:04}{song.suffix}"
            shutil.copyfile(song, copy)
            os.utime(copy, (OLD, OLD))  # what was changed a moment ago is left alone
        shutil.rmtree(made[0].parent)
        self.songs = sorted(self.folder.iterdir())
        self.home = new_home(work / f"{container}-home-{count}")
        with (self.home / "tagger.toml").open("a", encoding="ascii") as file:
            file.write('promise = 0\nmtime = "preserve"\n')
        tagger(self.home, "scan", self.folder)
        adopt(self.home, model)
        tagger(self.home, "classify")

    def write(self, sync: bool = True) -> float:
        """Write all genres; return the seconds that it took."""
        how = ("-m", "tagger") if sync else ("-c", WITHOUT_SYNC)
        command = (sys.executable, *how, "--home", str(self.home), "--json", "write", "--apply", "--again")
        started = time.perf_counter()
        said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        self._run = str(said["run_id"])
        if said["counts"]["written"] != len(self.songs):
            raise RuntimeError(f"{said['counts']['written']} of {len(self.songs)} files were written")
        return time.perf_counter() - started

    def undo(self) -> float:
        """Take all of it back; return the seconds."""
        return tagger(self.home, "undo", self._run).seconds


def rate(many: Library, few: Library, work: Callable[[Library], float]) -> float:
    """Return how many files a second are done, start-up taken off."""
    seconds = work(many) - work(few)
    return (len(many.songs) - FEW) / seconds


def copied(folder: Path, target: Path) -> tuple[float, float]:
    """Return how many files a second `cp` copies, called for each file and once for all."""
    target.mkdir()
    songs = sorted(folder.iterdir())
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
