"""The pictures are those of librosa and scipy, the right way up, and loudness plays no part in them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from tagger.audio.spectrogram import FORMS, mel_filters, spectrogram, spectrograms

RATE = 22050


def sound(seconds: float = 2.0, seed: int = 5) -> np.ndarray:
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    sweep = 0.4 * np.sin(2 * np.pi * (100 + 1500 * time) * time)
    return (sweep * np.exp(-3 * (time % 0.5)) + 0.01 * random.standard_normal(time.size)).astype(np.float32)


@pytest.mark.parametrize(
    ("rate", "n_fft", "bands"), [(22050, 1024, 96), (22050, 2048, 128), (16000, 512, 40), (44100, 1024, 64)]
)
def test_mel_filters_are_those_of_librosa(rate: int, n_fft: int, bands: int) -> None:
    import librosa

    expected = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands)
    np.testing.assert_allclose(mel_filters(rate, n_fft, bands), expected, atol=1e-7)


@pytest.mark.parametrize("seconds", [1.0, 2.0])
def test_mel_picture_is_that_of_librosa(seconds: float) -> None:
    import librosa

    clip = sound(seconds)
    power = librosa.feature.melspectrogram(y=clip, sr=RATE, n_fft=1024, hop_length=512, n_mels=96)
    decibel = librosa.power_to_db(power, ref=np.max, top_db=80.0)
    expected = np.rint((decibel + 80) / 80 * 255)[::-1]
    np.testing.assert_allclose(spectrogram(clip, FORMS["mel"]), expected, atol=1)


@pytest.mark.parametrize("seconds", [1.0, 2.0])
def test_wtsc_picture_is_that_of_scipy(seconds: float) -> None:
    clip = sound(seconds)
    _, _, power = scipy.signal.spectrogram(clip, RATE, nperseg=256, noverlap=32)
    decibel = 10 * np.log10(power / power.max())
    expected = np.rint(255 * np.clip(1 + decibel / 80, 0, 1))[::-1]
    np.testing.assert_allclose(spectrogram(clip, FORMS["wtsc"]), expected, atol=1)


@pytest.mark.parametrize(
    ("form", "seconds", "shape"),
    [("mel", 1, (96, 44)), ("mel", 2, (96, 87)), ("wtsc", 1, (129, 98)), ("wtsc", 2, (129, 196))],
)
def test_shapes(form: str, seconds: int, shape: tuple[int, int]) -> None:
    picture = spectrogram(sound(seconds), FORMS[form])
    assert picture.dtype == np.uint8
    assert picture.shape == shape == (FORMS[form].bands, FORMS[form].columns(seconds))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_low_bands_are_at_the_bottom_and_time_runs_to_the_right(form: object) -> None:
    time = np.arange(RATE) / RATE
    low, high = np.sin(2 * np.pi * 150 * time), np.sin(2 * np.pi * 6000 * time)
    first_low = np.where(time < 0.5, low, high).astype(np.float32)
    picture = spectrogram(first_low, form).astype(int)
    rows, columns = picture.shape
    left, right = picture[:, 2 : columns // 2 - 3], picture[:, columns // 2 + 3 : -2]
    assert left.mean(axis=1).argmax() > rows * 0.9
    assert right.mean(axis=1).argmax() < rows * 0.6
    assert right.mean(axis=1).argmax() < left.mean(axis=1).argmax()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_loudness_plays_no_part_and_silence_is_black(form: object) -> None:
    clip = sound(1.0)
    quiet, silent = clip * 0.05, np.zeros_like(clip)
    pictures = spectrograms(np.stack([clip, quiet, silent]), form)
    assert pictures[0].max() == 255
    np.testing.assert_allclose(pictures[0].astype(int), pictures[1].astype(int), atol=1)
    assert not pictures[2].any()
    np.testing.assert_array_equal(pictures[1], spectrogram(quiet, form))


def test_clips_shorter_than_a_window_are_refused() -> None:
    with pytest.raises(ValueError, match="1024 samples"):
        spectrogram(np.zeros(1000, dtype=np.float32), FORMS["mel"])
