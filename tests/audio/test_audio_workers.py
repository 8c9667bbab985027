"""Decoding processes: results in order, a file that crashes or blocks one costs only itself, none is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tagger.audio import workers
from tagger.audio.clips import track_clips
from tagger.audio.spectrogram import FORMS
from tagger.audio.workers import clip_stream, spectrogram_stream
from tagger.base.errors import TaggerError, UnreadableAudio
from tagger.base.records import ClipSource

MEL = FORMS["mel"]

# A worker in which files of these names do what damaged files and decoders' bugs do.
TROUBLED = """
import os, sys, time
from tagger.audio import clips, worker
def track_clips(source, *rest):
    if b"crash" in source.path:
        os.abort()
    if b"bug" in source.path:
        raise KeyError("no such thing")
    if b"slow" in source.path:
        time.sleep(600)
    if b"large" in source.path:
        raise MemoryError
    print("a library says something on standard output")
    return clips.track_clips(source, *rest)
worker.track_clips = track_clips
worker.main()
"""


@pytest.fixture
def sources(tmp_path: Path, make_audio: Callable[..., Path]) -> list[ClipSource]:
    return [
        ClipSource(f"{number:016x}", bytes(make_audio(tmp_path / f"{number}.flac", "flac", 4.0, seed=number)), 4.0)
        for number in range(1, 7)
    ]


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decoder-")]
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    names = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children.read_text().split()]
    assert not [name for name in names if b"tagger.audio.worker" in name]


@pytest.mark.parametrize("processes", [1, 2])
def test_results_are_those_of_this_process_in_order(sources: list[ClipSource], processes: int) -> None:
    found = list(clip_stream(sources, [1, 2], MEL, 3, processes))
    assert [source for source, _ in found] == sources
    for source, clips in found:
        expected = track_clips(source, [1, 2], MEL, 3)
        assert isinstance(clips, dict)
        assert clips.keys() == expected.keys()
        for seconds in (1, 2):
            np.testing.assert_array_equal(clips[seconds].images, expected[seconds].images)
            assert clips[seconds].offsets == expected[seconds].offsets


def test_spectrogram_stream_gives_the_pictures_alone(sources: list[ClipSource]) -> None:
    for source, pictures in spectrogram_stream(sources[:2], [2], MEL, 3, 1):
        assert isinstance(pictures, dict)
        np.testing.assert_array_equal(pictures[2], track_clips(source, [2], MEL, 3)[2].images)


def test_unreadable_files_are_reported_in_their_place(tmp_path: Path, sources: list[ClipSource]) -> None:
    odd = bytes(tmp_path) + b"/caf\xe9.mp3"
    with open(odd, "wb") as file:
        file.write(b"a shopping list")
    mixed = [sources[0], ClipSource("f" * 16, odd, 9.0), sources[1], ClipSource("e" * 16, b"/nowhere.mp3", 9.0)]
    found = list(spectrogram_stream(mixed, [1], MEL, 2, 2))
    assert [isinstance(result, UnreadableAudio) for _, result in found] == [False, True, False, True]
    assert found[1][1].path == os.fsdecode(odd)
    assert found[3][1].cause == "No such file or directory"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("crash", "the decoder crashed on it (signal 6)"),
        ("bug", "the decoder crashed on it (KeyError: 'no such thing')"),
        ("slow", "takes too long to decode"),
        ("large", "needs more memory to decode than any music does"),
    ],
)
@pytest.mark.parametrize("processes", [1, 2])
def test_a_file_that_kills_or_blocks_a_process_costs_only_itself(
    monkeypatch: pytest.MonkeyPatch, sources: list[ClipSource], name: str, cause: str, processes: int
) -> None:
    monkeypatch.setattr(workers, "COMMAND", (sys.executable, "-c", TROUBLED))
    bad = ClipSource("b" * 16, f"/{name}.mp3".encode(), 9.0)
    mixed = [sources[0], bad, *sources[1:3], bad, sources[3]]
    found = list(spectrogram_stream(mixed, [1], MEL, 2, processes, time_limit=1.5))
    assert [source for source, _ in found] == mixed
    assert [isinstance(result, UnreadableAudio) for _, result in found] == [False, True, False, False, True, False]
    assert {result.cause for _, result in found if isinstance(result, UnreadableAudio)} == {cause}


def test_processes_are_replaced_after_many_files(monkeypatch: pytest.MonkeyPatch, sources: list[ClipSource]) -> None:
    monkeypatch.setattr(workers, "JOBS", 2)
    started = []
    start = subprocess.Popen

    def counted(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(arguments)
        return start(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", counted)
    found = list(spectrogram_stream(sources, [1], MEL, 2, 1))
    assert all(isinstance(result, dict) for _, result in found)
    assert len(started) == 3


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ((sys.executable, "-c", "raise SystemExit('no module named tagger')"), "no module named tagger"),
        (("/nowhere/python",), "No such file"),
    ],
    ids=["ends-at-once", "is-not-there"],
)
def test_processes_that_do_not_start_stop_the_run(
    monkeypatch: pytest.MonkeyPatch, sources: list[ClipSource], command: tuple[str, ...], cause: str
) -> None:
    monkeypatch.setattr(workers, "COMMAND", command)
    with pytest.raises(TaggerError, match=f"a decoding process cannot be started: .*{cause}"):
        list(spectrogram_stream(sources, [1], MEL, 2, 2))


def test_stopping_early_is_quick_and_takes_no_more_than_needed(
    monkeypatch: pytest.MonkeyPatch, sources: list[ClipSource]
) -> None:
    monkeypatch.setattr(workers, "COMMAND", (sys.executable, "-c", TROUBLED))
    taken = []

    def supply() -> Iterator[ClipSource]:
        for number in range(1000):
            taken.append(number)
            yield sources[0] if number == 0 else ClipSource("b" * 16, b"/slow.mp3", 9.0)

    stream = spectrogram_stream(supply(), [1], MEL, 2, 1)
    next(stream)
    before = time.monotonic()
    stream.close()
    assert time.monotonic() - before < 5
    assert len(taken) <= 2 * workers.AHEAD


def test_no_sources_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "COMMAND", ("/nowhere/python",))
    assert list(spectrogram_stream([], [1], MEL, 2, 2)) == []


def test_a_worker_loads_nothing_that_it_does_not_need() -> None:
    code = "import sys, tagger.audio.worker; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "av" in loaded
    assert not {"tensorflow", "keras", "librosa", "numba", "scipy", "sklearn", "mutagen", "sqlalchemy"} & set(loaded)


def test_a_worker_ends_with_its_input() -> None:
    with subprocess.Popen([*workers.COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b'{"ready": true}\n'
        process.stdin.close()
        assert process.wait(timeout=20) == 0
