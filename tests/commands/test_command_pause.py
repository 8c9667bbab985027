"""When writing holds back: on air, out of time, a lock or a signal in the way. The rest follows another night."""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagger.base.errors import DiskTrouble, NoRoom
from tagger.commands.pause import TROUBLES_IN_A_ROW, Pause
from tagger.commands.session import Session
from tagger.library.tags import read_tags

from .conftest import Station, put_track

TRACKS = 4


@pytest.fixture
def decided(station: Station) -> Station:
    """Return a station whose untagged tracks a person has decided on: something to write, without a model."""
    for number in range(TRACKS):
        put_track(station.library / "Album" / f"{number}.mp3", seed=number, artist="A", album="B", title=str(number))
    assert station.run("scan", station.library).code == 0
    decisions = station.home / "decisions.csv"
    with decisions.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "decision"])
        writer.writerows([str(path), "Jazz"] for path in sorted(station.library.rglob("*.mp3")))
    assert station.run("review", "import", decisions).counts["decisions"] == TRACKS
    return station


def genres(station: Station) -> list[tuple[str, ...]]:
    found = [read_tags(os.fsencode(path)).genre_blocks for path in sorted(station.library.rglob("*.mp3"))]
    return [blocks[0].values if blocks else () for blocks in found]


def test_nothing_is_written_or_undone_on_air(decided: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGGER_AIR_TIME", "00:00-24:00")
    result = decided.run("write", "--apply")
    assert (result.code, result.counts["written"], result.counts["postponed"]) == (0, 0, TRACKS)
    assert {row["reason"] for row in result.facts["plan"]} == {
        "postponed: the station is on air until 00:00 (air_time)"
    }
    night = decided.run("nightly", decided.library, "--apply")
    assert (night.code, night.counts["written"], night.counts["postponed"]) == (0, 0, TRACKS)
    assert genres(decided) == [()] * TRACKS
    monkeypatch.delenv("TAGGER_AIR_TIME")
    written = decided.run("write", "--apply")
    assert written.counts["written"] == TRACKS
    monkeypatch.setenv("TAGGER_AIR_TIME", "00:00-24:00")
    undone = decided.run("undo", written.facts["run_id"])
    assert (undone.code, undone.counts["written"], undone.counts["postponed"]) == (0, 0, TRACKS)
    assert genres(decided) == [("Jazz",)] * TRACKS
    monkeypatch.delenv("TAGGER_AIR_TIME")
    assert decided.run("undo", written.facts["run_id"]).counts["written"] == TRACKS


def test_a_night_without_time_postpones_and_the_next_one_goes_on(decided: Station) -> None:
    put_track(decided.library / "new.mp3", seed=99)
    night = decided.run("nightly", decided.library, "--apply", "--max-minutes", "0")
    assert (night.code, night.counts["written"], night.counts["postponed"]) == (0, 0, TRACKS)
    assert night.counts["new"] == 0, "no time to read it either"
    assert night.counts["missing"] == 0
    later = decided.run("nightly", decided.library, "--apply")
    assert (later.counts["written"], later.counts["new"]) == (TRACKS, 1)


@pytest.fixture
def session(station: Station) -> Iterator[Session]:
    with Session.from_arguments(argparse.Namespace(command="write", home=str(station.home))) as session:
        yield session


def test_an_album_that_was_begun_is_finished(session: Session) -> None:
    pause = Pause(session)
    assert pause.before(album="one") is None
    session.deadline = time.monotonic() - 1
    assert pause.before(album="one") is None
    assert pause.before(album="two") == "the time is up"
    assert pause.before() == "the time is up"


def test_a_disk_that_fails_is_left_alone(session: Session) -> None:
    pause = Pause(session)
    for number in range(TROUBLES_IN_A_ROW):
        assert pause.before() is None, number
        pause.after(DiskTrouble(b"/x.mp3", "Input/output error", postponed=True))
    assert pause.before() == "Input/output error"
    pause.tell()
    assert [problem.error for problem in session.problems] == ["Input/output error"], "a person has to see to it"


def test_smaller_files_are_written_where_a_larger_one_finds_no_room(session: Session) -> None:
    pause = Pause(session)
    pause.after(NoRoom(b"/x.mp3", "no room", postponed=True), 1000)
    assert pause.before(1000) == "its disk has no room for a copy of it"
    assert pause.before(999) is None
    pause.after(None)
    assert pause.before(2000) is not None


def test_a_disk_that_is_mounted_read_only_is_told_once(decided: Station) -> None:
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(decided.library.parent / "other")]
    (decided.library.parent / "other").mkdir()
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("file systems can only be mounted by root")
    try:
        target = decided.library.parent / "other"
        shutil.copytree(decided.library, target, dirs_exist_ok=True)
        assert decided.run("scan", target).counts["new"] == TRACKS
        rows = decided.home / "more.csv"
        rows.write_text("path,decision\n" + "".join(f'"{path}",Jazz\n' for path in sorted(target.rglob("*.mp3"))))
        assert decided.run("review", "import", rows).counts["decisions"] == TRACKS
        subprocess.run(["mount", "-o", "remount,ro", str(target)], check=True)
        first = decided.run("nightly", target, "--apply", json=False)
        assert (first.code, "is mounted read-only" in first.out) == (0, True)
        assert decided.run("nightly", target, "--apply", json=False).out == "", "cron mails the same only once"
        subprocess.run(["mount", "-o", "remount,rw", str(target)], check=True)
        assert decided.run("nightly", target, "--apply").counts["written"] == TRACKS
    finally:
        subprocess.run(["umount", "-l", str(target)], check=False)


