"""A station to be killed: a home and a library, the states that it can be brought back to, and ways to end its runs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from soak.kills_evidence import Music, read_journal, runs_to_undo, survey
from soak.kills_library import make_library

SETTINGS = {
    **{"TAGGER_PROMISE": "0", "TAGGER_SETTLE_MINUTES": "0", "TAGGER_MIN_SECONDS": "0.5", "TAGGER_WORKERS": "2"},
    **{"TAGGER_EPOCHS": "2", "TAGGER_CLIPS": "2", "TAGGER_CLIP_SECONDS": "1"},
}
STATION = "SOAK_STATION"  # in the environment of everything that a station starts, to find what outlives it
POLL = 0.002  # [s] between looks at a process
LONGEST = 600.0  # [s] that a run may take before something is wrong
OUTLIVED = 120.0  # [s] that children may outlive a killed run: a decoder may have a track under way
UNDO = "undo"
COMMANDS = ("scan", "write", UNDO, "classify", "dataset", "train", "nightly")

# From which states each command is run, and what makes a state: the one before it, and the command that leads to it.
STATES = {
    "empty": None,
    "scanned": ("empty", "scan"),
    "moved": ("scanned", None),
    "clipped": ("scanned", "dataset"),
    "learned": ("clipped", "train"),
    "heard": ("learned", "classify"),
    "written": ("heard", "write"),
}
BEGUN_FROM = {
    "scan": ("empty", "moved"),
    "write": ("heard",),
    UNDO: ("written",),
    "classify": ("learned",),
    "dataset": ("scanned",),
    "train": ("clipped",),
    "nightly": ("learned", "scanned"),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: its code (-9: killed), what it printed, and how long it worked [s], imports left out."""

    code: int
    said: str
    seconds: float


@dataclass(slots=True)
class Baseline:
    """A command that nothing disturbs, from one state: how long it works [s], and its steps."""

    seconds: float
    steps: list[str]


