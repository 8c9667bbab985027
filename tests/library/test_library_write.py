"""The recipe of a write: what is looked at before, what is kept, what a failure or a kill leaves behind."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.flac import FLAC

from tagger.audio.hash import audio_hash
from tagger.base.errors import NoRoom, WriteFailed, WriteSkipped
from tagger.base.records import GenreBlock, Provenance
from tagger.index.journal import JournalUnusable
from tagger.library.settle import settle
from tagger.library.swap import WriteContext, temporary_name
from tagger.library.tags import read_tags
from tagger.library.walk import is_temporary_name
from tagger.library.write import write_genre

MakeAudio = Callable[..., Path]
RUN = "20260101T000000-cafe"
NOTE = Provenance("Jazz", "model", 0.91, RUN)
AN_HOUR_AGO = time.time() - 3600


class Journal:
    """What was told, stage by stage."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.facts: dict[str, Any] = {}

    def __call__(self, stage: str, facts: dict[str, Any]) -> None:
        self.stages.append(stage)
        self.facts.update(json.loads(json.dumps(facts)))


@pytest.fixture
def song(make_audio: MakeAudio, tmp_path: Path) -> Path:
    folder = tmp_path / "library" / "album"
    folder.mkdir(parents=True)
    path = make_audio(folder / "song.flac", "flac", seconds=1)
    os.utime(path, (AN_HOUR_AGO, AN_HOUR_AGO))
    return path


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def context(tmp_path: Path, journal: Journal) -> WriteContext:
    return WriteContext(os.fsencode(tmp_path / "library"), RUN, audio_hash, journal)


def write(path: Path, context: WriteContext) -> Any:
    return write_genre(os.fsencode(path), "Jazz", NOTE, context)


def genre_of(path: Path) -> tuple[GenreBlock, ...]:
    return read_tags(os.fsencode(path)).genre_blocks


def test_a_write_tells_its_journal_every_step(song: Path, context: WriteContext, journal: Journal) -> None:
    before = song.stat()
    outcome = write(song, context)
    after = song.stat()
    assert journal.stages == ["planned", "ready", "applied"]
    facts = journal.facts
    assert (facts["path"], facts["genre"], facts["run"], facts["kind"]) == (str(song), "Jazz", RUN, "write")
    assert (facts["size_before"], facts["mtime_ns_before"]) == (before.st_size, before.st_mtime_ns)
    assert (facts["size_after"], facts["mtime_ns_after"]) == (after.st_size, after.st_mtime_ns)
    assert facts["audio_hash"] == audio_hash(os.fsencode(song)) == outcome.audio_hash
    assert outcome.after == genre_of(song) == (GenreBlock("vorbis", ("Jazz",)),)
    assert (outcome.size, outcome.mtime_ns) == (after.st_size, after.st_mtime_ns)
    assert read_tags(os.fsencode(song)).provenance == NOTE
    assert os.listdir(song.parent) == ["song.flac"]


def test_the_plan_is_told_before_anything_is_made(song: Path, context: WriteContext) -> None:
    seen: list[tuple[str, list[str]]] = []

    def look(stage: str, facts: dict[str, Any]) -> None:
        seen.append((stage, sorted(os.listdir(song.parent))))

    write(song, replace(context, journal=look))
    temporary = f".song.flac.tagger-{RUN}"
    assert seen == [("planned", ["song.flac"]), ("ready", [temporary, "song.flac"]), ("applied", ["song.flac"])]


# --- what is not written --------------------------------------------------------------------------------------------


def _hard_link(song: Path) -> None:
    os.link(song, song.with_name("other.flac"))


def _read_only(song: Path) -> None:
    song.chmod(0o444)


def _fresh(song: Path) -> None:
    os.utime(song)


def _fresh_from_the_future(song: Path) -> None:
    os.utime(song, (time.time() + 9e5, time.time() + 9e5))


def _fifo(song: Path) -> None:
    song.unlink()
    os.mkfifo(song)


def _missing(song: Path) -> None:
    song.unlink()


