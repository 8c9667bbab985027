"""The cache of clips: each file is decoded once, each form computed once, wherever the last build stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tagger.audio import cache
from tagger.audio.cache import CacheResult, cache_audio, cached_inputs
from tagger.audio.clips import track_clips
from tagger.audio.encode import encode
from tagger.audio.sounds import SOUNDS
from tagger.base.errors import UnreadableAudio, UsageError
from tagger.base.records import ClipSource

COMPUTED = ["mfcc", "features"]
# A process that computes takes three seconds to load librosa.
EACH_FORM = [pytest.param(form, marks=pytest.mark.slow) if form in COMPUTED else form for form in SOUNDS]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[ClipSource]:
    folder = tmp_path_factory.mktemp("library")
    found = []
    for number in range(4):
        noise = 0.1 * np.random.default_rng(number).standard_normal(4 * 22050)
        encode(folder / f"{number}.flac", noise.astype(np.float32), 22050, "flac")
        found.append(ClipSource(f"{number:016x}", bytes(folder / f"{number}.flac"), 4.0))
    return found


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "home" / "cache" / "audio"


def build(sources: Iterable[ClipSource], out: Path, **options: object) -> CacheResult:
    settings: dict[str, object] = {"seconds": 1, "clips": 2, "workers": 1}
    return cache_audio(list(sources), out, **(settings | options))


def inputs(out: Path, sources: Iterable[ClipSource], form: str) -> dict[str, np.ndarray | UnreadableAudio]:
    return dict(cached_inputs(out, [source.track for source in sources], SOUNDS[form], workers=1))


def files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def touched(out: Path) -> dict[str, tuple[int, int]]:
    """Return what tells whether a file was written again."""
    return {
        str(path.relative_to(out)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in out.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of tracks that builds decode from now on."""
    tracks: list[str] = []
    stream = cache.clip_stream

    def noted(sources: Iterable[ClipSource], *rest: object, **options: object) -> object:
        sources = list(sources)
        tracks.extend(source.track for source in sources)
        return stream(sources, *rest, **options)

    monkeypatch.setattr(cache, "clip_stream", noted)
    return tracks


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of tracks that something is computed of from now on."""
    tracks: list[str] = []
    stream = cache.cached_stream

    def noted(paths: Iterable[Path], *rest: object, **options: object) -> object:
        paths = list(paths)
        tracks.extend(path.stem for path in paths)
        return stream(paths, *rest, **options)

    monkeypatch.setattr(cache, "cached_stream", noted)
    return tracks


def lay_beside(out: Path, form: str, sources: Iterable[ClipSource]) -> None:
    """Put files there as if something had been computed of these tracks."""
    (out / form).mkdir()
    for source in sources:
        cache.write_array(out / form / f"{source.track}.npy", np.zeros((2, 85), np.float32))


class Killed(BaseException):
    pass


def killer(steps: int) -> Callable[[int], None]:
    seen: list[int] = []

    def kill(count: int) -> None:
        seen.append(count)
        if len(seen) == steps:
            raise Killed

    return kill


def test_clips_are_those_of_every_other_way(sources: list[ClipSource], out: Path) -> None:
    assert build(sources, out) == CacheResult(tracks=4, clips=8, errors=[], complete=True)
    assert set(files(out)) == {"cache.json", *(f"{source.track}.npy" for source in sources)}
    assert json.loads((out / "cache.json").read_text()) == {
        "seconds": 1,
        "clips": 2,
        "sample_rate": 22050,
        "version": 1,
    }
    for source in sources:
        found = np.load(out / f"{source.track}.npy")
        assert (found.shape, found.dtype) == ((2, 22050), np.int16)
        np.testing.assert_array_equal(found, track_clips(source, [1], SOUNDS["wave"], 2)[1].inputs)


@pytest.mark.parametrize("form", EACH_FORM)
def test_inputs_are_those_of_this_process_in_order(sources: list[ClipSource], out: Path, form: str) -> None:
    build(sources, out)
    steps: list[int] = []
    tracks = [sources[2].track, sources[0].track, sources[3].track, sources[0].track]
    found = list(cached_inputs(out, tracks, SOUNDS[form], 1, steps.append))
    assert [track for track, _ in found] == tracks
    assert steps == [1] * 4
    for track, made in found:
        (source,) = (source for source in sources if source.track == track)
        expected = track_clips(source, [1], SOUNDS[form], 2)[1].inputs
        assert made.dtype == expected.dtype
        if form in COMPUTED:  # other processors may add in another order
            np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4)
        else:
            np.testing.assert_array_equal(made, expected)


def test_a_second_build_decodes_nothing(sources: list[ClipSource], out: Path, decoded: list[str]) -> None:
    build(sources, out)
    before = touched(out)
    decoded.clear()
    steps: list[int] = []
    assert build(sources, out, progress=steps.append) == CacheResult(4, 8, [], True)
    assert decoded == []
    assert touched(out) == before
    assert sum(steps) == 4


def test_tracks_that_are_gone_lose_their_files_and_others_are_never_touched(
    sources: list[ClipSource], out: Path, decoded: list[str]
) -> None:
    build(sources[:3], out)
    lay_beside(out, "mfcc", sources[:3])
    for name in ("notes.npy", "mfcc/notes.txt", "0000000000000001.txt"):
        (out / name).write_text("mine")
    before = touched(out)
    decoded.clear()
    assert build(sources[1:], out) == CacheResult(3, 6, [], True)
    after = touched(out)
    gone, new = sources[0].track, sources[3].track
    assert decoded == [new]
    assert before.keys() - after.keys() == {f"{gone}.npy", f"mfcc/{gone}.npy"}
    assert after.keys() - before.keys() == {f"{new}.npy"}
    assert all(after[name] == before[name] for name in after.keys() & before.keys())


@pytest.mark.parametrize("options", [{"seconds": 2}, {"clips": 3}], ids=str)
def test_another_recipe_makes_all_anew(
    sources: list[ClipSource], out: Path, tmp_path: Path, decoded: list[str], options: dict[str, object]
) -> None:
    build(sources, out)
    lay_beside(out, "features", sources)
    decoded.clear()
    build(sources, out, **options)
    assert decoded == [source.track for source in sources]
    build(sources, tmp_path / "fresh", **options)
    assert files(out) == files(tmp_path / "fresh")


@pytest.mark.parametrize("before", [False, True], ids=["new", "rebuild"])
def test_a_killed_build_goes_on_where_it_stood(
    sources: list[ClipSource], out: Path, tmp_path: Path, decoded: list[str], before: bool
) -> None:
    if before:
        build(sources, out, seconds=2)
    with pytest.raises(Killed):
        build(sources, out, progress=killer(2))
    (out / f".{sources[2].track}.npy.part").write_bytes(b"half")
    (out / ".cache.json.abcd.part").write_bytes(b"half")
    decoded.clear()
    assert build(sources, out).complete
    assert decoded == [source.track for source in sources[2:]]
    build(sources, tmp_path / "fresh")
    assert files(out) == files(tmp_path / "fresh")


@pytest.mark.slow
def test_what_was_computed_is_kept_also_by_a_killed_run(
    sources: list[ClipSource], out: Path, computed: list[str]
) -> None:
    build(sources, out)
    tracks = [source.track for source in sources]
    with pytest.raises(Killed):
        list(cached_inputs(out, tracks, SOUNDS["mfcc"], 1, killer(3)))
    (out / "mfcc" / f".{tracks[2]}.npy.part").write_bytes(b"half")
    computed.clear()
    first = inputs(out, sources, "mfcc")
    assert computed == tracks[3:]
    assert {name for name in files(out) if name.startswith("mfcc")} == {
        "mfcc/form.json",
        *(f"mfcc/{track}.npy" for track in tracks),
    }
    computed.clear()
    second = inputs(out, sources, "mfcc")
    assert computed == []
    for track in tracks:
        np.testing.assert_array_equal(second[track], first[track])
    ((_, other),) = cached_inputs(out, tracks[:1], replace(SOUNDS["mfcc"], hop=1024), 1)
    assert computed == tracks[:1]
    assert other.shape == (2, 22, 13)
    assert [path.stem for path in (out / "mfcc").glob("*.npy")] == tracks[:1], "of the old form nothing is left"


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _other(path: Path) -> None:
    path.write_text("a shopping list")


def _short(path: Path) -> None:
    cache.write_array(path, np.zeros((2, 99), np.int16))


@pytest.mark.parametrize("damage", [_cut, _empty, _other, _short, os.unlink])
def test_damaged_clips_are_reported_and_decoded_again(
    sources: list[ClipSource], out: Path, decoded: list[str], damage: Callable[[Path], None]
) -> None:
    build(sources, out)
    before = files(out)
    lay_beside(out, "features", sources[:2])
    bad = sources[1].track
    damage(out / f"{bad}.npy")
    decoded.clear()
    for form in ("wave", "samples"):
        found = inputs(out, sources[:3], form)
        if damage is not _short:
            assert [isinstance(made, UnreadableAudio) for made in found.values()] == [False, True, False]
            assert found[bad].path == str(out / f"{bad}.npy")
    build(sources, out)
    assert decoded == [bad]
    assert files(out).keys() - before.keys() == {f"features/{sources[0].track}.npy"}, "what was computed of it went"
    assert {name: content for name, content in files(out).items() if name in before} == before


@pytest.mark.slow
def test_damaged_numbers_are_computed_again(sources: list[ClipSource], out: Path, computed: list[str]) -> None:
    build(sources, out)
    before = inputs(out, sources, "features")
    paths = [out / "features" / f"{source.track}.npy" for source in sources]
    for damage, path in zip((_cut, _other, _short, os.unlink), paths, strict=True):
        damage(path)
    bad = sources[3].track
    _cut(out / f"{bad}.npy")
    computed.clear()
    after = inputs(out, sources, "features")
    assert computed == [source.track for source in sources]
    problem = after.pop(bad)
    assert isinstance(problem, UnreadableAudio)
    assert (problem.path, problem.cause, problem.struck) == (
        str(out / f"{bad}.npy"),
        "damaged file in the cache",
        False,
    )
    for track, made in after.items():
        np.testing.assert_array_equal(made, before[track])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"seconds": 1}'], ids=str)
def test_a_damaged_card_makes_all_anew(sources: list[ClipSource], out: Path, decoded: list[str], content: str) -> None:
    build(sources[:2], out)
    before = files(out)
    decoded.clear()
    (out / "cache.json").write_text(content)
    build(sources[:2], out)
    assert decoded == [source.track for source in sources[:2]]
    assert files(out) == before


def test_unreadable_files_are_reported(sources: list[ClipSource], out: Path, tmp_path: Path) -> None:
    (tmp_path / "list.mp3").write_text("a shopping list")
    bad = ClipSource("f" * 16, bytes(tmp_path / "list.mp3"), 9.0)
    result = build([sources[0], bad, sources[1]], out)
    assert (result.tracks, result.clips, result.complete) == (2, 4, True)
    assert [problem.path for problem in result.errors] == [os.fsdecode(bad.path)]


def test_a_build_that_is_stopped_is_continued(sources: list[ClipSource], out: Path, decoded: list[str]) -> None:
    done: list[int] = []
    result = build(sources, out, progress=done.append, should_stop=lambda: len(done) >= 2)
    assert result == CacheResult(2, 4, [], complete=False)
    decoded.clear()
    assert build(sources, out).complete
    assert decoded == [source.track for source in sources[2:]]


@pytest.mark.parametrize("form", ["wave", pytest.param("mfcc", marks=pytest.mark.slow)])
def test_a_reader_that_is_stopped_ends(sources: list[ClipSource], out: Path, form: str) -> None:
    build(sources, out)
    heard: list[str] = []
    tracks = [source.track for source in sources]
    for track, _ in cached_inputs(out, tracks, SOUNDS[form], 1, should_stop=lambda: len(heard) >= 2):
        heard.append(track)
    assert heard == tracks[:2]


def test_copies_are_one_track_and_no_tracks_are_no_error(sources: list[ClipSource], out: Path) -> None:
    assert build([sources[0], replace(sources[1], track=sources[0].track)], out) == CacheResult(1, 2, [], True)
    np.testing.assert_array_equal(
        inputs(out, sources[:1], "wave")[sources[0].track],
        track_clips(sources[0], [1], SOUNDS["wave"], 2)[1].inputs,
    )
    assert build([], out) == CacheResult(0, 0, [], True)
    assert inputs(out, [], "mfcc") == {}


def test_track_ids_are_no_paths(sources: list[ClipSource], out: Path) -> None:
    with pytest.raises(ValueError, match="16 hex digits"):
        build([replace(sources[0], track="../../0123456789")], out)


def test_a_folder_without_a_cache_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no audio in the cache"):
        list(cached_inputs(tmp_path / "nowhere", [], SOUNDS["wave"], 1))
