"""Read the metadata of an audio file, whatever its container."""

from __future__ import annotations

import os
from types import ModuleType
from typing import cast

from tagger.base.records import TrackTags
from tagger.library import apev2, asf, flac, mp3, mp4, ogg, provenance, riff
from tagger.library.detect import container_of
from tagger.library.door import through_mutagen
from tagger.library.family import Family
from tagger.library.payload import fingerprint

LEAST_BIT_RATE = 100  # [bit/s]; FLAC holds silence at some 900

_FAMILIES: dict[str, ModuleType] = {
    **dict.fromkeys(("mp3", "aac"), mp3),
    "flac": flac,
    **dict.fromkeys(("ogg", "opus", "oggflac", "speex"), ogg),
    "m4a": mp4,
    **dict.fromkeys(("wav", "aiff"), riff),
    "wma": asf,
    **dict.fromkeys(("ape", "wavpack", "musepack"), apev2),
}
CONTAINERS = tuple(_FAMILIES)


def family_of(path: bytes) -> tuple[str, Family]:
    """Return the container of a file, by its content, and the module that reads and writes it.

    Raises
    ------
    UnreadableTags
    """
    container = container_of(path)
    return container, cast(Family, _FAMILIES[container])


def read_tags(path: bytes) -> TrackTags:
    """Return what a file's metadata says.

    Genre strings are as they stand in the file, block by block: ID3's "(17)" is not decoded, ID3v1's number is text.
    A block that exists and holds no genre is listed with no values.

    Parameters
    ----------
    path : bytes
        The file; its name says nothing about what it is.

    Returns
    -------
    TrackTags

    Raises
    ------
    UnreadableTags
        If the file cannot be read, is no audio file of a known kind, or its metadata is damaged beyond reading.
    """
    container, family = family_of(path)
    view = family.read(path)
    return TrackTags(
        container=container,
        genre_blocks=view.blocks,
        artist=view.fields.get("artist"),
        album_artist=view.fields.get("album_artist"),
        album=view.fields.get("album"),
        title=view.fields.get("title"),
        track_number=view.fields.get("track_number"),
        year=view.fields.get("year"),
        duration=_plausible(view.duration, path),
        compilation=view.compilation,
        provenance=provenance.from_text(view.note),
        fingerprint=fingerprint(path),
    )


def _plausible(seconds: float | None, path: bytes) -> float | None:
    """Return the duration, or None where the file is too small to hold so much; headers of old formats are misread."""
    with through_mutagen("reading", path):
        size = os.stat(path).st_size
    return None if seconds is None or size * 8 < LEAST_BIT_RATE * seconds else seconds
