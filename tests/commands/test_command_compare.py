"""Families side by side over real files, models of other families in use, and what is none of the genres."""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tagger.audio.features import FEATURES
from tagger.base.records import NONE, Split
from tagger.commands.session import Session
from tagger.commands.sources import clip_sources

from .conftest import SETTINGS, Result, Station, put_track

pytestmark = pytest.mark.slow

VARIABLES = {**SETTINGS, "TAGGER_PROMISE": "0", "TAGGER_CLIPS": "3", "TAGGER_CLIP_SECONDS": "1"}
KINDS = {0: "Rock", 2: "Dance", 1: "Podcast"}  # of sound; the last is none of the genres
ARTISTS = {0: 5, 2: 5, 1: 4}
LABELLED, OUTSIDE, OPEN = 20, 4, 2
SECONDS = 3.6  # of each song: room for one clip of 3 s
COMPARE = ("compare", "--families", "cnn2d,logreg,knn", "--leaky", "--epochs", "1")
ROW = {
    "family",
    "metrics",
    "intervals",
    "parameters",
    "train_seconds",
    "tracks_per_second",
    "leaky",
    "note",
}
METRICS = {
    *("track_accuracy", "clip_accuracy", "balanced_accuracy", "macro_f1", "top3_accuracy"),
    *("ece", "majority_baseline", "precision", "coverage"),
}


def fill_library(library: Path) -> None:
    """Two genres, five artists each, two songs each; four podcasts; two songs that nobody tagged."""
    for kind, genre in KINDS.items():
        for artist in range(ARTISTS[kind]):
            for track in range(2 if kind != 1 else 1):
                name = f"Artist {kind}{artist}"
                seed, title = 10 * artist + track, f"Song {kind}{artist}{'ab'[track]}"
                path = library / name / f"{title}.{('mp3', 'flac')[track]}"
                put_track(path, kind, seed, path.suffix[1:], SECONDS, artist=name, title=title, genre=genre)
    for kind in (0, 2):
        put_track(library / f"open {kind}.mp3", kind, 99, "mp3", SECONDS, artist=f"New {kind}")


def mislabel(station: Station) -> None:
    """Give a held-out song the sound of the other genre: no library is so clean that nobody ever errs."""
    with Session.from_arguments(argparse.Namespace(command="dataset", home=str(station.home))) as session:
        session.begin()
        held = [s for s in clip_sources(session).labelled if s.split == Split.TEST and s.label == "rock"]
    path = Path(os.fsdecode(held[0].path))
    put_track(path, 2, 999, path.suffix[1:], SECONDS, artist=path.parent.name, title=path.stem, genre=KINDS[0])
    assert station.run("scan", station.library).counts["changed"] == 1


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Station, Result]:
    """Return a scanned station, and what comparing three families on it gave."""
    folder = tmp_path_factory.mktemp("compared")
    station = Station(folder / "home", folder / "library")
    fill_library(station.library)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        counts = station.run("scan", station.library).counts
        assert (counts["labelled"], counts["skipped"], counts["untagged"]) == (LABELLED, OUTSIDE, OPEN)
        mislabel(station)
        return station, station.run(*COMPARE)