# --- locks and signals ----------------------------------------------------------------------------------------------


def command(station: Station, *words: str | Path) -> list[str]:
    return [sys.executable, "-m", "tagger", "--home", str(station.home), "--json", *map(str, words)]


def test_a_lock_left_by_a_dead_process_is_taken_over(decided: Station) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom tagger.base.lock import run_lock\n"
        "with run_lock(Path(sys.argv[1]), 'nightly'):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    lock = decided.home / "tagger.lock"
    assert subprocess.run([sys.executable, "-c", code, str(lock)], check=False).returncode == -signal.SIGKILL
    assert (decided.home / "tagger.lock.holder").exists(), "it had no time to clear away"
    assert decided.run("write", "--apply").counts["written"] == TRACKS


def test_a_second_run_says_who_is_at_work(decided: Station) -> None:
    hold = (
        "import sys, time\nfrom pathlib import Path\nfrom tagger.base.lock import run_lock\n"
        "with run_lock(Path(sys.argv[1]), 'nightly'):\n    print('held', flush=True)\n    time.sleep(600)\n"
    )
    lock = str(decided.home / "tagger.lock")
    with subprocess.Popen([sys.executable, "-c", hold, lock], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        for words in (["scan", str(decided.library)], ["write", "--apply"], ["nightly", str(decided.library)]):
            result = decided.run(*words)
            assert result.code == 3
            assert f"`tagger nightly` (process {process.pid} on " in result.err
        assert decided.run("status").code == 0, "looking on is fine"
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_between_two_files_tells_what_was_done(decided: Station, number: signal.Signals) -> None:
    for copy in range(400):
        put_track(decided.library / f"{copy}.wav", seed=copy, container="wav", seconds=2.0)
    decided.run("scan", decided.library)
    rows = decided.home / "more.csv"
    lines = [f'"{path}",Jazz\n' for path in sorted(decided.library.glob("*.wav"))]
    rows.write_text("path,decision\n" + "".join(lines))
    assert decided.run("review", "import", rows).counts["decisions"] == 400
    with subprocess.Popen(command(decided, "write", "--apply"), stdout=-1, stderr=-1, text=True) as process:
        while process.poll() is None and b'"applied"' not in (decided.home / "journal.jsonl").read_bytes():
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    facts = json.loads(out)
    written = facts["counts"]["written"]
    assert 0 < written < 404
    assert err.count("\n") == 1 and f"{written} files written (`tagger undo" in err and facts["run_id"] in err
    again = decided.run("write", "--apply")
    assert again.counts["written"] == 404 - written
    assert not list(decided.library.rglob(".*"))


def test_a_run_that_is_stuck_ends_all_the_same() -> None:
    code = (
        "import time\nfrom tagger.commands import stopping\nstopping.GRACE = 0.5\n"
        "with stopping.StopSignals(lambda: None):\n    print('ready', flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 130
        assert b"the next run settles" in process.stderr.read()


def test_status_tells_a_killed_run_from_one_that_is_at_work(decided: Station) -> None:
    with subprocess.Popen(command(decided, "write", "--apply"), stdout=-1, stderr=-1) as process:
        while process.poll() is None and not (decided.home / "tagger.lock.holder").exists():
            time.sleep(0.005)
        process.kill()
    statuses = {row["status"] for row in decided.run("status").facts["runs"]}
    assert "running" not in statuses
