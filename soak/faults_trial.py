"""One fault, tried: it is produced, a command runs into it, and what is there then and after the next run is judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from soak.faults_mount import FaultyMount
from soak.faults_station import Ended, Station
from soak.faulty_fs import Rule
from soak.invariants import not_restored, violations

WRITE = ("write", "--apply")
UNDO = ("undo", "RUN")  # of the run that wrote
SCAN = ("scan", "LIBRARY")
ORIGINALS, COPIES = "[!.]*.*", ".*.tagger-*"  # patterns of names

Act = Callable[[Station, int], AbstractContextManager[Ended]]


@dataclass(frozen=True)
class Fault:
    """A fault.

    Parameters
    ----------
    name, how : str
        What it is, and how it is produced.
    act : callable
        Produces it on a restored station, in the n-th trial, runs a command, and takes the fault away again; a context
        manager that hands out how the command ended.
    codes : tuple of int
        How the command may end.
    says : str or None
        A pattern of what people are told; empty: nothing; None: nothing or anything.
    state : str
        Of the station before.
    again : tuple of str
        The next run, without the fault.
    left : frozenset of str
        Files that are not written then either, as they should not be.
    """

    name: str
    how: str
    act: Act
    codes: tuple[int, ...] = (0,)
    says: str | None = ""
    state: str = "decided"
    again: tuple[str, ...] = WRITE
    left: frozenset[str] = frozenset()


@dataclass
class Tally:
    """What came of a fault in all its trials; `lost` and `wrong` should stay empty."""

    tried: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    codes: set[int] = field(default_factory=set)
    postponed: int = 0
    seen: dict[str, None] = field(default_factory=dict)
    completed: int = 0


def try_out(fault: Fault, station: Station, number: int, tally: Tally) -> None:
    """Try a fault once, and add what came of it to the tally."""
    tally.tried += 1
    with station.restored(fault.state), fault.act(station, number) as ended:
        tally.lost += violations(station.library, station.home, station.originals)
        tally.codes.add(ended.code)
        tally.postponed += ended.counts.get("postponed", 0)
        seen = ended.seen()
        tally.seen |= dict.fromkeys(line.replace(str(station.folder), "") for line in seen)
        if ended.code not in fault.codes or "Traceback" in ended.err:
            tally.wrong.append(f"exit code {ended.code}: {ended.err.strip()}")
        said = "\n".join(seen)
        if fault.says is not None and (bool(fault.says) != bool(said) or not re.search(fault.says, said)):
            tally.wrong.append(f"{fault.says!r} was to be said, and was not: {said}")
        following = station.run(*arguments(fault.again, station))
        if fault.again == UNDO:  # what was settled is in the index as it is only after a scan
            station.run(*arguments(SCAN, station))
        tally.lost += violations(station.library, station.home, station.originals, ran=fault.again[0])
        unfinished = _unfinished(fault, station)
        if following.code or unfinished:
            tally.wrong.append(f"the next run: {following.code}, {unfinished}, {following.seen()}")
        else:
            tally.completed += 1


def _unfinished(fault: Fault, station: Station) -> list[str]:
    if fault.again == UNDO:
        return not_restored(station.library, station.originals)
    return [] if fault.again == SCAN else sorted(station.unwritten() ^ fault.left)


def arguments(command: Sequence[str], station: Station) -> list[str]:
    """Return a command with what it is about in this station."""
    known = {"RUN": station.last_run, "LIBRARY": lambda: str(station.library)}
    return [known[word]() if word in known else word for word in command]


def by_rules(*rules: Rule, command: Sequence[str] = WRITE) -> Act:
    """Return the act of a command over a disk that follows these rules."""

    @contextmanager
    def act(station: Station, number: int) -> Iterator[Ended]:
        with station.on_faulty_disk() as mount:
            mount.rule(*rules)
            ended = station.run(*arguments(command, station))
            must_have_fired(mount, ended)
            mount.rule()
            yield ended

    return act


def must_have_fired(mount: FaultyMount, ended: Ended) -> None:
    """Make sure that the trial tried something."""
    if not mount.fired():
        raise RuntimeError(f"no call met the fault; the command ended with {ended.code}: {ended.err}")
