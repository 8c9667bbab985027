"""Data sets are described as they are, those of others too, and their faults are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger.audio.dataset_info import (
    UNKNOWN_LENGTH,
    dataset_classes,
    dataset_clips,
    dataset_lengths,
    read_dataset,
)
from tagger.audio.images import read_png, write_png
from tagger.audio.manifest import CARD, MANIFEST, ClipRow, write_card, write_manifest
from tagger.base.errors import UsageError

CLIPS = {
    "train": ("jazz/aa__0", "jazz/aa__1", "rock/bb__0"),
    "val": ("jazz/cc__0", "rock/dd__0"),
    "test": ("jazz/ee__0", "rock/ff__0"),
}


def picture(seed: int, rows: int = 12, columns: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)


@pytest.fixture
def foreign(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a data set without card and manifest, at the levels named."""

    def make(*levels: str) -> Path:
        for level in levels:
            for split, names in CLIPS.items():
                for number, name in enumerate(names):
                    path = tmp_path / "set" / level / split / f"{name}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_png(path, picture(number))
        return tmp_path / "set"

    return make


@pytest.fixture
def own(foreign: Callable[..., Path]) -> Path:
    """A data set with card and manifest, without faults."""
    folder = foreign("1s")
    rows = [
        ClipRow(f"1s/{split}/{name}.png", name[5:7], f"artist {name[5:7]}", 1.5, name[:4], split)
        for split, names in CLIPS.items()
        for name in names
    ]
    write_manifest(folder, rows)
    write_card(folder, {"genres": ["rock", "polka", "jazz"], "sizes": {"1s": [12, 7]}, "complete": True})
    return folder


@pytest.mark.parametrize(
    ("levels", "lengths"),
    [(("1s",), [1]), (("10s", "2s"), [2, 10]), (("",), [UNKNOWN_LENGTH]), (("", "1s"), [UNKNOWN_LENGTH, 1])],
)
def test_foreign_sets_are_read(foreign: Callable[..., Path], levels: tuple[str, ...], lengths: list[int]) -> None:
    folder = foreign(*levels)
    assert dataset_lengths(folder) == lengths
    assert dataset_classes(folder) == ["jazz", "rock"]
    info = read_dataset(folder)
    assert info.faults == ()
    assert not info.has_manifest
    assert info.card is None
    for length in info.lengths:
        assert (length.clips, length.tracks) == (7, 6)
        assert length.sizes == {"12 x 7": 7}
        assert length.counts == {
            "train": {"jazz": 2, "rock": 1},
            "val": {"jazz": 1, "rock": 1},
            "test": {"jazz": 1, "rock": 1},
        }
    clips = dataset_clips(folder, lengths[0])
    assert [(clip.track, clip.group, clip.label, clip.split) for clip in clips[:3]] == [
        ("aa", "aa", "jazz", "train"),
        ("aa", "aa", "jazz", "train"),
        ("bb", "bb", "rock", "train"),
    ]
    np.testing.assert_array_equal(read_png(clips[1].path), picture(1))


