"""People's labels of the same artist and album count beside the sound, and decisions follow them."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pytest

from tagger.base.records import ALBUM, ARTIST, Decision, Prediction
from tagger.commands import decisions
from tagger.commands.context import load_contexts
from tagger.commands.model import current_model, heldout_of
from tagger.commands.session import Session
from tagger.index.rows import TrackRow
from tagger.index.store import Index, open_index
from tagger.model.calibrate import accepted, precision_bound, thresholds
from tagger.model.heldout import Heldout, write_heldout

from .conftest import SETTINGS, Station, put_track

VARIABLES = {**SETTINGS, "TAGGER_PROMISE": "0.8"}
MODEL = "model-1"
ARTISTS, TRACKS = 14, 3  # the even ones play rock, the odd ones jazz
UNSURE, CONTRARY = {"rock": 0.55, "jazz": 0.45}, {"rock": 0.45, "jazz": 0.55}


def song(library: Path, artist_number: int, number: int, genre: str | None, **tags: str) -> Path:
    """Put a short song into the library; all sound alike, since the model is made up."""
    name = f"Artist {artist_number}"
    given = {"artist": name, "album": f"Album {artist_number}", "title": f"Song {number}", **tags}
    if genre is not None:
        given["genre"] = genre
    return put_track(library / name / f"{number}.flac", 0, 100 * artist_number + number, "flac", 2.2, **given)


def rows_of(index: Index) -> dict[str, TrackRow]:
    return {f"{track.artist} {track.title}": track for track in index.select.tracks()}


def pretend(index: Index, folder: Path) -> None:
    """Store a model that can hardly tell the two genres apart, what it said of all labelled tracks when nobody had told
    it of their artists, and what it says of the others."""
    labelled = sorted(index.select.labelled(), key=lambda track: track.track)
    right = np.arange(len(labelled)) % 3 > 0
    labels = np.array([["rock", "jazz"].index(track.label or "") for track in labelled])
    says_rock = (labels == 0) == right
    shares = np.where(says_rock[:, None], [0.55, 0.45], [0.45, 0.55])
    ones = np.ones(len(labelled), np.int64)
    names = np.array([track.track for track in labelled])
    groups = np.array([f"artist {track.artist}" for track in labelled])
    splits = np.where(np.char.str_len(groups) % 2, "val", "test")
    folder.mkdir(parents=True)
    write_heldout(folder / "heldout.csv", Heldout(("rock", "jazz"), names, groups, splits, labels, shares, ones, ones))
    index.models.add(MODEL, "cnn2d", folder, {"genres": ["rock", "jazz"]})
    index.models.promote(MODEL)
    said = [
        Prediction(track.track_id, MODEL, UNSURE, "rock", 0.55, Decision.ABSTAIN, "")
        for track in index.select.tracks()
        if track.label is None
    ]
    index.predictions.save(said, None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Station:
    """Return a scanned station: 14 artists with three labelled songs each, and songs that nobody labelled."""
    folder = tmp_path_factory.mktemp("station")
    station = Station(folder / "home", folder / "library")
    for artist in range(ARTISTS):
        for number in range(TRACKS):
            song(station.library, artist, number, ("Rock", "Jazz")[artist % 2])
    song(station.library, 1, 9, None)
    song(station.library, 0, 9, None)
    song(station.library, 99, 9, None)
    song(station.library, 98, 9, None, album_artist="Various Artists", artist="Artist 3", album="Hits")
    song(station.library, 97, 9, None, album_artist="Various Artists", artist="Artist 97", album="Hits")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        assert station.run("scan", station.library).counts["untagged"] == 5
    with open_index(station.home / "index.db") as index:
        pretend(index, station.home / "models" / MODEL)
    return station


@pytest.fixture
def station(made: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    """Return a copy of the station that a test may change; the library keeps its place in the index."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    shutil.copytree(made.home, tmp_path / "home")
    shutil.copytree(made.library, tmp_path / "backup", copy_function=shutil.copy2)
    yield Station(tmp_path / "home", made.library)
    shutil.rmtree(made.library)
    shutil.copytree(tmp_path / "backup", made.library, copy_function=shutil.copy2)


def retag(path: Path, genre: str) -> None:
    file = mutagen.File(path)
    file["genre"] = genre
    file.save()


def said(station: Station) -> dict[str, Prediction]:
    """Return what is stored of each track, by artist and title, once `write` has looked at it."""
    assert station.run("write").code == 0
    with open_index(station.home / "index.db") as index:
        tracks = {track.track_id: f"{track.artist} {track.title}" for track in index.select.tracks()}
        return {tracks[one.track_id]: one for one in index.predictions.of_model(MODEL)}


