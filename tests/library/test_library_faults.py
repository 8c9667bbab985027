"""Faults of the disk during a write: waited for if they may pass, else the file is as it was and the run goes on."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tagger.audio.hash import audio_hash
from tagger.base.errors import DiskTrouble, LibraryLooksWrong, NoRoom, WriteFailed, WriteSkipped
from tagger.base.records import GenreBlock, Provenance
from tagger.index.journal import JournalUnusable
from tagger.library.original import WriteContext
from tagger.library.settle import settle
from tagger.library.tags import read_tags
from tagger.library.trouble import refuse_without_room
from tagger.library.walk import is_temporary_name
from tagger.library.write import write_genre

RUN = "20260101T000000-cafe"
NOTE = Provenance("Jazz", "model", 0.91, RUN)
AN_HOUR_AGO = time.time() - 3600
JAZZ = (GenreBlock("vorbis", ("Jazz",)),)


class Journal:
    """What was told, stage by stage."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.facts: dict[str, Any] = {}

    def __call__(self, stage: str, facts: dict[str, Any]) -> None:
        self.stages.append(stage)
        self.facts.update(json.loads(json.dumps(facts)))


@pytest.fixture
def song(make_audio: Callable[..., Path], tmp_path: Path) -> Path:
    folder = tmp_path / "library" / "album"
    folder.mkdir(parents=True)
    path = make_audio(folder / "song.flac", "flac", seconds=1)
    os.setxattr(path, "user.station", b"on air")
    os.utime(path, (AN_HOUR_AGO, AN_HOUR_AGO))
    return path


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def context(tmp_path: Path, journal: Journal) -> WriteContext:
    return WriteContext(os.fsencode(tmp_path / "library"), RUN, audio_hash, journal, mtime="preserve")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waste no time on waiting; return what would have been waited."""
    waited: list[float] = []
    monkeypatch.setattr("tagger.base.patience.time.sleep", waited.append)
    monkeypatch.setattr("tagger.base.patience.PAUSES", (0.0, 0.0, 0.0))
    return waited


def write(path: Path, context: WriteContext) -> Any:
    return write_genre(os.fsencode(path), "Jazz", NOTE, context)


def genre_of(path: Path) -> tuple[GenreBlock, ...]:
    return read_tags(os.fsencode(path)).genre_blocks


Fail = Callable[..., list[int]]


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Return a function that lets a call of the system fail where it is about a copy (or a file descriptor)."""

    def install(call: str, error: int, times: int = 10**9, done: bool = False, of_copies: bool = True) -> list[int]:
        real, failed = getattr(os, call), [0]

        def failing(path: Any, *arguments: Any, **options: Any) -> Any:
            meant = isinstance(path, int) or is_temporary_name(os.path.basename(os.fsencode(path))) is of_copies
            if not meant or failed[0] >= times:
                return real(path, *arguments, **options)
            failed[0] += 1
            if done:
                real(path, *arguments, **options)
            raise OSError(error, os.strerror(error))

        monkeypatch.setattr(os, call, failing)
        return failed

    return install


CALLS = ("open", "stat", "chmod", "setxattr", "utime", "fsync", "replace", "listxattr")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("error", [errno.EIO, errno.ESTALE], ids=["EIO", "ESTALE"])
def test_an_error_that_passes_is_waited_for(
    call: str, error: int, song: Path, context: WriteContext, journal: Journal, fail: Fail, pauses: list[float]
) -> None:
    failed = fail(call, error, times=2)
    outcome = write(song, context)
    assert failed == [2]
    assert outcome.after == genre_of(song) == JAZZ
    assert journal.stages == ["planned", "ready", "applied"]
    assert os.listdir(song.parent) == ["song.flac"]


@pytest.mark.parametrize("call", CALLS)
def test_an_error_that_stays_postpones_the_file(
    call: str, song: Path, context: WriteContext, journal: Journal, fail: Fail, pauses: list[float]
) -> None:
    content = song.read_bytes()
    failed = fail(call, errno.EIO)
    with pytest.raises(DiskTrouble, match="at every try; check the disk or its server") as caught:
        write(song, context)
    assert caught.value.postponed
    assert failed[0] >= 4
    assert song.read_bytes() == content
    assert journal.stages[-1] == "failed"
    assert os.listdir(song.parent) == ["song.flac"]


def test_a_file_that_cannot_be_looked_at_is_postponed(
    song: Path, context: WriteContext, journal: Journal, fail: Fail, pauses: list[float]
) -> None:
    failed = fail("stat", errno.ESTALE, of_copies=False)
    with pytest.raises(DiskTrouble, match="cannot be looked at: Stale file handle") as caught:
        write(song, context)
    assert (caught.value.postponed, failed[0], journal.stages) == (True, 4, [])


