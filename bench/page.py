"""`docs/performance.md`: what the benches print goes in between two markers, and prose of ours stays around it."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import io
import os
import platform
import resource
import sys
from collections.abc import Iterator
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


def circumstances() -> str:
    """Return when and on what machine this runs, with which versions, and the most memory of its processes so far."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    own, largest = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return (
        f"*{datetime.datetime.now(datetime.UTC):%Y-%m-%d}; {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}; Python {platform.python_version()}, tagger {tagger.__version__}, "
        f"{versions}; peak memory of the bench {own:.0f} MiB, of its largest process {largest:.0f} MiB*"
    )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


@contextlib.contextmanager
def overheard() -> Iterator[io.StringIO]:
    """Keep what is printed in the `with` block, besides printing it."""
    kept, out = io.StringIO(), sys.stdout

    class Both(io.TextIOBase):
        def write(self, text: str) -> int:
            kept.write(text)
            return out.write(text)

        def flush(self) -> None:
            out.flush()

    with contextlib.redirect_stdout(Both()):
        yield kept
