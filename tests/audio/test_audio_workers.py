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
from tagger.audio.hash import audio_hash
from tagger.audio.sounds import SOUNDS
from tagger.audio.spectrogram import FORMS
from tagger.audio.workers import AudioHasher, clip_stream, input_stream
from tagger.base import processes as helping
from tagger.base.errors import TaggerError, UnreadableAudio
from tagger.base.records import ClipSource

MEL = FORMS["mel"]

# A worker in which files of these names do what damaged files and decoders' bugs do.
TROUBLED = """
import os, time
from tagger.audio import worker
from tagger.base.child import run
def answer(question):
    path = os.path.basename(question.get("path") or question.get("hash"))
    if "crash" in path:
        os.abort()
    if "bug" in path:
        raise KeyError("no such thing")
    if "slow" in path:
        time.sleep(600)
    if "large" in path:
        raise MemoryError
    print("a library says something on standard output")
    return worker.answer(question)
run(answer, worker.MEMORY)
"""


@pytest.fixture
def troubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the troubled worker in the place of the real one."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "troubled.py").write_text(TROUBLED)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(workers, "MODULE", "troubled")


@pytest.fixture
def sources(tmp_path: Path, make_audio: Callable[..., Path]) -> list[ClipSource]:
    return [
        ClipSource(f"{number:016x}", bytes(make_audio(tmp_path / f"{number}.flac", "flac", 4.0, seed=number)), 4.0)
        for number in range(1, 7)
    ]


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("helper-")]
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    names = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children.read_text().split()]
    assert not [name for name in names if b"tagger.audio.worker" in name or b"troubled" in name]


@pytest.mark.parametrize("processes", [1, 2])
def test_results_are_those_of_this_process_in_order(sources: list[ClipSource], processes: int) -> None:
    found = list(clip_stream(sources, [1, 2], MEL, 3, processes))
    assert [source for source, _ in found] == sources
    for source, clips in found:
        expected = track_clips(source, [1, 2], MEL, 3)
        assert isinstance(clips, dict)
        assert clips.keys() == expected.keys()
        for seconds in (1, 2):
            np.testing.assert_array_equal(clips[seconds].inputs, expected[seconds].inputs)
            assert clips[seconds].offsets == expected[seconds].offsets


def test_input_stream_gives_the_inputs_alone(sources: list[ClipSource]) -> None:
    for source, pictures in input_stream(sources[:2], [2], MEL, 3, 1):
        assert isinstance(pictures, dict)
        np.testing.assert_array_equal(pictures[2], track_clips(source, [2], MEL, 3)[2].inputs)


@pytest.mark.slow
def test_loading_librosa_is_no_strike_against_a_file(sources: list[ClipSource]) -> None:
    ((_, found),) = input_stream(sources[:1], [1], SOUNDS["features"], 2, 1, time_limit=0.01)
    assert isinstance(found, dict), found
    assert (found[1].dtype, found[1].shape) == (np.float32, (2, 85))
    expected = track_clips(sources[0], [1], SOUNDS["features"], 2)[1].inputs
    np.testing.assert_allclose(found[1], expected, rtol=1e-4, atol=1e-4)


def test_arrays_of_any_type_come_through(sources: list[ClipSource]) -> None:
    for name in ("wave", "samples"):
        ((_, found),) = input_stream(sources[:1], [1], SOUNDS[name], 2, 1)
        expected = track_clips(sources[0], [1], SOUNDS[name], 2)[1].inputs
        assert found[1].dtype == expected.dtype == np.int16
        np.testing.assert_array_equal(found[1], expected)


def test_unreadable_files_are_reported_in_their_place(tmp_path: Path, sources: list[ClipSource]) -> None:
    odd = bytes(tmp_path) + b"/caf\xe9.mp3"
    with open(odd, "wb") as file:
        file.write(b"a shopping list")
    mixed = [sources[0], ClipSource("f" * 16, odd, 9.0), sources[1], ClipSource("e" * 16, b"/nowhere.mp3", 9.0)]
    found = list(input_stream(mixed, [1], MEL, 2, 2))
    assert [isinstance(result, UnreadableAudio) for _, result in found] == [False, True, False, True]
    assert found[1][1].path == os.fsdecode(odd)
    assert found[3][1].cause == "No such file or directory"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("crash", "the process that read it crashed (signal 6)"),
        ("bug", "the process that read it crashed (KeyError: 'no such thing')"),
        ("slow", "takes too long to read"),
        ("large", "needs more memory than any music does"),
    ],
)
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.usefixtures("troubled")
def test_a_file_that_kills_or_blocks_a_process_costs_only_itself(
    sources: list[ClipSource], name: str, cause: str, processes: int
) -> None:
    bad = ClipSource("b" * 16, f"/{name}.mp3".encode(), 9.0)
    mixed = [sources[0], bad, *sources[1:3], bad, sources[3]]
    found = list(input_stream(mixed, [1], MEL, 2, processes, time_limit=1.5))
    assert [source for source, _ in found] == mixed
    assert [isinstance(result, UnreadableAudio) for _, result in found] == [False, True, False, False, True, False]
    problems = [result for _, result in found if isinstance(result, UnreadableAudio)]
    assert {problem.cause for problem in problems} == {cause}
    assert all(problem.struck for problem in problems), "a strike against the file"


