"""What a first scan, a scan and a night that find nothing new take, against the size of the library.

    python -m bench scale [--files N,N,...] [--rounds N] [--work DIR]

Every command is timed as a whole process. Were the cost a straight line, microseconds per file would go down to a
constant as the start-up is shared by more files.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.scan import find, tagger, work_folder, work_option
from bench.trees import classify_all, new_home, small_library
from bench.watch import Cost

FILES, ROUNDS = "1000,3000,10000,30000,100000", 3


def main(options: Sequence[str] = ()) -> None:
    """Print a row per size."""
    parser = argparse.ArgumentParser(prog="python -m bench scale")
    parser.add_argument("--files", default=FILES, help="sizes of the libraries, between commas")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which the median counts")
    work_option(parser)
    arguments = parser.parse_args(options)
    print("| files | first scan, s | us a file | scan again, s | us a file | night again, s | us a file | find, s |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with work_folder(arguments.work) as work:
        for size in map(int, arguments.files.split(",")):
            _row(work, size, arguments.rounds)


def _row(work: Path, size: int, rounds: int) -> None:
    library, home = work / f"library {size}", new_home(work / f"home {size}")
    small_library(library, size)
    first = tagger(home, "scan", library).seconds
    classify_all(home)
    tagger(home, "nightly", library)

    def median(command: Callable[[], Cost]) -> float:
        return statistics.median(command().seconds for _ in range(rounds))

    again, night = median(lambda: tagger(home, "scan", library)), median(lambda: tagger(home, "nightly", library))
    cells = [f"{seconds:.2f} | {1e6 * seconds / size:.0f}" for seconds in (first, again, night)]
    print(f"| {size:,} | {' | '.join(cells)} | {median(lambda: find(library)):.2f} |", flush=True)
