"""A library that is not there is not an empty one: exit 4, nothing marked missing, nothing written."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagger.base.errors import UnreadableTags
from tagger.commands import survey as survey_module
from tagger.library import readers

from .conftest import Station, put_track

TRACKS = 12


@pytest.fixture
def scanned(station: Station) -> Station:
    for number in range(TRACKS):
        put_track(station.library / f"A{number % 3}" / f"{number}.mp3", seed=number, genre="Rock", title=str(number))
    assert station.run("scan", station.library).counts["new"] == TRACKS
    return station


def known(station: Station) -> tuple[int, int]:
    """Return how many tracks have a label, and how many are missing."""
    counts = station.run("status").counts
    return counts["labelled"], counts["missing"]


def unmount(library: Path) -> None:
    library.rename(library.with_name("unmounted"))


def leave_mount_point(library: Path) -> None:
    unmount(library)
    library.mkdir()


def lose_half(library: Path) -> None:
    for path in sorted(library.rglob("*.mp3"))[: TRACKS // 2]:
        path.unlink()


@pytest.mark.parametrize("command", ["scan", "nightly"])
@pytest.mark.parametrize(
    ("lose", "said"),
    [
        (unmount, "is not there; check the path, or mount it"),
        (leave_mount_point, "is empty; if it is a mount point, mount it"),
        (lose_half, f"{TRACKS // 2} of {TRACKS} known files are gone"),
    ],
    ids=["missing", "empty", "half"],
)
def test_a_library_that_looks_wrong(scanned: Station, command: str, lose: Callable[[Path], None], said: str) -> None:
    lose(scanned.library)
    result = scanned.run(command, scanned.library)
    assert result.code == 4
    assert said in result.err and result.err.count("\n") == 1
    assert known(scanned) == (TRACKS, 0)


def test_a_library_without_its_sentinel(scanned: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGGER_SENTINEL", ".mounted")
    result = scanned.run("scan", scanned.library)
    assert (result.code, ".mounted" in result.err) == (4, True)
    assert scanned.run("write", "--apply").code == 4
    (scanned.library / ".mounted").write_text("")
    assert scanned.run("scan", scanned.library).code == 0
    assert known(scanned) == (TRACKS, 0)


def test_a_library_that_goes_away_while_it_is_walked(scanned: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk sees most of the files before; few enough are gone for the fuse not to notice."""
    from tagger.library import walk as walk_module

    walk = walk_module.walk

    def interrupted(*arguments: object) -> Iterator[object]:
        for number, file in enumerate(walk(*arguments)):
            if number == TRACKS - 1:
                unmount(scanned.library)
                return
            yield file

    monkeypatch.setattr(walk_module, "walk", interrupted)
    assert scanned.run("scan", scanned.library).code == 4
    monkeypatch.undo()
    scanned.library.with_name("unmounted").rename(scanned.library)
    assert known(scanned) == (TRACKS, 0)


def test_a_library_that_goes_away_while_tags_are_read(scanned: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        put_track(scanned.library / "new" / f"{number}.mp3", seed=100 + number, genre="Jazz")
    stream = readers.tag_stream

    def interrupted(paths: Iterator[bytes], *rest: object, **options: object) -> object:
        paths = list(paths)
        unmount(scanned.library)
        return stream(paths, *rest, **options)

    monkeypatch.setattr(readers, "tag_stream", interrupted)
    result = scanned.run("scan", scanned.library)
    assert result.code == 4
    monkeypatch.setattr(readers, "tag_stream", stream)
    scanned.library.with_name("unmounted").rename(scanned.library)
    assert known(scanned) == (TRACKS, 0)
    again = scanned.run("scan", scanned.library)
    assert (again.code, again.counts["new"], again.counts["unreadable"]) == (0, 5, 0)


def test_many_failing_files_in_a_row_are_asked_about_at_once(scanned: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        shutil.copy(scanned.library / "A0" / "0.mp3", scanned.library / f"copy{number}.mp3")
    answered: list[bytes] = []

    def failing(paths: Iterator[bytes], *rest: object, **options: object) -> Iterator[object]:
        for path in paths:
            answered.append(path)
            if len(answered) == 4:
                unmount(scanned.library)
            yield path, UnreadableTags(path, "Input/output error", postponed=True)

    monkeypatch.setattr(readers, "tag_stream", failing)
    monkeypatch.setattr(survey_module, "IN_A_ROW", 5)
    assert scanned.run("scan", scanned.library).code == 4
    assert len(answered) == 5
    scanned.library.with_name("unmounted").rename(scanned.library)
    assert known(scanned) == (TRACKS, 0)


def test_moved_files_are_matched_before_anything_counts_as_gone(scanned: Station) -> None:
    (scanned.library / "A0").rename(scanned.library / "B0")
    (scanned.library / "A1").rename(scanned.library / "B1")
    (scanned.library / "A2" / "2.mp3").unlink()
    result = scanned.run("scan", scanned.library)
    assert (result.code, result.counts["moved"], result.counts["missing"]) == (0, 8, 1)


def test_a_scan_without_time_judges_nothing(scanned: Station) -> None:
    """Moved files cannot be told from lost ones before they are read."""
    (scanned.library / "A0").rename(scanned.library / "B0")
    (scanned.library / "A1").rename(scanned.library / "B1")
    night = scanned.run("nightly", scanned.library, "--max-minutes", "0")
    assert (night.code, night.counts["moved"], night.counts["missing"]) == (0, 0, 0)
    assert scanned.run("scan", scanned.library).counts["moved"] == 8


def test_a_clear_out_is_accepted_when_a_person_says_so(scanned: Station) -> None:
    lose_half(scanned.library)
    assert scanned.run("scan", scanned.library).code == 4
    assert scanned.run("scan", scanned.library, "--accept-missing").counts["missing"] == TRACKS // 2
    assert scanned.run("scan", scanned.library).code == 0, "what is gone stays known as gone"


def test_writing_stops_when_the_library_goes_away(scanned: Station) -> None:
    for number in range(30):
        put_track(scanned.library / "open" / f"{number:02}.wav", seed=200 + number, container="wav", seconds=4.0)
    scanned.run("scan", scanned.library)
    rows = scanned.home / "decisions.csv"
    lines = [f'"{path}",Jazz\n' for path in sorted(scanned.library.glob("open/*.wav"))]
    rows.write_text("path,decision\n" + "".join(lines))
    assert scanned.run("review", "import", rows).counts["decisions"] == 30
    before = {path.name: path.read_bytes() for path in scanned.library.glob("open/*.wav")}
    journal = scanned.home / "journal.jsonl"

    def vanish() -> None:
        while journal.read_bytes().count(b'"stage":"applied"') < 3:
            time.sleep(0.005)
        leave_mount_point(scanned.library)

    thread = threading.Thread(target=vanish)
    thread.start()
    result = scanned.run("write", "--apply")
    thread.join()
    assert result.code == 4
    scanned.library.rmdir()
    scanned.library.with_name("unmounted").rename(scanned.library)
    assert scanned.run("scan", scanned.library).code == 0
    after = {path.name: path.read_bytes() for path in scanned.library.glob("open/*.wav")}
    assert after.keys() == before.keys()
    written = sum(before[name] != after[name] for name in before)
    assert 3 <= written < 30
    assert scanned.run("write", "--apply").counts["written"] == 30 - written
    assert not list(scanned.library.rglob(".*tagger-*"))
    assert os.listdir(scanned.library / "open") != []
