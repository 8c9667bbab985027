"""What lies in a station's library and journal: files by their bytes, changes as the JSON that they are."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mutagen

from bench.containers import other_tags
from tagger.audio.hash import audio_hash
from tagger.base.errors import FileProblem
from tagger.library.tags import read_tags

MARK = ".tagger-"  # in the name of a copy that is being written

_content: dict[tuple[str, str], Content] = {}  # by name and SHA-256: most files are the same at every look


@dataclass(frozen=True, slots=True)
class Content:
    """What some bytes hold, as a music file. `others` are all tags but genre and note; `genres` those of all blocks."""

    audio: str
    others: dict[str, str]
    genres: frozenset[str]
    note: str | None
    labelled: bool


@dataclass(frozen=True, slots=True)
class Music:
    """A file of the library: the bytes, and what a copy could lose beside them."""

    sha256: str
    mode: int
    attributes: dict[str, bytes]
    content: Content


@dataclass(slots=True)
class Change:
    """A change of tags as the journal tells it, all stages together."""

    identifier: str
    path: str
    action: str
    by: str
    undoes: str | None
    stage: str
    facts: dict[str, Any] = field(default_factory=dict)


def survey(library: Path) -> dict[str, Music]:
    """Return all files of a library by path; copies that are being written are left out."""
    return {str(path): look_at(path) for path in _files(library) if MARK not in path.name}


def look_at(path: Path) -> Music:
    """Return what a file is like."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    key = path.name, sha256
    if key not in _content:
        _content[key] = _content_of(path)
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path) if name.startswith("user.")}
    return Music(sha256, path.stat().st_mode, attributes, _content[key])


def _content_of(path: Path) -> Content:
    name = os.fsencode(path)
    try:
        tags = read_tags(name)
        genres = frozenset(value for block in tags.genre_blocks for value in block.values)
        note = tags.provenance.written if tags.provenance else None
        return Content(audio_hash(name), other_tags(path), genres, note, bool(genres - {"Unknown"}))
    except (FileProblem, mutagen.MutagenError) as problem:
        return Content(f"unreadable: {problem}", {}, frozenset(), None, False)


def _files(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        yield from (Path(where, name) for name in names)


def read_journal(home: Path) -> dict[str, Change]:
    """Return the changes of a journal by id, in the order in which they were planned; lines cut off are passed over."""
    changes: dict[str, Change] = {}
    path = home / "journal.jsonl"
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry["kind"] != "change":
            continue
        name = os.path.join(entry["library"], entry["path"])
        found = changes.setdefault(
            entry["id"], Change(entry["id"], name, entry["action"], entry["by"], entry["undoes"], entry["stage"])
        )
        found.stage = entry["stage"]
        found.facts |= entry["facts"]
    return changes


def runs_to_undo(home: Path) -> list[str]:
    """Return the runs that wrote something that nothing has taken back, the latest first."""
    changes = read_journal(home)
    undone = {change.undoes for change in changes.values() if change.stage == "applied"}
    runs = [
        change.facts["run"]
        for change in changes.values()
        if change.action == "write" and change.stage == "applied" and change.identifier not in undone
    ]
    return list(dict.fromkeys(reversed(runs)))
