"""Runs killed at any point: `python -m soak kills [--kills N] [--seed N] [--workers N]`.

Real runs of tagger on a small real library are killed with SIGKILL: at random moments of their working life, and just
before each of the steps that change something (`soak.doomed`), with their children or without. Some of the runs that
follow are killed too. Then one is let through, everything that was written is undone, and every file must have the
bytes that it began with. `soak.invariants` says what must hold in between.
"""

from __future__ import annotations

import argparse
import itertools
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from soak.invariants import not_restored, violations
from soak.kills_evidence import read_journal, runs_to_undo
from soak.kills_station import BEGUN_FROM, COMMANDS, UNDO, Ended, Station
from soak.kills_tally import MOMENT, STEP, TORN, TREE, Tally, table

# Of a hundred kills, how many begin with each command. TensorFlow takes seconds to load, so its commands get fewer.
SHARES = {"scan": 15, "write": 32, UNDO: 26, "classify": 8, "dataset": 7, "train": 6, "nightly": 6}
DEPTHS = (1, 1, 1, 1, 2, 2, 3)  # how many runs in a row are killed
SLOW = ("train", "nightly")  # killed seldom, so that each kill is to be followed by all that can be
NEXT = {  # what may follow a killed run, beside the same command again
    "scan": ("scan",),
    "write": ("scan", UNDO),
    UNDO: ("scan", "write"),
    "classify": ("scan", "write"),
    "dataset": ("scan",),
    "train": ("scan", "dataset"),
    "nightly": ("scan",),
}
HOWS = (STEP, MOMENT, STEP, TORN, STEP, TREE)  # the first kills of a command's episodes, in turn
SETTLING_STEPS = 40  # a run that settles something does so in about as many steps


@dataclass(frozen=True, slots=True)
class Episode:
    """From a state, a command that is killed, then others; `depth` runs are killed in all.

    `turn` counts the episodes with this command from this state.
    """

    command: str
    state: str
    turn: int
    depth: int
    seed: str


def episodes(seed: int, shares: Mapping[str, int]) -> Iterator[Episode]:
    """Yield episodes without end, commands in proportion to their shares; the same for the same seed."""
    dice = random.Random(f"{seed}")
    turns: Counter[str] = Counter()
    for number in itertools.count():
        # The command that lags behind its share most comes next, so that few kills are spread like many.
        command = min(shares, key=lambda name: (turns[name] + 0.5) / shares[name])
        states = BEGUN_FROM[command]
        turn, which = divmod(turns[command], len(states))
        turns[command] += 1
        yield Episode(command, states[which], turn, dice.choice(DEPTHS), f"{seed}/{number}")


# --- one episode ------------------------------------------------------------------------------------------------------


