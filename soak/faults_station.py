"""A station for faults: a small library, a home in which a person has decided every genre, and real runs over them."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from soak.faults_mount import FaultyMount, unmount
from soak.kills_evidence import Music, survey
from tagger.audio.encode import encode
from tagger.library.compose import compose_tags

RATE = 22050  # [Hz]
SECONDS = {"large.wav": 20.0}  # of these files; two seconds of the others
NAMES = ("one.mp3", "two.flac", "three.ogg", "four.m4a", "five.opus", "large.wav")
GENRE = "Jazz"
PLANNED = frozenset(NAMES)
LONGEST = 300.0  # [s] that a run may take before something is wrong
SETTINGS = {
    "TAGGER_SETTLE_MINUTES": "0",
    "TAGGER_MIN_SECONDS": "0.5",
    "TAGGER_WORKERS": "1",
    "TAGGER_PROBE_SECONDS": "3",
}
NO_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")  # root without root's rights


@dataclass(frozen=True)
class Ended:
    """How a run ended, and what it said: the object on stdout, the lines on stderr."""

    code: int
    facts: dict[str, Any]
    err: str

    @property
    def counts(self) -> dict[str, int]:
        """The counts of the command."""
        return dict(self.facts.get("counts", {}))

    def seen(self) -> list[str]:
        """Return what people are told, each thing once."""
        reasons = [str(item["reason"]) for item in self.facts.get("plan", [])]
        told = [reason for reason in reasons if reason.startswith(("left alone", "failed", "postponed"))]
        problems = [str(problem["error"]) for problem in self.facts.get("errors", [])]
        return list(dict.fromkeys([*self.err.splitlines(), *told, *problems]))


@dataclass
class Station:
    """A folder with a home and a library, both brought back to what they were before each trial.

    `disk` is where the files lie when something is mounted over the library. `originals` are the files before the
    first write; a trial that changes a file itself says so there.
    """

    folder: Path
    originals: dict[str, Music] = field(default_factory=dict)
    _made: dict[str, Music] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def library(self) -> Path:
        return self.folder / "music"

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    @property
    def album(self) -> Path:
        """The folder in which all files lie."""
        return self.library / "Artist" / "Album"

    # --- states

    def prepare(self) -> None:
        """Make the library, scan it, and let a person decide the genre of each file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._make_library()
        self.home.mkdir()
        self._keep("empty")
        self.expect(0, "scan", self.library)
        answers = self.folder / "review.csv"
        with answers.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("path", "decision"))
            writer.writerows((self.album / name, GENRE) for name in NAMES)
        self.expect(0, "review", "import", answers)
        self._made = survey(self.library)
        self._keep("decided")
        self.expect(0, "write", "--apply")
        self._keep("written")

    def _make_library(self) -> None:
        random = np.random.default_rng(1)
        self.album.mkdir(parents=True)
        for name in (*NAMES, "labelled.mp3"):
            sound = 0.1 * random.standard_normal((int(SECONDS.get(name, 2.0) * RATE), 1))
            path, container = self.album / name, name.rpartition(".")[2]
            encode(path, sound.astype(np.float32), RATE, container)
            genre = {"genre": "Rock"} if name == "labelled.mp3" else {}
            compose_tags(os.fsencode(path), container, {"artist": "Artist", "title": name, **genre})
        with contextlib.suppress(OSError):  # not every file system has these
            os.setxattr(self.album / "two.flac", "user.note", b"from the archive")
        an_hour_ago = time.time() - 3600
        for path in self.album.iterdir():
            os.utime(path, (an_hour_ago, an_hour_ago))

    def _keep(self, state: str) -> None:
        for part in (self.home, self.library):
            _copy(part, self.folder / "kept" / state / part.name)

    @contextlib.contextmanager
    def restored(self, state: str = "decided") -> Iterator[Station]:
        """Bring home and library back to a state; nothing stays mounted afterwards."""
        kept = self.folder / "kept" / state
        for part in (self.home, self.library, self.disk):
            if part.exists():
                shutil.rmtree(part)
        (self.folder / "linked").unlink(missing_ok=True)
        _copy(kept / "home", self.home)
        _copy(kept / "music", self.library)
        self.environment, self.originals = {}, dict(self._made)
        try:
            yield self
        finally:
            for part in (self.library, self.home):
                unmount(part)

    @contextlib.contextmanager
    def on_faulty_disk(self, **options: bool) -> Iterator[FaultyMount]:
        """Put the library onto the faulty file system, with no rule yet."""
        self.library.rename(self.disk)
        self.library.mkdir()
        with FaultyMount(self.disk, self.library, **options) as mount:
            yield mount

    def copy_from_disk(self, folder: Path | None = None) -> None:
        """Copy what lies on the disk into the library (or the home), which is on another disk now."""
        shutil.copytree(self.disk, folder or self.library, symlinks=True, dirs_exist_ok=True)

    @staticmethod
    def fill(path: Path, free: int) -> None:
        """Make a file that leaves so many bytes free on its disk."""
        disk = os.statvfs(path.parent)
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, disk.f_bavail * disk.f_frsize - free))

    # --- runs

    def start(self, *arguments: str | Path, under: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start a command in a process of its own, under another command that takes rights or room from it."""
        command = (*under, sys.executable, "-m", "tagger", "--home", self.home, "--json", *arguments)
        return subprocess.Popen(
            [str(word) for word in command],
            cwd=Path(__file__).parent.parent,
            env={**os.environ, **SETTINGS, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
        )

    def finish(self, process: subprocess.Popen[str], seconds: float = LONGEST) -> Ended:
        """Wait for a command; one that does not end in time is killed."""
        try:
            out, err = process.communicate(timeout=seconds)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        return Ended(process.returncode, json.loads(out) if out.strip() else {}, err)

    def run(self, *arguments: str | Path, under: Sequence[str] = ()) -> Ended:
        """Run a command to its end."""
        return self.finish(self.start(*arguments, under=under))

    def expect(self, code: int, *arguments: str | Path) -> Ended:
        """Run a command that must end like this."""
        ended = self.run(*arguments)
        if ended.code != code:
            raise RuntimeError(
                f"tagger {' '.join(map(str, arguments))} ended with {ended.code}: {ended.err}{ended.facts}"
            )
        return ended

    # --- what became of it

    def unwritten(self) -> set[str]:
        """Return the names of the files that were to get a genre and have not got it."""
        there = {Path(path).name: music for path, music in survey(self.library).items()}
        return {name for name in PLANNED if name not in there or there[name].content.genres != {GENRE}}

    def last_run(self) -> str:
        """Return the id of the run that wrote."""
        lines = (self.folder / "kept" / "written" / "home" / "journal.jsonl").read_text("ascii").splitlines()
        return str(json.loads(lines[-1])["run"])


def _copy(source: Path, target: Path) -> None:
    """Copy a folder with times, modes and attributes, so that a scan finds every file unchanged."""
    shutil.copytree(source, target, symlinks=True)
