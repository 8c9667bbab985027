"""Libraries that vanish or hang: before a run, and in the middle of one."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from soak.faults_mount import FaultyMount, unmount
from soak.faults_station import Ended, Station
from soak.faults_trial import SCAN, WRITE, Act, Fault, arguments
from soak.faulty_fs import FREEZE, Rule

WRONG = "is empty; if it is a mount point, mount it|did not answer within|cannot be listed|is not there"
NIGHTLY = ("nightly", "LIBRARY", "--apply")
PATIENCE = 45.0  # [s] that a run which hangs may take to end after SIGTERM
HUNG = (130, -signal.SIGKILL)  # a second signal is needed where the kernel does not let go


def faults() -> list[Fault]:
    """Return the faults of this kind."""
    return [*_before(), *_vanishing(), *_hanging()]


def _before() -> Iterator[Fault]:
    for command in (SCAN, WRITE, NIGHTLY):
        name = f"tagger {' '.join(command).lower()}"
        yield Fault(f"the mount is not there: {name}", "an empty mount point", _away(command), (4,), WRONG)
        yield Fault(f"the mount hangs: {name}", "FUSE, frozen", _frozen(command), (4,), "did not answer within 3 s")
    yield Fault("the folder is not there", "no mount point", _no_folder, (4,), WRONG)
    yield Fault("half of the library is gone", "files moved away", _half, (4,), "known files are gone")


def _vanishing() -> Iterator[Fault]:
    middle = (
        ("in the middle of a scan", SCAN, Rule("read", match="two.flac"), (0, 1, 4)),
        ("in the middle of a write", WRITE, Rule("fsync", match=".two.flac.tagger-*"), (4,)),
        ("between scan and write of a night", NIGHTLY, Rule("statfs"), (4,)),
    )
    for name, command, rule, codes in middle:
        how = f"FUSE: server killed during {rule.on}, unmounted"
        act = _vanishing_at(rule, command)
        state, again = ("empty", SCAN) if command == SCAN else ("decided", WRITE)
        yield Fault(f"the library vanishes {name}", how, act, codes, ".", state, again)


def _hanging() -> Iterator[Fault]:
    for name, command, rule in (
        ("a scan", SCAN, Rule("read", FREEZE, match="two.flac", times=1)),
        ("a write", WRITE, Rule("fsync", FREEZE, match=".two.flac.tagger-*", times=1)),
    ):
        how = f"FUSE: frozen after {rule.on}; SIGTERM"
        state, again = ("empty", SCAN) if command == SCAN else ("decided", WRITE)
        act = _hanging_at(rule, command)
        yield Fault(f"the library hangs in the middle of {name}", how, act, HUNG, None, state, again)


def _away(command: Sequence[str]) -> Act:
    @contextmanager
    def act(station: Station, number: int) -> Iterator[Ended]:
        station.library.rename(station.disk)
        station.library.mkdir()
        ended = station.run(*arguments(command, station))
        station.library.rmdir()
        station.disk.rename(station.library)
        yield ended

    return act


@contextmanager
def _no_folder(station: Station, number: int) -> Iterator[Ended]:
    station.library.rename(station.disk)
    ended = station.run(*arguments(SCAN, station))
    station.disk.rename(station.library)
    yield ended


@contextmanager
def _half(station: Station, number: int) -> Iterator[Ended]:
    station.disk.mkdir()
    names = ("one.mp3", "two.flac", "three.ogg")
    for name in names:
        (station.album / name).rename(station.disk / name)
    ended = station.run(*arguments(SCAN, station))
    for name in names:
        (station.disk / name).rename(station.album / name)
    yield ended


def _frozen(command: Sequence[str]) -> Act:
    @contextmanager
    def act(station: Station, number: int) -> Iterator[Ended]:
        with station.on_faulty_disk() as mount:
            mount.freeze()
            ended = station.run(*arguments(command, station))
            mount.thaw()
            yield ended

    return act


def _vanishing_at(rule: Rule, command: Sequence[str]) -> Act:
    """Take the server away while it is asked for something, and then the mount; it comes back for the next run."""

    @contextmanager
    def act(station: Station, number: int) -> Iterator[Ended]:
        with station.on_faulty_disk() as mount:
            mount.rule(rule)
            process = station.start(*arguments(command, station))
            mount.await_fired()
            mount.kill()
            unmount(station.library)
            ended = station.finish(process)
        with FaultyMount(station.disk, station.library):
            yield ended

    return act


def _hanging_at(rule: Rule, command: Sequence[str]) -> Act:
    """Let the mount hang in the middle, and ask the run to stop."""

    @contextmanager
    def act(station: Station, number: int) -> Iterator[Ended]:
        with station.on_faulty_disk() as mount:
            mount.rule(rule)
            process = station.start(*arguments(command, station))
            mount.await_fired()
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
            mount.rule()
            mount.thaw()
            yield station.finish(process)

    return act
