"""Pictures survive the disk; those of others become gray; damaged ones are reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from tagger.audio.images import UnreadableImage, png_size, read_png, write_png


@given(picture=hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, picture: np.ndarray) -> None:
    path = tmp_path_factory.getbasetemp() / "picture.png"
    write_png(path, picture)
    found = read_png(path)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, picture)
    assert png_size(path) == picture.shape
    assert not path.with_name(".picture.png.part").exists()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "1"])
def test_other_colours_become_gray(tmp_path: Path, mode: str) -> None:
    Image.new("L", (5, 3), 255).convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_png(tmp_path / "a.png"), np.full((3, 5), 255, dtype=np.uint8))


@pytest.mark.parametrize("keep", [0, 8, 20, 40, -30], ids=["empty", "signature", "header", "start", "end"])
def test_damaged_pictures_are_reported(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.png"
    write_png(path, np.random.default_rng(1).integers(0, 256, (40, 40), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableImage):
        read_png(path)
    with pytest.raises(UnreadableImage):
        png_size(path)


def test_missing_pictures_are_reported(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="No such file"):
        read_png(tmp_path / "a.png")
    with pytest.raises(UnreadableImage, match="No such file"):
        png_size(tmp_path / "a.png")
