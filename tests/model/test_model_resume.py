"""A training that is cut short goes on where it was; a new model takes the old one's place only if not worse."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tagger.base.errors import Stopped, TaggerError
from tagger.model import batches, training
from tagger.model.clips import ClipSet, TooFewLabels
from tagger.model.heldout import Heldout
from tagger.model.promote import compare_on, is_not_worse, judge
from tagger.model.quiet import load as load_keras
from tagger.model.quiet import seed_everything
from tagger.model.saved import load
from tagger.model.state import STATE_NAME, load_state
from tagger.model.train import Epoch, TrainResult, Watch, train

# Keras 3.15 turns TensorFlow variables into arrays in a way that NumPy 2 deprecates.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]

GENRES = ["alt", "edm", "jazz", "rock"]
Make = Callable[..., dict[int, ClipSet]]


@pytest.fixture(autouse=True)
def _short_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """How well it learns is not the matter here."""
    monkeypatch.setattr(batches, "LEAST_EPOCH", 1)


class Night:
    """A night that ends after so many epochs, by time or by a signal, and remembers what it heard."""

    def __init__(self, epochs: int, by: str = "time") -> None:
        self.epochs = epochs
        self.numbers: list[int] = []
        over = lambda: len(self.numbers) >= self.epochs  # noqa: E731
        self.watch = Watch(
            time_left=lambda: 0.0 if by == "time" and over() else 1e6,
            should_stop=lambda: by == "signal" and over(),
            on_epoch=self._heard,
        )

    def _heard(self, epoch: Epoch) -> None:
        self.numbers.append(epoch.number)


def go(clips: dict[int, ClipSet], folder: Path, night: Night, **options: object) -> TrainResult:
    options = {"max_epochs": 5, "form": {"name": "mel"}, **options}
    return train(clips, GENRES, "cnn2d", folder / "models", folder / "work", watch=night.watch, **options)  # type: ignore[arg-type]


def test_out_of_time_is_postponed_and_goes_on(make_clips: Make, tmp_path: Path) -> None:
    first, second = Night(2), Night(99)
    result = go(make_clips(), tmp_path, first)
    assert (result.postponed, result.epochs, result.model_id) == (True, 2, None)
    assert not (tmp_path / "models").exists()
    result = go(make_clips(), tmp_path, second)
    assert not result.postponed
    assert first.numbers + second.numbers == [1, 2, 3, 4, 5]
    assert [row["epoch"] for row in result.card["history"]] == [1, 2, 3, 4, 5]
    assert not (tmp_path / "work" / STATE_NAME).exists()


def test_a_night_without_time_begins_nothing(make_clips: Make, tmp_path: Path) -> None:
    assert go(make_clips(), tmp_path, Night(0)).postponed


def test_a_signal_keeps_the_state(make_clips: Make, tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="after 2 epochs"):
        go(make_clips(), tmp_path, Night(2, by="signal"))
    night = Night(99)
    go(make_clips(), tmp_path, night)
    assert night.numbers == [3, 4, 5]


def test_an_epoch_cut_short_is_done_again_from_its_start(make_clips: Make, tmp_path: Path) -> None:
    """What half an epoch changed must not be kept: the other half would follow twice."""
    asked = iter([False] * 5 + [True] * 99)
    with pytest.raises(Stopped):
        train(make_clips(), GENRES, "cnn2d", tmp_path / "models", tmp_path / "work", form={"name": "mel"},
              watch=Watch(should_stop=lambda: next(asked)))  # fmt: skip
    state = load_state(tmp_path / "work")
    assert state is not None
    counters = [int(array) for array in state[1].values() if array.ndim == 0 and array.dtype == np.int64]
    assert state[0].epoch == 1
    assert counters == [2], "of the second epoch, one of its two steps was made and must not be kept"


@pytest.mark.parametrize(
    ("change", "goes_on"),
    [
        pytest.param(lambda one: one, True, id="same data"),
        pytest.param(
            lambda one: replace(one, labels=np.where(one.tracks == "0-0-0", 1, one.labels)), True, id="a label changed"
        ),
        pytest.param(
            lambda one: replace(one, splits=np.where(one.groups == "artist 0-0", "test", one.splits)),
            False,
            id="a learned artist is held out now",
        ),
    ],
)
def test_other_data(make_clips: Make, tmp_path: Path, change: Callable[[ClipSet], ClipSet], goes_on: bool) -> None:
    go(make_clips(), tmp_path, Night(2))
    night = Night(99)
    go({1: change(make_clips()[1])}, tmp_path, night)
    assert night.numbers[0] == (3 if goes_on else 1)


def test_other_settings_begin_anew(make_clips: Make, tmp_path: Path) -> None:
    go(make_clips(), tmp_path, Night(2))
    night = Night(99)
    go(make_clips(), tmp_path, night, seed=2)
    assert night.numbers == [1, 2, 3, 4, 5]


def test_a_torn_state_begins_anew(make_clips: Make, tmp_path: Path) -> None:
    go(make_clips(), tmp_path, Night(2))
    state = tmp_path / "work" / STATE_NAME
    state.write_bytes(state.read_bytes()[:2000])
    night = Night(99)
    go(make_clips(), tmp_path, night)
    assert night.numbers == [1, 2, 3, 4, 5]


def test_left_over_parts_of_models_are_removed(make_clips: Make, tmp_path: Path) -> None:
    left = tmp_path / "models" / ".20200101T000000-cnn2d-0000.part"
    left.mkdir(parents=True)
    (left / "model.keras").write_text("half")
    result = go(make_clips(), tmp_path, Night(99), max_epochs=1)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [result.model_id]


def test_no_held_out_artists(make_clips: Make, tmp_path: Path) -> None:
    """A handful of tracks still makes a model; it just promises nothing."""
    result = go(make_clips(artists=2, held_out=(0, 0)), tmp_path, Night(99), max_epochs=2)
    assert result.card["measured_on"] == "none"
    assert set(result.card["thresholds"].values()) == {None}
    assert result.folder is not None
    assert load(result.folder).heldout().genres == tuple(GENRES)


def test_a_genre_that_is_only_held_out(make_clips: Make, tmp_path: Path) -> None:
    one = make_clips()[1]
    clips = {1: replace(one, splits=np.where(one.labels == 3, "test", one.splits))}
    result = go(clips, tmp_path, Night(99), max_epochs=2)
    assert result.card["genre_rows"][3]["tracks"] > 2


def test_too_few_genres(make_clips: Make, tmp_path: Path) -> None:
    with pytest.raises(TooFewLabels):
        go(make_clips(genres=1), tmp_path, Night(99))


def test_a_loss_that_is_no_number_is_an_error(
    make_clips: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "validation", lambda *_: (float("nan"), 0.0))
    with pytest.raises(TaggerError, match="lost its way in epoch 1"):
        go(make_clips(), tmp_path, Night(99))


def test_deterministic_training_says_when_it_is_too_late() -> None:
    _, tensorflow = load_keras()
    tensorflow.constant(1.0) + 1  # TensorFlow is in use
    with pytest.raises(TaggerError, match="must come first"):
        seed_everything(1, deterministic=True)


KILLED = """
import importlib.util, os, signal, sys
from pathlib import Path
from tagger.model import train as t, training
spec = importlib.util.spec_from_file_location("made", sys.argv[2])
made = importlib.util.module_from_spec(spec); spec.loader.exec_module(made)
clips = made.make_clips_of(genres=3, artists=4, clips=2, rows=24, seconds=(1,))
training.SAVE_SECONDS = 0
def heard(epoch):
    print(epoch.number, flush=True)
    if epoch.number == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
