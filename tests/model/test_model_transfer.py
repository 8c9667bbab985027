"""The trunk with a head: one network that says what its parts say, taught by labels or by none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tagger.base.errors import NoModel, UsageError
from tagger.base.records import ALONE
from tagger.model import batches, transfer
from tagger.model.clips import ClipSet
from tagger.model.families import FAMILIES, Transfer
from tagger.model.fit import forward
from tagger.model.learned import LearnedModel
from tagger.model.quiet import load as load_keras
from tagger.model.training import Watch
from tagger.model.transfer import MISSING, Prepared, learn_transfer, map_alone, track_features, usual_embeddings
from tagger.model.trunk_map import NOTHING, map_scores, speaking
from tagger.model.trunk_memory import TrunkAccess
from tagger.model.trunk_model import EMBEDDING, HEARD, Head, Trunk, halves, head_network, untaught, whole_network

pytestmark = pytest.mark.slow

GENRES = ["edm", "jazz", "reggae", "rock"]
SIZE = EMBEDDING * len(HEARD)
TAGS = speaking(GENRES, {"Electronic": "edm", "Dance": "edm", "Jazz": "jazz", "Rock": "rock"}.get)


@pytest.fixture(scope="module")
def trunk(installed_trunks: Path) -> Trunk:
    return halves(installed_trunks)


@pytest.fixture(scope="module")
def access(installed_trunks: Path, tmp_path_factory: pytest.TempPathFactory) -> TrunkAccess:
    return TrunkAccess(installed_trunks, tmp_path_factory.mktemp("memory"), str.lower)


@pytest.fixture(scope="module")
def taught() -> Head:
    random = np.random.default_rng(5)
    kernel = (0.01 * random.standard_normal((SIZE, len(GENRES)))).astype(np.float32)
    return Head(kernel, random.standard_normal(len(GENRES)).astype(np.float32), 0.7)


def mels(count: int) -> np.ndarray:
    """Return what the trunk hears of noise that swells and fades."""
    random = np.random.default_rng(4)
    swell = 1 + np.sin(np.arange(187) / 5)[None, :, None]
    return (swell * random.gamma(2, 0.4, (count, 187, 96))).astype(np.float32)


def features(trunk: Trunk, count: int, seed: int = 0) -> np.ndarray:
    """Return pooled features such as the trunk might make, without asking it."""
    random = np.random.default_rng(seed)
    return np.abs(random.standard_normal((count, trunk.front.output_shape[-1]))).astype(np.float32)


# --- the parts put together -----------------------------------------------------------------------------------------


def test_the_untaught_head_says_what_the_map_says(trunk: Trunk) -> None:
    pooled = features(trunk, 20)
    logits = np.asarray(trunk.back(pooled))[:, SIZE:]
    assert len(TAGS[2]) == 0, "no tag speaks for reggae"
    expected = map_scores(logits, TAGS)
    assert (expected[:, 2] == NOTHING).all() and expected.std(axis=0)[[0, 1, 3]].min() > 0.1
    found = forward(head_network(trunk, TAGS, untaught(len(GENRES))))(pooled)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_labels_taught_is_added_to_the_map(trunk: Trunk, taught: Head) -> None:
    pooled = features(trunk, 20)
    both = np.asarray(trunk.back(pooled), np.float64)
    expected = both[:, :SIZE] @ taught.kernel + taught.bias + taught.scale * map_scores(both[:, SIZE:], TAGS)
    np.testing.assert_allclose(forward(head_network(trunk, TAGS, taught))(pooled), expected, atol=1e-4)


def test_the_whole_network_is_saved_as_one_and_loaded_in_safe_mode(trunk: Trunk, taught: Head, tmp_path: Path) -> None:
    head = head_network(trunk, TAGS, taught)
    whole = whole_network(trunk, head)
    heard = mels(2)
    expected = forward(head)(forward(trunk.front)(heard))
    np.testing.assert_allclose(forward(whole)(heard), expected, atol=1e-5)
    whole.save(tmp_path / "model.keras")
    keras, _ = load_keras()
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    np.testing.assert_allclose(forward(loaded)(heard), expected, atol=1e-5)


def test_usual_embeddings_are_those_of_what_the_trunk_was_taught_with(trunk: Trunk) -> None:
    usual, spread = usual_embeddings(trunk)
    assert usual.shape == spread.shape == (SIZE,)
    assert (spread > 0).all() and 0.05 < np.median(spread) < 5


def test_a_trunk_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="not installed"):
        halves(tmp_path)


# --- what the head is taught ----------------------------------------------------------------------------------------


def test_a_track_is_the_mean_of_its_clips(trunk: Trunk) -> None:
    tracks = np.array(["b", "a", "b", "a", "c", "held"])
    groups = np.array([f"{ALONE}b", "artist", f"{ALONE}b", "artist", f"{ALONE}c", "other"])
    clips = ClipSet(features(trunk, 6), np.array([1, 0, 1, 0, 1, 0]), tracks, groups, np.array(["train"] * 5 + ["val"]))
    found = track_features(Prepared(trunk, clips, TAGS, clips.inputs))
    assert found.labels.tolist() == [0, 1, 1]
    assert found.groups.tolist() == ["artist", "?/1", "?/1"], "those whose artist nobody knows count as one"
    both = np.asarray(trunk.back(clips.inputs), np.float64)
    for row, track in enumerate("abc"):
        own = both[tracks == track]
        assert found.embeddings[row] == pytest.approx(own[:, :SIZE].mean(axis=0), abs=1e-5)
        assert found.scores[row] == pytest.approx(map_scores(own[:, SIZE:], TAGS).mean(axis=0), abs=1e-4)


# --- learning -------------------------------------------------------------------------------------------------------


@pytest.fixture
def heard(trunk: Trunk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClipSet]:
    """Return a function that makes clips whose inputs are pooled features already; the trunk itself is not asked."""
    monkeypatch.setattr(transfer, "pooled_features", lambda front, clips, memory, watch: clips.inputs)

    def make(artists: int = 6) -> ClipSet:
        random = np.random.default_rng(7)
        signs = random.standard_normal((len(GENRES), trunk.front.output_shape[-1]))
        inputs, rows = [], []
        for genre in range(len(GENRES)):
            for artist in range(artists):
                split = ("val", "test")[artist] if artist < 2 else "train"
                for track in range(2):
                    noise = random.standard_normal(signs.shape[1])
                    inputs.append(np.abs(1 + 0.5 * signs[genre] + 0.5 * noise).astype(np.float32))
                    rows.append((genre, f"{genre}-{artist}-{track}", f"artist {genre}-{artist}", split))
        labels, tracks, groups, splits = zip(*rows, strict=True)
        return ClipSet(np.stack(inputs), np.array(labels), np.array(tracks), np.array(groups), np.array(splits))

    return make


def go(kind: str, clips: ClipSet, access: TrunkAccess | None, work: Path, watch: Watch | None = None) -> LearnedModel:
    family = FAMILIES[kind]
    assert isinstance(family, Transfer)
    found = learn_transfer(family, clips, GENRES, access, work, seed=1, deterministic=False, max_epochs=2,
                           watch=watch or Watch())  # fmt: skip
    assert isinstance(found, LearnedModel)
    return found


def accuracy(model: LearnedModel) -> float:
    clips = model.clips[3]
    held = clips.splits != "train"
    return float((model.logits(clips.inputs[held]).argmax(axis=1) == clips.labels[held]).mean())


def test_without_a_trunk_it_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="trunk-frozen: " + MISSING):
        go("trunk-frozen", None, None, tmp_path)  # type: ignore[arg-type]


def test_the_head_learns_and_the_map_does_not(
    heard: Callable[..., ClipSet], access: TrunkAccess, tmp_path: Path
) -> None:
    frozen, alone = go("trunk-frozen", heard(), access, tmp_path), go("trunk-map", heard(), access, tmp_path)
    assert accuracy(frozen) > 0.9 > accuracy(alone)
    assert frozen.chosen["trunk"] == "frozen" and frozen.chosen["hold"] > 0
    assert alone.chosen == {"trunk": "map"}
    assert not list(tmp_path.iterdir()), "no state is left behind"


@pytest.mark.parametrize(
    ("least_tracks", "least_judges", "tuned"),
    [
        pytest.param(1, 1, True, id="enough"),
        pytest.param(1000, 1, False, id="too few to learn from"),
        pytest.param(1, 1000, False, id="too few to judge"),
    ],
)
def test_the_trunk_is_tuned_only_where_there_are_labels_enough(
    heard: Callable[..., ClipSet], access: TrunkAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    least_tracks: int, least_judges: int, tuned: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(transfer, "LEAST_TRACKS", least_tracks)
    monkeypatch.setattr(transfer, "LEAST_JUDGES", least_judges)
    asked = []

    def noted(*arguments: object) -> int:
        asked.append(arguments)
        return 3

    monkeypatch.setattr(transfer, "_tune", noted)
    kind = FAMILIES["trunk"]
    assert isinstance(kind, Transfer)
    found = learn_transfer(kind, heard(), GENRES, access, tmp_path, seed=1, deterministic=False, max_epochs=2,
                           watch=Watch())  # fmt: skip
    assert bool(asked) == tuned
    assert found == 3 if tuned else isinstance(found, LearnedModel)


def test_tuning_that_had_ended_begins_anew_with_other_labels(
    heard: Callable[..., ClipSet], access: TrunkAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "LEAST_EPOCH", 1)
    clips = heard()
    tuned = go("trunk-tuned", clips, access, tmp_path)
    assert tuned.chosen["trunk"] == "tuned" and tuned.progress.epoch == 2
    assert accuracy(tuned) > 0.9
    assert tuned.hears is not None and tuned.shape == (187, 96)
    labels = np.where(clips.splits == "train", (clips.labels + 1) % len(GENRES), clips.labels)
    other = go("trunk-tuned", clips.with_labels(labels), access, tmp_path)
    assert other.progress.epoch == 2 and other.progress.history != tuned.progress.history
    assert accuracy(other) < 0.2, "what other labels teach is learned anew"


def test_time_that_is_out_is_told(trunk: Trunk, access: TrunkAccess, tmp_path: Path) -> None:
    kind = FAMILIES["trunk-frozen"]
    assert isinstance(kind, Transfer)
    names = np.array(["a"])
    clips = ClipSet(mels(1), np.array([0]), names, names, np.array(["train"]))
    found = learn_transfer(kind, clips, GENRES, replace(access, memory=tmp_path / "none"), tmp_path / "work", seed=1,
                           deterministic=False, max_epochs=2, watch=Watch(time_left=lambda: 0.0))  # fmt: skip
    assert found == 0


def test_the_map_alone_needs_no_labels(access: TrunkAccess, trunk: Trunk) -> None:
    model = map_alone(access, GENRES)
    pooled = features(trunk, 8)
    logits = np.asarray(trunk.back(pooled))[:, SIZE:]
    np.testing.assert_allclose(model.logits(pooled), map_scores(logits, speaking(GENRES, str.lower)), atol=1e-5)
    assert model.chosen == {"trunk": "map of tags"}
    assert model.shape == (187, 96) and len(model.clips[3]) == 0
