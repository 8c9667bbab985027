"""A person's word stands, in every order of what people, other programs and this system do to a file.

Each track of a walk has its own sequence of events, one a day, and a night after each, in which the model is sure of
every track that has no label. Any two days see all pairs of events; `OFFSETS` chooses the triples. A simple oracle,
which shares no code with the product, says what must be in each file after each night. All triples, in 16 times as
many walks:

    python -m tests.commands.test_command_persons_no
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mutagen
import pytest
from mutagen.id3 import ID3, TCON

from tagger.base.records import Decision, Prediction, TrackState
from tagger.index.rows import TrackRow
from tagger.index.store import open_index

from .conftest import SETTINGS, Station, put_track

pytestmark = pytest.mark.slow

DAYS = 3
SOME = 40  # orders of events walked through under each fault
CONTAINERS = ("wav", "mp3", "flac", "ogg", "m4a")
VARIABLES = {**SETTINGS, "TAGGER_PROMISE": "0", "TAGGER_MIN_SECONDS": "1", "TAGGER_MAX_WRITES": "5000"}
SAID = ("rock", "jazz", "edm")  # by the model, in turn
OTHER, ODD, PLACEHOLDER, DECIDED = "Country", "Qwertzblim", "Unknown", "Classical"  # none of them the model's
LONG_AGO = 1_500_000_000


@dataclass
class Truth:
    """The oracle: what is in the file and what was said of it, by the simplest book-keeping."""

    machine: str  # what this system wrote on the first night
    genre: str | None
    noted: bool = True  # the note of where the genre comes from is in the file
    undone: bool = False
    decided: bool = False  # a decision of a person was written into the file at some time
    rejected: bool = False

    def machines(self) -> bool:
        return self._is(self.machine) and (self.noted or not self.undone)

    def closed(self) -> bool:
        return self.rejected or not (self.machines() or (self.decided and self._is(DECIDED)))

    def label(self) -> str | None:
        if self.genre is None or self.machines() or self._is(ODD) or self._is(PLACEHOLDER):
            return None
        return self.genre.lower()

    def _is(self, text: str) -> bool:
        return self.genre is not None and self.genre.lower() == text.lower()


@dataclass
class Walked:
    """A track that is walked through its sequence of events."""

    path: Path
    events: tuple[str, ...]
    before: bytes  # the file before this system first wrote to it,
    written: bytes = b""  # and after
    truth: Truth = field(default_factory=lambda: Truth("", None))

    def edit(self, genre: str | type[Keep] | None, noted: bool | None = None) -> None:
        """Change the genre, and take the note out if `noted` is false, as another program does."""
        file = mutagen.File(self.path)
        if file.tags is None:
            file.add_tags()
        if genre is not Keep:
            _set_genre(file, genre)
            self.truth.genre = genre
        if noted is False:
            for key in [key for key in file.tags.keys() if "TAGGER" in str(key).upper()]:  # noqa: SIM118
                del file.tags[key]
            self.truth.noted = False
        file.save()

    def replace(self, content: bytes, genre: str | None, noted: bool, when: float | None = None) -> None:
        self.path.write_bytes(content)
        if when is not None:
            os.utime(self.path, (when, when))
        self.truth.genre, self.truth.noted = genre, noted


class Keep:
    """Leave the genre as it is."""


def _set_genre(file: Any, genre: str | None) -> None:
    if isinstance(file.tags, ID3):
        file.tags.delall("TCON")
        if genre is not None:
            file.tags.add(TCON(encoding=3, text=[genre]))
        return
    key = "\xa9gen" if file.__class__.__name__ == "MP4" else "genre"
    if key in file.tags:
        del file.tags[key]
    if genre is not None:
        file.tags[key] = [genre]


def genres_in(path: Path) -> list[str]:
    """Return the genre of a file, read by nothing of this system."""
    tags = mutagen.File(path).tags
    if tags is None:
        return []
    if isinstance(tags, ID3):
        return [str(text) for frame in tags.getall("TCON") for text in frame.text]
    for key in ("\xa9gen", "genre"):
        if path.suffix == (".m4a" if key == "\xa9gen" else path.suffix) and key in tags:
            return list(tags[key])
    return []


def retype(track: Walked) -> None:
    """Type the genre again, or the machine's if there is none, with other capitals."""
    track.edit((track.truth.genre or track.truth.machine).upper())


