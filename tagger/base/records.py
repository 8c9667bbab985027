"""The frozen records through which the rooms meet.

Paths are bytes, as the file system has them. Genres are ids of the genre map unless a field says `name`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

NONE = "none"  # what a model calls music that is none of the canonical genres; never a label, never written
ALONE = "track "  # begins the group of a track whose artist and album nobody knows


class GenreTagState(StrEnum):
    """What the genre map says of one genre tag."""

    MAPPED = "mapped"
    SKIPPED = "skipped"
    PLACEHOLDER = "placeholder"
    AMBIGUOUS = "ambiguous"
    UNMAPPED = "unmapped"


class TrackState(StrEnum):
    """Where a readable track stands; every readable track is in exactly one state."""

    LABELLED = "labelled"
    UNMAPPED = "unmapped"
    AMBIGUOUS = "ambiguous"
    SKIPPED = "skipped"
    UNTAGGED = "untagged"
    MACHINE = "machine"


class Decision(StrEnum):
    """What is to happen with a track that has no label."""

    ACCEPT = "accept"  # sure enough to be written without a person
    ABSTAIN = "abstain"  # goes to review
    CLOSED = "closed"  # a person said no; never filled again unless asked
    PERSON = "person"  # a person decided in review


class Split(StrEnum):
    """Which part of the data set a group of tracks belongs to."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


# --- files and tags -------------------------------------------------------------------------------------------------


class FoundFile(NamedTuple):  # made for every file of every scan, at a third of what a frozen dataclass takes
    """An audio file that the walk saw; `path` is relative to the library."""

    path: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class GenreBlock:
    """The genre strings of one tag block, as they are.

    `block` is one of ``id3v2.2 id3v2.3 id3v2.4 id3v1 apev2 vorbis mp4 asf riff-info``. ID3v1 has its number as text
    ("17"); 255 (none) gives no value.
    """

    block: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """The note that this system leaves in a file beside a genre that it wrote."""

    written: str  # the genre name put into the file
    model: str
    confidence: float
    run: str


@dataclass(frozen=True, slots=True)
class TrackTags:
    """What a file's metadata says. `duration` in seconds; `fingerprint` is 32 hex digits, of the audio payload only."""

    container: str
    genre_blocks: tuple[GenreBlock, ...]
    artist: str | None
    album_artist: str | None
    album: str | None
    title: str | None
    track_number: str | None
    year: str | None
    duration: float | None
    compilation: bool
    provenance: Provenance | None
    fingerprint: str


# --- genres ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GenreMatch:
    """What the genre map makes of one genre tag. `fillable` matters for placeholders only."""

    state: GenreTagState
    genre: str | None = None
    fillable: bool = False


@dataclass(frozen=True, slots=True)
class PastWrite:
    """A genre that this system wrote into this track, or (`own` false) into another copy of the same audio.

    `by` is ``machine`` or ``person`` (a decision made in review).
    """

    written: str
    by: str
    undone: bool
    own: bool


@dataclass(frozen=True, slots=True)
class TrackLabel:
    """A track's state, its label if a person gave one, and whether a person's no closes it to filling."""

    state: TrackState
    label: str | None
    closed: bool


# --- who belongs together -------------------------------------------------------------------------------------------

ALBUM_ARTIST, ARTIST, ALBUM = "album_artist", "artist", "album"  # by what tracks hang together

KinKeys = tuple[tuple[str, str], ...]  # kinds with what all tracks share that hang together so


@dataclass(frozen=True, slots=True)
class Kin:
    """A track as far as it tells with which others it belongs.

    `library` is the library's id (None: in none), `folder` the folder in it (empty: the top), `label` the genre that a
    person gave it.
    """

    fingerprint: str
    library: int | None
    folder: bytes
    artist: str | None
    album_artist: str | None
    album: str | None
    compilation: bool
    label: str | None = None


# --- data set -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClipSource:
    """A track to cut clips from.

    `track` is the id in file names (16 hex digits of the fingerprint), `path` absolute, `duration` in seconds.
    Tracks to classify have no group, label or split.
    """

    track: str
    path: bytes
    duration: float
    group: str = ""
    label: str = ""
    split: str = ""


# --- predictions and plans ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated probability of each canonical genre, of one track by one model, and what follows from it.

    `context` holds for how many clips each genre was the likeliest (``clips``) and, where people's labels of kindred
    tracks had a say, the probabilities by sound alone (``audio``) and what each kind of kinship said
    (`tagger.outcome.context.explained`).
    """

    track_id: int
    model: str
    probabilities: Mapping[str, float]
    genre: str
    confidence: float
    decision: Decision
    reason: str
    context: Mapping[str, Any] | None = None

    @property
    def audio(self) -> Mapping[str, float]:
        """The probabilities by sound alone."""
        return self.probabilities if self.context is None else self.context.get("audio", self.probabilities)

    @property
    def clips(self) -> Mapping[str, int]:
        """For how many clips each genre was the likeliest; empty where nobody counted."""
        return {} if self.context is None else self.context.get("clips", {})


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One tag change that is intended. `before` is the raw genre tag (None: none), `after` a genre id.

    For `undo`, `after` is the raw genre tag that comes back (None: none).
    """

    track_id: int | None
    path: bytes  # absolute
    before: str | None
    after: str | None
    confidence: float | None
    decision: str
    reason: str
    album: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that could not be handled, for the `errors` list."""

    path: str
    error: str
