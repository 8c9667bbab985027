"""What the trunk heard is heard once: kept by track, and heard again where clips or files are not what they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.base.errors import Stopped
from tagger.model import trunk_memory
from tagger.model.clips import ClipSet
from tagger.model.quiet import load
from tagger.model.training import Watch
from tagger.model.trunk_memory import BATCH_TRACKS, pooled_features

pytestmark = pytest.mark.slow

SHAPE, FEATURES = (5, 4), 3


@pytest.fixture(scope="module")
def front() -> Any:
    """A front half in miniature."""
    keras, _ = load()
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, keras.layers.Dense(FEATURES)(keras.layers.Flatten()(inputs)))


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list of how many clips each call of the front half hears from now on."""
    calls: list[int] = []
    forward = trunk_memory.forward

    def noted(network: Any) -> Callable[[Any], Any]:
        hear = forward(network)

        def counted(inputs: Any) -> Any:
            calls.append(len(inputs))
            return hear(inputs)

        return counted

    monkeypatch.setattr(trunk_memory, "forward", noted)
    return calls


def clips_of(tracks: int = 5, clips: int = 2, seed: int = 0) -> ClipSet:
    """Return clips of tracks, mixed up, so that those of one track do not lie together."""
    random = np.random.default_rng(seed)
    names = random.permutation(np.repeat([f"track {number}" for number in range(tracks)], clips))
    inputs = random.random((len(names), *SHAPE)).astype(np.float32)
    return ClipSet(inputs, np.zeros(len(names), np.int64), names, names, np.full(len(names), "train"))


def exact(front: Any, clips: ClipSet) -> np.ndarray:
    return np.asarray(front(clips.inputs))


def test_the_features_are_those_of_each_clip(front: Any, tmp_path: Path) -> None:
    clips = clips_of()
    for _ in range(2):
        found = pooled_features(front, clips, tmp_path / "memory", Watch())
        assert (found.shape, found.dtype) == ((len(clips), FEATURES), np.float32)
        np.testing.assert_allclose(found, exact(front, clips), atol=1e-6)


def test_nothing_is_heard_twice(front: Any, heard: list[int], tmp_path: Path) -> None:
    clips = clips_of()
    pooled_features(front, clips, tmp_path, Watch())
    assert sum(heard) == len(clips)
    some = clips.only(np.isin(clips.tracks, ["track 1", "track 3"]))
    found = pooled_features(front, some, tmp_path, Watch())
    assert sum(heard) == len(clips)
    np.testing.assert_allclose(found, exact(front, some), atol=1e-6)


def test_only_tracks_that_are_new_or_changed_are_heard(front: Any, heard: list[int], tmp_path: Path) -> None:
    clips = clips_of(tracks=5)
    pooled_features(front, clips, tmp_path, Watch())
    heard.clear()
    more = clips_of(tracks=1, seed=1)
    inputs = clips.inputs.copy()
    inputs[np.flatnonzero(clips.tracks == "track 2")[0], 0, 0] += 1
    changed = ClipSet(
        np.concatenate([inputs, more.inputs]),
        np.zeros(12, np.int64),
        np.concatenate([clips.tracks, np.array(["new"] * 2)]),
        np.concatenate([clips.groups, more.groups]),
        np.concatenate([clips.splits, more.splits]),
    )
    found = pooled_features(front, changed, tmp_path, Watch())
    assert sum(heard) == 4, "two clips of the one that changed, two of the new one"
    np.testing.assert_allclose(found, exact(front, changed), atol=1e-6)
    without = changed.only(np.arange(len(changed)) != np.flatnonzero(changed.tracks == "new")[0])
    pooled_features(front, without, tmp_path, Watch())
    assert sum(heard) == 5, "another number of clips is other clips"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"not an archive"), id="no archive"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-30]), id="torn"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes().replace(b"features", b"futureof")), id="key"),
        pytest.param(lambda path: path.write_bytes(_flipped(path.read_bytes())), id="a bit flipped"),
        pytest.param(lambda path: path.unlink(), id="gone"),
    ],
)
def test_a_damaged_file_is_heard_again(
    front: Any, heard: list[int], tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    clips = clips_of()
    pooled_features(front, clips, tmp_path, Watch())
    heard.clear()
    damage(sorted(tmp_path.glob("*.npz"))[0])
    for _ in range(2):
        np.testing.assert_allclose(pooled_features(front, clips, tmp_path, Watch()), exact(front, clips), atol=1e-6)
        assert sum(heard) == 2


def _flipped(content: bytes) -> bytes:
    """Return a kept file whose numbers changed on the disk."""
    start = content.index(b"features.npy")
    place = content.index(b"\x93NUMPY", start) + 128
    return content[:place] + bytes([content[place] ^ 64]) + content[place + 1 :]


def test_what_was_heard_before_a_stop_is_kept(front: Any, heard: list[int], tmp_path: Path) -> None:
    clips = clips_of(tracks=2 * BATCH_TRACKS + 3, clips=1)
    with pytest.raises(Stopped, match=f"after {BATCH_TRACKS} of {len(clips)} tracks"):
        pooled_features(front, clips, tmp_path, Watch(should_stop=lambda: bool(heard)))
    assert heard == [BATCH_TRACKS]
    (tmp_path / ".left.npz.part").write_bytes(b"of a kill")
    found = pooled_features(front, clips, tmp_path, Watch())
    assert heard == [BATCH_TRACKS, BATCH_TRACKS, 3]
    np.testing.assert_allclose(found, exact(front, clips), atol=1e-6)
    assert not list(tmp_path.glob(".*"))


def test_what_was_heard_before_the_time_was_out_is_kept(front: Any, heard: list[int], tmp_path: Path) -> None:
    clips = clips_of(tracks=BATCH_TRACKS + 3, clips=1)
    left = iter([1.0, 0.0])
    assert pooled_features(front, clips, tmp_path, Watch(time_left=lambda: next(left))) is None
    assert heard == [BATCH_TRACKS]
    assert pooled_features(front, clips, tmp_path, Watch()) is not None
    assert heard == [BATCH_TRACKS, 3]
    over = Watch(time_left=lambda: 0.0)
    assert pooled_features(front, clips, tmp_path, over) is not None, "what is there already takes no time"


def test_names_of_any_kind_are_kept_apart(front: Any, heard: list[int], tmp_path: Path) -> None:
    """A data set from elsewhere names its tracks as it likes."""
    clips = clips_of(tracks=3, clips=1)
    names = np.array(["../up", "a/b", "\udcff"])
    named = ClipSet(clips.inputs, clips.labels, names, names, clips.splits)
    for _ in range(2):
        np.testing.assert_allclose(pooled_features(front, named, tmp_path, Watch()), exact(front, named), atol=1e-6)
    assert (sum(heard), len(list(tmp_path.iterdir()))) == (3, 3)
