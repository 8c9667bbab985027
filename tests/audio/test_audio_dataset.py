"""The data set on disk: laid out as promised, and a build changes only what it must, wherever the last one stopped."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tagger.audio import dataset
from tagger.audio.clips import track_clips
from tagger.audio.dataset import DatasetResult, build_dataset
from tagger.audio.dataset_info import dataset_clips, read_dataset
from tagger.audio.encode import encode
from tagger.audio.manifest import BUILD_LOG
from tagger.audio.spectrogram import FORMS
from tagger.base.errors import UnreadableAudio
from tagger.base.records import ClipSource

MEL = FORMS["mel"]
GENRES = ("jazz", "r&b", "hip hop")
PLACES = (("jazz", "train"), ("r&b", "train"), ("hip hop", "val"), ("jazz", "test"), ("r&b", "val"), ("jazz", "train"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[ClipSource]:
    folder = tmp_path_factory.mktemp("library")
    found = []
    for number, (label, split) in enumerate(PLACES):
        noise = 0.1 * np.random.default_rng(number).standard_normal(4 * 22050)
        encode(folder / f"{number}.flac", noise.astype(np.float32), 22050, "flac")
        found.append(
            ClipSource(f"{number:016x}", bytes(folder / f"{number}.flac"), 4.0, f"artist {number}", label, split)
        )
    return found


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "home" / "dataset"


def build(sources: Iterable[ClipSource], out: Path, **options: object) -> DatasetResult:
    settings: dict[str, object] = {"seconds": [1, 2], "form": MEL, "clips": 2, "seed": 7, "map_hash": "abcd"}
    return build_dataset(list(sources), out, genres=GENRES, workers=1, **(settings | options))


def files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def touched(out: Path) -> dict[str, tuple[int, int]]:
    """Return what tells whether a file was written again."""
    return {
        str(path.relative_to(out)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in out.rglob("*")
        if path.is_file()
    }


def manifest(out: Path) -> list[dict[str, str]]:
    with (out / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of tracks that builds decode from now on."""
    tracks: list[str] = []
    stream = dataset.clip_stream

    def noted(sources: Iterable[ClipSource], *rest: object, **options: object) -> object:
        sources = list(sources)
        tracks.extend(source.track for source in sources)
        return stream(sources, *rest, **options)

    monkeypatch.setattr(dataset, "clip_stream", noted)
    return tracks


def test_layout_manifest_and_card(sources: list[ClipSource], out: Path) -> None:
    result = build(sources, out)
    assert result == DatasetResult(tracks=6, clips={1: 12, 2: 12}, errors=[], complete=True)
    expected = {
        f"{seconds}s/{source.split}/{source.label}/{source.track}__{number}.png"
        for source in sources
        for seconds in (1, 2)
        for number in (0, 1)
    }
    assert set(files(out)) == expected | {"dataset.json", "manifest.csv"}
    rows = manifest(out)
    assert list(rows[0]) == ["clip", "track", "group", "offset", "label", "split"]
    assert {row["clip"] for row in rows} == expected
    by_track = {source.track: source for source in sources}
    for row in rows:
        source = by_track[row["track"]]
        seconds, number = int(row["clip"][0]), int(row["clip"][-5])
        assert (row["group"], row["label"], row["split"]) == (source.group, source.label, source.split)
        made = track_clips(source, [1, 2], MEL, 2)[seconds]
        assert float(row["offset"]) == made.offsets[number]
        with Image.open(out / row["clip"]) as image:
            assert image.mode == "L"
            np.testing.assert_array_equal(np.asarray(image), made.inputs[number])
    card = json.loads((out / "dataset.json").read_text())
    assert card["form"] == MEL.card()
    assert (card["split_seed"], card["map_hash"], card["genres"], card["tracks"]) == (7, "abcd", list(GENRES), 6)
    assert (card["seconds"], card["clips_per_track"], card["complete"]) == ([1, 2], 2, True)
    assert card["counts"]["1s"] == {
        "train": {"jazz": 4, "r&b": 2},
        "val": {"r&b": 2, "hip hop": 2},
        "test": {"jazz": 2},
    }
    assert read_dataset(out).faults == (
        f"{out}/1s: nothing to learn these classes from in train: hip hop",
        f"{out}/2s: nothing to learn these classes from in train: hip hop",
    )


