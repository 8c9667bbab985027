"""What a training would know already never gets into the data set, however it came into the library."""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import mutagen
import pytest

from tagger.base.records import Decision, Prediction, Split
from tagger.commands.session import Session
from tagger.commands.sources import Sources, clip_sources
from tagger.index.store import open_index
from tagger.library.payload import fingerprint

from .conftest import SETTINGS, Station, put_track

pytestmark = pytest.mark.slow

VARIABLES = {**SETTINGS, "TAGGER_PROMISE": "0"}
GENRES = {0: "Rock", 2: "Dance"}  # by the kind of sound
ARTISTS, SECONDS = 6, 3.6
CARD = {"genres": ["rock"], "metrics": {"track_accuracy": 0.9, "majority_baseline": 0.5}}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Station:
    """Return a scanned station of two genres, six artists each, two songs each, all of different titles."""
    folder = tmp_path_factory.mktemp("template") / "station"
    station = Station(folder / "home", folder / "library")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        for kind in GENRES:
            for artist in range(ARTISTS):
                for track in range(2):
                    add(station, kind, f"Artist {kind}{artist}", f"Song {kind}{artist}{'ab'[track]}")
        assert station.run("scan", station.library).counts["labelled"] == 2 * ARTISTS * 2
        sources_of(station)
    shutil.copytree(folder, folder.with_name("aside"), copy_function=shutil.copy2)
    return station


