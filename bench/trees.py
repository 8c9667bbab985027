"""Libraries and homes for the measurements of speed and memory: many small real files, or some of real length.

Small files are made from a template per container and genre: the digits of artist, album and title, and the last bytes
of the audio, are overwritten in place, so each file has its own tags and its own fingerprint, and is made in a few
microseconds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tagger.audio.dataset import VERSION
from tagger.audio.encode import encode
from tagger.audio.images import write_png
from tagger.audio.manifest import ClipRow, card_of, clip_path, write_card, write_manifest
from tagger.audio.spectrogram import FORMS
from tagger.base.batches import in_batches
from tagger.base.home import find_home
from tagger.base.records import Decision, Prediction, TrackState
from tagger.base.settings import load_settings
from tagger.commands.console import Console
from tagger.commands.session import Session
from tagger.commands.sources import clip_sources
from tagger.genres.map import default_map_path, load_map
from tagger.index.store import Index, open_index
from tagger.library.compose import compose_tags
from tagger.library.payload import payload_extent
from tagger.model.heldout import Heldout, write_heldout
from tagger.model.saved import CARD_FORMAT, CARD_NAME, HELDOUT_NAME

CONTAINERS = ("mp3", "flac", "m4a", "wav")  # of small files; those whose pages have no checksums
GENRES = ("Rock", "Jazz", "Pop", "Dance", "Country", "Hip-Hop", "Classical", "R&B", "Indie Rock", "House", "Zydeblues")
WITHOUT = 7  # every so many artists, one has no genre tags
TRACKS, ALBUMS = 10, 5  # of an album, of an artist
RATE, SECONDS = 8000, 0.5  # of small files
SUFFIXES = {"alac": "m4a", "wavpack": "wv"}  # of containers that are not named after their suffix
DIGITS = 7
FIELDS = {field: f"{field} ".encode() + b"0" * DIGITS for field in ("artist", "album", "title")}
SETTINGS = "min_seconds = 0\n"  # small files count as tracks like any others
MODEL = "bench-model"
METRICS = (
    *("track_accuracy", "clip_accuracy", "balanced_accuracy", "macro_f1", "top3_accuracy"),
    *("ece", "majority_baseline", "precision", "coverage"),
)
HELD_OUT = 400  # tracks that the stand-in for a model was measured on
PICTURES = 40  # different ones of each genre and length


# --- small files ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Template:
    """A tagged file, with where in it the digits of each field and the end of the audio lie."""

    content: bytes
    fields: Mapping[str, int]
    audio_end: int

    def copy(self, numbers: Mapping[str, int], own: int) -> bytes:
        """Return the file with other numbers, and with audio of its own."""
        copy = bytearray(self.content)
        for field, start in self.fields.items():
            copy[start : start + DIGITS] = b"%0*d" % (DIGITS, numbers[field])
        copy[self.audio_end - 8 : self.audio_end] = own.to_bytes(8, "big")
        return bytes(copy)


def small_library(folder: Path, files: int, genres: bool = True) -> None:
    """Make a library of small tagged files, ten to an album; those of one artist in seven, or all, without genres."""
    folder.mkdir(parents=True)
    templates = _templates(folder)
    for first in range(0, files, TRACKS):
        album = first // TRACKS
        artist = album // ALBUMS
        genre = GENRES[artist % len(GENRES)] if genres and artist % WITHOUT != WITHOUT // 2 else None
        place = folder / f"Artist {artist:06}" / f"Album {album:06}"
        place.mkdir(parents=True)
        for number in range(first, min(first + TRACKS, files)):
            container = CONTAINERS[number % len(CONTAINERS)]
            content = templates[container, genre].copy({"artist": artist, "album": album, "title": number}, number)
            (place / f"{number % TRACKS + 1:02} Title {number}.{container}").write_bytes(content)


def _templates(folder: Path) -> dict[tuple[str, str | None], _Template]:
    sound = 0.1 * np.random.default_rng(1).standard_normal(int(RATE * SECONDS))
    path, found = folder / "template", {}
    for container in CONTAINERS:
        for genre in (*GENRES, None):
            encode(path, sound, RATE, container)
            tags = {field: text.decode() for field, text in FIELDS.items()}
            compose_tags(path, container, {**tags, **({} if genre is None else {"genre": genre})})
            content = path.read_bytes()
            fields = {field: content.index(text) + len(text) - DIGITS for field, text in FIELDS.items()}
            found[container, genre] = _Template(content, fields, sum(payload_extent(os.fsencode(path))))
    path.unlink()
    return found


# --- files of real length -------------------------------------------------------------------------------------------


def long_file(folder: Path, container: str, samples: np.ndarray, rate: int, bit_rate: int | None = None) -> Path:
    """Make a tagged file of any length; `bit_rate` [bit/s] where the container has one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{container} {bit_rate or ''}.{SUFFIXES.get(container, container)}"
    encode(path, samples, rate, container, bit_rate=bit_rate)
    compose_tags(path, container, {"artist": "Somebody", "album": "Album", "title": container, "genre": "Rock"})
    return path


def linked_library(folder: Path, files: Sequence[Path], copies: int) -> int:
    """Make a library in which each file lies so many times, as hard links; return how many bytes it has."""
    for number in range(copies):
        place = folder / f"Album {number:04}"
        place.mkdir(parents=True)
        for file in files:
            os.link(file, place / file.name)
    return copies * sum(file.stat().st_size for file in files)


# --- homes ----------------------------------------------------------------------------------------------------------