def test_a_second_build_touches_nothing(sources: list[ClipSource], out: Path, decoded: list[str]) -> None:
    build(sources, out)
    before = touched(out)
    decoded.clear()
    steps: list[int] = []
    result = build(sources, out, progress=steps.append)
    assert touched(out) == before
    assert decoded == []
    assert sum(steps) == 6
    assert result.complete


def test_order_of_tracks_does_not_matter(sources: list[ClipSource], out: Path, tmp_path: Path) -> None:
    build(sources, out)
    build(reversed(sources), tmp_path / "other")
    assert files(out) == files(tmp_path / "other")


def test_adding_and_removing_tracks_changes_only_their_files(
    sources: list[ClipSource], out: Path, decoded: list[str]
) -> None:
    build(sources[:4], out)
    before = touched(out)
    decoded.clear()
    result = build([*sources[1:4], sources[5]], out)
    after = touched(out)
    assert decoded == [sources[5].track]
    assert result.tracks == 4
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    gone_and_new = {sources[0].track, sources[5].track}
    assert all(Path(name).name.split("__")[0] in gone_and_new for name in changed - {"manifest.csv", "dataset.json"})
    assert not any(sources[0].track in name for name in after)
    assert {row["track"] for row in manifest(out)} == {source.track for source in [*sources[1:4], sources[5]]}


def test_a_new_label_or_split_moves_the_pictures(sources: list[ClipSource], out: Path, decoded: list[str]) -> None:
    build(sources, out)
    before = files(out)
    decoded.clear()
    moved = replace(sources[0], label="hip hop", split="test", group="another")
    build([moved, *sources[1:]], out)
    after = files(out)
    assert decoded == []
    for seconds in (1, 2):
        for number in (0, 1):
            name = f"{moved.track}__{number}.png"
            assert after[f"{seconds}s/test/hip hop/{name}"] == before[f"{seconds}s/train/jazz/{name}"]
            assert f"{seconds}s/train/jazz/{name}" not in after
    assert {row["group"] for row in manifest(out) if row["track"] == moved.track} == {"another"}


def test_empty_folders_do_not_stay(sources: list[ClipSource], out: Path) -> None:
    build(sources, out)
    build(sources[:1], out, seconds=[1])
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_dir()) == [
        "1s",
        "1s/train",
        "1s/train/jazz",
    ]


@pytest.mark.parametrize(
    ("options", "decodes"),
    [
        ({"form": FORMS["wtsc"]}, True),
        ({"clips": 3}, True),
        ({"seconds": [1, 2, 3]}, True),
        ({"seconds": [2]}, False),
        ({"map_hash": "other", "seed": 8}, False),
    ],
    ids=["form", "clips", "more-lengths", "fewer-lengths", "map-and-seed"],
)
def test_another_recipe_makes_the_pictures_anew(
    sources: list[ClipSource], out: Path, tmp_path: Path, decoded: list[str], options: dict[str, object], decodes: bool
) -> None:
    build(sources, out)
    decoded.clear()
    build(sources, out, **options)
    assert bool(decoded) is decodes
    build(sources, tmp_path / "fresh", **options)
    assert files(out) == files(tmp_path / "fresh")


class Killed(BaseException):
    pass


@pytest.mark.parametrize("tracks", [1, 3, 5])
@pytest.mark.parametrize("torn", [False, True], ids=["", "torn-note"])
def test_a_killed_build_goes_on_where_it_stood(
    sources: list[ClipSource], out: Path, tmp_path: Path, decoded: list[str], tracks: int, torn: bool
) -> None:
    steps: list[int] = []

    def kill(count: int) -> None:
        steps.append(count)
        if len(steps) == tracks:
            raise Killed

    with pytest.raises(Killed):
        build(sources, out, progress=kill)
    assert not (out / "manifest.csv").exists()
    if torn:
        with (out / BUILD_LOG).open("a") as file:
            file.write('{"track": "0000')
        (out / "1s/train/jazz/.0000000000000005__0.png.part").write_bytes(b"half")
        (out / "1s/train/jazz/0000000000000005__0.png").write_bytes(b"")
    decoded.clear()
    assert build(sources, out).complete
    assert decoded == [source.track for source in sources[tracks:]]
    build(sources, tmp_path / "fresh")
    assert files(out) == files(tmp_path / "fresh")


