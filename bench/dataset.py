"""Clips cut into a data set a second, and what they take on disk.

    python -m bench dataset [--songs N] [--work DIR]

`tagger dataset` as a whole process over MP3s of four minutes, five clips of one and five of two seconds each, less what
it takes over a few songs; and once more over the same, unchanged.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.classify import songs_of
from bench.scan import tagger, work_folder, work_option
from bench.trees import GENRES, new_home
from tagger.library.compose import compose_tags
from tagger.library.payload import payload_extent

SONGS, FEW, DISTINCT = 200, 20, 4


def main(options: Sequence[str] = ()) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench dataset")
    parser.add_argument("--songs", type=int, default=SONGS, help="of four minutes")
    work_option(parser)
    arguments = parser.parse_args(options)
    with work_folder(arguments.work) as work:
        made = songs_of(work / "songs", "mp3", DISTINCT)
        homes = [scanned(work, made, count) for count in (FEW, arguments.songs)]
        few, many = (tagger(home, "dataset").seconds for home in homes)
        again = tagger(homes[1], "dataset").seconds
        (few_clips, few_bytes), (clips, size) = (cut(home) for home in homes)
    songs, seconds = arguments.songs - FEW, many - few
    print("| | |\n| --- | ---: |")
    print(f"| songs a second | {songs / seconds:.1f} |\n| clips a second | {(clips - few_clips) / seconds:.0f} |")
    print(f"| bytes a clip | {(size - few_bytes) / (clips - few_clips):,.0f} |")
    print(f"| nothing new, {arguments.songs} songs | {again:.1f} s |")


def scanned(work: Path, made: Sequence[Path], count: int) -> Path:
    """Make a library of so many songs, each with its artist and its own audio, and a home that has scanned it."""
    library = work / f"library-{count}"
    library.mkdir()
    for number in range(count):
        song = library / f"{number:04}.mp3"
        shutil.copyfile(made[number % len(made)], song)
        start, length = payload_extent(os.fsencode(song))
        with song.open("r+b") as file:
            file.seek(start + length - 8)
            file.write(number.to_bytes(8, "big"))
        tags = {"artist": f"Artist {number // 2}", "album": "Album", "title": f"Title {number}"}
        compose_tags(song, "mp3", {**tags, "genre": GENRES[number // 2 % 4]})
    home = new_home(work / f"home-{count}")
    tagger(home, "scan", library)
    return home


def cut(home: Path) -> tuple[int, int]:
    """Return how many clips a home has, and how many bytes they take."""
    sizes = [path.stat().st_size for path in (home / "dataset").rglob("*.png")]
    return len(sizes), sum(sizes)


if __name__ == "__main__":
    main()