def test_a_signal_ends_the_patience(song: Path, context: WriteContext, fail: Fail) -> None:
    failed = fail("fsync", errno.EIO)
    started = time.monotonic()
    with pytest.raises(DiskTrouble):
        write(song, replace(context, stopping=lambda: True))
    assert failed == [1]
    assert time.monotonic() - started < 60


# --- answers that get lost ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [errno.EIO, errno.ETIMEDOUT, errno.ENOENT], ids=["EIO", "ETIMEDOUT", "ENOENT"])
def test_a_replace_that_took_place_is_no_failure(
    error: int, song: Path, context: WriteContext, journal: Journal, fail: Fail, pauses: list[float]
) -> None:
    fail("replace", error, done=True)
    outcome = write(song, context)
    assert outcome.after == genre_of(song) == JAZZ
    assert journal.stages == ["planned", "ready", "applied"]


def test_what_cannot_be_seen_is_left_to_the_next_run(
    song: Path,
    context: WriteContext,
    journal: Journal,
    fail: Fail,
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        fail("replace", errno.EIO, done=True)
        fail("lstat", errno.EIO)
        with pytest.raises(DiskTrouble, match="the next run looks"):
            write(song, context)
        patch.undo()
    monkeypatch.undo()
    assert journal.stages == ["planned", "ready"]
    assert settle(os.fsencode(song), journal.facts)[0] == "applied"
    assert genre_of(song) == JAZZ


def test_a_folder_that_cannot_be_synced_is_left_to_the_next_run(
    song: Path, context: WriteContext, journal: Journal, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: bytes) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("tagger.library.swap.fsync_folder", broken)
    with pytest.raises(DiskTrouble, match="the next run looks"):
        write(song, context)
    assert journal.stages == ["planned", "ready"]
    assert settle(os.fsencode(song), journal.facts)[0] == "applied"


def test_a_written_file_that_cannot_be_looked_at_again_is_written(
    song: Path, context: WriteContext, journal: Journal, pauses: list[float]
) -> None:
    def take_away(stage: str, facts: dict[str, Any]) -> None:
        journal(stage, facts)

    real = os.replace
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", lambda old, new: (real(old, new), os.unlink(new))[0])
        outcome = write(song, replace(context, journal=take_away))
    assert outcome.after == JAZZ
    assert journal.stages == ["planned", "ready", "applied"]


def test_a_journal_that_is_full_after_the_replace_is_settled(
    song: Path, context: WriteContext, journal: Journal
) -> None:
    def full(stage: str, facts: dict[str, Any]) -> None:
        if stage == "applied":
            raise JournalUnusable("the disk is full")
        journal(stage, facts)

    with pytest.raises(JournalUnusable):
        write(song, replace(context, journal=full))
    assert genre_of(song) == JAZZ
    assert settle(os.fsencode(song), journal.facts) == ("applied", {"settled": True})


# --- no room --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "said", "kind"),
    [
        (errno.ENOSPC, "the library's disk is full; make room on it", NoRoom),
        (errno.EDQUOT, "the disk quota of the user who runs this is used up", NoRoom),
        (errno.EFBIG, "raise the limit", WriteSkipped),
        (errno.EROFS, "its disk has become read-only", DiskTrouble),
    ],
    ids=["full", "quota", "too large", "read-only"],
)
def test_a_disk_that_takes_no_more_postpones_the_file(
    error: int, said: str, kind: type[WriteSkipped], song: Path, context: WriteContext, fail: Fail
) -> None:
    content = song.read_bytes()
    failed = fail("fsync", error)
    with pytest.raises(kind, match=said) as caught:
        write(song, context)
    assert (caught.value.postponed, failed) == (True, [1])
    assert song.read_bytes() == content
    assert os.listdir(song.parent) == ["song.flac"]


