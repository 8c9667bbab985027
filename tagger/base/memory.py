"""How much memory something takes."""

from __future__ import annotations

from pathlib import Path

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORGET_PEAK = "5"  # what Linux is told to forget the peak (proc(5))


class PeakMemory:
    """The most that this process holds above what it held when this was made; Linux only, elsewhere always 0."""

    def __init__(self) -> None:
        try:
            RESET.write_text(FORGET_PEAK, encoding="ascii")
            self._before = _kilobytes("VmRSS")
        except OSError:
            self._before = 0

    def megabytes(self) -> float:
        """Return the peak since then [MB]."""
        if not self._before:
            return 0.0
        return max(0, _kilobytes("VmHWM") - self._before) / 1000


def _kilobytes(key: str) -> int:
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{key}:")), 0)
