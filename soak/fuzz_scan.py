"""A library of nothing but damaged files, through the real `tagger scan`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from soak.fuzz_pool import temporary_folder
from soak.fuzz_seeds import kinds, make_seeds
from soak.fuzz_worker import mutant

LIMIT = 600.0  # [s] for a scan of some hundred small files, on a busy machine
SETTLED = 1_000_000_000  # [s] time of the files
SEEN = ("new", "changed", "moved", "unchanged", "unreadable")


@dataclass
class Scanned:
    """What a scan made of the mutants."""

    files: int
    code: int | None = None
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    flaws: list[str] = field(default_factory=list)


def scan_mutants(files: int, seed: int) -> Scanned:
    """Make a library of mutants and scan it twice: all files are accounted for, none is changed, nothing ends early."""
    scanned = Scanned(files)
    with temporary_folder() as folder:
        library = Path(folder) / "library"
        library.mkdir()
        (Path(folder) / "making").mkdir()
        seeds = make_seeds(Path(folder) / "making")
        for number in range(files):
            kind = list(kinds())[number % len(kinds())]
            path = library / f"{number:05}.{kinds()[kind]}"
            # other mutants than those that were tried one by one
            path.write_bytes(mutant(seeds, kind, 1_000_000 + number, seed)[0])
            os.utime(path, (SETTLED, SETTLED))
        before = _state(library)
        start = time.monotonic()
        first = _scan(scanned, Path(folder) / "home", library)
        scanned.seconds = time.monotonic() - start
        again = _scan(scanned, Path(folder) / "home", library)
        if first.get("unreadable") != again.get("unreadable") or again.get("new"):
            scanned.flaws.append(f"a second scan finds something else: {first}, then {again}")
        if _state(library) != before:
            scanned.flaws.append("the scan changed the library")
    scanned.counts = {kind: first.get(kind, 0) for kind in ("files", *SEEN)}
    return scanned


def _scan(scanned: Scanned, home: Path, library: Path) -> dict[str, int]:
    command = [sys.executable, "-m", "tagger", "--home", str(home), "--json", "scan", str(library)]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=LIMIT, cwd=Path(__file__).parents[1], check=False, text=True
        )
    except subprocess.TimeoutExpired:
        scanned.flaws.append(f"hangs: not done after {LIMIT:g} s")
        return {}
    scanned.code = done.returncode
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        scanned.flaws.append(f"exit code {done.returncode}: {' '.join(done.stderr.split())[-500:]}")
        return {}
    facts = json.loads(done.stdout)
    counts: dict[str, int] = facts["counts"]
    if not counts["files"] == scanned.files == sum(counts[kind] for kind in SEEN):
        scanned.flaws.append(f"not all of {scanned.files} files are accounted for: {counts}")
    if len(facts["errors"]) != counts["unreadable"]:
        scanned.flaws.append(f"{counts['unreadable']} files cannot be read, {len(facts['errors'])} are told")
    return counts


def _state(library: Path) -> dict[str, tuple[str, int]]:
    """Return digest and time of every file."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(library.iterdir())
    }
