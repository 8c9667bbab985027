"""Every family learns what it hears, is kept and loaded again, and refuses what is not a model."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from tagger.base.errors import NoModel, Stopped, UsageError
from tagger.base.records import Split
from tagger.base.settings import FAMILY_NAMES
from tagger.model import classical
from tagger.model.blueprint import Blueprint
from tagger.model.clips import ClipSet
from tagger.model.families import FAMILIES, Classical, Network, Transfer, family_named
from tagger.model.fit import Learner
from tagger.model.heldout import listen
from tagger.model.learned import learn_classical
from tagger.model.networks_sound import mlp_on_features
from tagger.model.recipe import Recipe
from tagger.model.saved import load, read_card
from tagger.model.train import TrainResult, Watch, train
from tagger.model.trunk_memory import TrunkAccess

pytestmark = pytest.mark.slow

Make = Callable[..., dict[int, ClipSet]]
GENRES = ["edm", "jazz", "rock"]
RATE = 8820  # of the made-up waves [Hz], so that a clip is small
GROUPS = {"timbre": [0, 4], "rhythm": [4, 10]}  # places among the made-up features
ARTISTS, TRACKS, CLIPS = 8, 2, 3  # of each genre, of each artist, of each track


# --- what they hear -------------------------------------------------------------------------------------------------


def _wave(genre: int, artist: np.random.Generator, take: np.random.Generator) -> np.ndarray:
    """One clip of 0.5 s: a tone whose pitch is the genre's, loudness the artist's, phase nobody's; int16."""
    time = np.arange(RATE // 2) / RATE
    pitch = (200, 600, 1800)[genre] * artist.uniform(0.95, 1.05)
    sound = np.sin(2 * np.pi * (pitch * time + take.random())) * artist.uniform(0.2, 0.5)
    return np.asarray(32767 * (sound + 0.02 * take.standard_normal(time.size)), np.int16)


def _samples(genre: int, artist: np.random.Generator, take: np.random.Generator) -> np.ndarray:
    """Every 50th sample of a clip: loudness and shape of the envelope are the genre's; int16."""
    envelope = (np.ones(60), np.linspace(0, 1, 60), np.linspace(1, 0, 60))[genre]
    return np.asarray(
        20000 * envelope * (1 + 0.1 * artist.standard_normal() + 0.1 * take.standard_normal(60)), np.int16
    )


def _mfcc(genre: int, artist: np.random.Generator, take: np.random.Generator) -> np.ndarray:
    """MFCCs, (frames, coefficients): some coefficients sway with the genre; float32."""
    sway = np.sin(np.arange(20)[:, None] * (0.3, 0.9, 1.8)[genre]) * np.where(np.arange(13) % 3 == genre, 30, 5)
    return np.asarray(sway + 10 * artist.standard_normal(13) + 5 * take.standard_normal((20, 13)), np.float32)


def _features(genre: int, artist: np.random.Generator, take: np.random.Generator) -> np.ndarray:
    """Ten numbers of very different size; the first group is the genre's, the second is half the artist's; float32."""
    far = np.zeros(10)
    far[genre], far[4 + genre] = 3, 1.5
    found = far + 0.6 * artist.standard_normal(10) + 0.6 * take.standard_normal(10)
    return np.asarray(found * 10.0 ** (np.arange(10) % 4), np.float32)


def _musicnn(genre: int, artist: np.random.Generator, take: np.random.Generator) -> np.ndarray:
    """What the trunk hears, (frames, bands): a beat and a place among the bands that are the genre's; float32."""
    beat = np.sin(2 * np.pi * (np.arange(187)[:, None] / (8, 20, 47)[genre] + take.random()))
    place = np.exp(-(((np.arange(96) - (20, 45, 75)[genre] - 3 * artist.standard_normal()) / 15) ** 2))
    found = 1 + beat * place + 0.1 * artist.standard_normal(96) + 0.1 * take.standard_normal((187, 96))
    return np.asarray(np.maximum(found, 0), np.float32)


HEARD = {"wave": _wave, "samples": _samples, "mfcc": _mfcc, "features": _features, "musicnn": _musicnn}


def sounds(form: str, artists: int = ARTISTS, genres: int = 3, seed: int = 0, clips: int = CLIPS) -> dict[int, ClipSet]:
    """3-s clips in a form of sound; the last two artists of each genre are held out for val, two for test."""
    inputs, rows = [], []
    for genre in range(genres):
        for artist in range(artists):
            split = ("test", "test", "val", "val")[artists - 1 - artist] if artist >= artists - 4 else "train"
            for track in range(TRACKS):
                for clip in range(clips):
                    sound = np.random.default_rng((seed, genre, artist))
                    take = np.random.default_rng((seed, genre, artist, track, clip))
                    inputs.append(HEARD[form](genre, sound, take))
                    rows.append((genre, f"{genre}-{artist}-{track}", f"artist {genre}-{artist}", split))
    labels, tracks, groups, splits = zip(*rows, strict=True)
    return {3: ClipSet(np.stack(inputs), np.array(labels), np.array(tracks), np.array(groups), np.array(splits))}


def form_of(name: str) -> dict[str, Any]:
    return {"name": name, "sample_rate": RATE, **({"groups": GROUPS} if name == "features" else {})}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads of boosted trees wait for each other longer than these few clips take."""
    import sklearn.ensemble  # noqa: F401  # what is not loaded yet would not be limited

    with threadpool_limits(1):
        yield


# --- each family ----------------------------------------------------------------------------------------------------


@dataclass
class Trained:
    result: TrainResult
    clips: dict[int, ClipSet]


@pytest.fixture(scope="module")
def trained(
    make_clips: Make, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[str], Trained]:
    """Return a function from a family to a model of it; each is trained once."""
    done: dict[str, Trained] = {}
    memory = tmp_path_factory.mktemp("memory")

    def get(name: str) -> Trained:
        if name not in done:
            family, folder = family_named(name), tmp_path_factory.mktemp(name)
            pictures = family.form in ("mel", "wtsc")
            clips = make_clips(genres=3, artists=6, rows=32) if pictures else sounds(family.form)
            if family.form == "musicnn":  # a tenth of a second each
                clips = sounds("musicnn", clips=1)
            recipe, epochs = (
                None,
                {"cnn2d": 1, "cnn2d-distilled": 1, "cnn2d-wtsc": 1, "cnn1d": 4, "mfcc-cnn": 3}.get(name, 6),
            )
            if isinstance(family, Network):  # the families' own rates are for days of clips, not for minutes
                recipe = replace(family.recipe, learning_rate=2e-3)
            trunk = None
            if isinstance(family, Transfer):
                trunk = TrunkAccess(request.getfixturevalue("installed_trunks"), memory, str.lower)
            result = train(clips, GENRES, name, folder / "models", folder / "work", recipe=recipe, max_epochs=epochs,
                           form=form_of(family.form), trunk=trunk)  # fmt: skip
            done[name] = Trained(result, clips)
        return done[name]

    return get


def test_settings_name_every_family() -> None:
    assert set(FAMILY_NAMES) == set(FAMILIES)
    assert all(name == family.name for name, family in FAMILIES.items())
    assert {family.form for family in FAMILIES.values()} == {"mel", "wtsc", *HEARD}


# Of 12 tracks by unheard artists, of which chance gets 4. What pictures show takes more clips and epochs than these:
# test_model_train has that. The map of tags has learned nothing, and its tags have no word for such sounds.
LEAST = {"cnn2d": 0.0, "cnn2d-distilled": 0.0, "cnn2d-wtsc": 0.0, "cnn1d": 0.6, "trunk-map": 0.0}


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_each_family_learns_and_is_the_same_once_loaded(trained: Callable[[str], Trained], name: str) -> None:
    one = trained(name)
    card, folder, expected = one.result.card, one.result.folder, one.result.heldout
    assert folder is not None and expected is not None
    assert card["metrics"]["track_accuracy"] >= LEAST.get(name, 0.8)
    assert card["metrics"]["majority_baseline"] == pytest.approx(1 / 3)
    assert card["parameters"] > 0
    assert (card["family"], card["genres"]) == (name, GENRES)
    seconds = card["seconds"]
    assert card["shape"] == list(one.clips[seconds].shape)
    assert card["counts"]["train"]["clips"] == len(one.clips[seconds].of(Split.TRAIN))
    model = load(folder)
    assert model.form_card == form_of(family_named(name).form)
    clips, some = one.clips[seconds], expected.only(np.arange(0, len(expected), 3))
    said = model.track_probabilities([clips.inputs[clips.tracks == track] for track in some.tracks])
    np.testing.assert_allclose(said, some.probabilities, atol=1e-4)
    assert said.sum(axis=1) == pytest.approx(np.ones(len(said)))
    with pytest.raises(NoModel, match="takes clips of the shape"):
        model.probabilities(np.zeros((1, *[side + 1 for side in clips.shape], 1), clips.inputs.dtype))


@pytest.mark.parametrize("name", ["logreg", "features-mlp"])
def test_a_model_folder_holds_its_file_and_pictures(trained: Callable[[str], Trained], name: str) -> None:
    folder = trained(name).result.folder
    assert folder is not None
    names = {path.name for path in folder.iterdir()}
    both = {"card.json", "heldout.csv", "groups.json", "confusion.png", "genres.png", "reliability.png"}
    network = {"model.keras", "model.onnx", "curves.png"}  # nothing is learned step by step elsewhere
    assert names == both | (network if name == "features-mlp" else {"model.skops"})
    assert read_card(folder)["file"] in names


# --- classical models -----------------------------------------------------------------------------------------------


def _classical(name: str, **grid: tuple[Any, ...]) -> Classical:
    family = family_named(name)
    assert isinstance(family, Classical)
    return replace(family, grid=grid) if grid else family


@pytest.mark.parametrize("name", ["knn", "logreg", "svm", "forest", "boosting"])
def test_classical_training_repeats_itself(name: str) -> None:
    clips, grid = sounds("features"), {"forest": {"least_leaf": (1,)}}.get(name, {})
    first, again = (
        learn_classical(_classical(name, **grid), clips, GENRES, 5, Watch(), deterministic=True) for _ in range(2)
    )
    np.testing.assert_array_equal(first.logits(clips[3].inputs), again.logits(clips[3].inputs))
    assert (first.chosen, first.parameters) == (again.chosen, again.parameters)


def _reversed(clips: ClipSet, *splits: Split) -> dict[int, ClipSet]:
    """Return the clips with the labels of these splits turned round, so that what was best there is worst."""
    labels = clips.labels.copy()
    labels[clips.of(*splits)] = (labels[clips.of(*splits)] + 1) % 3
    return {3: clips.with_labels(labels)}


def test_the_row_of_the_grid_is_chosen_on_validation_artists() -> None:
    """With all neighbours the answer is nearly one genre everywhere: good only where a nearer look misleads."""
    clips = sounds("features")[3]
    train_clips = len(clips.of(Split.TRAIN))
    family = _classical("knn", neighbours=(train_clips, 3))

    def chosen(given: Mapping[int, ClipSet]) -> int:
        return int(learn_classical(family, given, GENRES, 1, Watch()).chosen["neighbours"])

    assert chosen({3: clips}) == 3
    assert chosen(_reversed(clips, Split.TEST)) == 3, "test artists are not looked at"
    assert chosen(_reversed(clips, Split.VAL)) == train_clips
    nobody = clips.with_splits(np.where(clips.splits == "val", "test", clips.splits))
    assert chosen({3: nobody}) == train_clips, "with nobody to ask, the first row is taken"


def test_validation_tracks_that_are_learned_from_have_no_say() -> None:
    """A data set from elsewhere may have an artist on both sides."""
    clips = sounds("features")[3]
    several = len(clips.of(Split.TRAIN))
    groups = np.where(clips.splits == "val", "artist 0-0", clips.groups)
    known = ClipSet(clips.inputs, _reversed(clips, Split.VAL)[3].labels, clips.tracks, groups, clips.splits)
    found = learn_classical(_classical("knn", neighbours=(several, 3)), {3: known}, GENRES, 1, Watch())
    assert found.chosen["neighbours"] == several, "none is left to ask, so the first row is taken"


def test_a_classical_model_learns_from_at_most_so_many_clips() -> None:
    clips = sounds("features")
    few = replace(_classical("knn", neighbours=(3,)), most=20)
    assert learn_classical(few, clips, GENRES, 1, Watch()).parameters == 20 * 10
    positions = np.arange(100)
    assert classical.some(positions, 200, 1).tolist() == positions.tolist()
    drawn = classical.some(positions, 30, 1)
    assert np.unique(drawn).size == 30 and (np.diff(drawn) > 0).all()
    np.testing.assert_array_equal(drawn, classical.some(positions, 30, 1))


def test_neighbours_are_never_more_than_clips() -> None:
    """A station of few labels has fewer clips than the largest row of the grid has neighbours."""
    clips = sounds("features", artists=5)
    few = _classical("knn", neighbours=(45, 5000))
    found = learn_classical(few, clips, GENRES, 1, Watch())
    held = clips[3].of(Split.VAL, Split.TEST)
    assert np.isfinite(found.logits(clips[3].inputs[held])).all()


@pytest.mark.parametrize("name", ["knn", "svm", "boosting"])
def test_a_genre_that_was_not_learned_is_never_the_likeliest(name: str) -> None:
    clips = sounds("features", genres=2)
    labels = np.where(clips[3].labels == 1, 2, 0)  # jazz, in between, has no tracks
    found = learn_classical(_classical(name), {3: clips[3].with_labels(labels)}, GENRES, 1, Watch())
    held = clips[3].of(Split.VAL, Split.TEST)
    heard = listen(found.logits, clips[3].with_labels(labels), held, GENRES)
    assert heard.probabilities[:, 1].max() < 0.05
    assert (heard.probabilities.argmax(axis=1) == heard.labels).mean() > 0.8


def test_one_sure_clip_does_not_outvote_the_others() -> None:
    model = classical.knn(1, 1).fit(np.array([[0.0], [1.0]], np.float32), np.array([0, 1]))
    logits = classical.logits_of(model, 3)(np.array([[0.1], [0.1], [0.9]], np.float32))
    assert logits.mean(axis=0).argmax() == 0
    assert np.isfinite(logits).all()
    assert logits[:, 2].max() < logits[:, :2].min(), "what was not learned is less likely than what was"


def test_a_stopped_classical_training_says_so() -> None:
    with pytest.raises(Stopped, match="begins anew"):
        learn_classical(_classical("knn"), sounds("features"), GENRES, 1, Watch(should_stop=lambda: True))


# --- what is refused ------------------------------------------------------------------------------------------------


class Strange:
    """A type of this test, which a file of a model may not hold."""

    def __init__(self) -> None:
        self.classes_ = np.arange(3)


def _exchanged(trained: Trained, folder: Path, write: Callable[[Path], object]) -> Path:
    """Return a copy of a model's folder with another file in it, and a card that vouches for that one."""
    assert trained.result.folder is not None
    copy = Path(shutil.copytree(trained.result.folder, folder / "copy"))
    write(copy / "model.skops")
    digest = hashlib.sha256((copy / "model.skops").read_bytes()).hexdigest()
    (copy / "card.json").write_text(json.dumps(read_card(copy) | {"sha256": digest}))
    return copy


def test_an_exchanged_classical_model_is_refused(trained: Callable[[str], Trained], tmp_path: Path) -> None:
    folder = trained("logreg").result.folder
    assert folder is not None
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    with (copy / "model.skops").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(NoModel, match="exchanged"):
        load(copy)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        pytest.param(lambda path: classical.dump(Strange(), path), "holds something else than a model", id="a type"),
        pytest.param(lambda path: classical.dump(shutil.rmtree, path), "holds something else", id="a function"),
        pytest.param(lambda path: classical.dump({"a": [1]}, path), "holds something else", id="a plain object"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:800]), "cannot be loaded", id="torn"),
        pytest.param(lambda path: classical.dump(classical.knn(1, 3), path), "has learned", id="not learned"),
        pytest.param(lambda path: path.write_bytes(b""), "cannot be loaded", id="empty"),
    ],
)
def test_what_is_no_classical_model_is_refused_in_one_line(
    trained: Callable[[str], Trained], tmp_path: Path, write: Callable[[Path], object], message: str
) -> None:
    folder = _exchanged(trained("logreg"), tmp_path, write)
    with pytest.raises(NoModel, match=message) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_a_model_of_other_genres_than_its_card_says_is_refused(
    trained: Callable[[str], Trained], tmp_path: Path
) -> None:
    folder = _exchanged(trained("logreg"), tmp_path, lambda path: None)
    card = read_card(folder) | {"genres": GENRES[:2]}
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(NoModel, match="genres"):
        load(folder)


