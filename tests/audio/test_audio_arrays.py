"""Arrays survive the disk; whatever is damaged is reported, never a traceback."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tagger.audio.arrays import array_head, read_array, read_sound, write_array
from tagger.base.errors import UnreadableAudio

ARRAY = np.random.default_rng(1).integers(-99, 99, (5, 30)).astype(np.int16)


@given(
    array=hnp.arrays(st.sampled_from(["<i2", "<f4"]), hnp.array_shapes(max_dims=3)),
)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray) -> None:
    path = tmp_path_factory.getbasetemp() / "a.npy"
    write_array(path, array)
    assert array_head(path) == (array.shape, array.dtype.str)
    found = read_array(path)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    np.testing.assert_array_equal(np.load(path), array)
    assert not path.with_name(".a.npy.part").exists()


def test_what_is_read_can_be_written_to(tmp_path: Path) -> None:
    write_array(tmp_path / "a.npy", ARRAY[:, ::2])
    found = read_sound(tmp_path / "a.npy")
    found += 1
    np.testing.assert_array_equal(found, ARRAY[:, ::2] + 1)


@pytest.mark.parametrize("keep", [0, 4, 10, 60, 128, -1], ids=["empty", "magic", "length", "header", "head", "end"])
def test_files_that_were_cut_short_are_reported(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.npy"
    write_array(path, ARRAY)
    path.write_bytes(path.read_bytes()[:keep])
    for read in (array_head, read_array, read_sound):
        with pytest.raises(UnreadableAudio, match="damaged"):
            read(path)


@given(place=st.integers(0, 127), byte=st.integers(0, 255))
def test_damaged_heads_are_reported_or_do_no_harm(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npy"
    write_array(path, ARRAY)
    content = bytearray(path.read_bytes())
    content[place] = byte
    path.write_bytes(content)
    try:
        found = read_array(path)
    except UnreadableAudio as problem:
        assert problem.cause == "damaged file in the cache"
    else:
        assert found.nbytes == ARRAY.nbytes


@pytest.mark.parametrize(
    "array", [np.array([{}, None]), np.zeros((2, 3)), np.asfortranarray(ARRAY)], ids=["objects", "doubles", "by-column"]
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UnreadableAudio, match="damaged"):
        read_array(tmp_path / "a.npy")


@pytest.mark.parametrize("array", [ARRAY[0], ARRAY.astype(np.float32)], ids=["one-clip", "numbers"])
def test_what_is_no_sound_is_reported(tmp_path: Path, array: np.ndarray) -> None:
    write_array(tmp_path / "a.npy", array)
    with pytest.raises(UnreadableAudio, match="holds no clips"):
        read_sound(tmp_path / "a.npy")


def test_missing_files_are_reported(tmp_path: Path) -> None:
    for read in (array_head, read_array, read_sound):
        with pytest.raises(UnreadableAudio, match="No such file"):
            read(tmp_path / "a.npy")
