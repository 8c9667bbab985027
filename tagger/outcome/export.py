"""The index as a file: CSV for spreadsheets, JSON lines for programs, M3U playlists for players."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from tagger.base.cells import path_cell, text_cell
from tagger.base.errors import path_text
from tagger.base.files import replace_file
from tagger.base.records import Decision, Problem, TrackState

COLUMNS = (
    *("path", "artist", "album_artist", "album", "title", "genre_tags", "label", "state"),
    *("predicted", "confidence", "decision", "reason", "source"),
)


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A track of the index.

    Parameters
    ----------
    path : bytes
        Absolute.
    genre_tags : tuple of str
        The raw genre values that the file holds.
    label : str or None
        The canonical genre that a person gave.
    state : TrackState
        Where it stands.
    predicted, confidence, decision, reason
        What the current model says, and what follows; None where it was not asked.
    source : str
        Who gave the genre that the file has: ``person``, ``machine`` or ``none``.
    genre : str or None
        The canonical genre that the file has, for playlists.
    duration : float or None
        In seconds, for playlists.
    """

    path: bytes
    artist: str | None
    album_artist: str | None
    album: str | None
    title: str | None
    genre_tags: tuple[str, ...]
    label: str | None
    state: TrackState
    predicted: str | None
    confidence: float | None
    decision: Decision | None
    reason: str | None
    source: str
    genre: str | None = None
    duration: float | None = None

    def facts(self) -> dict[str, object]:
        """Return the row for JSON, keyed by `COLUMNS`; bytes of the path that are not UTF-8 are surrogate escapes."""
        facts: dict[str, object] = {column: getattr(self, column) for column in COLUMNS}
        facts["path"] = path_text(self.path)
        facts["genre_tags"] = list(self.genre_tags)
        facts["state"] = self.state.value
        facts["decision"] = self.decision.value if self.decision else None
        return facts


def jsonl_lines(rows: Iterable[ExportRow]) -> Iterator[str]:
    """Yield an ASCII JSON object per track, each with its line end."""
    for row in rows:
        yield json.dumps(row.facts(), ensure_ascii=True, allow_nan=False) + "\n"


def csv_lines(rows: Iterable[ExportRow]) -> Iterator[str]:
    """Yield the lines of a CSV file that is safe to open in a spreadsheet, the header first."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in rows:
        yield _emptied(buffer)
        decision = row.decision.value if row.decision else ""
        confidence = "" if row.confidence is None else f"{row.confidence:.4f}"
        people = [text_cell(text) for text in (row.artist, row.album_artist, row.album, row.title)]
        writer.writerow(
            [
                path_cell(row.path),
                *people,
                text_cell("; ".join(row.genre_tags)),
                text_cell(row.label),
                row.state.value,
                text_cell(row.predicted),
                confidence,
                decision,
                text_cell(row.reason),
                row.source,
            ]
        )
    yield _emptied(buffer)


def _emptied(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def write_playlists(
    rows: Iterable[ExportRow], folder: Path, genres: Sequence[str]
) -> tuple[dict[str, int], list[Problem]]:
    """Write one extended M3U playlist per genre, each whole.

    Names are written as the bytes that they are, all other text as UTF-8. A genre without tracks gets an empty
    playlist, so that an older one of the same name does not stay behind.

    Parameters
    ----------
    rows : iterable of ExportRow
        Read once.
    folder : Path
        Made if missing; the playlists are ``<genre id>.m3u``.
    genres : sequence of str
        All ids of the genre map.

    Returns
    -------
    counts : dict of str to int
        Tracks of each genre.
    problems : list of Problem
        Tracks whose name has a line break, which no playlist can hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(genres, 0)
    problems: list[Problem] = []
    with contextlib.ExitStack() as stack:
        playlists: dict[str, IO[bytes]] = {}
        for genre in genres:
            playlists[genre] = cast(IO[bytes], stack.enter_context(replace_file(folder / f"{genre}.m3u", "wb")))
            playlists[genre].write(b"#EXTM3U\n")
        for row in rows:
            if row.genre not in playlists:
                continue
            if b"\n" in row.path or b"\r" in row.path:
                problems.append(Problem(path_text(row.path), "a line break in its name keeps it out of the playlist"))
                continue
            playlists[row.genre].write(_playlist_entry(row))
            counts[row.genre] += 1
    return counts, problems


def _playlist_entry(row: ExportRow) -> bytes:
    seconds = -1 if row.duration is None else round(row.duration)  # -1: not known
    title = row.title or path_text(os.path.basename(row.path))
    shown = f"{row.artist} - {title}" if row.artist else title
    line = f"#EXTINF:{seconds},{' '.join(shown.split())}\n"
    return line.encode("utf-8", "replace") + row.path + b"\n"