def test_a_kill_in_a_rebuild_leaves_no_old_pictures_under_a_new_card(
    sources: list[ClipSource], out: Path, tmp_path: Path
) -> None:
    def kill(count: int) -> None:
        raise Killed

    build(sources, out)
    with pytest.raises(Killed):
        build(sources, out, form=FORMS["wtsc"], progress=kill)
    build(sources, out)
    build(sources, tmp_path / "fresh")
    assert files(out) == files(tmp_path / "fresh")


def test_a_build_that_is_stopped_leaves_order_and_is_continued(
    sources: list[ClipSource], out: Path, tmp_path: Path, decoded: list[str]
) -> None:
    done: list[int] = []
    result = build(sources, out, progress=done.append, should_stop=lambda: len(done) >= 2)
    assert (result.tracks, result.complete) == (2, False)
    assert {row["clip"] for row in manifest(out)} == {name for name in files(out) if name.endswith(".png")}
    assert "the last build was stopped before it was done; `tagger dataset` goes on with it" in read_dataset(out).faults
    decoded.clear()
    assert build(sources, out).complete
    assert decoded == [source.track for source in sources[2:]]
    build(sources, tmp_path / "fresh")
    assert files(out) == files(tmp_path / "fresh")


def test_lost_pictures_are_made_again(sources: list[ClipSource], out: Path, decoded: list[str]) -> None:
    build(sources, out)
    before = files(out)
    (out / f"2s/train/jazz/{sources[0].track}__1.png").unlink()
    (out / f"1s/train/r&b/{sources[1].track}__0.png").write_bytes(b"")
    decoded.clear()
    build(sources, out)
    assert decoded == [sources[0].track, sources[1].track]
    assert files(out) == before


def test_files_of_others_are_never_touched(sources: list[ClipSource], out: Path) -> None:
    build(sources, out)
    others = [
        "1s/train/jazz/my favourite.png",
        "1s/train/jazz/notes.txt",
        "1s/train/jazz/0123__0.png",
        "1s/train/jazz/.hidden.part",
        "README",
    ]
    for name in others:
        (out / name).write_text("mine")
    build(sources[1:2], out, form=FORMS["wtsc"])
    assert {name for name, content in files(out).items() if content == b"mine"} == set(others)


def test_unreadable_tracks_are_reported_and_leave_no_pictures(
    sources: list[ClipSource], out: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp3"
    bad.write_text("not music")
    broken = replace(sources[0], path=bytes(bad))
    result = build([broken, *sources[1:]], out)
    assert result.tracks == 5
    assert [problem.path for problem in result.errors] == [str(bad)]
    assert isinstance(result.errors[0], UnreadableAudio)
    assert not any(broken.track in name for name in files(out))
    build(sources, out)
    (out / f"1s/train/jazz/{broken.track}__0.png").unlink()
    build([broken, *sources[1:]], out)
    assert not any(broken.track in name for name in files(out))


def test_copies_of_one_track_count_once(sources: list[ClipSource], out: Path) -> None:
    copy = replace(sources[0], label="r&b", split="val")
    assert build([*sources, copy], out).tracks == 6
    assert {row["label"] for row in manifest(out) if row["track"] == copy.track} == {"jazz"}


def test_a_track_too_short_for_one_length_is_not_decoded_again(
    sources: list[ClipSource], out: Path, decoded: list[str]
) -> None:
    result = build(sources[:2], out, seconds=[1, 5])
    assert result.clips == {1: 4, 5: 0}
    decoded.clear()
    build(sources[:2], out, seconds=[1, 5])
    assert decoded == []


@pytest.mark.parametrize(
    "change",
    [{"label": "polka"}, {"label": "../jazz"}, {"split": "dev"}, {"split": ""}, {"track": "x"}],
    ids=["label", "label-is-a-path", "split", "no-split", "track"],
)
def test_sources_that_do_not_fit_are_refused(sources: list[ClipSource], out: Path, change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"its (label|split|track id)"):
        build([replace(sources[0], **change)], out)
    assert not out.exists()


def test_odd_group_names_survive(sources: list[ClipSource], out: Path) -> None:
    group = 'a "quoted", new\nline \udce9 group'
    build([replace(sources[0], group=group)], out)
    build([replace(sources[0], group=group)], out)
    assert {clip.group for clip in dataset_clips(out, 1)} == {group}


def test_no_tracks_is_an_empty_data_set(out: Path) -> None:
    assert build([], out) == DatasetResult(0, {1: 0, 2: 0}, [], True)
    assert set(os.listdir(out)) == {"dataset.json", "manifest.csv"}
    assert read_dataset(out).lengths == ()
