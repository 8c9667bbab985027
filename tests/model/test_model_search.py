"""The search for a recipe: what it tries, that a kill costs little, that only validation artists have a say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.base.errors import Stopped
from tagger.base.records import NONE, Split
from tagger.model import families
from tagger.model.clips import ClipSet, TooFewLabels
from tagger.model.families import Network, family_named
from tagger.model.learned import LearnedModel
from tagger.model.search import (
    FEATURES_GRID,
    GRID,
    HEADER,
    LENGTHS,
    SPACE,
    TRIES_NAME,
    Search,
    Try,
    clips_of,
    judge,
    options_of,
    recipe_of,
    rows_for_people,
    search,
)
from tagger.model.state import STATE_NAME
from tagger.model.train import Watch, train

GENRES = ["edm", "jazz", "rock"]
GROUPS = ("timbre", "rhythm")
FORM = {"name": "features", "groups": {"timbre": [0, 3], "rhythm": [3, 6]}}


def features(seed: int = 0, artists: int = 8) -> dict[int, ClipSet]:
    """Features of 3-s clips of three genres, not easily told apart; two artists of each are for val, two for test."""
    random = np.random.default_rng(seed)
    inputs, rows = [], []
    for genre in range(3):
        for artist in range(artists):
            split = ("test", "test", "val", "val")[artists - 1 - artist] if artist >= artists - 4 else "train"
            sound = 1.2 * np.eye(6)[genre] + 0.8 * random.standard_normal(6)
            for track in range(2):
                for _ in range(2):
                    inputs.append(sound + 0.8 * random.standard_normal(6))
                    rows.append((genre, f"{genre}-{artist}-{track}", f"artist {genre}-{artist}", split))
    labels, tracks, groups, splits = zip(*rows, strict=True)
    columns = (np.array(labels), np.array(tracks), np.array(groups), np.array(splits))
    return {3: ClipSet(np.array(inputs, np.float32), *columns)}


def network(name: str) -> Network:
    family = family_named(name)
    assert isinstance(family, Network)
    return family


# --- what is tried --------------------------------------------------------------------------------------------------


def test_a_grid_is_every_row_of_it_behind_the_familys_own_recipe() -> None:
    rows = options_of(network("cnn1d"), "grid", 3, (3,), (), 1)
    assert rows[0] == {}
    assert len(rows) == 1 + np.prod([len(values) for values in GRID.values()])
    assert len({json.dumps(row) for row in rows}) == len(rows)
    assert all(row[name] in GRID[name] for row in rows[1:] for name in GRID)


def test_the_grid_of_features_compares_groups_and_activations() -> None:
    rows = options_of(network("features-mlp"), "grid", 3, (3,), GROUPS, 1)
    assert {row["groups"] for row in rows[1:]} == {"", "timbre", "rhythm", "-timbre", "-rhythm"}
    assert {row["activation"] for row in rows[1:]} == set(FEATURES_GRID["activation"])
    assert len(rows) == 1 + 5 * np.prod([len(values) for values in FEATURES_GRID.values()])


def test_a_random_search_draws_different_rows_and_the_same_for_a_seed() -> None:
    rows = options_of(network("cnn2d"), "random", 40, (1, 2), (), 7)
    assert rows[0] == {} and len(rows) == 40
    assert len({json.dumps(row) for row in rows}) == 40
    assert all(row.keys() == {*SPACE, "clips"} for row in rows[1:])
    assert all(row[name] in SPACE[name] for row in rows[1:] for name in SPACE)
    assert {row["clips"] for row in rows[1:]} == set(LENGTHS)
    assert rows == options_of(network("cnn2d"), "random", 40, (1, 2), (), 7)
    assert rows[:10] == options_of(network("cnn2d"), "random", 10, (1, 2), (), 7), "more tries are more of the same"
    assert rows != options_of(network("cnn2d"), "random", 40, (1, 2), (), 8)


def test_lengths_are_compared_only_where_there_are_several_that_a_network_takes() -> None:
    for name, lengths in (("cnn2d", (2,)), ("cnn2d-wtsc", (1, 2)), ("cnn1d", (3,))):
        assert all("clips" not in row for row in options_of(network(name), "random", 5, lengths, (), 1))


@pytest.mark.parametrize("how", ["grid", "random"])
def test_a_classical_family_has_a_grid_of_its_own(how: Any) -> None:
    rows = options_of(family_named("knn"), how, 2, (3,), GROUPS, 1)
    assert rows == [{"neighbours": 5}, {"neighbours": 15}, {"neighbours": 45}]


def test_a_recipe_is_the_familys_own_but_for_the_options() -> None:
    family = network("features-mlp")
    assert recipe_of(family, {}) == family.recipe
    options = {"batch": 64, "epochs": 20, "rate": 0.5, "optimizer": "sgd", "width": 0.5, "clips": "1"}
    changed = replace(
        family.recipe, batch=64, learning_rate=family.recipe.learning_rate / 2, optimizer="sgd", width=0.5
    )
    assert recipe_of(family, options) == changed
    for text, groups in (("", ()), ("rhythm", ("rhythm",)), ("-rhythm", ("timbre",))):
        assert recipe_of(family, {"groups": text}, GROUPS).groups == groups


def test_clips_of_the_lengths_that_are_named() -> None:
    clips = {1: features(1)[3], 2: features(2)[3]}
    for options, lengths in (({}, {1, 2}), ({"clips": "1"}, {1}), ({"clips": "2"}, {2}), ({"clips": "1+2"}, {1, 2})):
        assert set(clips_of(clips, options)) == lengths


def test_rows_for_people_are_the_best_first() -> None:
    tries = [
        Try(1, {}, 0.5, 0.4, 1.0, 9, 12.3),
        Try(2, {"batch": 32, "groups": ""}, 0.8, 0.7, 0.9, 9, 1.0),
        Try(3, {"batch": 64, "groups": "-rhythm"}, 0.8, 0.9, 0.6, 9, 1.0),
    ]
    rows = rows_for_people(Search(tries, 3))
    assert [row[0] for row in rows] == ["3", "2", "1"] and Search(tries, 3).best == tries[2]
    assert all(len(row) == len(HEADER) for row in rows)
    assert [row[-1] for row in rows] == ["batch 64, groups -rhythm", "batch 32, groups all", "the family's own"]


# --- a search of classical models -----------------------------------------------------------------------------------


class Clock:
    """Time that is out once it was asked for so many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def left(self) -> float:
        self.times -= 1
        return 1e9 if self.times >= 0 else 0.0


