"""What goes into training: reading clips, refusing what cannot be learned from, batches, held-out tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tagger.base.errors import FileProblem, UsageError
from tagger.base.records import Split
from tagger.model import clips as clips_module
from tagger.model.batches import augment, epoch_plan, genre_weights, training_batches
from tagger.model.clips import ClipSet, TooFewLabels, check, gather
from tagger.model.fit import log_softmax
from tagger.model.heldout import listen, unheard
from tagger.model.recipe import Recipe

AUGMENTED = Recipe(1e-3, mask=0.15, equalise=1.0, shift=True)
GENRES = ["alt", "edm", "jazz", "rock"]
Make = Callable[..., dict[int, ClipSet]]


@dataclass(frozen=True)
class File:
    path: Path
    track: str
    group: str
    label: str
    split: str


def files(count: int = 6) -> list[File]:
    return [File(Path(f"{i}.png"), f"t{i}", f"g{i}", GENRES[i % 4], "train") for i in range(count)]


def picture(path: Path) -> np.ndarray:
    return np.full((8, 5), int(path.stem), np.uint8)


@pytest.mark.parametrize("limit", [10**6, 10], ids=["in memory", "in a file"])
def test_gather_keeps_rows_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(clips_module, "SPILL_BYTES", limit)
    found = gather(files(), picture, GENRES, tmp_path / "spill")
    assert found.inputs[:, 0, 0].tolist() == list(range(6))
    assert found.labels.tolist() == [0, 1, 2, 3, 0, 1]
    assert found.tracks.tolist() == [f"t{i}" for i in range(6)]
    assert isinstance(found.inputs, np.memmap) == (limit == 10)
    assert not list(tmp_path.rglob("*.clips*"))  # nothing is left behind, even by a kill
    assert found.take(np.array([4, 1]))[:, 0, 0].tolist() == [4, 1]
    assert found.take(slice(2, 4))[:, 7, 4].tolist() == [2, 3]


def test_what_was_taken_from_a_file_does_not_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips_module, "SPILL_BYTES", 10)
    many = [File(Path("1.png"), f"t{i}", "g", "alt", "train") for i in range(600)]
    found = gather(many, lambda path: np.full((256, 256), 7, np.uint8), GENRES, tmp_path)
    before = mapped()
    assert int(found.inputs.sum()) == 7 * found.inputs.size
    assert mapped() - before > 30_000, "reading maps it"
    assert found.take(np.arange(600)).shape == (600, 256, 256)
    assert mapped() - before < 8_000


def mapped() -> int:
    """Return how much of this process's memory belongs to files [KiB]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("RssFile", "RssShmem")))


def test_one_long_name_does_not_make_all_of_them_long() -> None:
    long = File(Path("1.png"), "t0", "g" * 5000, "alt", "train")
    found = gather([long, *files(5)], picture, GENRES)
    assert found.groups.nbytes < 1000
    assert found.groups.tolist()[:2] == ["g" * 5000, "g0"]
    assert unheard(replace(found, splits=np.array(["val"] * 3 + ["train"] * 3))).tolist() == [0, 1, 2]


def test_gather_names_the_picture_that_differs() -> None:
    def read(path: Path) -> np.ndarray:
        return np.zeros((8, 5 + (path.stem == "3")), np.uint8)

    with pytest.raises(UsageError, match=r"3\.png is 8x6 .* the first clip is 8x5"):
        gather(files(), read, GENRES)


def test_gather_names_the_picture_that_is_damaged() -> None:
    def read(path: Path) -> np.ndarray:
        if path.stem == "2":
            raise FileProblem(str(path), "image cut short")
        return picture(path)

    with pytest.raises(UsageError, match=r"^2\.png: image cut short: `tagger dataset info`"):
        gather(files(), read, GENRES)


def test_gather_names_the_genre_that_is_unknown() -> None:
    with pytest.raises(UsageError, match=r"3\.png is of the genre 'rock', which is not among alt, edm, jazz"):
        gather(files(), picture, GENRES[:3])