@dataclass
class Station:
    """A folder with a home, a library, and kept states of both.

    `originals` are the files before the first write, under the paths of the present state.
    """

    folder: Path
    baselines: dict[tuple[str, str], Baseline] = field(default_factory=dict)
    originals: dict[str, Music] = field(default_factory=dict)
    _kept: dict[str, dict[str, Music]] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def library(self) -> Path:
        return self.folder / "library"

    # --- states

    def prepare(self, commands: Collection[str]) -> None:
        """Make the library and all states that these commands begin from, measuring the commands that lead there."""
        self.library.mkdir(parents=True)
        self.home.mkdir()
        make_library(self.library)
        self._keep("empty")
        wanted = {state for command in commands for state in BEGUN_FROM[command]}
        for state in list(wanted):
            while made := STATES[state]:
                state = made[0]
                wanted.add(state)
        for state, made in STATES.items():
            if state in wanted and made is not None:
                self._make(state, *made)

    def clone(self, folder: Path) -> Station:
        """Return a station like this one, with all its states, in a folder whose name is as long as this one's.

        Index and journal hold absolute paths; in the copies, bytes make way for as many others.
        """
        if len(os.fsencode(folder)) != len(os.fsencode(self.folder)):
            raise ValueError(f"{folder} is not as long as {self.folder}")
        old, new = (f"{one}/" for one in (self.folder, folder))
        shutil.copytree(self.folder, folder)
        for path in (*folder.glob("kept/*/home/index.db*"), *folder.glob("kept/*/home/journal.jsonl")):
            path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
        kept = {
            state: {name.replace(old, new, 1): music for name, music in originals.items()}
            for state, originals in self._kept.items()
        }
        return Station(folder, dict(self.baselines), _kept=kept)

    def baseline(self, command: str, state: str) -> Baseline:
        """Return what a command does undisturbed from a state; measured when it is asked for first."""
        if (command, state) not in self.baselines:
            self.restore(state)
            self._measure(command, state)
        return self.baselines[command, state]

    def _make(self, state: str, before: str, command: str | None) -> None:
        self.restore(before)
        if command is None:
            (self.library / "Artist 00").rename(self.library / "Artist 00, moved")
            (self.library / "Untagged" / "mp3.mp3").rename(self.library / "The Band" / "moved.mp3")
        else:
            self._measure(command, before)
        if state == "heard":
            self._decide()
        self._keep(state)

    def _decide(self) -> None:
        """Say a genre for what the model cannot hear, as a person does in review: these will be written too."""
        silent = [path for path in survey(self.library) if path.endswith((".ape", ".mpc"))]
        csv = self.folder / "review.csv"
        csv.write_text("path,decision\n" + "".join(f"{path},Jazz\n" for path in silent), encoding="utf-8")
        self._must_do("review", "import", str(csv))

    def _measure(self, command: str, state: str) -> None:
        log = self.folder / "steps"
        started = self.start(command, conditions={"log": str(log)})
        ended = self.wait(started)
        if ended.code != 0:
            raise RuntimeError(f"{command} from {state} ended with {ended.code} undisturbed: {ended.said}")
        steps = log.read_text(encoding="utf-8").splitlines()
        self.baselines[command, state] = Baseline(ended.seconds, steps)

    def _must_do(self, *words: str) -> None:
        ended = self.wait(self._start([sys.executable, "-m", "tagger"], words))
        if ended.code != 0:
            raise RuntimeError(f"{words} ended with {ended.code}: {ended.said}")

    def _keep(self, state: str) -> None:
        now = survey(self.library)
        changed = any(music.content.note is not None for music in now.values())
        self._kept[state] = dict(self._kept["heard"]) if changed else now
        for name in ("home", "library"):
            shutil.copytree(self.folder / name, self.folder / "kept" / state / name)

    def restore(self, state: str) -> None:
        """Bring home and library back to a state."""
        for name in ("home", "library"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            shutil.copytree(self.folder / "kept" / state / name, self.folder / name)
        self.originals = self._kept[state]

    # --- runs

    def words(self, command: str) -> list[str]:
        """Return a command as it is typed."""
        library = str(self.library)
        if command == UNDO:
            runs = runs_to_undo(self.home) or [change.facts["run"] for change in read_journal(self.home).values()]
            return ["undo", runs[0]] if runs else ["scan", library]
        options = {"scan": [library], "write": ["--apply"], "nightly": [library, "--apply"]}
        return [command, *options.get(command, [])]

    def start(self, command: str, conditions: dict[str, object] | None = None) -> subprocess.Popen[bytes]:
        """Start a command; with conditions, as `soak.doomed` takes them, under its eyes."""
        if conditions is None:
            return self._start([sys.executable, "-m", "tagger"], self.words(command))
        given = json.dumps({"roots": [str(self.library), str(self.home)], **conditions})
        return self._start([sys.executable, "-m", "soak.doomed", given], self.words(command))

    def _start(self, program: Sequence[str], words: Sequence[str]) -> subprocess.Popen[bytes]:
        self._holder.unlink(missing_ok=True)  # of a run that was killed: it must not be taken for this one's
        with (self.folder / "said").open("w") as said:
            return subprocess.Popen(
                [*program, "--home", str(self.home), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=_environment() | SETTINGS | {STATION: str(self.folder)},
                cwd=Path(__file__).parents[1],
                start_new_session=True,
            )

    @property
    def _holder(self) -> Path:
        return self.home / "tagger.lock.holder"

    def wait(self, process: subprocess.Popen[bytes], kill_after: float | None = None, tree: bool = False) -> Ended:
        """Wait for a run to end, or end it some seconds after it began its work; `tree`: with all its children."""
        deadline = time.monotonic() + LONGEST
        while process.poll() is None and not self._holder.exists() and time.monotonic() < deadline:
            time.sleep(POLL)
        began = time.monotonic()
        limit = deadline - began if kill_after is None else kill_after
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(limit, 0.0))
        seconds = time.monotonic() - began
        if process.poll() is None:
            children = _descendants(process.pid) if tree else []
            for pid in (process.pid, *children):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        code = process.wait()
        return Ended(code, (self.folder / "said").read_text(encoding="utf-8", errors="replace"), seconds)

    def orphans(self) -> list[str]:
        """Wait for what a killed run left running to end by itself; return what does not."""
        deadline = time.monotonic() + OUTLIVED
        while found := _processes_of(str(self.folder)):
            if time.monotonic() > deadline:
                return found
            time.sleep(POLL)
        return []


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TAGGER_")}


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path("/proc", str(pid), "task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _processes_of(station: str) -> list[str]:
    """Return the command lines of the processes that this station started."""
    wanted = f"{STATION}={station}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended, or somebody else's
            if wanted in (process / "environ").read_bytes() + b"\0":
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found
