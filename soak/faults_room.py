"""Disks without room: the library's, the home's, and the limits of a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from soak.faults_mount import FaultyMount, mounted_at
from soak.faults_station import Ended, Station
from soak.faults_trial import COPIES, UNDO, WRITE, Act, Fault, arguments, by_rules, must_have_fired
from soak.faulty_fs import Rule

MEGABYTE = 1_000_000
FULL = "the library's disk is full; make room on it"
TIGHT = "MB free, and the copy that is made of it needs"
JOURNAL = "the journal .* cannot be written to"
TINY = 20_000  # [bytes] of a copy that find room


def faults() -> list[Fault]:
    """Return the faults of this kind."""
    return [*_library(), *_home()]


def _library() -> Iterator[Fault]:
    for call, errors in (("write", ("ENOSPC", "EDQUOT")), ("create", ("ENOSPC",)), ("fsync", ("ENOSPC", "EDQUOT"))):
        for error in errors:
            yield Fault(
                f"the library's disk has no room ({error}): {call}",
                f"FUSE: {error}" + (f" after {TINY} bytes" if call == "write" else ""),
                by_rules(Rule(call, error, match=COPIES, room=TINY if call == "write" else None)),
                says="quota of the user" if error == "EDQUOT" else FULL,
            )
    yield Fault(
        "the library's disk fills up during undo",
        f"FUSE: ENOSPC after {TINY} bytes",
        by_rules(Rule("write", "ENOSPC", match=COPIES, room=TINY), command=UNDO),
        state="written",
        again=UNDO,
        says=FULL,
    )
    yield Fault("there is room for small files only", "tmpfs with 0.5 MB free", _tight(0.5), says=TIGHT)
    yield Fault("there is no room at all", "tmpfs with nothing free", _tight(0.0), says=TIGHT)
    yield Fault("files may not grow large", "RLIMIT_FSIZE of 0.7 MB", _limited, says=r"raise the limit \(ulimit -f\)")


def _home() -> Iterator[Fault]:
    yield Fault("the home's disk is full", "tmpfs with nothing free", _home_full, (5,), "disk is full|No space left")
    for stage, skip in (("planned", 0), ("ready", 1), ("applied", 2)):
        yield Fault(
            f"the journal finds no room for `{stage}`",
            "journal on FUSE: ENOSPC for write",
            _journal_full(WRITE, skip),
            (5,),
            JOURNAL,
        )
    yield Fault(
        "the journal cannot be synced",
        "journal on FUSE: EIO for fsync",
        _journal_full(WRITE, 1, "fsync"),
        (5,),
        JOURNAL,
    )
    yield Fault(
        "the journal finds no room for `applied` of an undo",
        "journal on FUSE: ENOSPC for write",
        _journal_full(UNDO, 2),
        (5,),
        JOURNAL,
        state="written",
        again=UNDO,
    )


def _tight(megabytes: float) -> Act:
    """Put the library onto a disk with so much room."""

    @contextmanager
    def act(station: Station, number: int) -> Iterator[Ended]:
        station.library.rename(station.disk)
        station.library.mkdir()
        with mounted_at(station.library, "-t", "tmpfs", "-o", "size=64m", "tmpfs"):
            station.copy_from_disk()
            filler = station.library / "filler"
            station.fill(filler, int(megabytes * MEGABYTE))
            ended = station.run(*WRITE)
            filler.unlink()
            yield ended

    return act


@contextmanager
def _limited(station: Station, number: int) -> Iterator[Ended]:
    yield station.run(*WRITE, under=("prlimit", f"--fsize={int(0.7 * MEGABYTE)}"))


@contextmanager
def _home_full(station: Station, number: int) -> Iterator[Ended]:
    station.home.rename(station.disk)
    station.home.mkdir()
    with mounted_at(station.home, "-t", "tmpfs", "-o", "size=16m", "tmpfs"):
        station.copy_from_disk(station.home)
        filler = station.home / "filler"
        station.fill(filler, 4096 * number)
        ended = station.run(*WRITE)
        filler.unlink()
        yield ended


def _journal_full(command: tuple[str, ...], skip: int, call: str = "write") -> Act:
    """Keep the journal on the faulty disk, by a link, and let its call fail for ever after the first few."""

    @contextmanager
    def act(station: Station, number: int) -> Iterator[Ended]:
        journal, seen = station.home / "journal.jsonl", station.folder / "journal"
        station.disk.mkdir()
        seen.mkdir(exist_ok=True)
        journal.rename(station.disk / journal.name)
        journal.symlink_to(seen / journal.name)
        with FaultyMount(station.disk, seen) as mount:
            mount.rule(Rule(call, "ENOSPC" if call == "write" else "EIO", skip=skip + 3 * number))
            ended = station.run(*arguments(command, station))
            must_have_fired(mount, ended)
            mount.rule()
            yield ended

    return act