def disk(total: int, free: int) -> os.statvfs_result:
    return os.statvfs_result((4096, 4096, total // 4096, free // 4096, free // 4096, 100, 100, 100, 0, 255))


@pytest.mark.parametrize(
    ("size", "total", "free", "fits"),
    [
        pytest.param(10**7, 10**12, 10**8, True, id="room"),
        pytest.param(10**8, 10**12, 10**8, False, id="just the file"),
        pytest.param(10**6, 10**7, 2 * 10**6, True, id="small disk"),
        pytest.param(1, 10**12, 0, False, id="full"),
        pytest.param(10**9, 0, 0, True, id="a disk that does not know its size"),
    ],
)
def test_the_disk_is_never_filled_to_the_brim(size: int, total: int, free: int, fits: bool) -> None:
    try:
        refuse_without_room(b"/song", size, disk(total, free))
    except NoRoom as problem:
        assert not fits
        assert "make room on it" in problem.cause
    else:
        assert fits


# --- what stays behind ----------------------------------------------------------------------------------------------


def test_a_copy_that_cannot_be_removed_is_settled_by_the_next_run(
    song: Path,
    context: WriteContext,
    journal: Journal,
    fail: Fail,
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail("fsync", errno.EIO)
    fail("unlink", errno.EIO)
    with pytest.raises(DiskTrouble):
        write(song, context)
    assert journal.stages == ["planned"]
    assert settle(os.fsencode(song), journal.facts) == ("planned", {}), "the disk still fails: another time"
    monkeypatch.undo()
    assert settle(os.fsencode(song), journal.facts)[0] == "failed"
    assert os.listdir(song.parent) == ["song.flac"]


def test_a_renamed_folder_keeps_no_copy(song: Path, context: WriteContext, journal: Journal) -> None:
    renamed = song.parent.with_name("renamed")

    def hash_and_rename(path: bytes) -> str:
        found = audio_hash(path)
        if is_temporary_name(os.path.basename(path)):
            song.parent.rename(renamed)
        return found

    with pytest.raises(WriteSkipped, match="taken away meanwhile") as caught:
        write(song, replace(context, audio_hash=hash_and_rename))
    assert caught.value.postponed
    assert journal.stages == ["planned", "failed"]
    assert os.listdir(renamed) == ["song.flac"]


def test_a_copy_whose_disk_is_gone_is_left_to_the_next_run(
    song: Path, context: WriteContext, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: Any, dir_fd: int | None = None) -> None:
        raise FileNotFoundError(path) if dir_fd is None else OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    monkeypatch.setattr(os, "unlink", gone)
    with pytest.raises(WriteFailed, match="audio"):
        write(song, replace(context, audio_hash=lambda path: path.hex()))
    assert journal.stages == ["planned"]
    monkeypatch.undo()
    assert settle(os.fsencode(song), journal.facts)[0] == "failed"
    assert os.listdir(song.parent) == ["song.flac"]


def test_settle_waits_for_a_library_that_is_empty(tmp_path: Path, song: Path, context: WriteContext) -> None:
    journal = Journal()
    song = song.rename(song.parent.parent / "song.flac")
    write(song, replace(context, journal=journal))
    kept = song.rename(tmp_path / "kept.flac")
    shutil.rmtree(song.parent / "album")
    assert settle(os.fsencode(song), journal.facts) == ("ready", {})
    kept.rename(song)
    assert settle(os.fsencode(song), journal.facts)[0] == "applied"


# --- the library, and audio that changes its mind --------------------------------------------------------------------


def test_a_library_that_vanished_ends_the_run(song: Path, context: WriteContext) -> None:
    shutil.rmtree(song.parent)
    with pytest.raises(LibraryLooksWrong, match="is empty; if it is a mount point, mount it"):
        write(song, context)


def test_a_single_file_that_vanished_does_not(song: Path, context: WriteContext) -> None:
    song.rename(song.with_name("elsewhere.flac"))
    with pytest.raises(WriteSkipped, match="cannot be looked at: No such file"):
        write(song, context)


def test_audio_that_reads_differently_is_the_fault_of_the_disk(
    song: Path, context: WriteContext, pauses: list[float]
) -> None:
    read = [0]

    def moody(path: bytes) -> str:
        read[0] += 1
        return str(read[0])

    with pytest.raises(DiskTrouble, match="does not read the same twice"):
        write(song, replace(context, audio_hash=moody))
    assert genre_of(song) != JAZZ


def test_a_copy_that_may_not_be_made_is_a_failure(song: Path, context: WriteContext, fail: Fail) -> None:
    fail("open", errno.EACCES)
    with pytest.raises(WriteFailed, match="no copy can be made beside it: Permission denied"):
        write(song, context)


def test_a_file_replaced_while_it_is_copied_was_changed_by_someone_else(
    song: Path, context: WriteContext, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tagger.library import write as module

    real = module.copy_hashed

    def replaced(source: bytes, copy: bytes) -> str:
        song.write_bytes(b"a new recording begins")
        return real(source, copy)

    monkeypatch.setattr(module, "copy_hashed", replaced)
    with pytest.raises(WriteSkipped, match="changed by someone else meanwhile") as caught:
        write(song, context)
    assert (caught.value.postponed, journal.stages) == (True, ["planned", "failed"])
    assert song.read_bytes() == b"a new recording begins"
