"""Questions about files, spread over helping processes; a file that crashes or blocks one of them costs only itself."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import tagger
from tagger.base.errors import TaggerError

START_LIMIT = 120.0  # [s] for a process to load its libraries; takes half a second on a quiet machine
WATCH = 0.5  # [s] between looks at whether the run was stopped
AHEAD = 8  # questions per process that are answered before somebody asks for the answers
JOBS = 5000  # questions after which a process is replaced, so that no library's leak adds up over a night
READ = 1 << 20  # [bytes] read from a pipe at once

# One thread per process: numpy's libraries would otherwise take every core for each of them. And glibc is to keep the
# memory of one file for the next: giving it back and faulting it in again took a sixth of the time for a track's clips.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}  # [bytes]

Subject = TypeVar("Subject")
Question = dict[str, Any]


class Lost(Exception):
    """The process died or took too long over a question: a strike against the file; the message says which."""


class Unwanted(Exception):
    """The run was stopped while a question was open."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process said, and the bytes that came with it."""

    said: dict[str, Any]
    content: list[bytearray]


class HelpingProcess:
    """One helping process, as seen from here; it is ready once this is made.

    Parameters
    ----------
    module : str
        What it runs: a module whose `__main__` part calls `child.run`.
    stop : threading.Event
        Set when nobody wants answers any more.

    Raises
    ------
    TaggerError
        If it does not start.
    """

    def __init__(self, module: str, stop: threading.Event) -> None:
        root = str(Path(tagger.__file__).parent.parent)
        search = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        self.jobs = 0
        self._stop = stop
        self._buffer = bytearray()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `end`)
        try:
            self._process = subprocess.Popen(
                (sys.executable, "-m", module),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                env=os.environ | _ONE_THREAD | _KEPT_MEMORY | {"PYTHONPATH": search},
                bufsize=0,
                process_group=0,  # Ctrl-C is for the run to handle; the process ends when its input does
            )
        except OSError as error:
            self._complaints.close()
            raise TaggerError(f"a helping process cannot be started: {error.strerror or error}") from error
        try:
            self._answer(time.monotonic() + START_LIMIT)
        except Lost as lost:
            self.end()
            raise TaggerError(f"a helping process cannot be started: {lost}") from lost
        except BaseException:
            self.end()
            raise

    def ask(self, question: Question, limit: float) -> Answer:
        """Send a question and wait for its answer.

        Parameters
        ----------
        question : dict
            Fit for JSON.
        limit : float
            How long it may take [s].

        Raises
        ------
        Lost
            If the process died, or did not answer in time. It is then of no more use.
        Unwanted
            If the run was stopped meanwhile; likewise.
        """
        self.jobs += 1
        try:
            self._process.stdin.write(json.dumps(question).encode("ascii") + b"\n")  # type: ignore[union-attr]
        except BrokenPipeError:
            raise Lost(self._why()) from None
        return self._answer(time.monotonic() + limit)

    def _answer(self, deadline: float) -> Answer:
        while (end := self._buffer.find(b"\n")) < 0:
            self._receive(deadline)
        said = json.loads(self._take(end + 1))
        content = []
        for size in said.get("bytes", []):
            while len(self._buffer) < size:
                self._receive(deadline)
            content.append(self._take(size))
        return Answer(said, content)

    def _receive(self, deadline: float) -> None:
        pipe = self._process.stdout.fileno()  # type: ignore[union-attr]
        while not select.select([pipe], [], [], WATCH)[0]:
            if self._stop.is_set():
                raise Unwanted
            if time.monotonic() > deadline:
                raise Lost("takes too long to read")
        received = os.read(pipe, READ)
        if not received:
            raise Lost(self._why())
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
        return f"the process that read it crashed ({how})"

    def alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process now. One that hangs in a call to a dead server is left to the system."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        self._complaints.close()


class Helper:
    """One helping process for one question after another; started when first asked, started anew when lost."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._stop = threading.Event()
        self._process: HelpingProcess | None = None

    def ask(self, question: Question, limit: float) -> Answer:
        """Ask; see `HelpingProcess.ask`."""
        if self._process and (self._process.jobs >= JOBS or not self._process.alive()):
            self.close()
        self._process = self._process or HelpingProcess(self._module, self._stop)
        try:
            return self._process.ask(question, limit)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process:
            self._process.end()
            self._process = None


@dataclass(slots=True)
class _Job(Generic[Subject]):
    """A question on its way; `done` is set once `result` holds the answer, or the error that ends the run."""

    subject: Subject
    question: Question
    result: Answer | Exception | None = None
    done: threading.Event = field(default_factory=threading.Event)


def answers(
    module: str,
    questions: Iterable[tuple[Subject, Question]],
    workers: int,
    limit: float,
    stopping: Callable[[], bool] | None = None,
) -> Generator[tuple[Subject, Answer | Lost], None, None]:
    """Ask helping processes that share nothing with this one.

    Parameters
    ----------
    module : str
        What the processes run.
    questions : iterable of (subject, dict)
        Taken as needed, from the thread that iterates. The subject is handed back.
    workers : int
        Number of processes, at least 1; each is started when there is a question for it.
    limit : float
        For one question [s].
    stopping : callable, optional
        Asked while an answer is waited for; once it says yes, what is open is given up, and no more comes.

    Yields
    ------
    subject
        Of each of `questions`, in their order.
    answer : Answer or Lost

    Raises
    ------
    TaggerError
        If the processes cannot be started.
    """
    waiting: queue.SimpleQueue[_Job[Subject] | None] = queue.SimpleQueue()
    stop = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(waiting, module, limit, stop), daemon=True, name=f"helper-{number}")
        for number in range(max(1, workers))
    ]
    for thread in threads:
        thread.start()
    pending: deque[_Job[Subject]] = deque()
    supply = iter(questions)
    try:
        while True:
            while len(pending) < AHEAD * len(threads) and (pair := next(supply, None)) is not None:
                pending.append(_Job(*pair))
                waiting.put(pending[-1])
            if not pending:
                return
            job = pending.popleft()
            while not job.done.wait(WATCH):
                if stopping and stopping():
                    return
            if isinstance(job.result, Answer | Lost):
                yield job.subject, job.result
            elif job.result is not None:
                raise job.result
    finally:
        stop.set()
        for _ in threads:
            waiting.put(None)
        for thread in threads:
            thread.join()


def _work(waiting: queue.SimpleQueue[Any], module: str, limit: float, stop: threading.Event) -> None:
    """Pass questions to a process, and put another one in its place when it dies, until told to stop."""
    process: HelpingProcess | None = None
    while (job := waiting.get()) is not None and not stop.is_set():
        try:
            if process and not process.alive():  # not the next file's fault
                process.end()
                process = None
            process = process or HelpingProcess(module, stop)
            job.result = process.ask(job.question, limit)
            worn = process.jobs >= JOBS
        except Exception as error:  # raised again where somebody waits for this answer, unless it is a strike
            job.result, worn = error, True
        if process and worn:
            process.end()
            process = None
        job.done.set()
    if process:
        process.end()
