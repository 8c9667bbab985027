"""Training on small sets: it learns, ends, can be killed and taken up, and writes a model that can be used."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger.base.errors import NoModel, UsageError
from tagger.model.blueprint import Blueprint
from tagger.model.clips import ClipSet
from tagger.model.describe import describe
from tagger.model.evaluate import evaluate
from tagger.model.families import FAMILIES, Network, family_named
from tagger.model.metrics import METRICS
from tagger.model.networks import cnn2d, wtsc
from tagger.model.recipe import Recipe
from tagger.model.saved import load, read_card
from tagger.model.state import STATE_NAME
from tagger.model.train import TrainResult, train

# Keras 3.15 turns TensorFlow variables into arrays in a way that NumPy 2 deprecates.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]

GENRES = ["alt", "edm", "jazz", "r&b"]
FORM = {"name": "mel", "sample_rate": 22050, "bands": 48}
Make = Callable[..., dict[int, ClipSet]]


@pytest.fixture(scope="module")
def trained(make_clips: Make, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainResult, dict[int, ClipSet]]:
    """A model of four genres, trained on 1-s and 2-s clips until it knows them."""
    folder = tmp_path_factory.mktemp("trained")
    clips = make_clips(seconds=(1, 2), artists=6)
    facts = {"map_hash": "0123456789abcdef", "split_seed": 1}
    result = train(clips, GENRES, "cnn2d", folder / "models", folder / "work", form=FORM, max_epochs=14, facts=facts)
    return result, clips


@pytest.mark.parametrize(
    ("family", "shape", "parameters"),
    [
        pytest.param("cnn2d-wtsc", (129, 98), 211_450, id="wtsc 1 s"),
        pytest.param("cnn2d-wtsc", (129, 196), 443_450, id="wtsc 2 s"),
        pytest.param("cnn2d", (96, 87), 290_714, id="cnn2d"),
    ],
)
def test_parameters(family: str, shape: tuple[int, int], parameters: int) -> None:
    kind = FAMILIES[family]
    assert isinstance(kind, Network)
    assert kind.build(Blueprint(shape, 10, kind.recipe)).count_params() == parameters


@pytest.mark.parametrize("rows,columns", [(96, 44), (96, 87), (33, 5), (20, 20)])
def test_cnn2d_takes_any_size(rows: int, columns: int) -> None:
    network = cnn2d(Blueprint((rows, columns), 3, Recipe(1e-3)))
    assert network(np.zeros((2, rows, columns, 1), np.float32)).shape == (2, 3)


def test_wtsc_says_what_is_too_small() -> None:
    with pytest.raises(UsageError, match="at least 16 x 16, these are 96 x 12"):
        wtsc(Blueprint((96, 12), 10, Recipe(1e-3)))


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(UsageError, match=r"no model family 'cnn3d'; there are cnn2d, cnn2d-distilled, trunk"):
        family_named("cnn3d")


def test_it_does_not_collapse_on_a_small_set(make_clips: Make, tmp_path: Path) -> None:
    """Ten genres, three artists each to learn from, six tracks each, artists that sound different from each other."""
    clips = make_clips(genres=10, artists=5, tracks=2, clips=4)
    genres = [f"genre {i}" for i in range(10)]
    result = train(clips, genres, "cnn2d", tmp_path / "models", tmp_path / "work", max_epochs=16)
    metrics = result.card["metrics"]
    assert metrics["majority_baseline"] == pytest.approx(0.1)
    assert metrics["track_accuracy"] > 0.6
    assert (np.array(result.card["confusion"]).sum(axis=0) > 0).sum() >= 8  # it uses its genres
    assert result.card["seconds"] == 1


def test_the_card_says_everything(trained: tuple[TrainResult, dict[int, ClipSet]]) -> None:
    result, _ = trained
    assert not result.postponed
    assert result.folder is not None
    card = read_card(result.folder)
    assert card == json.loads(json.dumps(result.card))
    assert card["id"] == result.model_id == result.folder.name
    assert (card["genres"], card["seconds"], card["learned_seconds"], card["form"]) == (GENRES, 2, [1, 2], FORM)
    assert (card["map_hash"], card["split_seed"], card["family"]) == ("0123456789abcdef", 1, "cnn2d")
    assert set(card["metrics"]) == set(card["intervals"]) == set(METRICS)
    assert [row["genre"] for row in card["genre_rows"]] == GENRES == list(card["thresholds"])
    assert card["counts"]["train"] == {
        "tracks": 32, "groups": 16, "clips": 192, "genres": dict.fromkeys(GENRES, 8)
    }  # fmt: skip
    assert card["measured_tracks"] == 8
    assert card["epochs"] == len(card["history"]) <= 14
    assert {"tensorflow", "keras", "numpy", "python", "tagger"} <= set(card["versions"])
    names = {path.name for path in result.folder.iterdir()}
    pictures = {"confusion.png", "curves.png", "genres.png", "reliability.png"}
    assert names == {"model.keras", "model.onnx", "card.json", "heldout.csv", "groups.json", *pictures}
    for picture in pictures:
        assert (result.folder / picture).read_bytes().startswith(b"\x89PNG")
    assert not list(result.folder.parent.glob(".*"))
    assert not (result.folder.parents[1] / "work" / STATE_NAME).exists()


def test_a_loaded_model_says_what_the_trained_one_said(trained: tuple[TrainResult, dict[int, ClipSet]]) -> None:
    result, clips = trained
    assert result.folder is not None
    model = load(result.folder)
    expected = result.heldout
    assert expected is not None
    tracks = [clips[2].inputs[clips[2].tracks == name] for name in expected.tracks]
    np.testing.assert_allclose(model.track_probabilities(tracks), expected.probabilities, atol=1e-4)
    np.testing.assert_allclose(model.heldout().probabilities, expected.probabilities, atol=1e-8)
    assert model.probabilities(clips[2].inputs[:7]).sum(axis=1) == pytest.approx(np.ones(7))
    assert model.track_probabilities([]).shape == (0, 4)
    short = [tracks[0][:1], tracks[1][:3], tracks[2][:2]]  # tracks may have different numbers of clips
    one_by_one = np.concatenate([model.track_probabilities([track]) for track in short])
    np.testing.assert_allclose(model.track_probabilities(short), one_by_one, atol=1e-5)
    assert model.trained_groups() == {f"artist {genre}-{artist}" for genre in range(4) for artist in range(4)}


def test_evaluation_gives_the_card_again(trained: tuple[TrainResult, dict[int, ClipSet]], tmp_path: Path) -> None:
    result, clips = trained
    assert result.folder is not None
    model = load(result.folder)
    found = evaluate(model, clips, tmp_path / "pictures")
    assert found.metrics == pytest.approx(result.card["metrics"], abs=1e-6)
    assert found.genres == result.card["genre_rows"]
    assert found.thresholds == result.card["thresholds"]
    assert [path.name for path in found.pictures] == ["confusion.png", "genres.png", "reliability.png", "risk.png"]
    assert all(path.stat().st_size > 5_000 for path in found.pictures)
    with pytest.raises(NoModel, match=r"hears clips of 2 s, the data set has: 1 s"):
        evaluate(model, {1: clips[1]})


def test_a_model_refuses_what_does_not_fit(trained: tuple[TrainResult, dict[int, ClipSet]]) -> None:
    result, _ = trained
    assert result.folder is not None
    model = load(result.folder)
    model.require((1, 2), FORM)
    with pytest.raises(NoModel, match="bands is 128, the model needs 48; sample_rate is 16000, the model needs 22050"):
        model.require((2,), {**FORM, "bands": 128, "sample_rate": 16000})
    with pytest.raises(NoModel, match="hears clips of 2 s, there are clips of 1 s, 3 s only"):
        model.require((1, 3))
    with pytest.raises(NoModel, match="takes clips of the shape 48 x any"):
        model.probabilities(np.zeros((1, 96, 87), np.uint8))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda folder: (folder / "card.json").unlink(), "holds no model", id="no card"),
        pytest.param(lambda folder: (folder / "card.json").write_text("{"), "damaged", id="torn card"),
        pytest.param(lambda folder: (folder / "card.json").write_text('{"format": 9}'), "format 9", id="newer card"),
        pytest.param(lambda folder: (folder / "card.json").write_text('{"format": 2}'), "lacks id", id="card lacks"),
        pytest.param(lambda folder: (folder / "model.keras").unlink(), "cannot be read", id="no network"),
        pytest.param(lambda folder: (folder / "model.keras").write_bytes(b"PK"), "exchanged", id="other network"),
    ],
)
def test_a_damaged_model_is_refused_in_one_line(
    trained: tuple[TrainResult, dict[int, ClipSet]], tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    folder = _copy(trained[0], tmp_path)
    damage(folder)
    with pytest.raises(NoModel, match=message) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_a_network_that_keras_cannot_read_is_refused(
    trained: tuple[TrainResult, dict[int, ClipSet]], tmp_path: Path
) -> None:
    folder = _copy(trained[0], tmp_path)
    torn = (folder / "model.keras").read_bytes()[:5000]
    (folder / "model.keras").write_bytes(torn)
    card = read_card(folder) | {"sha256": hashlib.sha256(torn).hexdigest()}
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(NoModel, match=r"cannot be loaded by Keras"):
        load(folder)


def _copy(result: TrainResult, folder: Path) -> Path:
    assert result.folder is not None
    return Path(shutil.copytree(result.folder, folder / "copy"))


def test_describe(trained: tuple[TrainResult, dict[int, ClipSet]], tmp_path: Path) -> None:
    result, _ = trained
    assert result.folder is not None
    facts = describe(result.folder)
    assert (facts["format"], facts["name"], facts["parameters"]) == ("keras", "cnn2d", result.card["parameters"])
    assert [layer["class"] for layer in facts["layers"]].count("Conv2D") == 5
    assert facts["card"]["id"] == result.model_id
    wtsc(Blueprint((129, 98), 10, Recipe(1e-3))).save(tmp_path / "seed.h5")
    facts = describe(tmp_path / "seed.h5")
    assert (facts["format"], facts["parameters"]) == ("hdf5", 211_450)
    assert facts["layers"][-1]["units"] == 10
    (tmp_path / "notes.keras").write_text("no model")
    for name, message in (("notes.keras", "is none of .keras"), ("missing.keras", "does not exist")):
        with pytest.raises(UsageError, match=message):
            describe(tmp_path / name)