def test_processes_are_replaced_after_many_files(monkeypatch: pytest.MonkeyPatch, sources: list[ClipSource]) -> None:
    monkeypatch.setattr(helping, "JOBS", 2)
    started = []
    start = subprocess.Popen

    def counted(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(arguments)
        return start(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", counted)
    found = list(input_stream(sources, [1], MEL, 2, 1))
    assert all(isinstance(result, dict) for _, result in found)
    assert len(started) == 3


def test_processes_that_cannot_load_stop_the_run(monkeypatch: pytest.MonkeyPatch, sources: list[ClipSource]) -> None:
    monkeypatch.setattr(workers, "MODULE", "no_such_module")
    with pytest.raises(TaggerError, match=r"a helping process cannot be started: .*No module named no_such_module"):
        list(input_stream(sources, [1], MEL, 2, 2))


def test_processes_that_are_not_there_stop_the_run(monkeypatch: pytest.MonkeyPatch, sources: list[ClipSource]) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(TaggerError, match=r"a helping process cannot be started: .*No such file"):
        list(input_stream(sources, [1], MEL, 2, 2))


@pytest.mark.usefixtures("troubled")
def test_stopping_early_is_quick_and_takes_no_more_than_needed(sources: list[ClipSource]) -> None:
    taken = []

    def supply() -> Iterator[ClipSource]:
        for number in range(1000):
            taken.append(number)
            yield sources[0] if number == 0 else ClipSource("b" * 16, b"/slow.mp3", 9.0)

    stream = input_stream(supply(), [1], MEL, 2, 1)
    next(stream)
    before = time.monotonic()
    stream.close()
    assert time.monotonic() - before < 5
    assert len(taken) <= 2 * helping.AHEAD


@pytest.mark.usefixtures("troubled")
def test_a_signal_to_stop_does_not_wait_for_a_file_that_hangs(sources: list[ClipSource]) -> None:
    mixed = [sources[0], ClipSource("b" * 16, b"/slow.mp3", 9.0), sources[1]]
    heard: list[ClipSource] = []
    before = time.monotonic()
    for source, _ in input_stream(mixed, [1], MEL, 2, 1, stopping=lambda: bool(heard)):
        heard.append(source)
    assert heard == mixed[:1]
    assert time.monotonic() - before < 20


def test_no_sources_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert list(input_stream([], [1], MEL, 2, 2)) == []


def test_hashes_are_those_of_this_process(sources: list[ClipSource], tmp_path: Path) -> None:
    hasher = AudioHasher()
    try:
        assert [hasher(source.path) for source in sources] == [audio_hash(source.path) for source in sources]
        (tmp_path / "list.mp3").write_text("a shopping list")
        for path, postponed in ((tmp_path / "list.mp3", False), (tmp_path / "nowhere.mp3", True)):
            with pytest.raises(UnreadableAudio) as caught:
                hasher(bytes(path))
            assert caught.value.postponed is postponed
            assert not caught.value.struck
    finally:
        hasher.close()


@pytest.mark.usefixtures("troubled")
def test_a_file_that_crashes_the_hasher_costs_only_itself(sources: list[ClipSource], tmp_path: Path) -> None:
    bad = tmp_path / "crash.mp3"
    bad.write_bytes(b"x")
    hasher = AudioHasher()
    try:
        with pytest.raises(UnreadableAudio, match="crashed") as caught:
            hasher(bytes(bad))
        assert caught.value.struck
        assert hasher(sources[0].path) == audio_hash(sources[0].path), "the next file gets a new process"
    finally:
        hasher.close()


def test_a_worker_loads_nothing_that_it_does_not_need() -> None:
    code = "import sys, tagger.audio.worker; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "av" in loaded
    assert not {
        "tensorflow",
        "keras",
        "librosa",
        "numba",
        "scipy.stats",
        "scipy.signal",
        "sklearn",
        "mutagen",
        "sqlalchemy",
    } & set(loaded)


def test_a_worker_ends_with_its_input() -> None:
    command = [sys.executable, "-m", workers.MODULE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b'{"ready": true}\n'
        process.stdin.close()
        assert process.wait(timeout=20) == 0


def test_a_worker_ends_with_the_process_that_started_it(sources: list[ClipSource]) -> None:
    code = (
        "import os, sys, threading\n"
        "from tagger.base.processes import HelpingProcess\n"
        "process = HelpingProcess('tagger.audio.worker', threading.Event())\n"
        "print(process._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    child = Path(f"/proc/{int(done.stdout)}/stat")
    for _ in range(100):
        if not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.1)
    raise AssertionError("the worker outlived its parent")
