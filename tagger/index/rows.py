"""The frozen rows that the index takes and gives.

Paths are bytes and relative to their library's root, which is absolute. Times are aware, in UTC. Nothing here imports
SQLAlchemy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from tagger.base.records import FoundFile, GenreBlock, PastWrite, Prediction, Provenance, TrackState, TrackTags

STRIKES = 3  # after so many a file is left alone until it changes


class Stage(StrEnum):
    """How far a tag change has come. A change that ends in neither of the last three was cut off in the middle."""

    PLANNED = "planned"
    READY = "ready"
    APPLIED = "applied"
    FAILED = "failed"
    UNDONE = "undone"


class DecisionKind(StrEnum):
    """What a person said in review of one track."""

    ACCEPT = "accept"  # the predicted genre is right
    GENRE = "genre"  # it is this genre
    REJECT = "reject"  # leave it without a genre; closes the track
    DISMISS = "dismiss"  # the audit's finding is none


# --- libraries and files --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LibraryRow:
    """A mounted folder of music. `scanned_at` is when a scan of it last came to its end."""

    library_id: int
    root: bytes
    added_at: datetime
    scanned_at: datetime | None


class KnownFile(NamedTuple):  # as `FoundFile` is one
    """What a scan needs to see whether a file is new, changed, moved or gone.

    `fingerprint` is None where the file could never be read; `error` says why it cannot be read, and `strikes` how
    often reading it made a process crash or hang.
    """

    track_id: int
    path: bytes
    size: int
    mtime_ns: int
    fingerprint: str | None
    missing: bool
    error: str | None
    strikes: int

    @property
    def to_be_tried_again(self) -> bool:
        """Whether it could not be read, by a strike that may have been the machine's fault."""
        return self.error is not None and 0 < self.strikes < STRIKES


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file whose tags were just read. `genre_tag` is its genre for people's eyes (None: it has none)."""

    file: FoundFile
    tags: TrackTags
    genre_tag: str | None


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file whose tags cannot be read, and why; `struck` as in `FileProblem`."""

    file: FoundFile
    cause: str
    struck: bool = False


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One file of a library as the index knows it.

    `error` says why the tags cannot be read (then `state` is None), `audio_error` why the audio cannot be decoded.
    `missing_since` is set while the file is not where it was. `seen_run` is the run that last opened the file.
    """

    track_id: int
    library_id: int
    root: bytes
    path: bytes
    size: int
    mtime_ns: int
    container: str
    fingerprint: str
    audio_hash: str | None
    genre_blocks: tuple[GenreBlock, ...]
    genre_tag: str | None
    artist: str | None
    album_artist: str | None
    album: str | None
    title: str | None
    track_number: str | None
    year: str | None
    duration: float | None  # in seconds
    compilation: bool
    provenance: Provenance | None
    state: TrackState | None
    label: str | None
    closed: bool
    error: str | None
    audio_error: str | None
    missing_since: datetime | None
    seen_run: str | None

    @property
    def absolute(self) -> bytes:
        """The whole path of the file."""
        return os.path.join(self.root, self.path)

    @property
    def folder(self) -> bytes:
        """The folder of the file, relative to the library; empty at its top."""
        return os.path.dirname(self.path)

    @property
    def track(self) -> str:
        """The id that clips and data set files go by: the first 16 digits of the fingerprint."""
        return self.fingerprint[:16]


@dataclass(frozen=True, slots=True)
class LabelCase:
    """All that decides a track's state and label: the track, what was written into it before, a person's no."""

    track: TrackRow
    past: tuple[PastWrite, ...]
    rejected: bool


@dataclass(frozen=True, slots=True)
class GenreTagCount:
    """A genre tag as it stands in the files, and on how many tracks; None stands for those without one."""

    genre_tag: str | None
    count: int


@dataclass(frozen=True, slots=True)
class FileCounts:
    """How many files a library has: readable ones by state, and the others."""

    states: Mapping[TrackState, int]  # every state, zero included
    unreadable: int
    missing: int


# --- models and runs ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A trained model. `folder` is where it lies, `card` what its `card.json` says."""

    model_id: str
    family: str
    folder: str
    card: Mapping[str, Any]
    created_at: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class RunRow:
    """One invocation.

    `status` is ``running``, ``done``, ``failed``, ``stopped``, ``killed`` or, where only the journal tells of the run,
    ``journal``.
    """

    run_id: str
    command: str
    started_at: datetime
    finished_at: datetime | None
    status: str
    counts: Mapping[str, int]


# --- tag changes ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewChange:
    """A tag change that is intended: what it is, whatever stage it reaches.

    `kind` is ``write`` or ``undo``; `by` is ``machine`` or ``person``. `genre` is the id and `written` the name that is
    put into the file; for an undo they are None, and `undoes` is the id of the change that it takes back.
    """

    change_id: str
    run_id: str
    kind: str
    by: str
    library: bytes
    path: bytes
    track_id: int | None
    genre: str | None = None
    written: str | None = None
    model: str | None = None
    confidence: float | None = None
    undoes: str | None = None

    @property
    def absolute(self) -> bytes:
        """The whole path of the file."""
        return os.path.join(self.library, self.path)


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A tag change with how far it came. `facts` are those of all its stages, later ones over earlier ones."""

    change: NewChange
    status: Stage
    fingerprint: str | None
    audio_hash: str | None
    facts: Mapping[str, Any]
    at: datetime


# --- a person's decisions -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewDecision:
    """What a person said of a track. `genre` is an id, needed for ``accept`` and ``genre`` and None for the others."""

    track: TrackRow
    kind: DecisionKind
    genre: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision as stored. `genre_tag` is what stood in the file then: a dismissal holds only while it still does."""

    decision_id: str
    track_id: int | None
    library: bytes
    path: bytes
    fingerprint: str
    kind: DecisionKind
    genre: str | None
    genre_tag: str | None
    run_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class TrackView:
    """A track with what a model says of it, what a person decided last (dismissals aside), whether that was written
    into the file at some time, and whether the audit's finding on its present genre tag was dismissed."""

    track: TrackRow
    prediction: Prediction | None
    decision: DecisionRow | None
    carried_out: bool
    dismissed: bool
