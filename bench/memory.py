"""The most memory that each process of a command holds, at several sizes of a library.

    python -m bench memory [--files N,N] [--rows N] [--work DIR]

What is classified is put into the index (`bench.trees.classify_all`), and the pictures of the labelled tracks, five of
each length, into the data set (`bench.trees.picture_all`): hearing them would take a day. One epoch is trained, on all
of them. A process's peak is what the system says of it (VmHWM), looked up while it runs; pages that processes share
count for each of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.scan import ROWS, tagger, work_folder, work_option
from bench.trees import classify_all, new_home, picture_all, small_library
from bench.watch import Cost, watched

FILES = "10000,100000"


def main(options: Sequence[str] = ()) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench memory")
    parser.add_argument("--files", default=FILES, help="sizes of the libraries, between commas")
    parser.add_argument("--rows", type=int, default=ROWS, help="of the index that is measured alone")
    work_option(parser)
    arguments = parser.parse_args(options)
    print("| files | command | its own process, MB | each helping process, MB | all at once, MB |")
    print("| ---: | --- | ---: | ---: | ---: |")
    with work_folder(arguments.work) as work:
        for size in map(int, arguments.files.split(",")):
            library, home = work / f"library {size}", new_home(work / f"home {size}")
            small_library(library, size)
            _row(size, "scan, the first", tagger(home, "scan", library, memory=True))
            _row(size, "scan, nothing new", tagger(home, "scan", library, memory=True))
            classify_all(home)
            _row(size, "nightly after labels changed", tagger(home, "nightly", library, memory=True))
            _row(size, "nightly, nothing new", tagger(home, "nightly", library, memory=True))
            home = new_home(work / f"home {size} to learn")
            tagger(home, "scan", library)
            clips = picture_all(home)
            _row(size, f"train, {clips:,} clips", tagger(home, "train", "--epochs", "1", memory=True))
        _index_alone(work, arguments.rows)


def _row(files: int, name: str, cost: Cost) -> None:
    own, *helping = cost.peaks.values()
    # Those that lived for a moment (the one that asks a library whether it is there) are none of interest.
    shown = ", ".join(_megabytes(peak) for peak in sorted(helping, reverse=True)[:4])
    print(f"| {files:,} | {name} | {_megabytes(own)} | {shown or '-'} | {_megabytes(cost.most)} |", flush=True)


def _megabytes(kibibytes: int) -> str:
    return f"{kibibytes * 1024 / 1e6:.0f}"


def _index_alone(work: Path, rows: int) -> None:
    """Print what filling and reading an index takes, with synthetic rows that no file stands behind."""
    for size in (rows // 10, rows):
        command = (sys.executable, "-m", "bench.rows", work / f"{size}.db", str(size))
        _row(size, "index alone, synthetic rows saved and read as a scan does", watched(command, memory=True))