def test_gather_of_nothing() -> None:
    with pytest.raises(TooFewLabels, match="no clips"):
        gather([], picture, GENRES)


def test_one_genre_is_too_few(make_clips: Make) -> None:
    with pytest.raises(TooFewLabels, match=r"at least two genres.*there are: alt"):
        check(make_clips(genres=1), GENRES)


def test_lengths_must_have_the_same_rows(make_clips: Make) -> None:
    with pytest.raises(UsageError, match="1 s: 24, 2 s: 48"):
        check({1: make_clips(rows=24)[1], 2: make_clips(seconds=(2,))[2]}, GENRES)


def test_labels_must_be_genres(make_clips: Make) -> None:
    with pytest.raises(UsageError, match="outside the 3 genres"):
        check(make_clips(), GENRES[:3])


def test_a_clip_set_is_rectangular(make_clips: Make) -> None:
    one = make_clips()[1]
    with pytest.raises(ValueError, match="differ in length"):
        replace(one, labels=one.labels[:-1])
    with pytest.raises(ValueError, match="not uint8"):
        replace(one, inputs=one.inputs.astype(np.float64))


def test_the_digest_knows_every_part(make_clips: Make) -> None:
    one = make_clips()[1]
    brighter = one.inputs.copy()
    brighter[-1, -1, -1] ^= 1
    others = [
        replace(one, inputs=brighter),
        replace(one, labels=one.labels[::-1].copy()),
        replace(one, groups=one.tracks),
        replace(one, splits=one.splits[::-1].copy()),
    ]
    assert len({one.digest(), *(other.digest() for other in others)}) == 5
    assert one.digest() == replace(one, inputs=one.inputs.copy()).digest()


def test_rare_genres_count_more_but_not_without_end() -> None:
    labels = np.repeat([0, 1, 2], [2500, 100, 1])
    weights = genre_weights(labels, 4)
    assert weights[0] < weights[1] < weights[2] < 10 * weights[0]
    assert weights[3] == 0
    assert np.average(weights[:3], weights=[2500, 100, 1]) == pytest.approx(1)


def test_an_epoch_sees_each_training_clip_equally_often_and_no_other(make_clips: Make) -> None:
    clips = make_clips(seconds=(1, 2), tracks=3)  # 216 clips to learn from: four passes make an epoch of 800
    plan = epoch_plan(clips, 7, seed=1, epoch=3)
    for seconds, one in clips.items():
        seen = np.concatenate([rows for length, rows in plan if length == seconds])
        assert sorted(seen.tolist()) == np.repeat(one.of(Split.TRAIN), 4).tolist()
    assert [rows.tolist() for _, rows in epoch_plan(clips, 7, 1, 3)] == [rows.tolist() for _, rows in plan]
    assert [rows.tolist() for _, rows in epoch_plan(clips, 7, 1, 4)] != [rows.tolist() for _, rows in plan]


def test_short_epochs_go_through_everything_in_turn(make_clips: Make) -> None:
    clips = make_clips()
    everything = clips[1].of(Split.TRAIN)
    limit = len(everything) // 4
    seen = [rows for epoch in range(4) for _, rows in epoch_plan(clips, 8, 1, epoch, limit)]
    assert sorted(np.concatenate(seen).tolist()) == everything.tolist()


def test_batches_follow_from_seed_and_epoch(make_clips: Make) -> None:
    recipe = Recipe(1e-3, batch=16, smoothing=0.1, mixup=0.2, mask=0.15, equalise=1.0, shift=True)
    weights = genre_weights(make_clips()[1].labels, 4)

    def images(seed: int, epoch: int) -> list[np.ndarray]:
        return [batch.inputs for batch in training_batches(make_clips(), 4, recipe, weights, seed, epoch)]

    first = images(1, 0)
    assert all((a == b).all() for a, b in zip(first, images(1, 0), strict=True))
    assert not (first[0] == images(1, 1)[0]).all()
    assert not (first[0] == images(2, 0)[0]).all()