def test_a_known_artist_decides_where_the_sound_is_unsure(station: Station) -> None:
    found = said(station)
    known = found["Artist 1 Song 9"]
    assert (known.genre, known.decision) == ("jazz", Decision.ACCEPT)
    assert known.context is not None
    assert known.audio == UNSURE
    assert known.context[ARTIST]["counts"] == known.context[ALBUM]["counts"] == {"jazz": 3}
    assert UNSURE["jazz"] < known.context[ARTIST]["probability"] <= known.context[ALBUM]["probability"]
    assert known.confidence == known.probabilities["jazz"] == known.context[ALBUM]["probability"]
    assert known.reason.endswith("that jazz needs (sound 0.45; 3 of 3 by the artist; 3 of 3 on the album)")
    assert "\n" not in known.reason
    assert found["Artist 0 Song 9"].genre == "rock"


def test_an_unknown_artist_is_judged_by_sound_alone(station: Station) -> None:
    found = said(station)["Artist 99 Song 9"]
    assert (found.probabilities, found.context, found.decision) == (UNSURE, None, Decision.ABSTAIN)


def test_on_a_compilation_only_the_own_artist_counts(station: Station) -> None:
    found = said(station)
    assert found["Artist 3 Song 9"].context is not None
    assert found["Artist 3 Song 9"].context.keys() == {"audio", ARTIST}
    assert found["Artist 97 Song 9"].context is None, "Various Artists are no artist"


def test_the_plan_says_why(station: Station) -> None:
    plan = {Path(item["path"]).parent.name: item for item in station.run("write").facts["plan"]}
    assert {name: item["after"] for name, item in plan.items()} == {
        "Artist 0": "rock", "Artist 1": "jazz", "Artist 98": "jazz",
    }  # fmt: skip
    assert "3 of 3 by the artist" in plan["Artist 1"]["reason"]