@pytest.mark.parametrize(
    ("prepare", "reason", "postponed"),
    [
        pytest.param(_hard_link, "hard linked", False, id="hard link"),
        pytest.param(_read_only, "read-only", False, id="read-only"),
        pytest.param(_fresh, "moment ago", True, id="fresh"),
        pytest.param(_fresh_from_the_future, "moment ago", True, id="fresh, from the future"),
        pytest.param(_fifo, "not a regular file", False, id="pipe"),
        pytest.param(_missing, "looked at", False, id="missing"),
    ],
)
def test_unsafe_files_are_skipped(
    prepare: Callable[[Path], None], reason: str, postponed: bool, song: Path, context: WriteContext, journal: Journal
) -> None:
    prepare(song)
    names = sorted(os.listdir(song.parent))
    with pytest.raises(WriteSkipped, match=reason) as caught:
        write(song, context)
    assert caught.value.postponed is postponed
    assert journal.stages == []
    assert sorted(os.listdir(song.parent)) == names


def test_our_own_last_write_need_not_settle(song: Path, context: WriteContext) -> None:
    _fresh(song)
    found = song.stat()
    with pytest.raises(WriteSkipped):
        write(song, replace(context, own_last_write=(found.st_size, found.st_mtime_ns - 1)))
    write(song, replace(context, own_last_write=(found.st_size, found.st_mtime_ns)))
    assert genre_of(song) == (GenreBlock("vorbis", ("Jazz",)),)


def test_a_link_inside_the_library_is_written_through(song: Path, context: WriteContext) -> None:
    link = song.parent.parent / "link.flac"
    link.symlink_to(song)
    write(link, context)
    assert link.is_symlink()
    assert genre_of(song) == (GenreBlock("vorbis", ("Jazz",)),)


def test_a_link_out_of_the_library_is_not_followed(song: Path, context: WriteContext, tmp_path: Path) -> None:
    outside = song.rename(tmp_path / "outside.flac")
    song.symlink_to(outside)
    content = outside.read_bytes()
    with pytest.raises(WriteSkipped, match="outside"):
        write(song, context)
    assert outside.read_bytes() == content


def test_a_read_only_folder_is_skipped(song: Path, context: WriteContext, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = os.access  # asked through a stand-in, since root may write anywhere
    folder = os.fsencode(song.parent)
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder and allowed(path, mode))
    with pytest.raises(WriteSkipped, match="folder is read-only"):
        write(song, context)


# --- failures on the way --------------------------------------------------------------------------------------------


def _changed_by_another(song: Path) -> None:
    with song.open("ab") as file:
        file.write(b"more")


def _replaced_by_another(song: Path) -> None:
    other = song.with_name("other")
    other.write_bytes(song.read_bytes())
    os.utime(other, ns=(song.stat().st_atime_ns, song.stat().st_mtime_ns))
    os.replace(other, song)


def _linked_by_another(song: Path) -> None:
    os.link(song, song.parent.parent / "backup.flac")


@pytest.mark.parametrize("meddle", [_changed_by_another, _replaced_by_another, _linked_by_another])
def test_a_change_meanwhile_wins(
    meddle: Callable[[Path], None], song: Path, context: WriteContext, journal: Journal
) -> None:
    def hash_and_meddle(path: bytes) -> str:
        found = audio_hash(path)
        if is_temporary_name(os.path.basename(path)):
            meddle(song)
        return found

    with pytest.raises(WriteSkipped, match="meanwhile") as caught:
        write(song, replace(context, audio_hash=hash_and_meddle))
    assert caught.value.postponed
    assert journal.stages == ["planned", "failed"]
    assert os.listdir(song.parent) == ["song.flac"]
    assert genre_of(song) in ((), (GenreBlock("vorbis", ()),))


def test_other_audio_in_the_copy_is_never_put_in_place(song: Path, context: WriteContext, journal: Journal) -> None:
    content = song.read_bytes()
    with pytest.raises(WriteFailed, match="audio"):
        write(song, replace(context, audio_hash=lambda path: path.hex()))
    assert song.read_bytes() == content
    assert journal.stages == ["planned", "failed"]
    assert journal.facts["reason"] == "the audio of the copy is not the same"
    assert os.listdir(song.parent) == ["song.flac"]


@pytest.mark.parametrize("stage", ["planned", "ready"])
def test_a_journal_that_cannot_be_written_stops_the_write(stage: str, song: Path, context: WriteContext) -> None:
    content = song.read_bytes()

    def full(told: str, facts: dict[str, Any]) -> None:
        if told == stage:
            raise JournalUnusable("No space left on device")

    with pytest.raises(JournalUnusable):
        write(song, replace(context, journal=full))
    assert song.read_bytes() == content
    assert os.listdir(song.parent) == ["song.flac"]


