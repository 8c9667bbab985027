"""A first scan, a scan and a night that find nothing new, and the index alone, beside what `find` takes.

    python -m bench scan [--files N] [--rows N] [--rounds N] [--work DIR]

Every command is timed as a whole process, from its start to its end, with all that it reads in warm page cache. The
share of bytes that a first scan reads is measured on files of four minutes: small files are all tags.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.clips import RATE, music
from bench.trees import classify_all, linked_library, long_file, new_home, small_library
from bench.watch import Cost, watched

TAGGER = (sys.executable, "-m", "tagger")
FILES, ROWS, ROUNDS = 100_000, 1_000_000, 5
# What stations keep: container and bit rate [bit/s]; None is the encoder's own.
LONG = (
    *(("mp3", 320_000), ("mp3", 192_000), ("mp3", 128_000), ("m4a", 256_000), ("ogg", 192_000), ("opus", 128_000)),
    *(("flac", None), ("alac", None), ("wavpack", None), ("wav", None), ("aiff", None), ("wma", None)),
)
COPIES = 40


def main(options: Sequence[str] = ()) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench scan")
    parser.add_argument("--files", type=int, default=FILES, help="of the library of small files")
    parser.add_argument("--rows", type=int, default=ROWS, help="of the index that is measured alone")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which the median counts")
    work_option(parser)
    arguments = parser.parse_args(options)
    with work_folder(arguments.work) as work:
        rounds_beside_find(work, arguments.files, arguments.rounds)
        share_of_bytes(work)
        index_alone(work, arguments.rows)


def work_option(parser: argparse.ArgumentParser) -> None:
    """Let `work_folder` be told where to make its folder."""
    parser.add_argument("--work", type=Path, help="where to make libraries (default: the folder for temporary files)")


@contextlib.contextmanager
def work_folder(given: Path | None) -> Iterator[Path]:
    """Give a folder that is gone afterwards, with all that is in it."""
    if given:
        given.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given, prefix="tagger-bench-") as folder:
        yield Path(folder)


def tagger(home: Path, *words: str | Path, memory: bool = False) -> Cost:
    """Run a command of the system as a whole process."""
    cost = watched((*TAGGER, "--home", home, *words), memory)
    if cost.code:
        raise RuntimeError(f"tagger {' '.join(map(str, words))}: exit code {cost.code}")
    return cost


def find(library: Path) -> Cost:
    """List the same files, with their sizes and times, by the system's own means."""
    return watched(("find", library, "-printf", "%s %T@ %p\\n"))


# --- beside find ----------------------------------------------------------------------------------------------------


def rounds_beside_find(work: Path, files: int, rounds: int) -> None:
    """Print what a first scan takes, and then scans and nights that find nothing new, in turn with `find`."""
    labelled, bare = work / "labelled", work / "bare"
    small_library(labelled, files)
    small_library(bare, files, genres=False)
    home, bare_home = new_home(work / "home"), new_home(work / "bare-home")
    first = tagger(home, "scan", labelled)
    print(f"first scan of {files:,} small files: {first.seconds:.1f} s, {files / first.seconds:,.0f} files a second\n")
    tagger(bare_home, "scan", bare)
    said = classify_all(home)
    night = tagger(home, "nightly", labelled)
    print(f"a night after the labels changed, {said:,} tracks decided on anew: {night.seconds:.1f} s\n")
    tagger(bare_home, "nightly", bare)
    commands = {
        "find": lambda: find(labelled),
        "scan, nothing new": lambda: tagger(home, "scan", labelled),
        "nightly, nothing new, every open track classified": lambda: tagger(home, "nightly", labelled),
        "nightly, nothing new, no label and no model": lambda: tagger(bare_home, "nightly", bare),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(command())
    print(f"| {files:,} files, median of {rounds} | seconds | processor seconds | times find |")
    print("| --- | ---: | ---: | ---: |")
    for name, found in costs.items():
        ratio = statistics.median(
            one.seconds / beside.seconds for one, beside in zip(found, costs["find"], strict=True)
        )
        seconds, cpu = (statistics.median(values) for values in zip(*((c.seconds, c.cpu) for c in found), strict=True))
        print(f"| {name} | {seconds:.2f} | {cpu:.2f} | {ratio:.1f} |", flush=True)
    print()


# --- bytes ----------------------------------------------------------------------------------------------------------


def share_of_bytes(work: Path) -> None:
    """Print how much of files of four minutes a first scan reads, by container, beyond what a start takes anyway."""
    samples = music()
    print("| four-minute files | bytes each | read by a first scan | share |")
    print("| --- | ---: | ---: | ---: |")
    total = read = 0
    for container, bit_rate in LONG:
        file = long_file(work / "long", container, samples, RATE, bit_rate)
        sizes = []
        for copies in (1, COPIES + 1):
            library, home = work / "linked" / f"{file.name} {copies}", new_home(work / "linked-home")
            size = linked_library(library, [file], copies)
            sizes.append((size, tagger(home, "scan", library).read))
        (small, start), (large, all_read) = sizes
        each, of_it = (large - small) // COPIES, (all_read - start) // COPIES
        total, read = total + each, read + of_it
        kind = f"{container} {bit_rate // 1000} kbit/s" if bit_rate else container
        print(f"| {kind} | {each:,} | {of_it:,} | {of_it / each:.1%} |", flush=True)
    print(f"| one of each | {total:,} | {read:,} | {read / total:.1%} |\n")


# --- the index alone ------------------------------------------------------------------------------------------------


def index_alone(work: Path, rows: int) -> None:
    """Print how fast an index takes rows as a scan saves them, and gives them back as a scan needs them."""
    command = (sys.executable, "-m", "bench.rows", str(work / "rows.db"), str(rows))
    said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    print(f"index alone, {said['rows']:,} synthetic rows: {said['rows'] / said['save']:,.0f} rows a second saved, "
          f"{said['rows'] / said['read']:,.0f} a second read by a scan ({said['read']:.1f} s)")  # fmt: skip
