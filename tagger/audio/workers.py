"""Spread tracks over decoding processes; a file that crashes or blocks one of them costs only itself."""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tagger
from tagger.audio.clips import TrackClips
from tagger.audio.spectrogram import Form
from tagger.base.errors import TaggerError, UnreadableAudio
from tagger.base.records import ClipSource

TIME_LIMIT = 60.0  # [s] for one track: some hundred times what a good one takes, even on a slow network drive
START_LIMIT = 120.0  # [s] for a process to load its libraries; takes half a second on a quiet machine
WATCH = 0.5  # [s] between looks at whether the run was stopped
AHEAD = 8  # tracks per process that are decoded before somebody asks for them
JOBS = 5000  # tracks after which a process is replaced, so that no decoder's leak adds up over a night
READ = 1 << 20  # [bytes] read from a pipe at once

COMMAND = (sys.executable, "-m", "tagger.audio.worker")

# One thread per process: numpy's libraries would otherwise take every core for each of them.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

Found = dict[float, TrackClips]


class _Lost(Exception):
    """The process died, took too long or is no longer wanted; the message says which."""


@dataclass(slots=True)
class _Job:
    """A track on its way; `done` is set once `result` holds what came of it, or the error that ends the run."""

    source: ClipSource
    result: Found | Exception | None = None
    done: threading.Event = field(default_factory=threading.Event)


