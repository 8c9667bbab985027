"""Files that may not be touched, have odd names, or are changed by another process in the middle of a write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from soak.faults_mount import mounted_at
from soak.faults_station import NO_RIGHTS, Ended, Station
from soak.faults_trial import SCAN, WRITE, Act, Fault
from soak.kills_evidence import MARK, look_at

TWO = frozenset({"two.flac"})
EVERYONE = 0o666
POLL = 0.0005  # [s] between looks for a copy
SOMEBODY = 1234  # an owner who is not who runs this
# What another process does, as a program of its own, to the file named first.
GROW = "import sys; open(sys.argv[1], 'ab').write(b'more of the recording')"
REPLACE = (
    "import os, shutil, sys; shutil.copy(sys.argv[2], sys.argv[1] + '.x'); os.replace(sys.argv[1] + '.x', sys.argv[1])"
)
DELETE = "import os, sys; os.unlink(sys.argv[1])"
RENAME = "import os, sys; f = os.path.dirname(sys.argv[1]); os.rename(f, f + ' (1)')"
LINK = "import os, sys; os.link(sys.argv[1], sys.argv[1] + '.backup')"
TOUCH = "import os, sys; os.chmod(sys.argv[1], 0o600)"

Prepare = Callable[[Station], None]


def faults() -> list[Fault]:
    """Return the faults of this kind."""
    return [*_rights(), *_links_and_names(), *_others()]


# --- rights


def _rights() -> Iterator[Fault]:
    yield Fault(
        "the file belongs to somebody else, and the run may not give it to him",
        "chown, mode 666; a process without rights",
        _prepared(_of_somebody, NO_RIGHTS),
        says="a copy cannot get its owner and group; run as its owner",
    )
    yield Fault(
        "the folder belongs to somebody else",
        "chown; a process without rights",
        _prepared(lambda station: os.chown(station.album, SOMEBODY, SOMEBODY), NO_RIGHTS),
        says="its folder is read-only",
    )
    yield Fault("a read-only file", "chmod 444", _prepared(_read_only), says="is read-only", left=TWO)
    yield Fault("a read-only mount", "bind mount, read-only", _read_only_mount, says="is mounted read-only")
    yield Fault("an access list, and default lists of the folder", "setfacl on ext4", _with_list)
    yield Fault("an immutable file", "chattr +i", _immutable, says="is read-only|Operation not permitted")


def _of_somebody(station: Station) -> None:
    two = station.album / "two.flac"
    two.chmod(EVERYONE)
    os.chown(two, SOMEBODY, SOMEBODY)
    station.originals[str(two)] = look_at(two)


def _read_only(station: Station) -> None:
    two = station.album / "two.flac"
    two.chmod(0o444)
    station.originals[str(two)] = look_at(two)


@contextmanager
def _read_only_mount(station: Station, number: int) -> Iterator[Ended]:
    station.library.rename(station.disk)
    station.library.mkdir()
    with mounted_at(station.library, "--bind", str(station.disk)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(station.library)], check=True)
        ended = station.run(*WRITE)
        subprocess.run(["mount", "-o", "remount,bind,rw", str(station.library)], check=True)
        yield ended


@contextmanager
def _with_list(station: Station, number: int) -> Iterator[Ended]:
    two, one = station.album / "two.flac", station.album / "one.mp3"
    subprocess.run(["setfacl", "-m", f"u:{SOMEBODY}:r,g:{SOMEBODY}:rw", str(two)], check=True)
    subprocess.run(["setfacl", "-d", "-m", f"u:{SOMEBODY + 1}:rwx", str(station.album)], check=True)
    for path in (one, two):
        station.originals[str(path)] = look_at(path)
    name = "system.posix_acl_access"
    wanted = os.getxattr(two, name)
    ended = station.run(*WRITE)
    if os.getxattr(two, name) != wanted or name in os.listxattr(one):
        raise RuntimeError("an access list is not what it was")
    yield ended


@contextmanager
def _immutable(station: Station, number: int) -> Iterator[Ended]:
    two = str(station.album / "two.flac")
    subprocess.run(["chattr", "+i", two], check=True)
    try:
        ended = station.run(*WRITE)
    finally:
        subprocess.run(["chattr", "-i", two], check=True)
    yield ended


def _prepared(prepare: Prepare, under: tuple[str, ...] = ()) -> Act:
    """Change something about the files before the run."""

    @contextmanager
    def act(station: Station, number: int) -> Iterator[Ended]:
        prepare(station)
        yield station.run(*WRITE, under=under)

    return act


# --- links and names


def _links_and_names() -> Iterator[Fault]:
    yield Fault("hard links", "link(2)", _prepared(_hard_link), says="is hard linked", left=TWO)
    yield Fault("a link to a file outside", "symlink(2)", _prepared(_outside), says="outside the library", left=TWO)
    yield Fault("a disk without case", "FUSE: names found in any case", _without_case)


def _hard_link(station: Station) -> None:
    os.link(station.album / "two.flac", station.folder / "linked")


def _outside(station: Station) -> None:
    two = station.album / "two.flac"
    station.disk.mkdir()
    two.rename(station.disk / two.name)
    two.symlink_to(station.disk / two.name)


@contextmanager
def _without_case(station: Station, number: int) -> Iterator[Ended]:
    with station.on_faulty_disk(fold_case=True) as mount:
        lower, upper = (mount.source / "Artist" / "Album" / name for name in ("two.flac", "TWO.flac"))
        lower.rename(upper)
        ended = station.run(*WRITE)
        (upper if upper.exists() else lower).rename(lower)
        yield ended


# --- other processes


def _others() -> Iterator[Fault]:
    changed = "was changed by someone else meanwhile"
    gone = "was taken away meanwhile|cannot be looked at"
    for what, program, says in (
        ("grows", GROW, changed),
        ("is replaced", REPLACE, changed),
        ("is deleted", DELETE, gone),
        ("is linked", LINK, changed),
        ("gets another mode", TOUCH, changed),
    ):
        left = TWO if program in (REPLACE, DELETE, LINK) else frozenset[str]()
        yield Fault(
            f"the file {what} during the write",
            "a second process, as soon as there is a copy",
            _meddled(program),
            says=says,
            left=left,
            again=SCAN if program == DELETE else WRITE,
        )
    yield Fault(
        "the folder is renamed during the write",
        "a second process, as soon as there is a copy",
        _renamed,
        says=gone,
    )


def _meddled(program: str) -> Act:
    @contextmanager
    def act(station: Station, number: int) -> Iterator[Ended]:
        two = station.album / "two.flac"
        ended = _run_meddled(station, program)
        if two.exists():
            station.originals[str(two)] = look_at(two)
        else:
            del station.originals[str(two)]
        if (backup := Path(f"{two}.backup")).exists():
            backup.rename(station.folder / "linked")
        yield ended

    return act


def _run_meddled(station: Station, program: str) -> Ended:
    """Write, and let another process do something as soon as there is a copy of one of the files."""
    two = station.album / "two.flac"
    process = station.start(*WRITE)
    while not (copies := list(station.album.glob(".two.flac.tagger-*"))) and process.poll() is None:
        time.sleep(POLL)
    process.send_signal(signal.SIGSTOP)
    try:
        if not copies or not copies[0].exists():
            raise RuntimeError("the write was over before it could be disturbed")
        other = [sys.executable, "-c", program, str(two), str(station.album / "labelled.mp3")]
        subprocess.run(other, check=True)
    finally:
        process.send_signal(signal.SIGCONT)
        ended = station.finish(process)
    return ended


@contextmanager
def _renamed(station: Station, number: int) -> Iterator[Ended]:
    ended = _run_meddled(station, RENAME)
    renamed = station.album.with_name("Album (1)")
    left = [name for name in os.listdir(renamed) if MARK in name]
    renamed.rename(station.album)
    if left:
        raise RuntimeError(f"a copy was left behind in the renamed folder: {left}")
    yield ended
