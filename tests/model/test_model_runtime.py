"""Networks heard without TensorFlow: converted when they are saved, compared, and never trusted blindly."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger.base.errors import NoModel
from tagger.model import runtime
from tagger.model.blueprint import Blueprint
from tagger.model.clips import ClipSet
from tagger.model.families import FAMILIES, Network
from tagger.model.saved import load
from tagger.model.train import TrainResult, train

pytestmark = pytest.mark.slow
GENRES = ("alt", "rock")
SIZES = {
    "mel": (96, 87), "wtsc": (129, 98), "wave": (22050,), "samples": (1323,), "mfcc": (130, 13), "features": (85,)
}  # fmt: skip


@pytest.fixture(scope="module")
def saved(make_clips: Callable[..., dict[int, ClipSet]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network that learned for one epoch."""
    folder = tmp_path_factory.mktemp("runtime")
    clips = make_clips(genres=2, rows=96, seconds=(1, 2))
    result: TrainResult = train(clips, GENRES, "cnn2d", folder / "models", folder / "work", max_epochs=1)
    assert result.folder is not None
    return result.folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy of it that may be spoilt."""
    copy = tmp_path / saved.name
    copy.mkdir()
    for path in saved.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


@pytest.fixture
def pictures(make_clips: Callable[..., dict[int, ClipSet]]) -> np.ndarray:
    return make_clips(genres=2, rows=96, seconds=(2,), seed=5)[2].inputs


def by_keras(folder: Path, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    with monkeypatch.context() as patch:
        patch.setattr(runtime, "sees_gpu", lambda: True)
        return load(folder).probabilities(pictures)


def test_both_say_the_same_and_the_card_says_how_nearly(
    saved: Path, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = json.loads((saved / "card.json").read_text())["runtime"]
    assert facts["file"] == "model.onnx"
    assert facts["compared"] > 0
    assert 0 <= facts["difference"] < 1e-4
    classifier = load(saved)
    assert classifier.shape == (96, None)
    ours, theirs = classifier.probabilities(pictures), by_keras(saved, pictures, monkeypatch)
    assert theirs.std() > 1e-4
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_what_is_said_does_not_depend_on_company(saved: Path, pictures: np.ndarray) -> None:
    classifier = load(saved)
    together = classifier.logits(pictures)
    for size in (1, 5, 13):
        pieces = [classifier.logits(pictures[start : start + size]) for start in range(0, len(pictures), size)]
        np.testing.assert_allclose(np.concatenate(pieces), together, atol=1e-5)
    np.testing.assert_array_equal(classifier.logits(pictures), together)
    assert classifier.logits(pictures[:0]).shape == (0, 2)


def test_hearing_does_without_tensorflow(saved: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "pictures.npy", pictures)
    code = (
        "import sys, pathlib, numpy as np\n"
        "from tagger.model.saved import load\n"
        "classifier = load(pathlib.Path(sys.argv[1]))\n"
        "np.save(sys.argv[2] + '/said.npy', classifier.probabilities(np.load(sys.argv[2] + '/pictures.npy')))\n"
        "print(*sorted({'tensorflow', 'keras', 'sklearn', 'librosa'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(saved), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
    np.testing.assert_array_equal(np.load(tmp_path / "said.npy"), load(saved).probabilities(pictures))


@pytest.mark.parametrize("harm", ["gone", "damaged", "earlier version", "of another network"])
def test_without_a_sound_conversion_keras_is_heard(
    folder: Path, pictures: np.ndarray, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = by_keras(folder, pictures, monkeypatch)
    converted, card = folder / "model.onnx", json.loads((folder / "card.json").read_text())
    if harm == "gone":
        converted.unlink()
    elif harm == "damaged":
        converted.write_bytes(converted.read_bytes()[:-100])
    elif harm == "of another network":
        converted.write_bytes(converted.read_bytes() + b"\0")
    else:
        converted.unlink()
        del card["runtime"]
        (folder / "card.json").write_text(json.dumps(card))
    assert runtime.converted(folder, card) is None
    np.testing.assert_array_equal(load(folder).probabilities(pictures), expected)


def test_a_card_of_other_genres_is_refused_as_before(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text()) | {"genres": ["alt"]}
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(NoModel, match="gives 2 genres, its card says 96 and 1"):
        load(folder)


def test_without_held_out_clips_it_is_compared_on_others(
    make_clips: Callable[..., dict[int, ClipSet]], tmp_path: Path
) -> None:
    clips = make_clips(genres=2, artists=2, held_out=(0, 0))
    result = train(clips, GENRES, "cnn2d", tmp_path / "models", tmp_path / "work", max_epochs=1)
    assert result.card["runtime"]["compared"] == len(clips[1])


@pytest.mark.parametrize(
    "kind", [kind for kind in FAMILIES.values() if isinstance(kind, Network)], ids=lambda kind: kind.name
)
def test_every_network_can_be_converted(kind: Network, tmp_path: Path) -> None:
    kind.build(Blueprint(SIZES[kind.form], len(GENRES), kind.recipe)).save(tmp_path / "model.keras")
    clips = np.random.default_rng(1).uniform(0, 255, (8, *SIZES[kind.form])).astype(np.float32)
    facts = runtime.convert(tmp_path / "model.keras", tmp_path, clips)
    assert facts.get("problem") is None
    assert facts["difference"] < 1e-4


def test_a_conversion_that_does_not_agree_is_not_kept(
    folder: Path, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "AGREEMENT", -1.0)
    facts = runtime.convert(folder / "model.keras", folder, pictures)
    assert list(facts) == ["problem"]
    assert "differ" in facts["problem"]
    assert not (folder / "model.onnx").exists()


def test_a_network_that_cannot_be_converted_is_heard_by_keras(
    folder: Path, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(network: object, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise ValueError("no such operation\nand a lot more")

    monkeypatch.setattr(runtime, "_export", fails)
    assert runtime.convert(folder / "model.keras", folder, pictures) == {"problem": "no such operation"}
    assert not (folder / "model.onnx").exists()
