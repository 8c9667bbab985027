"""Damaged and hostile files: thousands of mutants of every container, each read, decoded, written to and taken back.

``python -m soak fuzz [--files N] [--seed S] [--workers W]`` prints a table, and every flaw with the words that play it
again; ``python -m soak fuzz --replay KIND:NUMBER [--seed S] [--keep FILE]`` does that. The same seed makes the same
files. The end is a scan of a whole library of them by the real command.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from soak.fuzz_pool import Case, temporary_folder, try_all
from soak.fuzz_scan import scan_mutants
from soak.fuzz_seeds import kinds, make_seeds
from soak.fuzz_trial import Trial, try_file
from soak.fuzz_worker import mutant

FILES, SCANNED = 10_000, 400
FLAWS = ("crash", "hang", "alteration", "memory")
COLUMNS = (
    *("container", "files", "readable", "decoded", "written", "refused"),
    *("crashes", "hangs", "alterations", "over memory", "slowest (s)", "most memory (MiB)"),
)


@dataclass
class Row:
    """What the files of one kind did."""

    files: int = 0
    readable: int = 0
    decoded: int = 0
    written: int = 0
    refused: int = 0
    flaws: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FLAWS, 0))
    slowest: float = 0.0  # [CPU s]
    memory: int = 0  # [bytes]

    def add(self, trial: Trial) -> None:
        """Count one file."""
        self.files += 1
        self.readable += trial.readable
        self.decoded += trial.decoded
        self.written += trial.written
        self.refused += trial.refused
        for flaw in trial.flaws:
            self.flaws[flaw.split(":")[0]] += 1
        self.slowest = max(self.slowest, trial.seconds)
        self.memory = max(self.memory, trial.memory)

    def cells(self) -> list[str]:
        """Return the row as the table has it."""
        counts = (self.files, self.readable, self.decoded, self.written, self.refused, *self.flaws.values())
        return [*map(str, counts), f"{self.slowest:.2f}", str(self.memory >> 20)]


@dataclass
class Report:
    """What came of a run: a row for each kind, every flaw by its case, and the slowest case."""

    rows: dict[str, Row]
    flaws: list[tuple[Case, str]] = field(default_factory=list)
    slowest: tuple[float, Case | None] = (0.0, None)

    def take(self, case: Case, trial: Trial) -> None:
        """Count one trial."""
        self.rows[case[0]].add(trial)
        self.flaws += [(case, flaw) for flaw in trial.flaws]
        self.slowest = max(self.slowest, (trial.seconds, case))

    def table(self) -> str:
        """Return the rows as Markdown, with a last one of sums."""
        total = Row()
        for row in self.rows.values():
            for name in ("files", "readable", "decoded", "written", "refused"):
                setattr(total, name, getattr(total, name) + getattr(row, name))
            total.flaws = {kind: total.flaws[kind] + row.flaws[kind] for kind in FLAWS}
            total.slowest, total.memory = max(total.slowest, row.slowest), max(total.memory, row.memory)
        rows = [*self.rows.items(), ("all", total)]
        lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        return "\n".join([*lines, *(f"| {' | '.join([name, *row.cells()])} |" for name, row in rows)])


def cases_of(files: int) -> Iterator[Case]:
    """Yield so many cases, the kinds in turn; the first of each kind is a whole file."""
    names = list(kinds())
    for number in range(files):
        yield names[number % len(names)], number // len(names)


def fuzz(files: int, seed: int, workers: int) -> Report:
    """Try so many mutants.

    Returns
    -------
    Report
    """
    report = Report({name: Row() for name in kinds()})
    try_all(cases_of(files), seed, workers, report.take)
    return report


def main(arguments: list[str]) -> int:
    """Run with the options of the command line; 1 if anything did not hold."""
    options = _parser().parse_args(arguments)
    if options.replay:
        return _replay(options.replay, options.seed, options.keep)
    start = time.monotonic()
    report = fuzz(options.files, options.seed, options.workers)
    print(report.table())
    flaws = [f"{kind}:{number} --seed {options.seed}: {flaw}" for (kind, number), flaw in report.flaws]
    seconds, slowest = report.slowest
    print(
        f"\n{options.files} files in {time.monotonic() - start:.0f} s; the slowest took {seconds:.2f} CPU s: {slowest}"
    )
    scan = scan_mutants(min(options.files, SCANNED), options.seed)
    print(f"scan of {scan.files} mutants: exit {scan.code}, {scan.seconds:.1f} s, {scan.counts}")
    flaws += [f"scan: {flaw}" for flaw in scan.flaws]
    for flaw in flaws:
        print(f"FLAW {flaw}")
    return 1 if flaws else 0


def _case(text: str) -> Case:
    kind, _, number = text.rpartition(":")
    if kind not in kinds() or not number.isdigit():
        raise argparse.ArgumentTypeError(f"{text} is not KIND:NUMBER; kinds are {', '.join(kinds())}")
    return kind, int(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m soak fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=FILES, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), metavar="W")
    parser.add_argument("--replay", type=_case, metavar="KIND:NUMBER", help="try one mutant here, and tell what it did")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="with --replay: keep the mutant there")
    return parser


def _replay(case: Case, seed: int, keep: Path | None) -> int:
    kind, number = case
    with temporary_folder() as folder:
        making, place = Path(folder) / "making", Path(folder) / "place"
        making.mkdir()
        place.mkdir()
        content, damage = mutant(make_seeds(making), kind, number, seed)
        print(f"{kind}:{number}, {len(content)} bytes: {', '.join(damage) or 'whole'}", flush=True)
        if keep:
            keep.write_bytes(content)
        trial = try_file(place / f"mutant.{kinds()[kind]}", content)
    print(trial)
    return 1 if trial.flaws else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
