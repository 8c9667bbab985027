"""Families side by side: on the same tracks, remembered between calls, and what a split by clip would claim."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.base.records import Split
from tagger.model import contend as contend_module
from tagger.model import families
from tagger.model.clips import ClipSet
from tagger.model.contend import Contender, contend, dealt_by_clip, standings
from tagger.model.families import Classical, family_named
from tagger.model.heldout import Heldout
from tagger.model.train import Watch

GENRES = ["edm", "jazz", "rock"]
FORM = {"name": "features"}


def features(artists: int = 8, genre: float = 0.7, artist: float = 2.0, seed: int = 0) -> dict[int, ClipSet]:
    """Features of 3-s clips: what the genre adds, what the artist adds, noise; two artists of each for val and test."""
    random = np.random.default_rng(seed)
    inputs, rows = [], []
    for number in range(3):
        for name in range(artists):
            split = ("test", "test", "val", "val")[artists - 1 - name] if name >= artists - 4 else "train"
            sound = genre * np.eye(6)[number] + artist * random.standard_normal(6)
            for track in range(2):
                for _ in range(3):
                    inputs.append(sound + 0.3 * random.standard_normal(6))
                    rows.append((number, f"{number}-{name}-{track}", f"artist {number}-{name}", split))
    labels, tracks, groups, splits = zip(*rows, strict=True)
    columns = (np.array(labels), np.array(tracks), np.array(groups), np.array(splits))
    return {3: ClipSet(np.array(inputs, np.float32), *columns)}


def run(clips: dict[int, ClipSet], folder: Path, family: str = "knn", **more: Any) -> Contender | None:
    settings = {"seed": 1, "max_epochs": 2, "promise": 0.9, "confidence": 0.8} | more
    return contend(family, clips, GENRES, FORM, folder, **settings)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the families that were trained, growing; the training itself is the real one."""
    done: list[str] = []
    real = contend_module.learn

    def noted(clips: Any, genres: Any, family: str, *rest: Any, **more: Any) -> Any:
        done.append(family)
        return real(clips, genres, family, *rest, **more)

    monkeypatch.setattr(contend_module, "learn", noted)
    return done


def same(one: Heldout, other: Heldout) -> None:
    for name in ("tracks", "groups", "splits", "labels", "clips", "clips_right"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.probabilities, other.probabilities)


# --- remembered -----------------------------------------------------------------------------------------------------


def test_what_is_known_is_not_trained_again(tmp_path: Path, fits: list[str]) -> None:
    first, again = run(features(), tmp_path), run(features(), tmp_path)
    assert first is not None and again is not None
    assert fits == ["knn"]
    same(first.heldout, again.heldout)
    assert replace(again, heldout=first.heldout) == replace(first, logits=None)
    assert first.logits is not None and again.logits is None
    assert first.parameters > 0 and first.seconds == 3
    one, other = (standings([found], 0.9, 0.8)["knn"] for found in (first, again))
    assert (one.metrics, one.intervals) == (other.metrics, other.intervals), "to the last digit"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda clips: ({3: replace(clips[3], inputs=clips[3].inputs + 1)}, {}), id="other clips"),
        pytest.param(lambda clips: ({3: clips[3].only(np.arange(len(clips[3]) - 6))}, {}), id="a track less"),
        pytest.param(lambda clips: ({3: clips[3].with_labels((clips[3].labels + 1) % 3)}, {}), id="other labels"),
        pytest.param(lambda clips: (clips, {"seed": 2}), id="another seed"),
        pytest.param(lambda clips: (clips, {"max_epochs": 3}), id="more epochs"),
        pytest.param(lambda clips: (clips, {"deterministic": True}), id="deterministic"),
    ],
)
def test_what_has_changed_is_trained_anew(tmp_path: Path, fits: list[str], change: Any) -> None:
    run(features(), tmp_path)
    clips, more = change(features())
    run(clips, tmp_path, **more)
    run(clips, tmp_path, **more)
    assert fits == ["knn", "knn"]