def move(track: Walked) -> None:
    track.path = track.path.rename(track.path.with_name("moved " + track.path.name))


BY_HAND: dict[str, Callable[[Walked], None]] = {
    "nothing": lambda track: None,
    "blank": lambda track: track.edit(None),
    "change": lambda track: track.edit(OTHER),
    "type what the map does not know": lambda track: track.edit(ODD),
    "type a placeholder": lambda track: track.edit(PLACEHOLDER),
    "retype": retype,
    "strip": lambda track: track.edit(Keep, noted=False),
    "strip and blank": lambda track: track.edit(None, noted=False),
    "strip and change": lambda track: track.edit(OTHER, noted=False),
    "replace by a copy without tags": lambda track: track.replace(track.before, None, False),
    "move": move,
    "restore from before the write": lambda track: track.replace(track.before, None, False, LONG_AGO),
    "restore from after the write": lambda track: track.replace(track.written, track.truth.machine, True),
}
UNDO, REJECT, DECIDE = "undo", "reject", "decide"
EVENTS = (*BY_HAND, UNDO, REJECT, DECIDE)


def sequences(offset: int) -> list[tuple[str, ...]]:
    """Return sequences in which each pair of events comes once on any two days; all offsets give all sequences."""
    numbers = range(len(EVENTS))
    return [
        (EVENTS[first], EVENTS[second], EVENTS[(first + second + offset) % len(EVENTS)])
        for first, second in itertools.product(numbers, numbers)
    ]


def undo_days(events: tuple[str, ...]) -> tuple[int, ...]:
    """Return the days on which the run that wrote a track is taken back: such tracks lie in one library."""
    return tuple(day for day, event in enumerate(events) if event == UNDO)


GROUPS = [days for size in range(DAYS + 1) for days in itertools.combinations(range(DAYS), size)]