# --- features -------------------------------------------------------------------------------------------------------


def test_a_group_of_features_that_is_left_out_changes_nothing() -> None:
    recipe = Recipe(1e-3, groups=("timbre",), dropout=0.0)
    network = mlp_on_features(Blueprint((10,), 3, recipe, form_of("features")))
    rows = np.random.default_rng(0).standard_normal((5, 10)).astype(np.float32)
    before = np.asarray(network(rows))
    for place in range(10):
        other = rows.copy()
        other[:, place] += 5
        same = np.array_equal(np.asarray(network(other)), before)
        assert same == (place >= 4)


def test_an_unknown_group_of_features_is_named() -> None:
    with pytest.raises(UsageError, match=r"no group of features 'colour'; there are timbre, rhythm"):
        mlp_on_features(Blueprint((10,), 3, Recipe(1e-3, groups=("colour",)), form_of("features")))


# --- rare genres ----------------------------------------------------------------------------------------------------


def test_logits_are_adjusted_by_how_frequent_genres_are() -> None:
    """A network that says nothing has the loss of the genres' frequencies, to the power of the strength."""
    import keras

    def silent() -> Any:
        dense = keras.layers.Dense(3, kernel_initializer="zeros")
        return keras.Sequential([keras.Input((10,)), dense])

    shares = np.array([0.9, 0.09, 0.01])
    inputs, weights = np.zeros((1, 10), np.float32), np.ones(1, np.float32)
    for strength in (0.5, 1.0):
        expected = shares**strength / (shares**strength).sum()
        for genre in range(3):
            learner = Learner(silent, Recipe(1e-3, balance="logit", strength=strength, optimizer="sgd"), shares)
            loss = float(learner._step(inputs, np.eye(3, dtype=np.float32)[[genre]], weights))
            assert loss == pytest.approx(-np.log(expected[genre]), rel=1e-4)
            assert learner.logits(inputs).shape == (1, 3)
