"""What a command costs as a whole process, its helping processes included: time, bytes asked for, memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

LOOK = 0.02  # [s] between looks at the memory of the processes
SELDOM = 0.25  # [s] between them where times are measured meanwhile
PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took.

    Parameters
    ----------
    seconds, cpu : float
        From its start to its end, and of all its processes together [s].
    read, written : int
        Bytes that it asked the system for, and that it gave to it, from and to files and pipes.
    code : int
        Its exit code.
    peaks : mapping of int to int
        The most memory [KiB] that each process held, by its number; the command's own first. Empty if not looked at.
    most : int
        The most that all held at once [KiB]; what they share counts for each of them.
    """

    seconds: float
    cpu: float
    read: int
    written: int
    code: int
    peaks: dict[int, int] = field(default_factory=dict)
    most: int = 0


def watched(command: Sequence[str | Path], memory: bool = False, out: IO[str] | None = None) -> Cost:
    """Run a command, its output thrown away or put into `out`; with `memory`, look at its processes all the while."""
    before, started = bytes_so_far(), time.perf_counter()
    process = subprocess.Popen([*map(str, command)], stdout=out or subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peaks: dict[int, int] = {}
    most = 0
    while memory and os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        most = max(most, _look(process.pid, peaks))
        time.sleep(LOOK)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    # A process that has ended hands what it read and wrote on to the one that waited for it.
    read, written = (now - then for now, then in zip(bytes_so_far(), before, strict=True))
    return Cost(seconds, usage.ru_utime + usage.ru_stime, read, written, process.returncode, peaks, most)


def overheard(command: Sequence[str | Path]) -> tuple[str, int, int]:
    """Run a command and print what it says.

    Returns
    -------
    said : str
        What it printed.
    own, largest : int
        The most memory [KiB] that it held, and the one that held most of those that it started. The system's own word
        on ended processes (`ru_maxrss`) is of no use: a process inherits the peak of the one that started it.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    peaks: dict[int, int] = {}
    said = []
    with process, _looked_at(process.pid, peaks):
        try:
            for line in process.stdout:
                said.append(line)
                sys.stdout.write(line)
                sys.stdout.flush()
        except BaseException:  # stopped: it has folders to clear away
            process.terminate()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    own = peaks.pop(process.pid, 0)
    return "".join(said), own, max(peaks.values(), default=0)


@contextlib.contextmanager
def _looked_at(number: int, peaks: dict[int, int]) -> Iterator[None]:
    """Keep an eye on the memory of a process and its helpers during the `with` block."""
    ended = threading.Event()

    def look() -> None:
        wait = LOOK
        while not ended.wait(wait):
            _look(number, peaks)
            wait = min(SELDOM, 2 * wait)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        ended.set()
        looking.join()


def bytes_so_far() -> tuple[int, int]:
    """Return how many bytes this process, and those that it waited for, have read and written."""
    lines = (PROCESSES / "self" / "io").read_text(encoding="ascii").splitlines()
    counts = {line.partition(":")[0]: int(line.split()[1]) for line in lines}
    return counts["rchar"], counts["wchar"]


def _look(process: int, peaks: dict[int, int]) -> int:
    """Note the peaks of a process and its helpers; return what they hold now [KiB]."""
    held = 0
    for number in _family(process):
        peak, now = _memory(number)
        peaks[number] = peak or peaks.get(number, 0)  # the last word: a process begins with its parent's memory
        held += now
    return held


def _family(number: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [number]
    for one in found:
        try:
            for thread in (PROCESSES / str(one) / "task").iterdir():
                found += map(int, (thread / "children").read_text(encoding="ascii").split())
        except OSError:
            continue  # it has ended
    return found


def _memory(number: int) -> tuple[int, int]:
    """Return the most memory that a process has held, and what it holds now [KiB]."""
    try:
        lines = (PROCESSES / str(number) / "status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0, 0
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmHWM", "VmRSS"))}
    return sizes.get("VmHWM", 0), sizes.get("VmRSS", 0)
