"""`python -m soak faults`: disks that fail, fill up, refuse and vanish, with real files and real runs.

Each fault is produced, a command runs into it, and everything is looked at: every file must be as it was or as the
journal says, with its audio and other tags; then a run without the fault must bring all to an end.
"""

from __future__ import annotations

import argparse
import fnmatch
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from soak import faults_disk, faults_files, faults_mounts, faults_room
from soak.faults_mount import why_unusable
from soak.faults_station import Station
from soak.faults_trial import Fault, Tally, try_out

KINDS = (faults_disk, faults_room, faults_files, faults_mounts)
TIMES = 3
LONGEST_LINE = 160  # of what is seen


def all_faults() -> list[Fault]:
    """Return every fault."""
    return [fault for kind in KINDS for fault in kind.faults()]


def main(arguments: Sequence[str]) -> int:
    """Try the faults and print what came of them; 1 if a file was lost or anything else is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m soak faults")
    parser.add_argument("--times", type=int, default=TIMES, help=f"trials of each fault ({TIMES})")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="the faults whose names fit")
    given = parser.parse_args(arguments)
    if reason := why_unusable():
        print(f"the faults cannot be produced here: {reason}", file=sys.stderr)
        return 2
    chosen = [fault for fault in all_faults() if fnmatch.fnmatch(fault.name, given.only)]
    tallies = []
    with tempfile.TemporaryDirectory(prefix="tagger-faults-") as folder:
        station = Station(Path(folder) / "station")
        station.prepare()
        for fault in chosen:
            tally = Tally()
            for number in range(given.times):
                try:
                    try_out(fault, station, number, tally)
                except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                    tally.wrong.append(f"the trial itself failed: {error}")
            tallies.append(tally)
            _print(fault, tally)
    tried, lost = sum(tally.tried for tally in tallies), sum(len(tally.lost) for tally in tallies)
    wrong = sum(len(tally.wrong) for tally in tallies)
    print(f"\n{len(chosen)} faults, {tried} trials: {lost} files lost or altered, {wrong} other surprises")
    return 1 if lost or wrong else 0


def _print(fault: Fault, tally: Tally) -> None:
    codes = "/".join(map(str, sorted(tally.codes)))
    print(f"{fault.name}\n    how: {fault.how}")
    print(
        f"    tried {tally.tried}, lost or altered {len(tally.lost)}, exit code {codes}, "
        f"postponed {tally.postponed}, next run completed {tally.completed} of {tally.tried}"
    )
    for line in tally.seen:
        print(f"    seen: {line[:LONGEST_LINE]}")
    for line in (*tally.lost, *tally.wrong):
        print(f"    WRONG: {line}")
    sys.stdout.flush()
