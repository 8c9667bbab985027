"""What a campaign of kills did and found, and the table of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from soak.kills_station import COMMANDS

MOMENT, TREE, STEP, TORN = "moment", "moment, with children", "before a step", "in mid-write"

SAID_EVERY = 25  # kills


def _silent(line: str) -> None:
    """Nobody wants to know."""


@dataclass
class Tally:
    """What was done, and what was found; whoever changes it holds `lock`. `say` hears of both on the way."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    undone: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    steps: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    hit: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    say: Callable[[str], None] = _silent

    @property
    def killed(self) -> int:
        return sum(self.kills.values())

    def note_end(self, command: str, how: str, killed: bool) -> None:
        """Count a run that was to be killed."""
        with self.lock:
            self.runs[command] += 1
            if not killed:
                self.missed += 1
                return
            self.kills[command, how] += 1
            if self.killed % SAID_EVERY == 0:
                self.say(f"{self.killed} kills, {len(self.violations)} violations")

    def complain(self, trouble: str) -> None:
        """Note what does not hold."""
        with self.lock:
            self.violations.append(trouble)
            self.say(f"VIOLATION: {trouble}")


def table(tally: Tally) -> str:
    """Return what was done as Markdown, and after it what was found."""
    hows = (MOMENT, TREE, STEP, TORN)
    titles = ("command", *(f"killed at a {how}" if how == MOMENT else how for how in hows), "kills", "runs", "writes",
              "undos", "kinds of steps hit")  # fmt: skip
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for command in COMMANDS:
        if not tally.runs[command]:
            continue
        kills = [tally.kills[command, how] for how in hows]
        hit = sum(len(found) for (name, _), found in tally.hit.items() if name == command)
        there = sum(len(found) for (name, _), found in tally.steps.items() if name == command)
        cells = (command, *kills, sum(kills), tally.runs[command], tally.written[command], tally.undone[command],
                 f"{hit} of {there}")  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines.append(f"\n{tally.killed} kills, {tally.missed} runs that ended before their kill, "
                 f"{sum(tally.runs.values())} runs, {len(tally.violations)} violations")  # fmt: skip
    return "\n".join([*lines, *(f"VIOLATION: {line}" for line in tally.violations)])
