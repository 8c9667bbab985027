"""Frames of any kind become mono as a plain mean over their channels has it."""

from __future__ import annotations

import av
import numpy as np
import pytest

from tagger.audio.blocks import FIRST_ROOM, Stretch

RATE = 44100
LAYOUTS = {"mono": 1, "stereo": 2, "5.1": 6}
FULL_SCALE = {"u1": 128.0, "i2": 2.0**15, "i4": 2.0**31}
NUMBERS = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}


def frame_of(form: str, layout: str, samples: np.ndarray, rate: int = RATE) -> av.AudioFrame:
    """Return samples (channels, n) in the numbers of a format as FFmpeg has them."""
    laid = samples if form.endswith("p") else samples.T.reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(laid), format=form, layout=layout)
    frame.sample_rate = rate
    return frame


def sound(numbers: str, channels: int, count: int) -> np.ndarray:
    random = np.random.default_rng(7)
    if numbers[0] == "f":
        return random.uniform(-1, 1, (channels, count)).astype(numbers)
    limits = np.iinfo(numbers)
    return random.integers(limits.min, limits.max, (channels, count), numbers, endpoint=True)


def mono(samples: np.ndarray) -> np.ndarray:
    """Return the plain mean, full scale -1 to 1."""
    kind = samples.dtype.str[1:]
    mean = samples.astype(np.float64).mean(axis=0)
    return (mean - (128 if kind == "u1" else 0)) / FULL_SCALE.get(kind, 1.0)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", [name + planar for name in NUMBERS for planar in ("", "p")])
def test_mixing_is_the_mean_of_the_channels(form: str, layout: str) -> None:
    samples = sound(NUMBERS[form.removesuffix("p")], LAYOUTS[layout], 3000)
    found = Stretch()
    for start in range(0, 3000, 1000):
        frame = frame_of(form, layout, samples[:, start : start + 1000])
        found.add(frame, 200 if start == 0 else 0, 700 if start == 2000 else 1000)
    np.testing.assert_allclose(found.at(RATE), mono(samples)[200:2700], atol=3e-7)


def test_a_long_stretch_is_kept_whole() -> None:
    samples = sound("f4", 2, 3 * FIRST_ROOM)
    found = Stretch()
    for start in range(0, samples.shape[1], 4096):
        frame = frame_of("fltp", "stereo", samples[:, start : start + 4096])
        found.add(frame, 0, frame.samples)
    np.testing.assert_allclose(found.at(RATE), mono(samples), atol=1e-6)


def test_a_file_may_change_its_kind_on_the_way() -> None:
    first, second = sound("f4", 2, 4000), sound("i2", 1, 8000)
    found = Stretch()
    found.add(frame_of("fltp", "stereo", first), 0, 4000)
    found.add(frame_of("s16", "mono", second, 2 * RATE), 0, 8000)
    heard = found.at(RATE)
    assert heard.size == 8000  # the second half at twice the rate
    np.testing.assert_allclose(heard[:4000], mono(first), atol=3e-7)


def test_nothing_is_an_empty_sound() -> None:
    assert Stretch().at(RATE).size == 0
