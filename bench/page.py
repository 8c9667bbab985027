"""`docs/performance.md`: what the benches print goes in between two markers, and prose of ours stays around it."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

import tagger

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
PACKAGES = ("av", "numpy", "scipy", "onnxruntime", "tensorflow", "librosa", "mutagen", "sqlalchemy")


def put(page: str, name: str, title: str, text: str) -> str:
    """Return a page with this text in the section of a bench; a section that is not there comes last.

    Parameters
    ----------
    page : str
        As it is now.
    name : str
        Of the bench, as in the markers ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``.
    title : str
        Of a new section.
    text : str
        What the bench printed.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if begin not in page or end not in page:
        page = f"{page.rstrip()}\n\n## {title}\n\n{begin}\n{end}\n"
    before, _, rest = page.partition(begin)
    _, _, behind = rest.partition(end)
    return f"{before}{begin}\n\n{text.strip()}\n\n{end}{behind}"


def circumstances(own: int, largest: int) -> str:
    """Return when and on what machine this runs, with which versions, and how much memory its processes took.

    Parameters
    ----------
    own, largest : int
        The most that the bench held, and the most that a process started by it held [KiB].
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return (
        f"*{datetime.datetime.now(datetime.UTC):%Y-%m-%d}; {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}; Python {platform.python_version()}, tagger {tagger.__version__}, "
        f"{versions}; peak memory of the bench {own / 1024:.0f} MiB, of the largest process it started "
        f"{largest / 1024:.0f} MiB*"
    )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
