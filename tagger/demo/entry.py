"""What the demo knows of one file that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TAGGED = "tagged"  # with the right genre, somehow spelled
UNTAGGED = "untagged"  # no genre tag, or one that stands for none: to be filled
MISLABELLED = "mislabelled"  # with the genre tag of another genre
UNCLEAR_TAG = "unclear"  # with a genre tag that is none of the ten, or two of them: to be left alone
SHORT = "short"  # a jingle: to be left alone
BROKEN = "broken"  # no audio file
STATES = (TAGGED, UNTAGGED, MISLABELLED, UNCLEAR_TAG, SHORT, BROKEN)


@dataclass(frozen=True, slots=True)
class DemoTrack:
    """One file of the demo library.

    `path` is relative to the library, `genre` what is really played (None for a jingle), `state` one of `STATES`,
    `seconds` the length, `mtime` seconds since 1970.
    """

    path: bytes
    genre: str | None
    state: str
    container: str
    tags: Mapping[str, str | tuple[str, ...]]
    artist_seed: int
    track_seed: int
    seconds: float
    rate: int = 22050
    channels: int = 1
    id3_version: tuple[int, int] = (2, 3)
    id3v1: bool = False
    mtime: int = 0