def test_names_without_a_clip_number_are_tracks_of_their_own(tmp_path: Path) -> None:
    for place in ("train/jazz/1.png", "train/rock/1.png", "test/jazz/1.PNG", "val/jazz/2.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        write_png(tmp_path / place, picture(1))
    clips = dataset_clips(tmp_path, UNKNOWN_LENGTH)
    assert len({clip.group for clip in clips}) == len({clip.track for clip in clips}) == 4
    assert read_dataset(tmp_path).faults == ()


def test_own_sets_take_groups_from_the_manifest_and_order_from_the_card(own: Path) -> None:
    assert read_dataset(own).faults == ()
    assert dataset_classes(own) == ["rock", "jazz"]
    assert {clip.group for clip in dataset_clips(own, 1)} == {
        f"artist {name}" for name in ("aa", "bb", "cc", "dd", "ee", "ff")
    }
    json.dumps(read_dataset(own).as_dict())


def wrong_size(folder: Path) -> None:
    write_png(folder / "1s/val/jazz/cc__0.png", picture(1, columns=9))


def unreadable(folder: Path) -> None:
    path = folder / "1s/val/jazz/cc__0.png"
    path.write_bytes(path.read_bytes()[:-20])


def not_a_png(folder: Path) -> None:
    (folder / "1s/val/jazz/cc__0.png").write_text("hello")


def lost(folder: Path) -> None:
    (folder / "1s/train/jazz/aa__1.png").unlink()


def extra(folder: Path) -> None:
    write_png(folder / "1s/train/jazz/zz__0.png", picture(2))


def stopped(folder: Path) -> None:
    write_card(folder, {"complete": False})


def edited(folder: Path, old: str, new: str) -> None:
    path = folder / MANIFEST
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (wrong_size, "1 of 7 pictures are 12 x 9, not 12 x 7: 1s/val/jazz/cc__0.png"),
        (unreadable, "1 pictures cannot be read: 1s/val/jazz/cc__0.png (image cut short)"),
        (not_a_png, "1 pictures cannot be read: 1s/val/jazz/cc__0.png (not a PNG image)"),
        (lost, "1 pictures of the manifest are missing: 1s/train/jazz/aa__1.png"),
        (extra, "1 pictures are not in the manifest and will not be used: 1s/train/jazz/zz__0.png"),
        (stopped, "the last build was stopped before it was done; `tagger dataset` goes on with it"),
        (
            lambda folder: edited(folder, "artist cc", "artist aa"),
            "1 groups are in more than one split, so accuracies would be too good: artist aa (train, val)",
        ),
        (
            lambda folder: edited(folder, "1.500,jazz,val", "1.500,rock,val"),
            "1 pictures lie in another class or split than the manifest says: 1s/val/jazz/cc__0.png",
        ),
    ],
    ids=["size", "cut-short", "not-a-png", "lost", "extra", "stopped", "leak", "label"],
)
def test_faults_are_found(own: Path, spoil: Callable[[Path], None], fault: str) -> None:
    spoil(own)
    assert read_dataset(own).faults == (fault,)


@pytest.mark.parametrize(
    ("source", "target", "fault"),
    [
        ("train/jazz/aa__1", "train/rock/aa__1", "1 tracks are in more than one class: aa (jazz, rock)"),
        (
            "train/jazz/aa__1",
            "test/jazz/aa__1",
            "1 groups are in more than one split, so accuracies would be too good: aa (test, train)",
        ),
        ("train/rock/bb__0", "train/jazz/bb__0", "nothing to learn these classes from in train: rock"),
    ],
    ids=["two-classes", "two-splits", "untaught"],
)
def test_faults_of_foreign_sets(foreign: Callable[..., Path], source: str, target: str, fault: str) -> None:
    folder = foreign("")
    (folder / f"{source}.png").rename(folder / f"{target}.png")
    assert [found.removeprefix(f"{folder}: ") for found in read_dataset(folder).faults] == [fault]


def test_an_empty_split_is_a_fault(foreign: Callable[..., Path]) -> None:
    folder = foreign("1s")
    (folder / "1s/test").rename(folder / "1s/elsewhere")
    assert read_dataset(folder).faults == (f"{folder}/1s: no pictures in test",)


def test_extra_pictures_are_not_used(own: Path) -> None:
    extra(own)
    assert len(dataset_clips(own, 1)) == 7


@pytest.mark.parametrize(
    ("name", "content"),
    [(CARD, "{"), (CARD, "[]"), (MANIFEST, "a,b\n1,2\n"), (MANIFEST, None)],
    ids=["card-broken", "card-list", "manifest-columns", "manifest-offset"],
)
def test_unreadable_cards_and_manifests_are_one_clear_line(own: Path, name: str, content: str | None) -> None:
    (own / name).write_text((own / name).read_text().replace("1.500", "soon") if content is None else content)
    with pytest.raises(UsageError, match=name) as caught:
        read_dataset(own)
    assert "\n" not in str(caught.value)


def test_what_is_no_data_set_is_refused(tmp_path: Path, own: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(UsageError, match="is not a data set: there is no train, val or test folder"):
        read_dataset(tmp_path / "photos")
    with pytest.raises(UsageError, match="is not a folder"):
        read_dataset(tmp_path / "missing")
    with pytest.raises(UsageError, match="has no clips of 3 s"):
        dataset_clips(own, 3)