class _Process:
    """One decoding process, as seen from here; it is ready once this is made.

    Raises
    ------
    TaggerError
        If it does not start.
    """

    def __init__(self, stop: threading.Event) -> None:
        root = str(Path(tagger.__file__).parent.parent)
        search = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        self.jobs = 0
        self._stop = stop
        self._buffer = bytearray()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `end`)
        try:
            self._process = subprocess.Popen(
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                env=os.environ | _ONE_THREAD | {"PYTHONPATH": search},
                bufsize=0,
                process_group=0,  # Ctrl-C is for the run to handle; the process ends when its input does
            )
        except OSError as error:
            self._complaints.close()
            raise TaggerError(f"a decoding process cannot be started: {error.strerror or error}") from error
        try:
            self._answer(time.monotonic() + START_LIMIT)
        except _Lost as lost:
            self.end()
            raise TaggerError(f"a decoding process cannot be started: {lost}") from lost

    def ask(self, job: bytes, limit: float) -> tuple[dict[str, Any], list[bytearray]]:
        """Send a job and wait for its answer and the pictures' bytes.

        Raises
        ------
        _Lost
            If the process died, or did not answer within the limit [s].
        """
        self.jobs += 1
        try:
            self._process.stdin.write(job)  # type: ignore[union-attr]
        except BrokenPipeError:
            raise _Lost(self._why()) from None
        return self._answer(time.monotonic() + limit)

    def _answer(self, deadline: float) -> tuple[dict[str, Any], list[bytearray]]:
        while (end := self._buffer.find(b"\n")) < 0:
            self._receive(deadline)
        answer = json.loads(self._take(end + 1))
        pictures = []
        for clips in answer.get("clips", []):
            size = math.prod(clips["shape"])
            while len(self._buffer) < size:
                self._receive(deadline)
            pictures.append(self._take(size))
        return answer, pictures

    def _receive(self, deadline: float) -> None:
        pipe = self._process.stdout.fileno()  # type: ignore[union-attr]
        while not select.select([pipe], [], [], WATCH)[0]:
            if self._stop.is_set():
                raise _Lost("the run was stopped")
            if time.monotonic() > deadline:
                raise _Lost("takes too long to decode")
        received = os.read(pipe, READ)
        if not received:
            raise _Lost(self._why())
        self._buffer += received

    def _take(self, count: int) -> bytearray:
        taken = self._buffer[:count]
        del self._buffer[:count]
        return taken

    def _why(self) -> str:
        """Say how the process died, with the last line of what it printed."""
        code = self._process.wait()
        self._complaints.seek(0)
        lines = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
        how = f"signal {-code}" if code < 0 else lines[-1] if lines else f"exit code {code}"
        return f"the decoder crashed on it ({how})"

    def alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process now."""
        self._process.kill()
        with self._process:  # closes the pipes and waits
            self._complaints.close()


def clip_stream(
    sources: Iterable[ClipSource],
    seconds: Sequence[float],
    form: Form,
    clips: int,
    workers: int,
    time_limit: float = TIME_LIMIT,
) -> Generator[tuple[ClipSource, Found | UnreadableAudio], None, None]:
    """Cut clips of many tracks in processes that share nothing with this one.

    Parameters
    ----------
    sources : iterable of ClipSource
        Taken as needed, from the thread that iterates.
    seconds : sequence of float
        Lengths of the clips [s].
    form : Form
        What the pictures are like.
    clips : int
        How many of each length.
    workers : int
        Number of processes, at least 1.
    time_limit : float
        For one track [s].

    Yields
    ------
    source : ClipSource
        Each of `sources`, in their order.
    found : dict of float to TrackClips, or UnreadableAudio
        By length, those that the track is long enough for; or what is wrong with it.

    Raises
    ------
    TaggerError
        If the processes cannot be started.
    """
    waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
    order: dict[str, Any] = {"seconds": list(seconds), "form": form.card(), "clips": clips}
    stop = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(waiting, order, time_limit, stop), daemon=True, name=f"decoder-{number}")
        for number in range(max(1, workers))
    ]
    for thread in threads:
        thread.start()
    pending: deque[_Job] = deque()
    supply = iter(sources)
    try:
        while True:
            while len(pending) < AHEAD * len(threads) and (source := next(supply, None)) is not None:
                pending.append(_Job(source))
                waiting.put(pending[-1])
            if not pending:
                return
            job = pending.popleft()
            job.done.wait()
            if isinstance(job.result, dict | UnreadableAudio):
                yield job.source, job.result
            elif job.result is not None:
                raise job.result
    finally:
        stop.set()
        for _ in threads:
            waiting.put(None)
        for thread in threads:
            thread.join()


def spectrogram_stream(
    sources: Iterable[ClipSource],
    seconds: Sequence[float],
    form: Form,
    clips: int,
    workers: int,
    time_limit: float = TIME_LIMIT,
) -> Iterator[tuple[ClipSource, dict[float, NDArray[np.uint8]] | UnreadableAudio]]:
    """Yield the pictures alone, uint8 (clips, bands, columns) by length; otherwise as `clip_stream`."""
    with contextlib.closing(clip_stream(sources, seconds, form, clips, workers, time_limit)) as stream:
        for source, found in stream:
            if isinstance(found, UnreadableAudio):
                yield source, found
            else:
                yield source, {length: heard.images for length, heard in found.items()}


def _work(waiting: queue.SimpleQueue[_Job | None], order: dict[str, Any], limit: float, stop: threading.Event) -> None:
    """Pass jobs to a process, and put another one in its place when it dies, until told to stop."""
    process: _Process | None = None
    while (job := waiting.get()) is not None and not stop.is_set():
        try:
            if process and not process.alive():  # not the next file's fault
                process.end()
                process = None
            process = process or _Process(stop)
            job.result = _result(job.source, *process.ask(_line(job.source, order), limit))
            worn = process.jobs >= JOBS
        except _Lost as lost:
            job.result, worn = UnreadableAudio(job.source.path, str(lost)), True
        except Exception as error:  # raised again where somebody waits for this job
            job.result, worn = error, True
        if process and worn:
            process.end()
            process = None
        job.done.set()
    if process:
        process.end()


def _line(source: ClipSource, order: dict[str, Any]) -> bytes:
    """Return a job as the process reads it."""
    return json.dumps(order | {"track": source.track, "path": os.fsdecode(source.path)}).encode() + b"\n"


def _result(source: ClipSource, answer: dict[str, Any], pictures: Sequence[bytearray]) -> Found | UnreadableAudio:
    """Return what a process answered, as this one knows it."""
    if "problem" in answer:
        return UnreadableAudio(source.path, answer["problem"])
    return {
        clips["seconds"]: TrackClips(
            np.frombuffer(picture, dtype=np.uint8).reshape(clips["shape"]), tuple(clips["offsets"])
        )
        for clips, picture in zip(answer["clips"], pictures, strict=True)
    }