def test_a_full_disk_leaves_the_file(song: Path, context: WriteContext, monkeypatch: pytest.MonkeyPatch) -> None:
    content = song.read_bytes()

    def full(source: bytes, copy: bytes) -> str:
        Path(os.fsdecode(copy)).write_bytes(content[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tagger.library.write.copy_hashed", full)
    with pytest.raises(NoRoom, match="the library's disk is full; make room on it") as caught:
        write(song, context)
    assert caught.value.postponed
    assert song.read_bytes() == content
    assert os.listdir(song.parent) == ["song.flac"]


def test_a_family_that_loses_a_tag_is_caught(
    song: Path, context: WriteContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    flac = FLAC(song)
    flac["title"] = "Song"
    flac.save()
    os.utime(song, (AN_HOUR_AGO, AN_HOUR_AGO))
    content = song.read_bytes()

    def careless(comment: Any, values: tuple[str, ...], note: str | None) -> None:
        comment.clear()
        comment["GENRE"], comment["TAGGER"] = list(values), [note]

    monkeypatch.setattr("tagger.library.vorbis.change", careless)
    with pytest.raises(WriteSkipped, match="vorbis TITLE"):
        write(song, context)
    assert song.read_bytes() == content


def test_a_genre_that_does_not_stick_is_caught(
    song: Path, context: WriteContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagger.library.flac.save", lambda path, wanted, note, permit: None)
    with pytest.raises(WriteFailed, match="genre read back"):
        write(song, context)


def test_a_copy_of_somebody_else_is_not_overwritten(song: Path, context: WriteContext, journal: Journal) -> None:
    theirs = song.with_name(f".song.flac.tagger-{RUN}")
    theirs.write_text("theirs")
    with pytest.raises(WriteFailed, match="no copy can be made"):
        write(song, context)
    assert theirs.read_text() == "theirs"
    assert journal.stages == ["planned", "failed"]


# --- what the new file keeps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_mode_and_extended_attributes_stay(mode: int, song: Path, context: WriteContext) -> None:
    song.chmod(mode)
    os.setxattr(song, "user.station", b"on air")
    write(song, context)
    assert stat.S_IMODE(song.stat().st_mode) == mode
    assert os.getxattr(song, "user.station") == b"on air"


def test_owner_and_group_stay(song: Path, context: WriteContext) -> None:
    owner = (1234, 2345) if os.geteuid() == 0 else (os.geteuid(), os.getgroups()[-1])
    os.chown(song, *owner)
    write(song, context)
    assert (song.stat().st_uid, song.stat().st_gid) == owner


def test_a_copy_that_cannot_get_the_owner_is_not_used(
    song: Path, context: WriteContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    look = os.stat

    def foreign(path: object, **options: bool) -> object:
        found = look(path, **options)  # type: ignore[call-overload]
        temporary = isinstance(path, bytes) and is_temporary_name(os.path.basename(path))
        return os.stat_result((*found[:4], found.st_uid + 1, *found[5:])) if temporary else found

    monkeypatch.setattr(os, "stat", foreign)
    monkeypatch.setattr(os, "chown", refused)
    content = song.read_bytes()
    with pytest.raises(WriteSkipped, match="owner and group"):
        write(song, context)
    assert song.read_bytes() == content


def test_a_copy_that_cannot_get_the_attributes_is_not_used(
    song: Path, context: WriteContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.setxattr(song, "user.station", b"on air")

    def refused(*arguments: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "setxattr", refused)
    content = song.read_bytes()
    with pytest.raises(WriteSkipped, match="extended attributes"):
        write(song, context)
    assert song.read_bytes() == content
    assert os.listdir(song.parent) == ["song.flac"]


@pytest.mark.parametrize(("policy", "same"), [("preserve", True), ("bump", False)])
def test_mtime_follows_the_policy(policy: str, same: bool, song: Path, context: WriteContext) -> None:
    before = song.stat().st_mtime_ns
    outcome = write(song, replace(context, mtime=policy))
    assert (song.stat().st_mtime_ns == before) is same
    assert outcome.mtime_ns == song.stat().st_mtime_ns


@pytest.mark.parametrize(
    "name",
    [b"x" * 250 + b".flac", "ü".encode() * 125 + b".flac", b"caf\xe9.flac", b"line\nbreak.flac"],
    ids=["long", "long, two bytes a letter", "not UTF-8", "line break"],
)
def test_any_name_can_be_written(name: bytes, song: Path, context: WriteContext) -> None:
    path = os.path.join(os.fsencode(song.parent), name)
    os.rename(song, path)
    write_genre(path, "Jazz", NOTE, context)
    assert read_tags(path).genre_blocks == (GenreBlock("vorbis", ("Jazz",)),)
    assert os.listdir(os.path.dirname(path)) == [name]


@given(st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_temporary_names_fit_and_are_known(name: bytes) -> None:
    made = temporary_name(name, RUN)
    assert len(made) <= 255
    assert is_temporary_name(made)


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=255))
def test_temporary_names_are_cut_between_letters(name: str) -> None:
    temporary_name(name.encode()[:255].decode("utf-8", "ignore").encode() or b"x", RUN).decode("utf-8")


# --- killed on the way ----------------------------------------------------------------------------------------------

KILLED = """
import json, os, signal, sys
from tagger.audio.hash import audio_hash
from tagger.base.records import Provenance
from tagger.library import swap
from tagger.library.write import write_genre

path, told, moment = os.fsencode(sys.argv[1]), sys.argv[2], sys.argv[3]

def journal(stage, facts):
    if moment == "before " + stage:
        os.kill(os.getpid(), signal.SIGKILL)
    with open(told, "a") as file:
        file.write(json.dumps(facts) + "\\n")
    if moment == "after " + stage:
        os.kill(os.getpid(), signal.SIGKILL)

def copied(source, copy):
    with open(copy, "wb") as file:
        file.write(open(source, "rb").read()[:999])
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

if moment == "in the copy":
    import tagger.library.write as module
    module.copy_hashed = copied
context = swap.WriteContext(os.path.dirname(path), sys.argv[4], audio_hash, journal, settle_seconds=0)
write_genre(path, "Jazz", Provenance("Jazz", "m", 0.9, "r"), context)
"""


@pytest.mark.parametrize(
    ("moment", "end", "genre"),
    [
        ("after planned", "failed", ()),
        ("in the copy", "failed", ()),
        ("before ready", "failed", ()),
        ("after ready", "failed", ()),
        ("before applied", "applied", ("Jazz",)),
    ],
)
def test_a_kill_at_any_point_can_be_settled(moment: str, end: str, genre: tuple[str, ...], song: Path) -> None:
    content, told = song.read_bytes(), song.parent.parent / "told.jsonl"
    done = subprocess.run([sys.executable, "-c", KILLED, str(song), str(told), moment, RUN], check=False)
    assert done.returncode == -signal.SIGKILL
    record: dict[str, Any] = {}
    for line in told.read_text().splitlines():
        record.update(json.loads(line))
    path = os.fsencode(song)
    assert settle(path, record)[0] == end
    assert os.listdir(song.parent) == ["song.flac"]
    values = [block.values for block in genre_of(song)]
    assert (values or [()]) == [genre]
    if end == "failed":
        assert song.read_bytes() == content
    assert settle(path, record)[0] == end, "settling twice says the same"


@pytest.mark.parametrize("stage", ["planned", "ready"])
def test_settle_waits_for_a_folder_that_cannot_be_seen(
    stage: str, song: Path, context: WriteContext, journal: Journal
) -> None:
    write(song, context)
    song.parent.rename(song.parent.with_name("elsewhere"))
    record = {key: value for key, value in journal.facts.items() if stage == "ready" or not key.startswith("sha256")}
    assert settle(os.fsencode(song), record) == (stage, {})


def test_settle_finds_a_library_that_is_mounted_elsewhere_now(song: Path) -> None:
    told = song.parent.parent / "told.jsonl"
    subprocess.run([sys.executable, "-c", KILLED, str(song), str(told), "after ready", RUN], check=False)
    record: dict[str, Any] = {}
    for line in told.read_text().splitlines():
        record.update(json.loads(line))
    moved = song.parent.rename(song.parent.with_name("mounted")) / song.name
    assert settle(os.fsencode(moved), record)[0] == "failed"
    assert os.listdir(moved.parent) == ["song.flac"]


@pytest.mark.parametrize(
    "meddle",
    [
        pytest.param(_changed_by_another, id="the new file was changed since"),
        pytest.param(_replaced_by_another, id="the new file was replaced by the same"),
        pytest.param(Path.unlink, id="gone: may have been ours"),
    ],
)
def test_settle_is_careful(meddle: Callable[[Path], None], song: Path, context: WriteContext, journal: Journal) -> None:
    write(song, context)
    meddle(song)
    assert settle(os.fsencode(song), journal.facts)[0] == "applied"


def test_settle_removes_nothing_but_a_copy(song: Path, context: WriteContext, journal: Journal) -> None:
    write(song, context)
    settle(os.fsencode(song), journal.facts | {"temporary": str(song)})
    assert song.exists()