@pytest.fixture
def copied(compared: tuple[Station, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    """Return a copy of the station whose home a test may change; the library keeps its place, and stays as it is."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    shutil.copytree(compared[0].home, tmp_path / "home", symlinks=True)
    before = {path: path.stat().st_mtime_ns for path in compared[0].library.rglob("*")}
    yield Station(tmp_path / "home", compared[0].library)
    assert {path: path.stat().st_mtime_ns for path in compared[0].library.rglob("*")} == before


def one_line(result: Result, *parts: str) -> None:
    """Check that a command was refused for how it was used, in one line."""
    assert (result.code, result.out) == (2, ""), (result.code, result.out, result.err)
    (line,) = [line for line in result.err.splitlines() if line and not line.startswith(("usage:", " "))]
    for part in parts:
        assert part in line


# --- compare --------------------------------------------------------------------------------------------------------


def test_compare_has_a_row_for_each_family(compared: tuple[Station, Result]) -> None:
    _, result = compared
    assert result.code == 0, result.err
    rows = result.facts["rows"]
    assert {row["family"] for row in rows} == {"cnn2d", "logreg", "knn"}
    accuracies = [row["metrics"]["track_accuracy"] for row in rows]
    assert accuracies == sorted(accuracies, reverse=True), "the best comes first"
    for row in rows:
        assert set(row) == ROW
        assert set(row["metrics"]) >= METRICS and set(row["intervals"]) >= METRICS
        assert all(0 <= row["metrics"][name] <= 1 for name in METRICS)
        assert all(low <= high for low, high in row["intervals"].values())
        assert row["leaky"]["track_accuracy"] >= 0.3
        assert isinstance(row["parameters"], int) and row["parameters"] > 0
        assert row["train_seconds"] > 0 and row["tracks_per_second"] > 0
        if row["family"] != "cnn2d":  # one epoch is too little for it
            assert 0.6 < row["metrics"]["track_accuracy"] < 1
    assert len({row["metrics"]["majority_baseline"] for row in rows}) == 1, "all on the same tracks"
    assert result.counts == {"families": 3, "tracks": result.counts["tracks"], "clips": 3 * result.counts["tracks"]}
    assert result.counts["tracks"] >= 4


def test_compare_draws_a_page_and_pictures(compared: tuple[Station, Result]) -> None:
    _, result = compared
    page = Path(result.facts["report"])
    names = {"accuracy.png", "risk.png", "roc.png", "reliability.png", "confusions.png", "learning.png"}
    assert {path.name for path in page.parent.iterdir()} == {"compare.html", "compare.md", *names}
    for name in names:
        assert (page.parent / name).read_bytes().startswith(b"\x89PNG")
        assert f'"{name}"' in page.read_text()
    markdown = (page.parent / "compare.md").read_text()
    for family in ("cnn2d", "logreg", "knn"):
        assert family in markdown and family in page.read_text()


def test_the_best_family_comes_again_with_what_people_tagged(compared: tuple[Station, Result], copied: Station) -> None:
    first = compared[1].facts["rows"]
    rows = copied.run(*COMPARE, "--context").facts["rows"]
    (knowing,) = [row for row in rows if row["family"].endswith("+context")]
    assert [row["metrics"] for row in rows if row is not knowing] == [row["metrics"] for row in first]
    alone = next(row for row in first if knowing["family"] == f"{row['family']}+context")
    assert alone["metrics"]["track_accuracy"] == max(row["metrics"]["track_accuracy"] for row in first)
    assert knowing["metrics"]["track_accuracy"] >= alone["metrics"]["track_accuracy"]
    assert "people typed" in knowing["note"] and set(knowing) == ROW


def test_compare_remembers_what_it_trained(compared: tuple[Station, Result], copied: Station, tmp_path: Path) -> None:
    first = compared[1].facts
    again = copied.run(*COMPARE, "--out", tmp_path / "page")
    assert again.code == 0
    assert again.facts["rows"] == first["rows"]
    assert again.facts["seconds"] < max(first["seconds"] / 2, 5)
    assert (tmp_path / "page" / "compare.html").is_file()
    shown = copied.run(*COMPARE, json=False).out
    assert all(family in shown for family in ("cnn2d", "logreg", "knn")) and "compare.html" in shown


@pytest.mark.parametrize("family", ["logreg", "waveform-knn", "mfcc-cnn"])
def test_families_that_hear_sound_take_no_pictures(copied: Station, family: str) -> None:
    folder = copied.home / "dataset"
    assert folder.is_dir()
    for command in (("compare", "--families", f"cnn2d,{family}"), ("train", "--family", family)):
        one_line(copied.run(*command, "--dataset", folder, json=False), family, "--dataset")


def test_families_that_are_not_there_are_named(station: Station) -> None:
    one_line(station.run("compare", "--families", "cnn2d,cnn3d", json=False), "cnn3d", "waveform-forest")
    one_line(station.run("compare", "--families", ",", json=False), "families are")
    one_line(station.run("train", "--family", "cnn3d", json=False), "cnn3d")
    one_line(station.run("compare", "--dataset", station.home / "nowhere", json=False), "there is no such data set")


def test_too_few_labels_are_explained(station: Station) -> None:
    for number in range(3):
        put_track(station.library / f"{number}.mp3", 0, number, "mp3", 2.5, artist=f"A{number}", genre="Rock")
    station.run("scan", station.library)
    for command in (("compare", "--families", "knn"), ("train", "--family", "knn", "--search")):
        result = station.run(*command)
        assert (result.code, result.facts.get("rows", []), result.facts.get("model")) == (0, [], None)
        told = station.run(*command, json=False)
        assert told.code == 0
        assert "at least two genres" in told.out


def test_pictures_of_one_class_are_too_little_to_search_with(station: Station, tmp_path: Path) -> None:
    folder = tmp_path / "pictures" / "train" / "dark"
    folder.mkdir(parents=True)
    for number in range(4):
        Image.fromarray(np.full((40, 50), number, np.uint8)).save(folder / f"track{number}__0.png")
    for command in (("train",), ("train", "--search"), ("compare",)):
        result = station.run(*command, "--dataset", tmp_path / "pictures", json=False)
        assert result.code == 0, result.err
        assert "a model needs tracks of at least two genres to learn from; there are: dark" in result.out


# --- a model of another family in use -------------------------------------------------------------------------------


def test_a_model_of_another_family_is_used_everywhere(copied: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = copied.run("train", "--family", "logreg")
    assert (trained.code, trained.facts["promoted"]) == (0, True), trained.err
    assert "-logreg-" in trained.facts["model"]
    assert (copied.home / "models" / trained.facts["model"] / "model.skops").is_file()
    assert 0.6 < trained.facts["metrics"]["track_accuracy"] < 1
    evaluated = copied.run("evaluate")
    assert evaluated.code == 0, evaluated.err
    assert evaluated.facts["metrics"] == pytest.approx(trained.facts["metrics"])
    counts = copied.run("classify").counts
    assert (counts["classified"], counts["unreadable"]) == (OPEN, 0)
    guessed = copied.run("guess", copied.library / "open 0.mp3", copied.library / "open 2.mp3", "--explain").facts
    assert [one["predictions"][0]["genre"] for one in guessed["results"]] == ["rock", "edm"]
    assert [one["clips"] for one in guessed["results"]] == [["rock"], ["edm"]]
    monkeypatch.setenv("TAGGER_FAMILY", "logreg")
    monkeypatch.setenv("TAGGER_RETRAIN_DAYS", "0")
    night = copied.run("nightly", copied.library)
    assert night.code == 0, night.err
    assert night.facts["stages"]["learn"]["counts"]["tracks"] == LABELLED + OUTSIDE
    assert night.facts["stages"]["write"]["counts"]["planned"] == OPEN
    assert "logreg" in Path(night.facts["report"]).read_text()
    assert copied.run("status").facts["model"]["family"] == "logreg"


def test_none_is_learned_and_never_named(copied: Station, tmp_path: Path) -> None:
    """The podcasts, which the map skips, teach what is none of the genres."""
    trained = copied.run("train", "--family", "logreg")
    card = json.loads((copied.home / "models" / trained.facts["model"] / "card.json").read_text())
    assert card["genres"][-1] == NONE and set(card["genres"][:-1]) == {"rock", "edm"}
    assert NONE not in {row["genre"] for row in trained.facts["genres"]}
    assert sum(card["counts"][split]["genres"][NONE] for split in ("train", "val", "test")) == OUTSIDE
    assert card["counts"]["train"]["genres"][NONE] > 0
    assert card["thresholds"][NONE] is None
    podcasts = sorted(copied.library.rglob("Song 1*"))
    guessed = copied.run("guess", *podcasts, "--top", "10").facts["results"]
    assert len(guessed) == OUTSIDE
    assert {p["genre"] for one in guessed for p in one["predictions"]} == {"rock", "edm"}
    told = copied.run("guess", podcasts[0], json=False).out
    assert "none of the genres" in told
    talk = put_track(tmp_path / "more" / "talk.mp3", 1, 70, "mp3", SECONDS, artist="Nobody knows whom")
    copied.run("scan", talk.parent)
    assert copied.run("classify").counts["classified"] == OPEN + 1
    lines = copied.run("export", "--format", "jsonl", json=False).out.splitlines()
    (row,) = (row for row in map(json.loads, lines) if row["path"] == str(talk))
    assert (row["state"], row["decision"]) == ("untagged", "abstain"), "though everything may be written at promise 0"
    assert row["reason"].startswith("sounds like none of the genres")
    assert str(talk) not in {item["path"] for item in copied.run("write").facts["plan"] if item["after"]}


def test_none_is_in_no_data_set(copied: Station) -> None:
    def tracks(folder: Path) -> dict[str, set[str]]:
        with (folder / "manifest.csv").open(newline="") as file:
            found: dict[str, set[str]] = {}
            for row in csv.DictReader(file):
                found.setdefault(row["label"], set()).add(row["track"])
        return found

    labelled = tracks(copied.home / "dataset")
    assert {label: len(names) for label, names in labelled.items()} == {"rock": 10, "edm": 10}
    outside = tracks(copied.home / "cache" / "outside-mel")
    assert {label: len(names) for label, names in outside.items()} == {NONE: OUTSIDE}
    assert not outside[NONE] & (labelled["rock"] | labelled["edm"])
    sounds = json.loads((copied.home / "cache" / "audio-3s" / "sources.json").read_text())
    assert {row[0] for row in sounds if row[2] == NONE} == outside[NONE]
    folders = {path.name for path in (copied.home / "dataset").rglob("*") if path.is_dir()}
    assert NONE not in folders and "rock" in folders
    result = copied.run("dataset")
    assert (result.code, result.counts["tracks"]) == (0, LABELLED)
    assert copied.run("dataset", "info").facts["faults"] == []


# --- searches -------------------------------------------------------------------------------------------------------


def test_a_search_by_grid_of_a_classical_family(copied: Station) -> None:
    result = copied.run("train", "--family", "knn", "--search", "grid")
    assert result.code == 0, result.err
    card = json.loads((copied.home / "models" / result.facts["model"] / "card.json").read_text())
    assert (card["search"]["how"], card["search"]["tries"]) == ("grid", 3)
    assert card["recipe"] == card["search"]["options"]
    table = (copied.home / "reports" / "search-knn.md").read_text()
    assert all(f"neighbours {number} " in table for number in (5, 15, 45))


def test_a_random_search_of_networks(copied: Station) -> None:
    result = copied.run("train", "--family", "features-mlp", "--search", "--tries", "2", "--epochs", "2")
    assert result.code == 0, result.err
    card = json.loads((copied.home / "models" / result.facts["model"] / "card.json").read_text())
    assert (card["search"]["how"], card["search"]["tries"], card["family"]) == ("random", 2, "features-mlp")
    assert card["epochs"] == 2
    tries = copied.home / "cache" / "search-features-mlp" / "tries.jsonl"
    lines = [json.loads(line) for line in tries.read_text().splitlines()]
    assert [line["number"] for line in lines] == [1, 2] and lines[0]["options"] == {}
    best = min(lines, key=lambda line: (-line["track_accuracy"], line["loss"]))
    assert card["search"]["options"] == best["options"]


# --- tables for other programs --------------------------------------------------------------------------------------


def test_features_go_out_as_a_table(copied: Station, tmp_path: Path) -> None:
    result = copied.run("dataset", "--form", "features", "--out", tmp_path / "f.csv")
    assert result.code == 0, result.err
    assert result.counts == {"tracks": LABELLED, "clips_3s": LABELLED}
    with (tmp_path / "f.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["track", "label", "split", "clip", *FEATURES]
    assert len(rows) == LABELLED
    assert {row["label"] for row in rows} == {"rock", "edm"}
    assert {row["split"] for row in rows} == {"train", "val", "test"}
    splits = {(row["track"], row["split"]) for row in rows}
    assert len(splits) == LABELLED


def test_mfccs_go_out_as_json(copied: Station, tmp_path: Path) -> None:
    result = copied.run("dataset", "--form", "mfcc", "--out", tmp_path / "deep" / "m.json")
    assert result.code == 0, result.err
    found = json.loads((tmp_path / "deep" / "m.json").read_text())
    assert len(found["mfcc"]) == len(found["labels"]) == len(found["tracks"]) == len(found["splits"]) == LABELLED
    assert {found["mapping"][label] for label in found["labels"]} == {"rock", "edm"}
    assert {len(clip) for clip in found["mfcc"]} == {1 + 3 * 22050 // 512}
    assert {len(frame) for frame in found["mfcc"][0]} == {13}


@pytest.mark.parametrize("form", ["mfcc", "features"])
def test_a_table_needs_a_file(copied: Station, form: str, tmp_path: Path) -> None:
    one_line(copied.run("dataset", "--form", form, json=False), "--out FILE")
    one_line(copied.run("dataset", "--form", form, "--out", tmp_path, json=False), "--out FILE")
