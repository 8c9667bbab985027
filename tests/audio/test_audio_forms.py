"""Every form makes of clips what it says, and is found again by its card."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tagger.audio.forms import ALL_FORMS, ClipForm, form_from_card
from tagger.audio.sounds import SOUNDS
from tagger.audio.spectrogram import FORMS, spectrograms
from tagger.base.errors import UsageError

RATE = 22050
MEL, MFCC = FORMS["mel"].card(), SOUNDS["mfcc"].card()


def noise(seconds: float, clips: int = 2) -> np.ndarray:
    return (0.2 * np.random.default_rng(3).standard_normal((clips, int(seconds * RATE)))).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "seconds", "shape", "dtype"),
    [
        ("mel", 1, (96, 44), np.uint8),
        ("wtsc", 1, (129, 98), np.uint8),
        ("wave", 1, (22050,), np.int16),
        ("wave", 3, (66150,), np.int16),
        ("samples", 1, (441,), np.int16),
        ("samples", 3, (1323,), np.int16),
        ("samples", 22051 / RATE, (442,), np.int16),
        ("mfcc", 1, (44, 13), np.float32),
        ("mfcc", 3, (130, 13), np.float32),
        ("features", 1, (85,), np.float32),
    ],
)
def test_shapes_and_types(name: str, seconds: float, shape: tuple[int, ...], dtype: type) -> None:
    made = ALL_FORMS[name].make(noise(seconds))
    assert made.shape == (2, *shape)
    assert made.dtype == dtype
    assert made.flags.c_contiguous


@pytest.mark.parametrize("form", ALL_FORMS.values(), ids=ALL_FORMS)
def test_a_clip_does_not_depend_on_the_others(form: ClipForm) -> None:
    clips = np.concatenate([noise(1, clips=2), 0.001 * noise(1, clips=1)])
    together = form.make(clips)
    for number in range(3):
        np.testing.assert_array_equal(form.make(clips[number : number + 1])[0], together[number])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_pictures_are_spectrograms(form: ClipForm) -> None:
    np.testing.assert_array_equal(form.make(noise(1)), spectrograms(noise(1), FORMS[form.name]))


def test_waves_are_the_samples_at_16_bits() -> None:
    clips = np.array([[0, 0.5, -0.25, 1 / 32768, -1, 1, 3, -np.inf, np.nan]], dtype=np.float32)
    expected = [[0, 16384, -8192, 1, -32768, 32767, 32767, -32768, 0]]
    np.testing.assert_array_equal(SOUNDS["wave"].make(clips), expected)


def test_samples_are_every_50th_without_a_filter() -> None:
    time = np.arange(2 * RATE) / RATE
    high = (0.5 * np.sin(2 * np.pi * 450 * time)).astype(np.float32)[None]  # above half of 441 Hz: folded to 9 Hz
    made = SOUNDS["samples"].make(high)
    np.testing.assert_array_equal(made, np.rint(high * 32768)[:, ::50])
    assert np.abs(np.fft.rfft(made[0])).argmax() == 18


@pytest.mark.parametrize("form", SOUNDS.values(), ids=SOUNDS)
def test_what_comes_out_of_the_cache_is_the_same(form: ClipForm) -> None:
    cached = SOUNDS["wave"].make(noise(1))
    np.testing.assert_array_equal(SOUNDS[form.name].from_samples(cached), form.make(noise(1)))


@pytest.mark.parametrize("form", ALL_FORMS.values(), ids=ALL_FORMS)
def test_form_survives_its_card(form: ClipForm) -> None:
    assert form_from_card(json.loads(json.dumps(form.card()))) == form


def test_another_hop_survives_the_card() -> None:
    form = form_from_card(MFCC | {"hop": 1024})
    assert form.make(noise(1)).shape == (2, 22, 13)


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"name": ["mel"]},
        {"name": "wave"},
        MEL | {"name": "cqt"},
        MEL | {"hop": "half"},
        MEL | {"name": "mfcc"},
        MFCC | {"n_fft": None},
        MFCC | {"n_fft": 0},
        SOUNDS["wave"].card() | {"n_fft": 512},
        SOUNDS["features"].card() | {"numbers": 57},
    ],
    ids=str,
)
def test_unknown_forms_are_refused(card: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="the card"):
        form_from_card(card)


@pytest.mark.parametrize("name", ["mel", "wtsc", "mfcc", "features"])
def test_clips_shorter_than_a_window_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="samples or more"):
        ALL_FORMS[name].make(np.zeros((1, 100), dtype=np.float32))