class Walk:
    """A station after the first night, whose tracks go through events and nights."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.station = Station(folder / "home", folder)
        self.libraries = {days: folder / f"library {''.join(map(str, days))}" for days in GROUPS}
        self.runs: dict[tuple[int, ...], str] = {}
        self.tracks: list[Walked] = []

    # --- the first night, and back to it

    def begin(self, offsets: tuple[int, ...]) -> None:
        """Make tracks without a genre, fill them, and put copies of all aside."""
        for days, library in self.libraries.items():
            most = max(sum(undo_days(events) == days for events in sequences(offset)) for offset in offsets)
            for number in range(max(most, 1)):
                container = CONTAINERS[number % len(CONTAINERS)]
                seed = 10_000 + 1_000 * GROUPS.index(days) + number
                path = put_track(library / f"{number:03d}.{container}", 0, seed, container, 1.1)
                os.utime(path, (LONG_AGO, LONG_AGO))
        assert self.station.run("scan", *self.libraries.values()).code == 0
        shutil.copytree(self.folder, self._aside("before"), copy_function=shutil.copy2)
        for days, library in self.libraries.items():
            self.predict(library)
            written = self.station.run("write", "--apply")
            assert written.counts["written"] == len(list(library.iterdir())), written.err
            self.runs[days] = written.facts["run_id"]
        shutil.copytree(self.folder, self._aside("after"), copy_function=shutil.copy2)

    def again(self, orders: Sequence[tuple[str, ...]]) -> None:
        """Go back to the state after the first night, and give tracks their events; those that are left rest."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._aside("after"), self.folder, copy_function=shutil.copy2)
        self.tracks = []
        free = {days: sorted(library.iterdir()) for days, library in self.libraries.items()}
        for events in orders:
            path = free[undo_days(events)].pop()
            track = Walked(path, events, (self._aside("before") / path.relative_to(self.folder)).read_bytes())
            (written,) = genres_in(path)
            track.written, track.truth = path.read_bytes(), Truth(written, written)
            self.tracks.append(track)

    def _aside(self, name: str) -> Path:
        return self.folder.with_name(f"{self.folder.name} {name}")

    # --- days and nights

    def day(self, day: int) -> int:
        """Let happen what happens on a day; return how many decisions there are to be written."""
        decisions: list[tuple[Path, str]] = []
        pending = 0
        for track in self.tracks:
            event, truth = track.events[day], track.truth
            if event in BY_HAND:
                BY_HAND[event](track)
            elif event == UNDO and not truth.undone and truth.genre == truth.machine:
                truth.genre, truth.noted, truth.undone = None, False, True
            elif event == REJECT:
                decisions.append((track.path, "reject"))
                truth.rejected = True
            elif event == DECIDE:
                decisions.append((track.path, DECIDED))
                truth.rejected = False
                if truth.label() != DECIDED.lower():
                    pending += 1
                    truth.genre, truth.noted, truth.decided = DECIDED, False, True
        self._decide(decisions)
        for days, run_id in self.runs.items():
            if day in days:
                assert self.station.run("undo", run_id).counts["failed"] == 0
        return pending

    def _decide(self, decisions: list[tuple[Path, str]]) -> None:
        sheet = self.folder / "review.csv"
        with sheet.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("path", "decision"), *((str(path), word) for path, word in decisions)])
        done = self.station.run("review", "import", sheet)
        assert done.counts == {"decisions": len(decisions), "problems": 0}

    def night(self, pending: int) -> None:
        """Scan, let the model speak, write; check that no more and no less is written than a person decided."""
        scanned = self.station.run("scan", *self.libraries.values())
        assert scanned.code == 0, scanned.err
        self.predict()
        written = self.station.run("write", "--apply")
        assert written.code == 0, written.err
        assert (written.counts["written"], written.counts["failed"]) == (pending, 0)

    def predict(self, library: Path | None = None) -> None:
        """Store, as `classify` does, that the model is sure of each track without a label; no network is needed."""
        with open_index(self.station.home / "index.db") as index:
            index.models.add("model-1", "cnn2d", self.station.home / "models" / "model-1", {})
            index.models.promote("model-1")
            index.meta.set("promise", ["model-1", 0.0, 0.8])
            tracks = [track for track in index.select.tracks() if library in (None, Path(os.fsdecode(track.root)))]
            index.predictions.save((_sure(track) for track in tracks if track.label is None), None)

    def check(self, day: int) -> list[str]:
        """Return what is otherwise than the oracle says."""
        said = self.station.run("export", "--format", "jsonl", json=False).out.splitlines()
        rows = {row["path"]: row for row in map(json.loads, said)}
        wrong = []
        for track in self.tracks:
            row, truth = rows[str(track.path)], track.truth
            expected = {"genre": [truth.genre] if truth.genre is not None else [], "label": truth.label()}
            expected |= {"closed": truth.closed()}
            found = {"genre": genres_in(track.path), "label": row["label"], "closed": row["decision"] == "closed"}
            if found != expected:
                wrong.append(f"{track.events[: day + 1]} {track.path.suffix}: {found} and not {expected}; {row}")
        return wrong

    # --- the index and the journal

    def lose_index(self) -> None:
        for path in self.station.home.glob("index.db*"):
            path.unlink()


def _sure(track: TrackRow) -> Prediction:
    genre = SAID[track.track_id % len(SAID)]
    if track.state is TrackState.MACHINE:  # what is filled already is listened to only by `classify --refresh`
        genre = {"EDM": "edm"}.get(track.genre_tag or "", (track.genre_tag or "").lower())
    return Prediction(track.track_id, "model-1", {genre: 1.0}, genre, 1.0, Decision.ACCEPT, "sure")


Fault = Callable[[Walk, int], None]


def kept(walk: Walk, day: int) -> None:
    """All is kept."""


def index_lost(walk: Walk, day: int) -> None:
    walk.lose_index()


def index_lost_and_notes_stripped(walk: Walk, day: int) -> None:
    """Another program takes the notes out of all files, and then the index is lost."""
    for track in walk.tracks:
        track.edit(Keep, noted=False)
    walk.lose_index()