def new_home(folder: Path) -> Path:
    """Make an empty home in whose settings small files are tracks."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "tagger.toml").write_text(SETTINGS, encoding="ascii")
    return folder


def classify_all(home: Path) -> int:
    """Put a stand-in for a model into a home that was scanned, and what it said of every track without a label.

    Returns
    -------
    int
        How many tracks it spoke of. It is sure of none, so no night plans to write any.
    """
    genres = [genre.id for genre in load_map(default_map_path()).genres]
    folder = home / "models" / MODEL
    folder.mkdir(parents=True)
    card = _card(genres)
    (folder / CARD_NAME).write_text("{" + f'"format": {CARD_FORMAT}' + "}", encoding="ascii")
    with open_index(home / "index.db") as index:
        write_heldout(folder / HELDOUT_NAME, _heldout(index, genres))
        index.models.add(MODEL, card["family"], folder, card)
        index.models.promote(MODEL)
        labels = sum(1 for _ in index.select.labelled())
        now = {"at": datetime.now(UTC).isoformat(), "labels": labels, "genres": genres}
        index.meta.set("last_training", now)
        said = 0
        for batch in in_batches(_predictions(index, genres)):
            index.predictions.save(batch, None)
            said += len(batch)
    return said


def picture_all(home: Path) -> int:
    """Give a home that was scanned the data set of its labels, of a few pictures under many names; return how many.

    Decoding 100,000 tracks would take hours. What else a training does, it does on this one as on any other.
    """
    home_of = find_home(home)
    with Session("bench", home_of, None, load_settings(home_of.settings, {}), Console(False, False, True)) as session:
        session.begin()
        settings, form, out = session.settings, FORMS["mel"], session.home.dataset
        sources, genres = clip_sources(session), [genre.id for genre in session.genre_map.genres]
        map_hash = session.genre_map.hash
    random = np.random.default_rng(1)
    pictures = home / "pictures"
    pictures.mkdir()
    for length in settings.clip_seconds:
        for number, genre in enumerate(genres):
            for one in range(PICTURES):
                noise = random.integers(0, 100, (form.bands, form.columns(length)))
                noise[9 * number : 9 * number + 9] += 100
                write_png(pictures / f"{length} {genre} {one}.png", noise.astype(np.uint8))
    rows = []
    for source in sources.labelled:
        for length in sorted(settings.clip_seconds):
            for number in range(settings.clips):
                place = clip_path(length, source.split, source.label, source.track, number)
                (out / place).parent.mkdir(parents=True, exist_ok=True)
                os.link(pictures / f"{length} {source.label} {random.integers(PICTURES)}.png", out / place)
                rows.append(ClipRow(place, source.track, source.group, 0.1 * number, source.label, source.split))
    write_manifest(out, sorted(rows, key=lambda row: (row.track, row.seconds, row.offset)))
    recipe = {"form": form.card(), "clips": settings.clips, "version": VERSION}
    card = card_of(rows, recipe, settings.clip_seconds, form, genres, settings.seed, map_hash, True)
    write_card(out, card)
    return len(rows)


def _card(genres: Sequence[str]) -> dict[str, Any]:
    rows = [
        {"genre": genre, "tracks": 40, "groups": 20, "precision": 0.8, "recall": 0.8, "f1": 0.8} for genre in genres
    ]
    return {
        "family": "cnn2d",
        "genres": list(genres),
        "metrics": dict.fromkeys(METRICS, 0.8),
        "intervals": dict.fromkeys(METRICS, (0.7, 0.9)),
        "measured_tracks": HELD_OUT,
        "measured_groups": HELD_OUT // 2,
        "measured_clips": 5 * HELD_OUT,
        "measured_on": "test",
        "genre_rows": rows,
    }


def _heldout(index: Index, genres: Sequence[str]) -> Heldout:
    """Return what the stand-in says of labelled tracks: right where it is sure, and right of two in three elsewhere."""
    random = np.random.default_rng(1)
    rows = [row for row in index.select.labelled() if row.label][:: max(1, TRACKS // 2)][:HELD_OUT]
    labels = np.array([genres.index(row.label or "") for row in rows], np.int64)
    sure = random.uniform(0.3, 1.0, len(rows))
    right = random.random(len(rows)) < np.where(sure > 0.8, 0.98, 0.66)
    said = np.where(right, labels, (labels + 1) % len(genres))
    chances = np.repeat((1 - sure)[:, None] / (len(genres) - 1), len(genres), axis=1)
    chances[np.arange(len(rows)), said] = sure
    ones = np.ones(len(rows), np.int64)
    return Heldout(
        tuple(genres),
        np.array([row.track for row in rows], np.str_),
        np.array([row.artist for row in rows], np.str_),
        np.where(np.arange(len(rows)) % 2, "test", "val").astype(np.str_),
        labels,
        chances,
        5 * ones,
        np.where(right, 5, 0).astype(np.int64),
    )


def _predictions(index: Index, genres: Sequence[str]) -> Iterator[Prediction]:
    open_ones = (TrackState.UNTAGGED, TrackState.UNMAPPED, TrackState.AMBIGUOUS)
    for row in index.select.tracks(states=open_ones):
        best, confidence = row.track_id % len(genres), 0.3 + 0.2 * (row.track_id % 100) / 100
        rest = round((1 - confidence) / (len(genres) - 1), 6)
        chances = {genre: confidence if number == best else rest for number, genre in enumerate(genres)}
        reason = f"{confidence:.2f} is not sure enough"
        yield Prediction(row.track_id, MODEL, chances, genres[best], confidence, Decision.ABSTAIN, reason)