def knn(clips: dict[int, ClipSet], work: Path, watch: Watch | None = None, **more: Any) -> Search:
    return search(clips, GENRES, "knn", work, how="grid", watch=watch, **more)


def test_a_search_that_was_cut_short_goes_on_without_repeating_a_try(tmp_path: Path) -> None:
    clips = features()
    first = knn(clips, tmp_path, Watch(time_left=Clock(1).left))
    assert (len(first.tries), first.wanted, first.finished) == (1, 3, False)
    done = knn(clips, tmp_path)
    assert done.finished
    assert done.tries[0] == first.tries[0]
    assert [one.number for one in done.tries] == [1, 2, 3]
    assert [one.options["neighbours"] for one in done.tries] == [5, 15, 45]
    lines = (tmp_path / TRIES_NAME).read_text().splitlines()
    assert len(lines) == 3
    assert knn(clips, tmp_path) == done
    assert (tmp_path / TRIES_NAME).read_text().splitlines() == lines, "nothing is left to try"


def test_a_stopped_search_keeps_what_is_finished(tmp_path: Path) -> None:
    answers = iter([False, True])
    with pytest.raises(Stopped):
        knn(features(), tmp_path, Watch(time_left=lambda: 1e9, should_stop=lambda: next(answers)))
    assert len((tmp_path / TRIES_NAME).read_text().splitlines()) == 1
    assert knn(features(), tmp_path).finished


def test_a_torn_line_is_tried_again(tmp_path: Path) -> None:
    done = knn(features(), tmp_path)
    path = tmp_path / TRIES_NAME
    path.write_text(path.read_text()[:-20] + '\n[1]\n{"key": 1}\n')
    again = knn(features(), tmp_path)
    assert [one.options for one in again.tries] == [one.options for one in done.tries]


def test_other_clips_settings_or_recipes_are_searched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knn(features(), tmp_path)
    path = tmp_path / TRIES_NAME
    for count, (clips, more) in enumerate([(features(1), {}), (features(), {"seed": 9})], 2):
        knn(clips, tmp_path, **more)
        assert len(path.read_text().splitlines()) == 3 * count
    changed = replace(family_named("knn"), most=10_000, grid={"neighbours": (5, 15)})  # as a later version has it
    monkeypatch.setitem(families.FAMILIES, "knn", changed)
    assert len(knn(features(), tmp_path).tries) == 2
    assert len(path.read_text().splitlines()) == 11, "5 and 15 were tried in another grid"


def test_a_line_without_an_end_is_not_grown_into_another(tmp_path: Path) -> None:
    """A kill in the middle of a write leaves half a line; the next one must not be lost with it."""
    knn(features(), tmp_path, Watch(time_left=Clock(2).left))
    path = tmp_path / TRIES_NAME
    path.write_text(path.read_text()[:-20])
    knn(features(), tmp_path)
    found = knn(features(), tmp_path, Watch(time_left=Clock(0).left))
    assert [(one.number, one.options["neighbours"]) for one in found.tries] == [(1, 5), (2, 15), (3, 45)]