class Trial:
    """One episode on one station."""

    def __init__(self, station: Station, episode: Episode, tally: Tally) -> None:
        self.station = station
        self.episode = episode
        self.tally = tally
        self.dice = random.Random(episode.seed)
        self.baseline = station.baseline(episode.command, episode.state)
        self.story: list[str] = [f"episode {episode.seed}, from {episode.state}"]

    def run(self) -> None:
        """Kill, let one run through, undo everything, and look at it all after each."""
        self.station.restore(self.episode.state)
        command = self.episode.command
        for turn in range(self.episode.depth):
            if turn == 0:
                self._kill_first(command)
            else:
                self._kill_next(command)
            self._look()
            if self.dice.random() < 0.4:
                command = self.dice.choice(NEXT[self.episode.command])
        self._let_through(command)
        if command != self.episode.command and (self.episode.command in SLOW or self.dice.random() < 0.3):
            self._let_through(self.episode.command)
        if self.episode.command == "train":
            self._let_through("classify")  # which loads the model
        self._take_back()

    def _kill_first(self, command: str) -> None:
        """Kill the episode's command: the ways to do it come in turn, and so do the kinds of steps."""
        steps = self.baseline.steps
        how = HOWS[self.episode.turn % len(HOWS)]
        if how in (MOMENT, TREE):
            self._kill_at_moment(command, how, self.dice.random())
            return
        kinds = sorted({step for step in steps if how == STEP or step.startswith("write ")})
        if not kinds:
            how, kinds = STEP, sorted(set(steps))
        random.Random(self.episode.seed.partition("/")[0]).shuffle(kinds)
        rounds, place = divmod(self.episode.turn, len(HOWS))
        kind = kinds[(rounds * HOWS.count(how) + HOWS[:place].count(how)) % len(kinds)]
        at = self.dice.choice([number for number, step in enumerate(steps, 1) if step == kind])
        key = self.episode.command, self.episode.state
        killed = self._kill_at_step(command, how, at, kind)
        with self.tally.lock:
            self.tally.steps[key] = set(steps)
            if killed:
                self.tally.hit.setdefault(key, set()).add(kind)

    def _kill_next(self, command: str) -> None:
        """Kill a run that has to settle what a killed one left, most often while it does that."""
        how = self.dice.choice((MOMENT, TREE, STEP, TORN))
        if how in (MOMENT, TREE):
            self._kill_at_moment(command, how, self.dice.random() ** 2)
        else:
            self._kill_at_step(command, how, self.dice.randint(1, SETTLING_STEPS), "")

    def _kill_at_moment(self, command: str, how: str, share: float) -> None:
        self.story.append(f"{command} killed at {share:.0%} of its time")
        process = self.station.start(command)
        self._note_end(command, self.station.wait(process, share * self.baseline.seconds, tree=how == TREE), how)

    def _kill_at_step(self, command: str, how: str, at: int, kind: str) -> bool:
        """Return whether it came that far."""
        self.story.append(f"{command} killed before step {at} {kind}")
        ended = self.station.wait(self.station.start(command, {"at": at, "torn": how == TORN}))
        self._note_end(command, ended, how)
        return ended.code == -signal.SIGKILL

    def _note_end(self, command: str, ended: Ended, how: str) -> None:
        self.tally.note_end(self.episode.command, how, ended.code == -signal.SIGKILL)
        if ended.code not in (0, -signal.SIGKILL) or "Traceback" in ended.said:
            self._complain(f"{command} ended with {ended.code}: {ended.said.strip()}")
        if left := self.station.orphans():
            self._complain(f"processes outlived their run: {left}")

    def _let_through(self, command: str) -> None:
        self.story.append(f"{command} let through")
        ended = self.station.wait(self.station.start(command))
        with self.tally.lock:
            self.tally.runs[self.episode.command] += 1
        if ended.code != 0 or "Traceback" in ended.said:
            self._complain(f"{command} ended with {ended.code}: {ended.said.strip()}")
        self._look(command)

    def _take_back(self) -> None:
        """Undo every run that wrote something: each file must have the bytes that it began with."""
        changes = read_journal(self.station.home).values()
        with self.tally.lock:
            done = Counter(change.action for change in changes if change.stage == "applied")
            self.tally.written[self.episode.command] += done["write"]
        for _ in runs_to_undo(self.station.home):
            self._let_through(UNDO)
        with self.tally.lock:
            changes = read_journal(self.station.home).values()
            done = Counter(change.action for change in changes if change.stage == "applied")
            self.tally.undone[self.episode.command] += done["undo"]
        for trouble in not_restored(self.station.library, self.station.originals):
            self._complain(trouble)

    def _look(self, ran: str | None = None) -> None:
        station = self.station
        for trouble in violations(station.library, station.home, station.originals, ran):
            self._complain(trouble)

    def _complain(self, trouble: str) -> None:
        self.tally.complain(f"{'; '.join(self.story)}: {trouble}")


# --- a campaign -------------------------------------------------------------------------------------------------------


def campaign(
    folder: Path,
    kills: int,
    seed: int,
    workers: int,
    shares: Mapping[str, int] = SHARES,
    tally: Tally | None = None,
) -> Tally:
    """Kill until there are enough kills, each worker on a station of its own, and tell what was found.

    Parameters
    ----------
    folder : Path
        Empty; the stations are made in it.
    kills : int
        How many, at least.
    seed : int
        Of the order of episodes and of all moments and steps.
    workers : int
        Stations at a time, at most ten.
    shares : mapping of str to int
        Which commands are killed first in an episode, and in what proportion.
    tally : Tally, optional
        Takes what is done and found; an empty one by default.
    """
    tally = tally or Tally()
    plan = episodes(seed, shares)
    failures: list[BaseException] = []
    first = Station(folder / "station0")
    first.prepare(shares)
    stations = [first, *(first.clone(folder / f"station{number}") for number in range(1, workers))]

    def work(station: Station) -> None:
        try:
            while not failures and tally.killed < kills:
                with tally.lock:
                    episode = next(plan)
                Trial(station, episode, tally).run()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(station,)) for station in stations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return tally


def main(arguments: list[str]) -> int:
    """Run a campaign and print its table; 1 if anything did not hold."""
    parser = argparse.ArgumentParser(prog="python -m soak kills")
    parser.add_argument("--kills", type=int, default=500, metavar="N", help="how many, at least (default: 500)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of all moments and steps (default: 1)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="stations at a time (default: 2)")
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=COMMANDS, help="which (default: all)")
    given = parser.parse_args(arguments)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        tally = campaign(
            Path(folder), given.kills, given.seed, given.workers, {name: SHARES[name] for name in given.commands}
        )
    print(table(tally))
    print(f"{time.monotonic() - started:.0f} s on {given.workers} stations, seed {given.seed}", file=sys.stderr)
    return 1 if tally.violations else 0
