"""Faults of disks, rights and mounts, met by real runs; `python -m soak faults` tries many more of them, many times."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from soak.faults import all_faults
from soak.faults_mount import FaultyMount, mounted, why_unusable
from soak.faults_station import Station
from soak.faults_trial import Tally, try_out

CHOSEN = (
    "write of the copy fails for a moment",
    "read of the file fails for ever",
    "rename is done and answered with EIO",
    "the library's disk has no room (ENOSPC): write",
    "there is room for small files only",
    "the journal finds no room for `applied`",
    "the file belongs to somebody else, and the run may not give it to him",
    "the folder is renamed during the write",
    "the mount hangs: tagger scan library",
    "the library vanishes in the middle of a write",
)

STUCK = """
import os, sys
from tagger.commands import stopping

stopping.GRACE = stopping.LOOK = 0.5
with stopping.StopSignals(lambda: print("noticed", flush=True)):
    print("ready", flush=True)
    sys.stdin.readline()
    os.stat(sys.argv[1])
    print("came back", flush=True)
"""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    if reason := why_unusable():
        pytest.skip(reason)
    made = Station(tmp_path_factory.mktemp("faults") / "station")
    made.prepare()
    yield made
    assert not [path for path in mounted() if path.startswith(str(made.folder))]


@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_nothing_is_lost_and_the_next_run_completes(name: str, station: Station) -> None:
    fault = next(fault for fault in all_faults() if fault.name == name)
    tally = Tally()
    try_out(fault, station, 0, tally)
    assert tally.lost == []
    assert tally.wrong == []
    assert tally.completed == 1


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in all_faults()]
    assert len(set(names)) == len(names)
    assert set(CHOSEN) <= set(names)


def test_a_process_that_a_dead_server_keeps_waiting_ends_when_asked(tmp_path: Path) -> None:
    if reason := why_unusable():
        pytest.skip(reason)
    source, seen = tmp_path / "disk", tmp_path / "seen"
    for folder in (source, seen):
        folder.mkdir()
    with FaultyMount(source, seen) as mount:
        command = [sys.executable, "-c", STUCK, str(seen / "song.mp3")]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None and process.stdout.readline() == b"ready\n"
            mount.freeze()
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
            while Path(f"/proc/{process.pid}/wchan").read_text() != "request_wait_answer":
                time.sleep(0.01)
            process.terminate()
            out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert b"the next run settles what it left" in err
