"""What the trunk's model says of tracks, and what a small network is to learn of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.base.records import NONE, ClipSource, Split
from tagger.model import batches, teacher
from tagger.model.batches import training_batches
from tagger.model.clips import ClipSet
from tagger.model.fit import log_softmax
from tagger.model.heldout import temper
from tagger.model.learned import LearnedModel
from tagger.model.recipe import Recipe
from tagger.model.saved import load
from tagger.model.state import Progress
from tagger.model.teacher import Teacher, targets
from tagger.model.train import train
from tagger.model.training import Watch

GENRES = ["edm", "jazz", "rock"]
WORD = np.array([0.2, 0.3, 0.5], np.float32)
EVERY = dict.fromkeys(("learned", "judge", "test", "open", "unspoken"), WORD)
ROWS = [  # track, label, split
    ("learned", 0, "train"), ("learned", 0, "train"), ("mute", 1, "train"), ("judge", 2, "val"), ("test", 1, "test"),
    ("open", 3, "train"),
]  # fmt: skip


def clips_of(rows: list[tuple[str, int, str]] = ROWS) -> ClipSet:
    tracks, labels, splits = zip(*rows, strict=True)
    names = np.array(tracks)
    return ClipSet(np.zeros((len(rows), 4, 4), np.uint8), np.array(labels), names, names, np.array(splits))


# --- what is to be learned ------------------------------------------------------------------------------------------


def test_held_out_tracks_keep_the_label_that_a_person_gave() -> None:
    found = targets(clips_of(), GENRES, EVERY, 0.5)
    assert (found.shape, found.dtype) == ((6, 3), np.float32)
    assert found[3].tolist() == [0, 0, 1]
    assert found[4].tolist() == [0, 1, 0]


def test_a_labelled_track_of_training_is_half_label_half_word() -> None:
    found = targets(clips_of(), GENRES, EVERY, 0.5)
    assert found[:2] == pytest.approx(np.tile([0.6, 0.15, 0.25], (2, 1)))
    assert found[2].tolist() == [0, 1, 0], "the teacher said nothing of it"


def test_a_track_without_a_label_takes_the_word_whole() -> None:
    found = targets(clips_of(), GENRES, EVERY, 0.5)
    assert found[5] == pytest.approx(WORD)
    assert found.sum(axis=1) == pytest.approx(np.ones(6))


@pytest.mark.parametrize(("share", "first"), [(0.0, [1, 0, 0]), (1.0, WORD)], ids=["label", "word"])
def test_the_share_of_the_word(share: float, first: Any) -> None:
    assert targets(clips_of(), GENRES, EVERY, share)[0] == pytest.approx(np.asarray(first))


def test_what_is_none_of_the_genres_is_learned_as_such() -> None:
    genres = [*GENRES, NONE]
    clips = clips_of([("outside", 3, "train"), ("outside too", 3, "test"), ("open", 4, "train")])
    word = np.array([0.1, 0.1, 0.1, 0.7], np.float32)
    found = targets(clips, genres, {"outside": word, "open": word}, 0.5)
    assert found == pytest.approx(np.array([[0.05, 0.05, 0.05, 0.85], [0, 0, 0, 1], word]))


# --- targets beside clips -------------------------------------------------------------------------------------------


def test_targets_stay_beside_their_clips() -> None:
    clips = clips_of([(f"track {number}", number % 3, "train") for number in range(6)])
    taught = replace(clips, targets=np.arange(18, dtype=np.float32).reshape(6, 3))
    assert taught.only(np.array([4, 1])).targets == pytest.approx(np.array([[12, 13, 14], [3, 4, 5]]))
    assert taught.only(taught.labels == 2).targets == pytest.approx(np.array([[6, 7, 8], [15, 16, 17]]))
    assert taught.with_labels(clips.labels).targets is taught.targets
    assert clips.only(np.array([0])).targets is None
    assert taught.digest() != clips.digest() != replace(taught, targets=taught.targets + 1).digest()
    with pytest.raises(ValueError, match="differ in length"):
        replace(clips, targets=np.zeros((5, 3), np.float32))


def test_what_is_learned_of_a_clip_is_its_target() -> None:
    random = np.random.default_rng(1)
    pictures = np.repeat(np.arange(8, dtype=np.uint8), 16).reshape(8, 4, 4)
    told = random.dirichlet([1, 1, 1], 8).astype(np.float32)
    names = np.arange(8).astype(str)
    clips = ClipSet(pictures, np.zeros(8, np.int64), names, names, np.full(8, "train"), told)
    recipe = Recipe(1e-3, batch=4, balance="none")
    for batch in training_batches({1: clips}, 3, recipe, np.ones(3, np.float32), seed=1, epoch=0):
        numbers = batch.inputs[:, 0, 0].astype(int)
        assert batch.targets == pytest.approx(told[numbers])
    plain = next(training_batches({1: replace(clips, targets=None)}, 3, recipe, np.ones(3, np.float32), 1, 0))
    assert (plain.targets == [1, 0, 0]).all()


# --- the teacher ----------------------------------------------------------------------------------------------------


def logits(inputs: np.ndarray) -> np.ndarray:
    """A model that says what it is given."""
    return inputs[:, :3].astype(np.float32)


@pytest.fixture
def speaker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Teacher:
    """A teacher whose clips are its logits."""
    monkeypatch.setattr(teacher, "pooled_features", lambda front, clips, memory, watch: clips.inputs)
    random = np.random.default_rng(2)
    names = np.array(["learned", "learned", "judge"])
    inputs = random.normal(0, 2, (3, 3)).astype(np.float32)
    clips = ClipSet(inputs, np.array([0, 0, 1]), names, names, np.array(["train", "train", "val"]))
    model = LearnedModel(logits, {3: clips}, Progress("", "", []), 0, "", lambda path: None, {})
    return Teacher(model, None, tmp_path, 1.7, tuple(GENRES))


def word(inputs: np.ndarray, temperature: float) -> np.ndarray:
    return temper(np.exp(log_softmax(log_softmax(inputs).mean(axis=0))), temperature)


def test_it_speaks_of_the_tracks_that_it_learned_from(speaker: Teacher) -> None:
    said = speaker.of_training()
    assert said.keys() == {"learned"}, "not of those that judge it"
    assert said["learned"] == pytest.approx(word(speaker.model.clips[3].inputs[:2], 1.7), abs=1e-6)


def test_it_speaks_of_other_tracks_as_sure_as_it_is_right(speaker: Teacher) -> None:
    random = np.random.default_rng(3)
    tracks = [
        (ClipSource(f"{number:016x}", b"", 5.0, "artist", "untagged", Split.TRAIN.value),
         random.normal(0, 2, (clips, 3)).astype(np.float32))
        for number, clips in enumerate((2, 1, 3))
    ]  # fmt: skip
    said = speaker.says(tracks, Watch(time_left=lambda: 0.0))
    assert list(said) == [source.track for source, _ in tracks]
    for source, inputs in tracks:
        assert said[source.track] == pytest.approx(word(inputs, 1.7), abs=1e-6)
    assert speaker.says([], Watch()) == {}


@pytest.mark.slow
def test_a_small_network_learns_what_it_is_told_and_its_card_says_so(
    make_clips: Callable[..., dict[int, ClipSet]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracks without a label are learned from, and are no evidence of how right it is."""
    monkeypatch.setattr(batches, "LEAST_EPOCH", 1)
    clips = {}
    for seconds, one in make_clips(genres=3, artists=6, rows=32, seconds=(1, 2)).items():
        unlabelled = (one.splits == "train") & np.char.endswith(one.tracks, "-1")
        labels = np.where(unlabelled, len(GENRES), one.labels)
        said = dict.fromkeys(np.unique(one.tracks).tolist(), WORD)
        wanted = targets(one.with_labels(labels), GENRES, said, 0.5)
        clips[seconds] = replace(one, labels=np.where(unlabelled, wanted.argmax(axis=1), labels), targets=wanted)
    result = train(clips, GENRES, "cnn2d-distilled", tmp_path / "models", tmp_path / "work", max_epochs=1,
                   form={"name": "mel"})  # fmt: skip
    assert (result.card["family"], result.card["measured_tracks"]) == ("cnn2d-distilled", 6)
    assert result.card["learned_seconds"] == [1, 2]
    assert result.folder is not None
    assert load(result.folder).probabilities(clips[2].inputs[:1]).shape == (1, 3)
