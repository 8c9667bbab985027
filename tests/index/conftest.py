"""An empty index in each of the two databases, and files to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagger.base.records import FoundFile, GenreBlock, TrackTags
from tagger.index.journal import Journal
from tagger.index.rows import ScannedFile, TrackRow
from tagger.index.store import Index, open_index

Scan = Callable[..., ScannedFile]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an index may be made: a path or a URL."""
    if request.param == "sqlite":
        return str(tmp_path / "index.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def index(place: str) -> Iterator[Index]:
    with open_index(place) as opened:
        opened.runs.start("run-1", "scan")
        yield opened


@pytest.fixture
def library(index: Index) -> int:
    """The id of a library at /music."""
    found = index.libraries.get(b"/music", create=True)
    assert found is not None
    return found.library_id


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")


def scanned(path: bytes, genre: str | None = "Rock", **changes: object) -> ScannedFile:
    """Return a file as a scan reads it; its audio is as its path unless `fingerprint` says otherwise."""
    blocks = () if genre is None else (GenreBlock("id3v2.3", (genre,)),)
    facts = {
        "container": "mp3",
        "genre_blocks": blocks,
        "artist": "Low",
        "album_artist": None,
        "album": "Things We Lost in the Fire",
        "title": "Sunflower",
        "track_number": "1",
        "year": "2001",
        "duration": 279.5,
        "compilation": False,
        "provenance": None,
        "fingerprint": path.hex().zfill(32)[-32:],
    }
    size, mtime_ns = changes.pop("size", 1000), changes.pop("mtime_ns", 1_700_000_000_123_456_789)
    return ScannedFile(FoundFile(path, size, mtime_ns), TrackTags(**{**facts, **changes}), genre)


@pytest.fixture
def scan(index: Index, library: int) -> Callable[..., TrackRow]:
    """Return a function that puts a file into the index and gives its row."""

    def put(path: bytes, genre: str | None = "Rock", **changes: object) -> TrackRow:
        index.tracks.save(library, [scanned(path, genre, **changes)], "run-1")
        row = index.select.at_path(library, path)
        assert row is not None
        return row

    return put
