"""What must hold of a station after each kill, and again after the run that follows it.

Nothing here goes through the code that writes: files are judged by their bytes, the journal is read as the JSON that it
is, and the index is opened with SQLite alone, as a copy, so that looking does not repair it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image

from soak.kills_evidence import MARK, Change, Music, read_journal, survey

BUILDING = ("dataset", "train")  # commands that bring the data set up to date; until then half pictures may lie there
SCANNING = ("scan", "nightly")
ENDED = ("applied", "failed")
MODEL_FILES = ("model.keras", "card.json", "groups.json", "heldout.csv", "confusion.png", "genres.png", "curves.png")


def violations(library: Path, home: Path, originals: Mapping[str, Music], ran: str | None = None) -> list[str]:
    """Return what does not hold, in words.

    Parameters
    ----------
    library, home : Path
        Of the station.
    originals : mapping of str to Music
        The library before the first write.
    ran : str, optional
        The command that was let through after the last kill: then nothing may be left open.
    """
    changes = read_journal(home)
    settled = ran is not None
    found = [*_wrong_music(library, originals, changes, settled), *_wrong_index(home, originals, changes, ran)]
    found += [*_wrong_pictures(home / "dataset"), *_wrong_models(home / "models")]
    if settled:
        found += [f"{name} was left open: {change.stage}" for name, change in changes.items() if _is_open(change)]
        found += [
            f"a temporary file was left: {path}"
            for path in (*_left(library), *_left(home))
            if ran in BUILDING or home / "dataset" not in path.parents
        ]
    return found


def _is_open(change: Change) -> bool:
    return change.stage not in ENDED


def _left(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        for name in (*folders, *names):
            if MARK in name or name.endswith(".part") or name.startswith((".clips.", ".training")):
                yield Path(where, name)


def _wrong_music(
    library: Path, originals: Mapping[str, Music], changes: Mapping[str, Change], settled: bool
) -> Iterator[str]:
    there = survey(library)
    yield from (f"{path} is lost" for path in originals.keys() - there.keys())
    yield from (f"{path} has come from nowhere" for path in there.keys() - originals.keys())
    allowed = {path: {music.sha256} for path, music in originals.items()}
    for change in changes.values():
        if change.stage == "applied":
            allowed[change.path] = {change.facts["sha256_after"]}
        elif change.stage == "ready" and not settled:
            allowed[change.path].add(change.facts["sha256_after"])
    for path in originals.keys() & there.keys():
        now, before = there[path], originals[path]
        if now.sha256 not in allowed[path]:
            yield f"{path} is not what the journal says"
        yield from (f"{path}: {trouble}" for trouble in _wrong_file(now, before))


def _wrong_file(now: Music, before: Music) -> Iterator[str]:
    """Yield in what a file that was perhaps written to differs from the original where it must not."""
    if now.content.audio != before.content.audio:
        yield "its audio is not the original's"
    kept, had = now.content.others, before.content.others
    if not (had.items() <= kept.items() if not had else had == kept):
        yield f"other tags than the genre changed: {sorted(had.items() ^ kept.items())[:3]}"
    if now.mode != before.mode or now.attributes != before.attributes:
        yield "its mode or extended attributes changed"
    note = now.content.note
    if note is not None and note not in now.content.genres:
        yield f"its note speaks of {note!r}, its genre is {sorted(now.content.genres)}"


def _wrong_index(
    home: Path, originals: Mapping[str, Music], changes: Mapping[str, Change], ran: str | None
) -> Iterator[str]:
    if not (home / "index.db").exists():
        if ran:
            yield "there is no index"
        return
    with tempfile.TemporaryDirectory() as folder:
        for path in home.glob("index.db*"):
            shutil.copy(path, folder)
        index = sqlite3.connect(Path(folder, "index.db"))
        try:
            if (said := index.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
                yield f"the index is damaged: {said[:3]}"
            if broken := index.execute("PRAGMA foreign_key_check").fetchall():
                yield f"rows of the index point nowhere: {broken[:3]}"
            if ran:
                yield from _wrong_rows(index, originals, changes)
                yield from _wrong_labels(index, originals, changes, ran in SCANNING)
        finally:
            index.close()


def _wrong_rows(
    index: sqlite3.Connection, originals: Mapping[str, Music], changes: Mapping[str, Change]
) -> Iterator[str]:
    undone = {change.undoes for change in changes.values() if change.stage == "applied"}
    expected = {name: "undone" if name in undone else change.stage for name, change in changes.items()}
    rows = dict(index.execute("SELECT id, status FROM tag_changes"))
    for name in sorted(expected.keys() | rows.keys()):
        if expected.get(name) != rows.get(name):
            yield f"change {name} is {rows.get(name)} in the index, {expected.get(name)} in the journal"
    if still := index.execute("SELECT id FROM runs WHERE status = 'running'").fetchall():
        yield f"runs are said to be running: {still}"
    for (folder,) in index.execute("SELECT folder FROM models WHERE is_current"):
        if not Path(folder, "card.json").exists():
            yield f"the current model is not in {folder}"


def _wrong_labels(
    index: sqlite3.Connection, originals: Mapping[str, Music], changes: Mapping[str, Change], scanned: bool
) -> Iterator[str]:
    """Yield what the index takes for a person's genre and is none; after a scan, every wrong state."""
    writes = {change.path: change for change in changes.values() if change.stage == "applied"}
    query = "SELECT root, path, label, state, closed FROM tracks JOIN libraries ON libraries.id = library_id"
    for root, path, label, state, closed in index.execute(query):
        name = os.path.join(os.fsdecode(root), os.fsdecode(path))
        if name not in originals:
            continue  # it moved, and this run did not scan
        last = writes.get(name)
        written_by = last.by if last and last.action == "write" else None
        by_person = originals[name].content.labelled or written_by == "person"
        if label is not None and not by_person:
            yield f"{name} is labelled {label!r}, which no person said"
        expected = "labelled" if by_person else "machine" if written_by else "untagged"
        if scanned and state != expected:
            yield f"{name} is {state} in the index, and should be {expected}"
        taken_back = last is not None and last.action == "undo"
        if scanned and bool(closed) != taken_back:
            yield f"{name} is {'' if closed else 'not '}closed to later runs, taken back: {taken_back}"


def _wrong_pictures(dataset: Path) -> Iterator[str]:
    for path in dataset.rglob("*.png"):
        try:
            with Image.open(path) as image:
                image.load()
        except (OSError, SyntaxError, ValueError) as error:
            yield f"{path} is no whole picture: {error}"


def _wrong_models(models: Path) -> Iterator[str]:
    for folder in models.iterdir() if models.is_dir() else ():
        if folder.name.startswith("."):
            continue
        missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
        if missing:
            yield f"the model {folder} lacks {', '.join(missing)}"
            continue
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        if hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest() != card["sha256"]:
            yield f"the model {folder} is not the one of its card"


def not_restored(library: Path, originals: Mapping[str, Music]) -> list[str]:
    """Return the files that do not have their original bytes, after every run was undone."""
    there = survey(library)
    return [
        f"{path} did not get its bytes back"
        for path, before in originals.items()
        if path not in there or there[path].sha256 != before.sha256
    ]