def index_from_a_backup(walk: Walk, day: int) -> None:
    """The index of before the first write, then that of after it, then that of a day ago; the journal is newer."""
    home, name = walk.station.home, "index.db"
    old = [walk._aside("before") / "home" / name, walk._aside("after") / "home" / name, walk.folder / "yesterday.db"]
    today = (home / name).read_bytes()
    shutil.copy2(old[day], home / name)
    (walk.folder / "yesterday.db").write_bytes(today)


def journal_lost(walk: Walk, day: int) -> None:
    (walk.station.home / "journal.jsonl").unlink()


def journal_from_a_backup(walk: Walk, day: int) -> None:
    """The journal of a day ago; the index is newer."""
    journal, backup = walk.station.home / "journal.jsonl", walk.folder / "yesterday.jsonl"
    today = journal.read_bytes()
    half = b"".join(today.splitlines(keepends=True)[: today.count(b"\n") // 2])
    journal.write_bytes(backup.read_bytes() if day else half)
    backup.write_bytes(today)


def journal_lost_and_then_the_index(walk: Walk, day: int) -> None:
    """What only the index knew was written into a new journal before the index is lost, too."""
    (journal_lost if day == 0 else index_lost)(walk, day)


FAULTS = (
    kept,
    index_lost,
    index_lost_and_notes_stripped,
    index_from_a_backup,
    journal_lost,
    journal_from_a_backup,
    journal_lost_and_then_the_index,
)
OFFSETS = {fault: number for number, fault in enumerate(FAULTS)}


def walk_through(walk: Walk, orders: Sequence[tuple[str, ...]], fault: Fault) -> list[str]:
    """Return all that went otherwise than the oracle says."""
    walk.again(orders)
    wrong = walk.check(-1)
    for day in range(DAYS):
        pending = walk.day(day)
        fault(walk, day)
        walk.night(pending)
        wrong += walk.check(day)
    return wrong


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """A station after the first night."""
    walk = Walk(tmp_path_factory.mktemp("walk") / "station")
    walk.folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        walk.begin(tuple(OFFSETS.values()))
    return walk


@pytest.fixture
def walk(begun: Walk, monkeypatch: pytest.MonkeyPatch) -> Walk:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return begun


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.replace("_", " "))
def test_a_persons_word_stands(walk: Walk, fault: Fault) -> None:
    """All pairs of events where all is kept, and some of them under each fault."""
    orders = sequences(OFFSETS[fault])
    if fault is not kept:
        orders = random.Random(OFFSETS[fault]).sample(orders, SOME)
    assert walk_through(walk, orders, fault) == []


# --- one thing at a time --------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Walk:
    """A station with a few tracks that were filled on the first night."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    walk = Walk(tmp_path / "station")
    walk.libraries = {(): walk.folder / "library"}
    for number in range(6):
        put_track(walk.libraries[()] / f"{number}.{CONTAINERS[number % 5]}", 0, number, CONTAINERS[number % 5], 1.1)
    assert walk.station.run("scan", walk.libraries[()]).code == 0
    walk.predict()
    assert walk.station.run("write", "--apply").counts["written"] == 6
    walk.tracks = [
        Walked(path, (), b"", path.read_bytes(), Truth(written, written))
        for path in sorted(walk.libraries[()].iterdir())
        for written in genres_in(path)
    ]
    return walk


def scan_and_write(walk: Walk, *words: str) -> dict[str, str]:
    """Return what is planned: path and reason."""
    assert walk.station.run("scan", walk.libraries[()]).code == 0
    walk.predict()
    return {item["path"]: item["reason"] for item in walk.station.run("write", "--apply", *words).facts["plan"]}


def test_again_fills_what_people_closed_and_nothing_else(small: Walk) -> None:
    blanked, changed, odd, rejected, placeholder, left = small.tracks
    blanked.edit(None)
    changed.edit(OTHER)
    odd.edit(ODD)
    placeholder.edit(PLACEHOLDER)
    small._decide([(rejected.path, "reject")])
    assert scan_and_write(small) == {}
    filled = scan_and_write(small, "--again")
    assert set(filled) == {str(blanked.path), str(placeholder.path)}
    assert all(reason.startswith("filled again, as asked") for reason in filled.values())
    assert genres_in(changed.path) == [OTHER]
    assert genres_in(odd.path) == [ODD]
    assert genres_in(left.path) == [left.truth.machine]
    assert scan_and_write(small, "--again") == {}
    blanked.edit(None)
    assert scan_and_write(small) == {}, "a no to what was filled again is a no again"


def test_a_newer_models_word_replaces_the_machines_and_nobody_elses(small: Walk) -> None:
    """`classify --refresh` stores predictions for machine genres; `write` follows where nobody said no."""
    blanked, changed, rejected, copied, decided, left = small.tracks
    blanked.edit(None)
    changed.edit(OTHER)
    small._decide([(rejected.path, "reject"), (decided.path, DECIDED)])
    copied.edit(Keep, noted=False)
    copy = copied.path.rename(copied.path.with_name("copy" + copied.path.suffix))
    shutil.copy2(copy, copied.path)  # the same genre, and nobody knows whose
    assert set(scan_and_write(small)) == {str(decided.path)}
    with open_index(small.station.home / "index.db") as index:
        tracks = list(index.select.tracks())
        newer = [replace(_sure(track), genre="hip hop", probabilities={"hip hop": 1.0}) for track in tracks]
        index.predictions.save(newer, None)
    for words in ((), ("--again",)):
        plan = {item["path"]: item for item in small.station.run("write", *words).facts["plan"]}
        expected = {str(left.path), str(blanked.path)} if words else {str(left.path)}
        assert {path for path in plan if Path(path) not in (copied.path, copy)} == expected
        assert len(plan) == len(expected) + 1, "one of the two copies is the file that was written to"
    assert genres_in(copy) == genres_in(copied.path)


@pytest.mark.parametrize("edit", [None, OTHER, ODD, "undo"])
def test_a_decision_is_carried_out_once(small: Walk, edit: str | None) -> None:
    track = small.tracks[0]
    track.edit(None)
    assert scan_and_write(small) == {}
    small._decide([(track.path, DECIDED)])
    run = small.station.run("write", "--apply").facts
    assert [item["after"] for item in run["plan"]] == ["classical"], "a word after the no counts"
    if edit == "undo":
        assert small.station.run("undo", run["run_id"]).counts["written"] == 1
    else:
        track.edit(edit)
    for lose in (False, False, True):
        if lose:
            small.lose_index()
        assert scan_and_write(small) == {}
        assert genres_in(track.path) == ([edit] if edit not in (None, "undo") else [])
    track.edit(None)
    scan_and_write(small)
    small._decide([(track.path, DECIDED)])
    assert set(scan_and_write(small)) == {str(track.path)}, "the same word, said once more"


def test_copies_of_what_was_written_are_nobodys_labels(small: Walk) -> None:
    """With the note or without it, beside the original or in its place, also when the index is lost."""
    noted, bare, changed = (small.tracks[number] for number in (0, 1, 2))
    for track in (noted, bare, changed):
        if track is not noted:
            track.edit(Keep, noted=False)
        shutil.copy2(track.path, track.path.with_name("copy of " + track.path.name))
    other = replace(changed, path=changed.path.with_name("copy of " + changed.path.name))
    other.edit(OTHER)
    for lose in (False, True):
        if lose:
            small.lose_index()
        assert scan_and_write(small) == {}
        said = small.station.run("export", "--format", "jsonl", json=False).out.splitlines()
        labels = {row["path"]: row["label"] for row in map(json.loads, said) if row["label"]}
        assert labels == {str(other.path): "country"}


def _every_order() -> None:
    os.environ |= VARIABLES
    with tempfile.TemporaryDirectory() as folder:
        walk = Walk(Path(folder) / "station")
        walk.folder.mkdir()
        walk.begin(tuple(range(len(EVENTS))))
        for fault, offset in itertools.product(FAULTS, range(len(EVENTS))):
            started = time.monotonic()
            wrong = walk_through(walk, sequences(offset), fault)
            took = time.monotonic() - started
            said = f"{fault.__name__} {offset}: {len(walk.tracks)} orders, {len(wrong)} wrong, {took:.0f} s"
            sys.stdout.write("\n".join([said, *wrong, ""]))
            sys.stdout.flush()


if __name__ == "__main__":
    _every_order()