def test_targets_are_those_of_the_pictures(make_clips: Make) -> None:
    clips = make_clips()
    by_picture = {image.tobytes(): label for image, label in zip(clips[1].inputs, clips[1].labels, strict=True)}
    for batch in training_batches(clips, 4, Recipe(1e-3, batch=16), np.ones(4, np.float32), 1, 0):
        assert batch.inputs.dtype == batch.targets.dtype == batch.weights.dtype == np.float32
        labels = [by_picture[image.astype(np.uint8).tobytes()] for image in batch.inputs]
        np.testing.assert_array_equal(batch.targets.argmax(axis=1), labels)


def test_mixed_and_smoothed_targets_add_up(make_clips: Make) -> None:
    recipe = Recipe(1e-3, batch=16, smoothing=0.1, mixup=0.4)
    for batch in training_batches(make_clips(), 4, recipe, np.ones(4, np.float32), 1, 0):
        np.testing.assert_allclose(batch.targets.sum(axis=1), 1, rtol=1e-5)
        assert batch.targets.min() == pytest.approx(0.1 / 4)


def test_changed_pictures_stay_pictures_of_the_same() -> None:
    images = np.random.default_rng(0).uniform(0, 255, (32, 40, 30)).astype(np.float32)
    changed = augment(images.copy(), AUGMENTED, np.random.default_rng(1))
    assert changed.shape == images.shape
    assert changed.dtype == np.float32
    assert 0 <= changed.min() <= changed.max() <= 255
    assert abs(changed.mean() - images.mean()) < 15
    assert (np.abs(changed - images).mean(axis=(1, 2)) > 1).all()
    assert (augment(np.zeros_like(images), AUGMENTED, np.random.default_rng(1)) == 0).all()  # silence stays silent


def test_artists_heard_in_training_are_no_measure(make_clips: Make) -> None:
    one = make_clips()[1]
    assert set(one.splits[unheard(one)]) == {"val", "test"}
    assert unheard(one).size == 48
    leaky = replace(one, groups=np.where(one.groups == "artist 0-4", "artist 0-0", one.groups))
    assert unheard(leaky).size == 42
    assert unheard(one, {"artist 1-4"}).size == 42
    same_track = replace(one, tracks=np.where(one.tracks == "0-4-0", "0-0-0", one.tracks))
    assert unheard(same_track).size == 45


def test_tracks_are_put_together_from_their_clips(make_clips: Make) -> None:
    one = make_clips()[1]
    answers = np.random.default_rng(0).normal(size=(len(one), 4)).astype(np.float32)
    where = {image.tobytes(): row for row, image in enumerate(one.inputs)}

    def logits(images: np.ndarray) -> np.ndarray:
        return answers[[where[image.tobytes()] for image in images]]

    rows = np.random.default_rng(1).permutation(unheard(one))  # the order of the clips must not matter
    found = listen(logits, one, rows, GENRES)
    assert len(found) == 16
    for i in range(len(found)):
        own = one.tracks == found.tracks[i]
        assert set(one.labels[own]) == {found.labels[i]}
        assert set(one.groups[own]) == {found.groups[i]}
        assert set(one.splits[own]) == {found.splits[i]}
        mean = log_softmax(answers[own]).mean(axis=0)
        np.testing.assert_allclose(found.probabilities[i], np.exp(mean) / np.exp(mean).sum())
        assert (found.clips[i], found.clips_right[i]) == (3, (answers[own].argmax(axis=1) == found.labels[i]).sum())
    assert len(listen(logits, one, rows[:0], GENRES)) == 0


def test_equal_names_under_two_genres_are_two_tracks(make_clips: Make) -> None:
    one = replace(make_clips()[1], tracks=np.full(180 - 60, "00001"))
    rows = one.of(Split.TEST)
    found = listen(lambda images: np.zeros((len(images), 4), np.float32), one, rows, GENRES)
    assert found.labels.tolist() == [0, 1, 2, 3]