folder = Path(sys.argv[1])
result = t.train(clips, ["alt", "edm", "jazz"], "cnn2d", folder / "models", folder / "work", deterministic=True,
                 max_epochs=4, watch=t.Watch(on_epoch=heard))
from tagger.model.quiet import load
import hashlib
weights = load()[0].saving.load_model(result.folder / "model.keras", compile=False).get_weights()
print(hashlib.sha256(b"".join(w.tobytes() for w in weights)).hexdigest())
"""


def deterministic_training(folder: Path, kill_after: int) -> subprocess.CompletedProcess[str]:
    made = Path(__file__).with_name("conftest.py")
    command = [sys.executable, "-c", KILLED, str(folder), str(made), str(kill_after)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_killed_and_taken_up_gives_the_same_bits_as_in_one_go(tmp_path: Path) -> None:
    """Also holds what is promised of `deterministic`, and that nothing is printed that cron would mail."""
    whole = deterministic_training(tmp_path / "whole", 0)
    assert (whole.returncode, whole.stderr) == (0, "")
    killed = deterministic_training(tmp_path / "killed", 2)
    assert (killed.returncode, killed.stdout.split()) == (-signal.SIGKILL, ["1", "2"])
    taken_up = deterministic_training(tmp_path / "killed", 0)
    assert taken_up.stdout.split()[:-1] in (["3", "4"], ["2", "3", "4"])
    assert taken_up.stdout.split()[-1] == whole.stdout.split()[-1]


# --- promotion


@pytest.fixture(scope="module")
def old(make_clips: Make, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainResult, dict[int, ClipSet]]:
    folder = tmp_path_factory.mktemp("old")
    clips = make_clips(artists=6)
    return go(clips, folder, Night(99), max_epochs=8), clips


def test_a_model_is_not_worse_than_itself(old: tuple[TrainResult, dict[int, ClipSet]]) -> None:
    result, clips = old
    assert result.folder is not None
    assert result.heldout is not None
    found = judge(result.heldout, load(result.folder), clips, GENRES)
    assert found.promote
    assert found.new_right == found.old_right
    assert found.tracks == 8
    np.testing.assert_allclose(
        compare_on(load(result.folder), clips, GENRES).probabilities, result.heldout.probabilities, atol=1e-5
    )


def test_a_worse_model_is_kept_back(old: tuple[TrainResult, dict[int, ClipSet]]) -> None:
    result, clips = old
    assert result.folder is not None
    assert result.heldout is not None
    wrong = np.eye(4)[(result.heldout.labels + 1) % 4]
    worse = replace(result.heldout, probabilities=wrong)
    assert result.card["metrics"]["track_accuracy"] > 0.5
    found = judge(worse, load(result.folder), clips, GENRES)
    assert not found.promote
    assert f"right on {found.new_right} of 8" in found.reason
    assert is_not_worse(result.heldout, worse).promote


def test_other_genres_are_compared_by_name(old: tuple[TrainResult, dict[int, ClipSet]]) -> None:
    """A map with one more genre, in another order: the old model is judged on what it knows."""
    result, clips = old
    assert result.folder is not None
    genres = ["polka", "rock", "jazz", "edm", "alt"]
    one = clips[1]
    renamed = {1: replace(one, labels=4 - one.labels)}
    found = compare_on(load(result.folder), renamed, genres)
    assert found.genres == ("alt", "edm", "jazz", "rock", "polka")
    assert result.heldout is not None
    np.testing.assert_allclose(found.probabilities[:, :4], result.heldout.probabilities, atol=1e-5)
    np.testing.assert_array_equal(found.labels, result.heldout.labels)


def test_without_common_ground_the_new_model_is_taken(
    old: tuple[TrainResult, dict[int, ClipSet]], make_clips: Make
) -> None:
    result, clips = old
    assert result.folder is not None
    assert result.heldout is not None
    model = load(result.folder)
    assert judge(result.heldout, None, clips, GENRES).promote
    one = clips[1]
    learned = {1: replace(one, splits=np.where(np.isin(one.groups, list(model.trained_groups())), "test", "train"))}
    assert len(compare_on(model, learned, GENRES)) == 0
    nothing: Heldout = result.heldout.of()
    assert is_not_worse(nothing, result.heldout).promote


def test_model_of_other_pictures_is_judged_by_what_the_old_one_said_of_the_same_tracks(
    old: tuple[TrainResult, dict[int, ClipSet]],
) -> None:
    result, clips = old
    assert result.folder is not None
    assert result.heldout is not None
    model = load(result.folder)
    alike = judge(result.heldout, model, {2: clips[1]}, GENRES)  # it hears clips of 1 s
    assert (alike.promote, alike.tracks, alike.new_right) == (True, alike.tracks, alike.old_right)
    assert alike.tracks > 0
    wrong = replace(result.heldout, probabilities=np.roll(result.heldout.probabilities, 1, axis=1))
    worse = judge(wrong, model, {2: clips[1]}, GENRES)
    assert not worse.promote
    assert worse.new_right < worse.old_right
