"""What every command works with: home, settings, console, genre map, index, journal, lock, and the way to stop.

A command that changes the index or files calls `begin`, which takes the lock, opens the index, settles what an
earlier run left unfinished, and starts a run. One that changes only other parts of the home calls `lock`, the others
call `look`.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import logging.handlers
import os
import secrets
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.base.errors import EXIT_DONE, EXIT_MANY_FILES_FAILED, EXIT_STOPPED, FileProblem, Stopped, TaggerError
from tagger.base.home import Home, find_home
from tagger.base.lock import run_lock
from tagger.base.records import Problem
from tagger.base.settings import Settings, load_settings
from tagger.commands.console import Console, print_json
from tagger.commands.stopping import StopSignals

if TYPE_CHECKING:
    from tagger.audio.workers import AudioHasher
    from tagger.genres.map import GenreMap
    from tagger.index.journal import Journal
    from tagger.index.store import Index

LOG_BYTES = 5_000_000
TOLD = "told"  # in the index's meta table, by command: the problems that its last run told
LOG_FILES = 5
TALLIED = {"files": "files read", "classified": "tracks classified", "written": "files written"}
DEMO_HOME = "tagger-demo"
MANY_FILES = 10  # more problems than this,
MANY_SHARE = 0.01  # and than this share of the files, make exit code 1

log = logging.getLogger("tagger")


@dataclass
class Outcome:
    """What a command hands back.

    `lines` are for people; `asked` says that they are what the command is for, so they are printed to a pipe too;
    otherwise they are printed off a terminal only if `noteworthy`. `looked_at` is the number of files that the
    share of problems is judged by.
    """

    counts: dict[str, int] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    asked: bool = False
    noteworthy: bool = False
    looked_at: int = 0
    exit_code: int = EXIT_DONE


class Session:
    """One invocation of the command line."""

    def __init__(self, command: str, home: Home, index_url: str | None, settings: Settings, console: Console) -> None:
        self.command = command
        self.home = home
        self.settings = settings
        self.console = console
        self.problems: list[Problem] = []
        self._told_before: set[str] = set()
        self.run_id: str | None = None
        self.started = time.monotonic()
        self.deadline: float | None = None  # by time.monotonic()
        self.tally: Counter[str] = Counter()  # of what is done so far, for the summary of a run that is stopped
        self._index_url = index_url
        self._signals = StopSignals(lambda: console.say("stopping after the file at hand; once more to stop at once"))
        self._closing = contextlib.ExitStack()

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> Session:
        """Make the session that the parsed command line asks for."""
        given = vars(arguments)
        home = _home_of(given["command"], given.get("home"))
        console = Console(given.get("json", False), given.get("verbose", False), given.get("quiet", False))
        flags = {key: given[key] for key in Settings.model_fields if given.get(key) is not None}
        settings = load_settings(home.settings, flags)
        return cls(given["command"], home, given.get("index") or os.environ.get("TAGGER_INDEX"), settings, console)

    # --- begin and end

    def __enter__(self) -> Session:
        self._closing.enter_context(self._signals)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        try:
            if self.run_id is not None and error is not None:
                self._end("failed", dict(self.tally))
                log.error("%s failed: %s", self.command, error)
        finally:
            self._closing.close()

    def _end(self, status: str, counts: dict[str, int]) -> None:
        """Record how the run ended, if the index can still take it: what ended the run matters more."""
        with contextlib.suppress(TaggerError):
            self.index.runs.finish(self.run_id or "", status, counts)

    def look(self) -> None:
        """Get ready to read: the home exists and the index opens."""
        self.home.create()
        _ = self.index

    def lock(self) -> None:
        """Get ready to change the home where neither index nor model is needed: the lock, and no run."""
        self.home.create()
        self._closing.enter_context(run_lock(self.home.lock, self.command))
        self._log_to_file()

    def begin(self) -> str:
        """Get ready to change something: lock, index, unfinished business, a run of its own.

        Returns
        -------
        str
            The id of the run.
        """
        self.lock()
        _ = self.index, self.genre_map
        self._closing.enter_context(self.index.hold(self.command))
        from tagger.commands.settle import settle

        settle(self)
        self.run_id = f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(2)}"
        self.index.runs.start(self.run_id, self.command)
        log.info("%s begins, run %s", self.command, self.run_id)
        self.refresh_labels()
        self._told_before = set(self.index.meta.get(f"{TOLD}:{self.command}", []))
        return self.run_id

    def finish(self, outcome: Outcome) -> int:
        """Record the end of the run, print what happened, and return the exit code."""
        if outcome.exit_code == EXIT_DONE and self._too_many_problems(outcome.looked_at):
            outcome.exit_code = EXIT_MANY_FILES_FAILED
        if self.run_id is not None:
            self.index.runs.finish(self.run_id, "done", outcome.counts)
            self.index.meta.set(f"{TOLD}:{self.command}", sorted(self._told()))
            log.info("%s done: %s", self.command, outcome.counts)
        if self.console.as_json:
            print_json(self._facts(outcome))
        elif not self.console.quiet and (
            outcome.asked or outcome.noteworthy or self.console.verbose or self.console.terminal
        ):
            self.console.show(outcome.lines)
        return outcome.exit_code

    def stopped(self) -> int:
        """Record that a signal ended the run, say what was done until then, and return the exit code."""
        counts = dict(self.tally)
        if self.run_id is not None:
            self._end("stopped", counts)
            log.warning("%s stopped: %s", self.command, counts)
        done = ", ".join(f"{count:,} {TALLIED[what]}" for what, count in counts.items() if count)
        undo = f" (`tagger undo {self.run_id}` takes them back)" if counts.get("written") else ""
        self.console.warn(f"stopped by a signal; so far: {done or 'nothing'}{undo}; the next run goes on")
        if self.console.as_json:
            facts = self._facts(Outcome(counts))
            facts["errors"].append({"path": None, "error": "stopped by a signal"})
            print_json(facts)
        return EXIT_STOPPED

    def _facts(self, outcome: Outcome) -> dict[str, Any]:
        facts: dict[str, Any] = {"command": self.command, "run_id": self.run_id, "seconds": self.seconds()}
        facts["counts"] = outcome.counts
        facts["errors"] = [{"path": problem.path, "error": problem.error} for problem in self.problems]
        return {**facts, "home": str(self.home.folder), **outcome.own}

    def _too_many_problems(self, looked_at: int) -> bool:
        return len(self.problems) > MANY_FILES and len(self.problems) > MANY_SHARE * looked_at

    # --- the parts

    @cached_property
    def genre_map(self) -> GenreMap:
        """The station's map, else the default one."""
        from tagger.genres.map import default_map_path, load_map

        own = self.home.genre_map
        return load_map(own if own.exists() else default_map_path())

    @cached_property
    def index(self) -> Index:
        """The index, brought up to date with this version's tables."""
        from tagger.index.store import open_index

        index = open_index(self._index_url or self.home.index, warn=self.console.warn)
        self._closing.callback(index.close)
        return index

    @cached_property
    def journal(self) -> Journal:
        """The record of every tag change."""
        from tagger.index.journal import Journal

        return Journal(self.home.journal)

    @cached_property
    def audio_hash(self) -> AudioHasher:
        """Takes audio hashes in a process of its own, so that a damaged file cannot end the run."""
        from tagger.audio.workers import AudioHasher

        hasher = AudioHasher()
        self._closing.callback(hasher.close)
        return hasher

    def refresh_labels(self) -> None:
        """Label every track anew if the genre map has changed since the labels were made, and those that a killed run
        wrote to but did not label."""
        from tagger.commands.labels import label_due_tracks, relabel_if_map_changed

        relabel_if_map_changed(self)
        label_due_tracks(self)

    # --- on the way

    def report(self, problem: FileProblem) -> None:
        """Note a file that could not be handled."""
        self.problems.append(Problem(problem.path, problem.cause))
        log.warning("%s", problem)

    @property
    def new_problems(self) -> int:
        """How many problems the last run of this command has not told: cron should not mail the same every night."""
        return len(self._told() - self._told_before)

    def _told(self) -> set[str]:
        return {f"{zlib.crc32(f'{p.path}|{p.error}'.encode('utf-8', 'surrogateescape')):08x}" for p in self.problems}

    def check(self) -> None:
        """Stop here, between two files, if a signal asked for it.

        Raises
        ------
        Stopped
        """
        if self.stopping():
            raise Stopped("stopped by a signal; the next run goes on")

    def stopping(self) -> bool:
        """Say whether a signal asked to stop."""
        return self._signals.received

    def time_left(self) -> float | None:
        """Return the seconds until `--max-minutes` is reached; None where there is no limit."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def out_of_time(self) -> bool:
        """Say whether `--max-minutes` is reached."""
        left = self.time_left()
        return left is not None and left <= 0

    def seconds(self) -> float:
        """Return the seconds since this session began."""
        return round(time.monotonic() - self.started, 3)

    def _log_to_file(self) -> None:
        handler = logging.handlers.RotatingFileHandler(
            self.home.logs / "tagger.log",
            maxBytes=LOG_BYTES,
            backupCount=LOG_FILES,
            encoding="utf-8",
            errors="backslashreplace",
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.DEBUG if self.console.verbose else logging.INFO)
        log.propagate = False
        self._closing.callback(handler.close)
        self._closing.callback(log.removeHandler, handler)


def _home_of(command: str, asked: str | None) -> Home:
    """Return the home; a demo has its own, so that it can never touch a station's."""
    if command == "demo":
        return Home(Path(asked or DEMO_HOME).absolute())
    return find_home(asked, making=command == "init")


def absolute(path: str | Path) -> bytes:
    """Return a path as absolute bytes; links are kept as they are, since a mount may move behind one."""
    return os.path.abspath(os.fsencode(path))