@pytest.fixture
def clean(template: Station, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    """Return that station as it was made, where it was made."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    yield template
    folder = template.home.parent
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("aside"), folder, copy_function=shutil.copy2)


def add(
    station: Station, kind: int, folder: str, title: str, container: str = "mp3", sound: int = 0, **more: str
) -> Path:
    """Put a song into its artist's folder; without `sound`, the seed of it, it sounds like none of the others."""
    tags = {"artist": folder, "title": title, "genre": GENRES[kind]} | more
    path = station.library / folder / f"{title}.{container}"
    return put_track(path, kind, sound or zlib.crc32(f"{folder} {title}".encode()), container, SECONDS, **tags)


def sources_of(station: Station) -> Sources:
    with Session.from_arguments(argparse.Namespace(command="dataset", home=str(station.home))) as session:
        session.begin()
        return clip_sources(session)


def artist_in(sources: Sources, kind: int, *splits: Split) -> str:
    """Return an artist of this kind of sound in one of these splits."""
    folders = {Path(os.fsdecode(s.path)).parent.name for s in sources.labelled if s.split in splits}
    return min(name for name in folders if name.startswith(f"Artist {kind}"))


def titles(sources: Sources) -> set[str]:
    return {Path(os.fsdecode(source.path)).stem for source in sources.everything}


def on_both_sides(rows: list[tuple[str, str, str]]) -> set[str]:
    """Return the tracks and groups, of rows (track, group, split), that are in several splits."""
    seen: dict[str, set[str]] = defaultdict(set)
    for track, group, split in rows:
        seen[f"track {track}"].add(split)
        seen[f"group {group}"].add(split)
    return {name for name, splits in seen.items() if len(splits) > 1}


def test_a_clean_library_has_no_leaks(clean: Station) -> None:
    found = sources_of(clean)
    assert found.leaks == {"copy": 0, "artist": 0, "song": 0, "machine": 0}
    assert len(found.labelled) == 24 and found.outside == []
    assert on_both_sides([(s.track, s.group, s.split) for s in found.labelled]) == set()
    assert {source.split for source in found.labelled} == set(Split)
    assert sources_of(clean) == found, "the same artists are held out again"


def test_one_song_twice_and_guests_do_not_get_to_both_sides(clean: Station) -> None:
    before = sources_of(clean)
    heard, held = artist_in(before, 0, Split.TRAIN), artist_in(before, 0, Split.TEST, Split.VAL)
    other_heard, other_held = artist_in(before, 2, Split.TRAIN), artist_in(before, 2, Split.TEST, Split.VAL)
    song = next((clean.library / heard).glob("*a.mp3"))
    copy = Path(shutil.copy(song, clean.library / held / "copy.mp3"))
    retagged = mutagen.File(copy, easy=True)
    retagged["artist"], retagged["title"] = [held], ["Copy"]
    retagged.save()
    assert fingerprint(os.fsencode(copy)) == fingerprint(os.fsencode(song))
    add(clean, 0, heard, "Blue Door", sound=77)
    add(clean, 0, held, "Blue Door", "flac", sound=77)  # the same recording
    add(clean, 0, held, song.stem, "ogg", sound=78)  # another one of that name
    add(clean, 0, held, "Duet", artist=f"{heard} feat. {held}", album_artist=held)  # can be heard among the learned
    add(clean, 2, other_heard, "Trio", artist=other_held, album_artist=other_heard)  # shuts out all of the other's
    assert clean.run("scan", clean.library).counts["new"] == 6
    found = sources_of(clean)
    assert found.leaks == {"copy": 0, "artist": 3, "song": 1, "machine": 0}
    kept = {Path(os.fsdecode(s.path)): s.split for s in found.labelled}
    assert kept[clean.library / heard / "Blue Door.mp3"] == Split.TRAIN
    assert clean.library / held / "Blue Door.flac" not in kept
    assert clean.library / held / f"{song.stem}.ogg" in kept
    assert "Duet" not in titles(found)
    assert not any(path.parent.name == other_held for path in kept)
    assert len({copy, song} & set(kept)) == 1, "copies of one audio are one track"
    assert on_both_sides([(s.track, s.group, s.split) for s in found.labelled]) == set()
    _check_data_set(clean, found)
    _check_card(clean, found)


def _check_data_set(station: Station, sources: Sources) -> None:
    """The manifest of the pictures has the tracks that are left, on one side each."""
    result = station.run("dataset")
    assert (result.code, result.counts["tracks"]) == (0, len(sources.labelled))
    with (station.home / "dataset" / "manifest.csv").open(newline="") as file:
        rows = [(row["track"], row["group"], row["split"]) for row in csv.DictReader(file)]
    assert {row[0] for row in rows} == {source.track for source in sources.labelled}
    assert on_both_sides(rows) == set()


def _check_card(station: Station, sources: Sources) -> None:
    """A model learns from those alone, and its card says what was left out."""
    result = station.run("train", "--family", "waveform-logreg")
    assert result.code == 0, result.err
    folder = station.home / "models" / result.facts["model"]
    card = json.loads((folder / "card.json").read_text())
    assert card["leaks"] == sources.leaks
    assert sum(card["counts"][split]["tracks"] for split in Split) == len(sources.labelled)
    groups = json.loads((folder / "groups.json").read_text())
    assert not set(groups["train"]) & {*groups["val"], *groups["test"]}
    listing = json.loads((station.home / "cache" / "audio-3s" / "sources.json").read_text())
    assert {row[0] for row in listing} == {source.track for source in sources.labelled}


# --- genres that a machine wrote ------------------------------------------------------------------------------------


@pytest.fixture
def written(clean: Station) -> tuple[Station, set[str]]:
    """Return the station with two tracks that this system filled, and their ids."""
    paths = [
        put_track(clean.library / "open" / f"{i}.{end}", 0, 300 + i, end, SECONDS, artist=f"New {i}")
        for i, end in enumerate(("mp3", "flac"))
    ]
    clean.run("scan", clean.library)
    with open_index(clean.home / "index.db") as index:  # as `classify` does
        index.models.add("model-1", "cnn2d", clean.home / "models" / "model-1", CARD)
        index.models.promote("model-1")
        index.meta.set("promise", ["model-1", 0.0, 0.8])
        unlabelled = [track for track in index.select.tracks() if track.label is None]
        index.predictions.save(
            [
                Prediction(t.track_id, "model-1", {"rock": 1.0}, "rock", 1.0, Decision.ACCEPT, "sure")
                for t in unlabelled
            ],
            None,
        )
    assert clean.run("write", "--apply").counts["written"] == 2
    return clean, {fingerprint(os.fsencode(path))[:16] for path in paths}


def _lose_index(station: Station) -> None:
    for path in station.home.glob("index.db*"):
        path.unlink()


def _strip_notes(station: Station) -> None:
    """Take the notes out of the files, as another program may; the genre stays."""
    for path in (station.library / "open").iterdir():
        file = mutagen.File(path)
        for key in [key for key in file.tags.keys() if "TAGGER" in str(key).upper()]:  # noqa: SIM118
            del file.tags[key]
        file.save()


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param((), id="nothing lost"),
        pytest.param((_lose_index,), id="the index lost"),
        pytest.param((_lose_index, _strip_notes), id="the index and the notes lost"),
        pytest.param(
            (_lose_index, lambda station: (station.home / "journal.jsonl").unlink()), id="index, journal lost"
        ),
    ],
)
def test_a_genre_that_this_system_wrote_is_never_learned(written: tuple[Station, set[str]], loss: tuple) -> None:
    station, machine = written
    for lose in loss:
        lose(station)
    counts = station.run("scan", station.library).counts
    assert (counts["machine"], counts["labelled"]) == (2, 24)
    found = sources_of(station)
    assert not machine & {source.track for source in found.everything}
    assert len(found.labelled) == 24
    assert found.leaks["machine"] == 0, "the labels saw to it already"


def test_a_machine_genre_among_the_labels_is_found_from_the_other_end(written: tuple[Station, set[str]]) -> None:
    """Were the labels wrong about it, the audit of the split still is not."""
    station, machine = written
    station.run("scan", station.library)
    with closing(sqlite3.connect(station.home / "index.db")) as index, index:
        changed = index.execute("UPDATE tracks SET state = 'labelled', label = 'rock' WHERE state = 'machine'").rowcount
    assert changed == 2
    found = sources_of(station)
    assert found.leaks == {"copy": 0, "artist": 0, "song": 0, "machine": 2}
    assert not machine & {source.track for source in found.everything}
    assert len(found.labelled) == 24