def test_switched_off_sound_speaks_alone(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    on = said(station)
    monkeypatch.setenv("TAGGER_CONTEXT", "false")
    off = said(station)
    assert all(one.context is None and one.probabilities == UNSURE for one in off.values())
    assert {one.decision for one in off.values()} == {Decision.ABSTAIN}
    monkeypatch.setenv("TAGGER_CONTEXT", "true")
    assert said(station) == on, "what sound alone says was kept"


def test_decisions_follow_the_labels(station: Station) -> None:
    before = said(station)
    for path in (station.library / "Artist 1").glob("[0-2].flac"):
        retag(path, "Rock")
    assert station.run("scan", station.library).counts["changed"] == TRACKS
    after = said(station)
    assert (before["Artist 1 Song 9"].genre, after["Artist 1 Song 9"].genre) == ("jazz", "rock")
    assert after["Artist 1 Song 9"].audio == UNSURE
    others = before.keys() - {"Artist 1 Song 9"}
    assert all(after[name].probabilities == before[name].probabilities for name in others)


def test_what_a_machine_wrote_is_no_evidence(station: Station) -> None:
    assert station.run("write", "--apply").counts["written"] == 3
    song(station.library, 96, 9, None, artist="Artist 1", album="Hits")
    assert station.run("scan", station.library).counts["machine"] == 3
    found = said(station)
    assert found["Artist 1 Song 9"].context is not None
    assert found["Artist 1 Song 9"].context[ARTIST]["counts"] == {"jazz": 3}


def test_copies_of_the_track_are_no_evidence(station: Station) -> None:
    copy = station.library / "Artist 1" / "copy.flac"
    shutil.copy(station.library / "Artist 1" / "9.flac", copy)
    retag(copy, "Rock")
    assert station.run("scan", station.library).counts["labelled"] == ARTISTS * TRACKS + 1
    found = said(station)["Artist 1 Song 9"]
    assert found.context is not None
    assert found.context[ARTIST]["counts"] == {"jazz": 3}


def test_an_unchanged_night_decides_nothing(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    said(station)
    assert station.run("scan", station.library).counts["unchanged"] == ARTISTS * TRACKS + 5

    def never(*_: object) -> None:
        raise AssertionError("nothing changed since")

    monkeypatch.setattr(decisions, "rules_of", never)
    said(station)
    retag(station.library / "Artist 5" / "0.flac", "Rock")
    assert station.run("scan", station.library).counts["changed"] == 1
    with pytest.raises(AssertionError, match="nothing changed since"):
        station.run("write")


def test_limits_come_from_held_out_tracks_without_their_own_label(station: Station) -> None:
    """People contradict themselves on every artist: each track's kin speak against it, and nothing can be promised."""
    for artist in range(ARTISTS):
        retag(station.library / f"Artist {artist}" / "0.flac", "Rock")
        retag(station.library / f"Artist {artist}" / "1.flac", "Jazz")
    assert station.run("scan", station.library).code == 0
    assert {one.decision for one in said(station).values()} == {Decision.ABSTAIN}


def test_the_promise_is_kept_on_held_out_tracks(station: Station) -> None:
    retag(station.library / "Artist 3" / "0.flac", "Rock")
    assert station.run("scan", station.library).code == 0
    with Session.from_arguments(argparse.Namespace(command="status", home=str(station.home))) as session:
        session.look()
        current = current_model(session)
        found = load_contexts(session, current, heldout_of(current))
        assert found is not None
        _, evidence = found
    assert evidence is not None
    sound = heldout_of(current)
    assert sound is not None
    assert set(thresholds(sound, 0.8, 0.8).values()) == {None}, "sound alone can promise nothing"
    limits = thresholds(evidence.few, 0.8, 0.8)
    assert limits["rock"] is not None and limits["jazz"] is not None
    taken = accepted(evidence.few.probabilities, evidence.few.genres, limits)
    right = evidence.few.probabilities.argmax(axis=1) == evidence.few.labels
    assert len(evidence.few) == ARTISTS * TRACKS
    assert precision_bound(right[taken], evidence.few.groups[taken], 0.8) >= 0.8


def test_without_held_out_artists_context_counts_and_nothing_is_promised(station: Station) -> None:
    path = station.home / "models" / MODEL / "heldout.csv"
    with open_index(station.home / "index.db") as index:
        index.models.add(MODEL, "cnn2d", path.parent, {"genres": ["rock", "jazz"]})
    path.write_text(path.read_text().splitlines()[0] + "\n")
    found = said(station)["Artist 1 Song 9"]
    assert (found.genre, found.decision) == ("jazz", Decision.ABSTAIN)
    assert found.context is not None


@pytest.mark.slow
def test_guess_explains_itself_and_leaves_the_index_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digest: Callable[[Path], Mapping[str, Any]]
) -> None:
    station = Station(tmp_path / "home", tmp_path / "library")
    for name, value in {**VARIABLES, "TAGGER_CLIPS": "2"}.items():
        monkeypatch.setenv(name, value)
    for kind, genre in enumerate(("Rock", "Jazz")):
        for artist in range(6):
            for number in range(2):
                name = f"Artist {kind}{artist}"
                path = station.library / name / f"{number}.mp3"
                tags = {"artist": name, "album": name, "title": f"Song {number}", "genre": genre}
                put_track(path, kind, 10 * artist + number, "mp3", 3.6, **tags)
    assert station.run("scan", station.library).code == 0
    assert station.run("train", "--family", "logreg").code == 0
    new = put_track(tmp_path / "new.mp3", 0, 77, "mp3", 3.6, artist="The Artist 00 feat. Ann", title="New")
    other = put_track(tmp_path / "other.mp3", 0, 78, "mp3", 3.6, title="Whose?")
    before = digest(station.home)
    result = station.run("guess", new, other, station.library / "Artist 01" / "0.mp3", "--explain")
    assert result.code == 0, result.err
    assert digest(station.home) == before
    known, unknown, own = result.facts["results"]
    assert known["predictions"][0]["genre"] == "rock"
    assert known["explain"][ARTIST]["counts"] == {"rock": 2}
    assert own["explain"][ARTIST]["counts"] == own["explain"][ALBUM]["counts"] == {"rock": 1}, "not its own label"
    assert unknown["explain"].keys() == {"audio"}
    assert unknown["predictions"][0]["probability"] == max(unknown["explain"]["audio"].values())
    text = station.run("guess", new, "--explain", json=False).out
    assert "sound alone: rock" in text
    assert "by the artist: 2 of 2 labelled rock" in text
    assert "explain" not in json.loads(station.run("guess", new).out)["results"][0]


@pytest.fixture
def digest() -> Callable[[Path], Mapping[str, Any]]:
    """Return a function that tells what the tables of an index hold."""

    def of(home: Path) -> Mapping[str, Any]:
        with open_index(home / "index.db") as index:
            return {
                "tracks": list(index.select.tracks()),
                "generation": index.meta.generation,
                "context": index.meta.get("context"),
                "promise": index.meta.get("promise"),
            }

    return of
