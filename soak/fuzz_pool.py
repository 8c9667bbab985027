"""Child processes that try mutants, watched: one that dies or hangs is a finding, and another takes its place."""

from __future__ import annotations

import json
import os
import pickle
import queue
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from soak.fuzz_seeds import make_seeds
from soak.fuzz_trial import Trial

HANG = 10.0  # [CPU s] for one file
STUCK = 90.0  # [s] of any kind, for a file that waits for something; generous, since machines are shared
MEMORY_FOLDER = Path("/dev/shm")  # where syncing costs nothing
Case = tuple[str, int]  # kind and number
Take = Callable[[Case, Trial], None]


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder, in memory where there is such a place, that goes away with its context."""
    inside = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="tagger-fuzz-", dir=inside)


def try_all(cases: Iterable[Case], seed: int, workers: int, take: Take) -> None:
    """Try cases in several processes.

    Parameters
    ----------
    cases : iterable of (str, int)
        Kind and number of each.
    seed : int
        Makes the mutants of this run others than those of another seed.
    workers : int
        How many processes.
    take : callable
        Is given each case with its trial, in any order, by one thread at a time.
    """
    left: queue.SimpleQueue[Case] = queue.SimpleQueue()
    for case in cases:
        left.put(case)
    lock = threading.Lock()

    def taken(case: Case, trial: Trial) -> None:
        with lock:
            take(case, trial)

    with temporary_folder() as name:
        folder = Path(name)
        store_seeds(folder)
        threads = [
            threading.Thread(target=_work, args=(left, Child(folder, number, seed), taken)) for number in range(workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def store_seeds(folder: Path) -> None:
    """Make the seeds, and put them where the child processes find them."""
    (folder / "making").mkdir()
    (folder / "seeds").write_bytes(pickle.dumps(make_seeds(folder / "making")))


def _work(left: queue.SimpleQueue[Case], child: Child, take: Take) -> None:
    try:
        while True:
            case = left.get_nowait()
            take(case, child.ask(case))
    except queue.Empty:
        child.end()


class Child:
    """One process, and another one after each that ends on a file."""

    def __init__(self, folder: Path, number: int, seed: int, hang: float = HANG) -> None:
        self._seeds, self._seed, self._hang = folder / "seeds", seed, hang
        self._place = folder / f"place-{number}"
        self._log = folder / f"log-{number}"
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, case: Case) -> Trial:
        """Have one case tried."""
        process = self.process or self._start()
        assert process.stdin is not None and process.stdout is not None
        start = time.monotonic()
        with suppress(BrokenPipeError):  # it has died; there is no answer either
            process.stdin.write(f"{case[0]}:{case[1]}\n".encode())
        answer = b""
        while not answer.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, start + STUCK - time.monotonic()))
            part = os.read(process.stdout.fileno(), 1 << 16) if ready else b""
            if not part:
                return self._bury(process, stuck=not ready)
            answer += part
        return Trial(**json.loads(answer))

    def end(self) -> None:
        """Let the process end."""
        if self.process is not None:
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()
            self.process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self._place.mkdir(exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "soak.fuzz_worker",
            *map(str, (self._seeds, self._place, self._seed, self._hang)),
        ]
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=Path(__file__).parents[1],
                bufsize=0,
            )
        return self.process

    def _bury(self, process: subprocess.Popen[bytes], stuck: bool) -> Trial:
        """Return what is to be said of a file that ended its process."""
        if stuck:
            process.kill()
        self.end()
        self.process = None
        for entry in self._place.iterdir():
            entry.unlink()
        if stuck or process.returncode == -signal.SIGPROF:
            told = "waits for something" if stuck else f"more than {self._hang:g} CPU seconds"
            return Trial(seconds=self._hang, flaws=[f"hang: {told}"])
        how = signal.Signals(-process.returncode).name if process.returncode < 0 else f"code {process.returncode}"
        last_words = " ".join(self._log.read_text("utf-8", "replace").split("\n")[-12:]).strip()[-600:]
        return Trial(flaws=[f"crash: the process ended with {how}: {last_words}"])