def test_too_few_genres_are_explained(tmp_path: Path) -> None:
    clips = features()[3]
    with pytest.raises(TooFewLabels, match="at least two genres"):
        knn({3: clips.only(clips.labels == 1)}, tmp_path)


def scrambled(clips: dict[int, ClipSet], split: Split, seed: int = 3) -> dict[int, ClipSet]:
    """Return the same clips with the labels of one split in another order."""
    one = clips[3]
    labels, place = one.labels.copy(), one.of(split)
    labels[place] = np.random.default_rng(seed).permutation(labels[place])
    return {3: one.with_labels(labels)}


def test_test_artists_have_no_say(tmp_path: Path) -> None:
    clips = features()
    honest = knn(clips, tmp_path / "a")
    other = knn(scrambled(clips, Split.TEST), tmp_path / "b")
    figures = [(one.options, one.track_accuracy, one.balanced_accuracy, one.loss) for one in honest.tries]
    assert [(one.options, one.track_accuracy, one.balanced_accuracy, one.loss) for one in other.tries] == figures
    assert other.best.options == honest.best.options
    val = knn(scrambled(clips, Split.VAL), tmp_path / "c")
    assert [one.loss for one in val.tries] != [one.loss for one in honest.tries]


@pytest.mark.parametrize("seed", range(4))
def test_training_takes_the_row_that_the_search_found(tmp_path: Path, seed: int) -> None:
    """Also with tracks that are none of the genres, which have no say in either."""
    clips, genres = features(seed), ["edm", "rock", NONE]
    found = search(clips, genres, "logreg", tmp_path, how="grid")
    result = train(clips, genres, "logreg", tmp_path / "models", tmp_path / "work", max_epochs=1)
    assert result.card["recipe"] == found.best.options


def test_a_model_is_judged_on_labelled_validation_tracks_alone() -> None:
    clips = features()
    truth = {row.tobytes(): label for row, label in zip(clips[3].inputs, clips[3].labels, strict=True)}

    def logits(inputs: np.ndarray) -> np.ndarray:
        """Right of the first genre, and of the others that they are the first."""
        return np.array([[4.0, 0, 0] if truth[row.tobytes()] < 2 else [0, 0, 4.0] for row in inputs], np.float32)

    def judged(given: dict[int, ClipSet], genres: list[str]) -> tuple[float, float, float]:
        return judge(LearnedModel(logits, given, None, 1, "", lambda path: None, {}), given, genres)  # type: ignore[arg-type]

    accuracy, balanced, loss = judged(clips, GENRES)
    assert (accuracy, balanced) == pytest.approx((2 / 3, 2 / 3))
    assert loss > 1
    assert judged(scrambled(clips, Split.TEST), GENRES) == (accuracy, balanced, loss)
    assert judged(clips, ["edm", "jazz", NONE])[:2] == pytest.approx((0.5, 0.5))
    nobody = clips[3].with_splits(np.where(clips[3].splits == "val", "test", clips[3].splits))
    assert judged({3: nobody}, GENRES) == (0.0, 0.0, 0.0)


# --- a search of networks -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_search_of_networks_goes_on_within_a_try(tmp_path: Path) -> None:
    clips = features(artists=6)
    epochs: list[int] = []

    def tries(until: int = 100) -> Search:
        """Search until so many epochs have been learned in all."""
        left = lambda: 1e9 if len(epochs) < until else 0.0  # noqa: E731
        watch = Watch(left, on_epoch=lambda epoch: epochs.append(epoch.number))
        return search(clips, GENRES, "features-mlp", tmp_path, tries=3, max_epochs=2, form=FORM, watch=watch)

    first = tries(3)
    assert len(first.tries) == 1 and (tmp_path / STATE_NAME).is_file()
    begun = list(epochs)
    done = tries()
    assert done.finished and done.tries[0] == first.tries[0]
    assert begun == [1, 2, 1] and epochs == [1, 2, 1, 2, 1, 2], "no epoch is learned twice"
    assert done.tries[0].options == {}
    assert all(0 <= one.track_accuracy <= 1 and one.epochs == 2 and one.loss > 0 for one in done.tries)
    assert not (tmp_path / STATE_NAME).exists()
    assert tries(0) == done


@pytest.mark.slow
def test_a_changed_recipe_of_the_family_is_tried_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def own() -> Try:
        return search(features(artists=5), GENRES, "features-mlp", tmp_path, tries=1, max_epochs=1).best

    first = own()
    assert own() == first
    family = network("features-mlp")
    changed = replace(family, recipe=replace(family.recipe, learning_rate=1e-9))
    monkeypatch.setitem(families.FAMILIES, "features-mlp", changed)
    assert own().loss != first.loss
