"""Disks and servers that answer with errors: now and then, for ever, or although they did what they were asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from soak.faults_mount import FaultyMount
from soak.faults_station import Ended, Station
from soak.faults_trial import COPIES, ORIGINALS, UNDO, WRITE, Act, Fault, by_rules
from soak.faulty_fs import Rule

# Calls of a write, on the file or on its copy, and an error that such a call meets in practice.
CALLS = (
    ("open", ORIGINALS, "ESTALE"),
    ("read", ORIGINALS, "EIO"),
    ("getattr", ORIGINALS, "ESTALE"),
    ("statfs", "*", "EHOSTDOWN"),
    ("listxattr", ORIGINALS, "EREMOTEIO"),
    ("create", COPIES, "EIO"),
    ("open", COPIES, "EAGAIN"),
    ("write", COPIES, "EIO"),
    ("flush", COPIES, "EIO"),
    ("fsync", COPIES, "EIO"),
    ("read", COPIES, "ETIMEDOUT"),
    ("chmod", COPIES, "ENETDOWN"),
    ("utimens", COPIES, "EBUSY"),
    ("setxattr", COPIES, "EIO"),
    ("rename", COPIES, "ETIMEDOUT"),
)
TROUBLE = "check the disk or its server|cannot be looked at|cannot be listed"
NEXT_LOOKS = "cannot be seen whether it was changed; the next run looks"


def faults() -> list[Fault]:
    """Return the faults of this kind."""
    return [*_passing(), *_staying(), *_lost_answers(), *_other()]


def _with_time(act: Act) -> Act:
    """Let the station keep the files' times, so that a write sets them."""

    @contextmanager
    def timed(station: Station, number: int) -> Iterator[Ended]:
        station.environment["TAGGER_MTIME"] = "preserve"
        with act(station, number) as ended:
            yield ended

    return timed


def _where(pattern: str) -> str:
    return {ORIGINALS: "the file", COPIES: "the copy"}.get(pattern, "the folder")


def _passing() -> Iterator[Fault]:
    for call, pattern, error in CALLS:
        rule = Rule(call, error, match=pattern, times=2)
        fault = Fault(
            f"{call} of {_where(pattern)} fails for a moment", f"FUSE: {error}, twice, then fine", by_rules(rule)
        )
        yield replace(fault, act=_with_time(fault.act)) if call == "utimens" else fault


def _staying() -> Iterator[Fault]:
    for call, pattern, error in CALLS:
        match = pattern.replace("*", "two.flac*", 1) if pattern == ORIGINALS else ".two.flac.tagger-*"
        if pattern == "*":
            continue
        match = "two.flac" if pattern == ORIGINALS else match
        fault = Fault(
            f"{call} of {_where(pattern)} fails for ever",
            f"FUSE: {error}, of one file of six",
            by_rules(Rule(call, error, match=match)),
            says=TROUBLE,
        )
        yield replace(fault, act=_with_time(fault.act)) if call == "utimens" else fault
    yield Fault(
        "the copy can be neither filled nor removed",
        "FUSE: EIO for write and unlink, of one file",
        by_rules(Rule("write", "EIO", match=".two.flac.tagger-*"), Rule("unlink", "EIO", match=".two.flac.tagger-*")),
        says=TROUBLE,
    )


def _lost_answers() -> Iterator[Fault]:
    one = ".two.flac.tagger-*"
    for error in ("EIO", "ETIMEDOUT", "ENOENT"):
        yield Fault(
            f"rename is done and answered with {error}",
            "FUSE: done, then the error, each time",
            by_rules(Rule("rename", error, match=COPIES, done=True)),
        )
    yield Fault(
        "rename is done, answered with EIO, and the file cannot be read then",
        "FUSE: done, then EIO; getattr of the copy EIO",
        by_rules(Rule("rename", "EIO", match=one, done=True), Rule("getattr", "EIO", match=one, skip=8)),
        says="|".join((NEXT_LOOKS, TROUBLE)),
    )
    yield Fault(
        "the folder cannot be synced after the rename",
        "FUSE: EIO for fsyncdir, for ever",
        by_rules(Rule("fsyncdir", "EIO")),
        says=NEXT_LOOKS,
    )
    yield Fault(
        "unlink of the copy is done and answered with EIO",
        "FUSE: rename EIO for ever; unlink done, then EIO",
        by_rules(Rule("rename", "EIO", match=one), Rule("unlink", "EIO", match=one, done=True)),
        says=TROUBLE,
    )


def _other() -> Iterator[Fault]:
    yield Fault(
        "the disk becomes read-only in the middle",
        "FUSE: EROFS for rename and unlink, of one file",
        by_rules(*(Rule(call, "EROFS", match=".two.flac.tagger-*") for call in ("rename", "unlink"))),
        says="its disk has become read-only; check the disk and the mount",
    )
    yield Fault(
        "all writes fail",
        "FUSE: EIO for write, of every copy",
        by_rules(Rule("write", "EIO", match=COPIES)),
        says=TROUBLE,
    )
    yield Fault(
        "attributes cannot be kept",
        "FUSE: EPERM for setxattr",
        by_rules(Rule("setxattr", "EPERM")),
        says="a copy cannot get its extended attributes or access list",
    )
    yield Fault(
        "a disk without extended attributes",
        "FUSE: ENOTSUP for all of them",
        _without_attributes,
    )
    for call, pattern, error in (("rename", COPIES, "EIO"), ("read", ORIGINALS, "EIO"), ("fsync", COPIES, "EIO")):
        yield Fault(
            f"{call} of {_where(pattern)} fails for a moment during undo",
            f"FUSE: {error}, twice, then fine",
            by_rules(Rule(call, error, match=pattern, times=2), command=UNDO),
            state="written",
            again=UNDO,
        )
    yield Fault(
        "rename is done and answered with EIO during undo",
        "FUSE: done, then the error, each time",
        by_rules(Rule("rename", "EIO", match=COPIES, done=True), command=UNDO),
        state="written",
        again=UNDO,
    )


@contextmanager
def _without_attributes(station: Station, number: int) -> Iterator[Ended]:
    with station.on_faulty_disk(xattrs=False):
        ended = station.run(*WRITE)
    two = str(station.album / "two.flac")
    station.originals[two] = replace(station.originals[two], attributes={})
    with FaultyMount(station.disk, station.library):
        yield ended