def test_a_changed_grid_is_trained_anew(tmp_path: Path, fits: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    run(features(), tmp_path)
    family = family_named("knn")
    assert isinstance(family, Classical)
    monkeypatch.setitem(families.FAMILIES, "knn", replace(family, grid={"neighbours": (7,)}))
    run(features(), tmp_path)
    assert fits == ["knn", "knn"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("knn.json", "{"), ("knn.json", "[]"), ("knn.json", None), ("knn.csv", "track,group\n1,2\n"), ("knn.csv", None)],
    ids=["torn", "strange", "gone", "damaged", "without its rows"],
)
def test_a_damaged_memory_is_none(tmp_path: Path, fits: list[str], name: str, content: str | None) -> None:
    first = run(features(), tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    again = run(features(), tmp_path)
    assert fits == ["knn", "knn"]
    assert first is not None and again is not None
    same(first.heldout, again.heldout)


def test_families_do_not_disturb_each_other(tmp_path: Path, fits: list[str]) -> None:
    for _ in range(2):
        run(features(), tmp_path)
        run(features(), tmp_path, "logreg")
    assert fits == ["knn", "logreg"]
    assert {path.name for path in tmp_path.iterdir()} == {"knn.csv", "knn.json", "logreg.csv", "logreg.json"}
    assert (
        json.loads((tmp_path / "knn.json").read_text())["key"]
        != json.loads((tmp_path / "logreg.json").read_text())["key"]
    )


@pytest.mark.slow
def test_a_network_that_the_time_did_not_suffice_for_goes_on(tmp_path: Path) -> None:
    clips, epochs = features(artists=6), []
    watch = Watch(lambda: 0.0 if epochs else 1e9, on_epoch=epochs.append)
    assert run(clips, tmp_path, "features-mlp", watch=watch) is None
    found = run(clips, tmp_path, "features-mlp", watch=Watch(on_epoch=epochs.append))
    assert found is not None
    assert [epoch.number for epoch in epochs] == [1, 2] == [row["epoch"] for row in found.history]
    again = run(clips, tmp_path, "features-mlp", watch=Watch(on_epoch=epochs.append))
    assert again is not None and len(epochs) == 2
    assert again.history == found.history


# --- side by side ---------------------------------------------------------------------------------------------------


def heldout(labels: list[int], calls: list[int], names: list[str], split: str = "test") -> Heldout:
    """Held-out tracks with these answers, each by an artist of its own."""
    count = len(labels)
    shares = np.full((count, 3), 0.1)
    shares[np.arange(count), calls] = 0.8
    right = (np.array(labels) == np.array(calls)) * 2
    tracks, places = np.array(names), np.array(labels, np.int64)
    return Heldout(tuple(GENRES), tracks, tracks, np.full(count, split), places, shares, np.full(count, 2), right)


def contender(family: str, heard: Heldout) -> Contender:
    return Contender(family, heard, 3, 1, 1.0, [])


def test_all_are_measured_on_the_tracks_that_all_have_heard() -> None:
    """One family cannot hear the last track, for another two are too short."""
    full = heldout([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 0], list("abcdef"))
    less = heldout([2, 1, 1, 0, 0], [2, 0, 1, 1, 0], list("edcba"))  # in another order, too
    found = standings([contender("one", full), contender("two", less)], 0.9, 0.8)
    assert {stand.measures.tracks for stand in found.values()} == {5}
    assert {frozenset(stand.heldout.tracks.tolist()) for stand in found.values()} == {frozenset("abcde")}
    assert found["one"].metrics["track_accuracy"] == 1.0
    assert found["two"].metrics["track_accuracy"] == pytest.approx(0.6)
    assert found["one"].metrics["majority_baseline"] == found["two"].metrics["majority_baseline"] == pytest.approx(0.4)
    assert {"macro_recall", "macro_precision", "roc_auc"} <= found["one"].metrics.keys()
    assert found["one"].intervals.keys() <= found["one"].metrics.keys()
    alone = standings([contender("one", full)], 0.9, 0.8)["one"]
    assert alone.measures.tracks == 6 and alone.metrics["track_accuracy"] == pytest.approx(5 / 6)


def test_a_name_under_another_genre_is_another_track() -> None:
    one = contender("one", heldout([0, 1, 2], [0, 1, 2], list("abc")))
    two = contender("two", heldout([0, 1, 1], [0, 1, 1], list("abc")))
    assert {stand.measures.tracks for stand in standings([one, two], 0.9, 0.8).values()} == {2}


def test_families_with_no_track_in_common_are_not_measured() -> None:
    one = contender("one", heldout([0, 1], [0, 1], list("ab")))
    two = contender("two", heldout([0, 1], [0, 1], list("cd")))
    for stand in standings([one, two], 0.9, 0.8).values():
        assert (stand.measures.tracks, stand.measures.split, stand.metrics["track_accuracy"]) == (0, "none", 0.0)


# --- the split that flatters ----------------------------------------------------------------------------------------


def test_clips_that_are_dealt_out_put_a_track_on_both_sides() -> None:
    clips = features()
    dealt = dealt_by_clip(clips, 1)[3]
    np.testing.assert_array_equal(dealt.inputs, clips[3].inputs)
    np.testing.assert_array_equal(dealt.labels, clips[3].labels)
    shares = [len(dealt.of(split)) / len(dealt) for split in Split]
    assert shares == pytest.approx([0.70, 0.15, 0.15], abs=0.07)
    sides = {str(track): set(dealt.splits[clips[3].tracks == track]) for track in np.unique(clips[3].tracks)}
    assert sum(len(side) > 1 for side in sides.values()) > len(sides) / 3
    assert len(set(dealt.tracks.tolist())) == len(set(dealt.groups.tolist())) == len(dealt), "and nothing warns of it"
    assert dealt_by_clip(clips, 1)[3].splits.tolist() == dealt.splits.tolist()
    assert dealt_by_clip(clips, 2)[3].splits.tolist() != dealt.splits.tolist()


def test_a_split_by_clip_claims_more_than_is_true_where_artists_sound_like_themselves(tmp_path: Path) -> None:
    clips = features(genre=0.5, artist=2.0)

    def accuracy(given: dict[int, ClipSet], where: str) -> float:
        found = run(given, tmp_path / where)
        assert found is not None
        return standings([found], 0.9, 0.8)["knn"].metrics["track_accuracy"]

    honest, claimed = accuracy(clips, "honest"), accuracy(dealt_by_clip(clips, 1), "leaky")
    assert claimed > 0.9
    assert honest < 0.7
