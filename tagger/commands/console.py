"""What a person or a cron mail sees: progress bars on a terminal, summaries, one JSON object."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tagger.base.errors import UsageError, printable
from tagger.base.files import write_text
from tagger.base.records import Problem


def print_json(facts: dict[str, Any]) -> None:
    """Print one ASCII JSON object to stdout."""
    print_out([json.dumps(facts, ensure_ascii=True, allow_nan=False) + "\n"])


def print_out(texts: Iterable[str]) -> None:
    """Print to stdout. A reader that has gone (`| head`) is no failure; the rest is left unsaid."""
    try:
        sys.stdout.writelines(texts)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def save_text(path: Path, text: str) -> None:
    """Write a file that a person asked for, whole.

    Raises
    ------
    UsageError
        If its folder is not there.
    """
    if not path.parent.is_dir():
        raise UsageError(f"{path} cannot be written: the folder {path.parent} is not there")
    write_text(path, text)


def problem_lines(problems: Sequence[Problem], most: int | None = None) -> list[str]:
    """Return problems with files as lines for people; the first `most` of them."""
    lines = [f"  {printable(problem.path)}: {problem.error}" for problem in problems[:most]]
    more = len(problems) - len(lines)
    return [*lines, f"  ... and {more:,} more"] if more else lines


class Bar:
    """A progress bar that is silent off a terminal."""

    def __init__(self, title: str, total: int | None, unit: str, shown: bool) -> None:
        self._bar: Any = None
        if shown:
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=title, unit=f" {unit}", file=sys.stderr, leave=False, dynamic_ncols=True)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self, count: int = 1) -> None:
        """Move on by `count`."""
        if self._bar is not None:
            self._bar.update(count)

    def note(self, text: str) -> None:
        """Show a few words behind the bar."""
        if self._bar is not None:
            self._bar.set_postfix_str(text)


class Console:
    """Where output goes: results to stdout, everything else to stderr.

    Parameters
    ----------
    as_json, verbose, quiet : bool
        The options of the same names.
    """

    def __init__(self, as_json: bool, verbose: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.verbose = verbose
        self.quiet = quiet
        self.terminal = sys.stderr.isatty()

    def bar(self, title: str, total: int | None = None, unit: str = "files") -> Bar:
        """Return a progress bar to use in a `with` block."""
        return Bar(title, total, unit, self.terminal and not self.quiet)

    def say(self, text: str) -> None:
        """Tell a person at a terminal, or with `-v`, what is going on now."""
        if not self.quiet and (self.terminal or self.verbose):
            print(printable(text), file=sys.stderr)

    def warn(self, text: str) -> None:
        """Say something that a person should know, on stderr, whatever the options."""
        print(printable(f"tagger: {text}"), file=sys.stderr)

    def show(self, lines: Sequence[str]) -> None:
        """Print a result to stdout, whatever characters the terminal takes."""
        encoding = sys.stdout.encoding or "utf-8"
        texts = ("\n".join(printable(part) for part in line.split("\n")) for line in lines)
        print_out(text.encode(encoding, "replace").decode(encoding) + "\n" for text in texts)


def table(header: Sequence[str], rows: Sequence[Sequence[object]], numbers: frozenset[int] = frozenset()) -> list[str]:
    """Return a table as aligned lines of text.

    Parameters
    ----------
    header : sequence of str
        The names of the columns.
    rows : sequence of sequences
        The cells.
    numbers : frozenset of int
        The columns to align to the right.
    """
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(header), *cells]) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(w) if i in numbers else cell.ljust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(parts).rstrip()

    return [line(list(header)), line(["-" * width for width in widths]), *(line(row) for row in cells)]
