"""What a command costs as a whole process, its helping processes included: time, bytes asked for, memory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOOK = 0.02  # [s] between looks at the memory of the processes
PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took.

    Parameters
    ----------
    seconds, cpu : float
        From its start to its end, and of all its processes together [s].
    read : int
        Bytes that it asked the system for, from files and pipes.
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
    code: int
    peaks: dict[int, int] = field(default_factory=dict)
    most: int = 0


def watched(command: Sequence[str | Path], memory: bool = False) -> Cost:
    """Run a command, its output thrown away; with `memory`, look at its processes all the while."""
    before, started = _read_so_far(), time.perf_counter()
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peaks: dict[int, int] = {}
    most = 0
    while memory and os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        held = 0
        for number in _family(process.pid):
            peak, now = _memory(number)
            peaks[number] = peak or peaks.get(number, 0)  # the last word: a process begins with its parent's memory
            held += now
        most = max(most, held)
        time.sleep(LOOK)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    # A process that has ended hands what it read on to the one that waited for it.
    return Cost(seconds, usage.ru_utime + usage.ru_stime, _read_so_far() - before, process.returncode, peaks, most)


def _read_so_far() -> int:
    lines = (PROCESSES / "self" / "io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar"))


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
