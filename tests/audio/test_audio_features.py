"""MFCCs and features are librosa's; every clip has them all, silence too."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.audio.features import FEATURES, GROUPS, features
from tagger.audio.sounds import SOUNDS

RATE = 22050
PITCHES = ("c", "cs", "d", "ds", "e", "f", "fs", "g", "gs", "a", "as", "b")


def music(seconds: float = 3.0) -> np.ndarray:
    """Return two clips that 16 bits hold exactly, float32 (2, samples): chords on a beat, and a sweep in noise."""
    time = np.arange(int(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220.0, 277.2, 329.6)) * np.exp(-6 * (time % 0.5)) * 0.2
    sweep = 0.3 * np.sin(2 * np.pi * (100 + 800 * time) * time)
    sweep += 0.02 * np.random.default_rng(1).standard_normal(time.size)
    return (np.rint(np.stack([chord, sweep]) * 32768) / 32768).astype(np.float32)


def named(values: np.ndarray) -> dict[str, float]:
    return dict(zip(FEATURES, values.tolist(), strict=True))


def test_there_are_85_names_in_four_groups() -> None:
    assert len(FEATURES) == len(set(FEATURES)) == 85
    assert all(name.replace("_", "").isalnum() for name in FEATURES)
    sizes = {group: len(FEATURES[places]) for group, places in GROUPS.items()}
    assert sizes == {"timbre": 40, "harmony": 24, "spectrum": 15, "rhythm": 6}
    assert [name for places in GROUPS.values() for name in FEATURES[places]] == list(FEATURES)


def test_mfccs_are_those_of_librosa() -> None:
    import librosa

    for clip, found in zip(music(), SOUNDS["mfcc"].make(music()), strict=True):
        expected = librosa.feature.mfcc(y=clip, sr=RATE, n_mfcc=13, n_fft=2048, hop_length=512)
        np.testing.assert_allclose(found, expected.T, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("number", [0, 1], ids=["chords", "sweep"])
def test_features_are_those_of_librosa(number: int) -> None:
    import librosa

    clip = music()[number]
    of = librosa.feature
    expected: dict[str, float] = {}

    def add(names: list[str], rows: np.ndarray) -> None:
        for name, row in zip(names, rows, strict=True):
            expected[f"{name}_mean"], expected[f"{name}_std"] = row.mean(), row.std()

    add([f"mfcc{n}" for n in range(1, 21)], of.mfcc(y=clip, sr=RATE, n_mfcc=20))
    add([f"chroma_{n}" for n in PITCHES], of.chroma_stft(y=clip, sr=RATE, tuning=0))
    add([f"contrast{n}" for n in range(1, 8)], of.spectral_contrast(y=clip, sr=RATE))
    add(["centroid"], of.spectral_centroid(y=clip, sr=RATE))
    add(["bandwidth"], of.spectral_bandwidth(y=clip, sr=RATE))
    add(["rolloff"], of.spectral_rolloff(y=clip, sr=RATE))
    add(["flatness"], of.spectral_flatness(y=clip))
    add(["zero_crossings"], of.zero_crossing_rate(clip))
    expected["tempo"] = of.tempo(y=clip, sr=RATE).item()
    expected["onset_mean"] = librosa.onset.onset_strength(y=clip, sr=RATE).mean()
    padded = librosa.util.frame(np.pad(clip, 1024), frame_length=2048, hop_length=512) * np.hanning(2049)[:-1, None]
    loudness = np.sqrt(np.mean(np.square(padded), axis=0))  # of the same windowed frames that all else is taken from
    expected["rms_mean"], expected["rms_std"] = loudness.mean(), loudness.std()

    found = named(SOUNDS["features"].make(clip[None])[0])
    np.testing.assert_allclose(list(found.values()), [expected[name] for name in FEATURES], rtol=2e-4, atol=2e-5)


def test_features_tell_what_they_are_named_after() -> None:
    chords, sweep = map(named, SOUNDS["features"].make(music(6.0)))
    pitches = {name: value for name, value in chords.items() if name.startswith("chroma") and name.endswith("mean")}
    assert set(sorted(pitches, key=pitches.__getitem__)[-3:]) == {"chroma_a_mean", "chroma_cs_mean", "chroma_e_mean"}
    assert chords["tempo"] == pytest.approx(120, abs=6)
    assert sweep["centroid_mean"] > chords["centroid_mean"] > 200
    assert sweep["rms_mean"] > chords["rms_mean"]
    assert sweep["flatness_mean"] > chords["flatness_mean"]


def _click() -> np.ndarray:
    clip = np.zeros(RATE, dtype=np.float32)
    clip[RATE // 2] = 1
    return clip


@pytest.mark.parametrize(
    "clip",
    [
        np.zeros(RATE, dtype=np.float32),
        np.full(RATE, 1e-12, dtype=np.float32),
        np.random.default_rng(1).integers(-1, 2, RATE).astype(np.float32) / 32768,
        np.full(RATE, 0.5, dtype=np.float32),
        _click(),
        np.where(np.arange(RATE) % 2, 1.0, -1.0).astype(np.float32),
        np.random.default_rng(1).uniform(-1, 1, 2048).astype(np.float32),
    ],
    ids=["silence", "next-to-nothing", "dither", "constant", "click", "full-scale", "one-window"],
)
def test_features_are_finite_whatever_comes(clip: np.ndarray) -> None:
    assert np.isfinite(features(clip[None], RATE, 2048, 512)).all()
    assert np.isfinite(SOUNDS["mfcc"].make(clip[None])).all()
