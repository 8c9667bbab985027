"""Numbers that describe a clip's sound: MFCCs, and a table of 85 features, as librosa computes them.

librosa (numba with it) is imported when the first clip comes: see decision 0004.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float32]

TIMBRE_MFCCS = 20  # librosa's default
_PITCHES = ("c", "cs", "d", "ds", "e", "f", "fs", "g", "gs", "a", "as", "b")  # of librosa's chroma; s: sharp
_CONTRASTS = 7  # librosa's default: six octaves up from 200 Hz, and what is below them


def _mean_and_std(names: list[str]) -> tuple[str, ...]:
    return tuple(f"{name}_{what}" for what in ("mean", "std") for name in names)


_NAMES: Mapping[str, tuple[str, ...]] = {
    "timbre": _mean_and_std([f"mfcc{number}" for number in range(1, TIMBRE_MFCCS + 1)]),
    "harmony": _mean_and_std([f"chroma_{pitch}" for pitch in _PITCHES]),
    "spectrum": (
        *(f"contrast{number}_mean" for number in range(1, _CONTRASTS + 1)),
        *_mean_and_std(["centroid", "bandwidth", "rolloff", "flatness"]),
    ),
    "rhythm": (*_mean_and_std(["zero_crossings", "rms"]), "tempo", "onset_mean"),
}

FEATURES: tuple[str, ...] = tuple(name for names in _NAMES.values() for name in names)


def _slices() -> dict[str, slice]:
    found, start = {}, 0
    for group, names in _NAMES.items():
        found[group] = slice(start, start + len(names))
        start += len(names)
    return found


GROUPS: Mapping[str, slice] = _slices()  # where the features of each group lie in `FEATURES`


def mfccs(sounds: NDArray[np.float32], sample_rate: int, n_fft: int, hop: int, count: int) -> Numbers:
    """Return the mel-frequency cepstral coefficients of clips, `librosa.feature.mfcc`.

    Parameters
    ----------
    sounds : np.ndarray [shape=(n, samples)], float32
        Mono, full scale is -1 to 1.
    sample_rate : int
        [Hz]
    n_fft : int
        Window length [samples].
    hop : int
        Distance of the frames [samples].
    count : int
        How many coefficients, from the first, which follows loudness.

    Returns
    -------
    np.ndarray [shape=(n, 1 + samples // hop, count)], float32

    Raises
    ------
    ValueError
        If the clips are shorter than one window.
    """
    import librosa

    _check(sounds, n_fft)
    # One clip at a time: librosa's floor of 80 dB below the loudest point would else be that of the loudest clip.
    found = [
        librosa.feature.mfcc(y=sound, sr=sample_rate, n_fft=n_fft, hop_length=hop, n_mfcc=count).T for sound in sounds
    ]
    return np.ascontiguousarray(np.stack(found), dtype=np.float32)


def features(sounds: NDArray[np.float32], sample_rate: int, n_fft: int, hop: int) -> Numbers:
    """Return the 85 features of clips, in the order of `FEATURES`.

    Parameters
    ----------
    sounds : np.ndarray [shape=(n, samples)], float32
        Mono, full scale is -1 to 1.
    sample_rate : int
        [Hz]
    n_fft : int
        Window length [samples].
    hop : int
        Distance of the frames [samples].

    Returns
    -------
    np.ndarray [shape=(n, 85)], float32
        Finite, for silence too. Means and standard deviations are those over the frames; centroid, bandwidth and
        rolloff are in Hz, tempo in beats per minute, zero crossings for each sample.

    Raises
    ------
    ValueError
        If the clips are shorter than one window.
    """
    _check(sounds, n_fft)
    return np.stack([_of_clip(sound, sample_rate, n_fft, hop) for sound in sounds])


def _check(sounds: NDArray[np.float32], n_fft: int) -> None:
    if sounds.ndim != 2 or not len(sounds) or sounds.shape[1] < n_fft:
        raise ValueError(f"clips have the shape {sounds.shape}, not (clips, {n_fft} samples or more)")


def _of_clip(sound: NDArray[np.float32], sample_rate: int, n_fft: int, hop: int) -> Numbers:
    """Return one clip's features, float32 (85,), all but the zero crossings from one short-time Fourier transform."""
    import librosa
    from librosa.onset import onset_strength

    of = librosa.feature
    magnitude = np.abs(librosa.stft(sound, n_fft=n_fft, hop_length=hop))  # (1 + n_fft / 2, frames)
    power = magnitude**2
    decibel = librosa.power_to_db(of.melspectrogram(S=power, sr=sample_rate))  # (128, frames)
    centroid = of.spectral_centroid(S=magnitude, sr=sample_rate)
    shape = [
        centroid,
        of.spectral_bandwidth(S=magnitude, sr=sample_rate, centroid=centroid),
        of.spectral_rolloff(S=magnitude, sr=sample_rate),
        of.spectral_flatness(S=magnitude),
    ]
    pulse = [
        of.zero_crossing_rate(sound, frame_length=n_fft, hop_length=hop),
        of.rms(S=magnitude, frame_length=n_fft, hop_length=hop),
    ]
    onsets = onset_strength(S=decibel, sr=sample_rate, n_fft=n_fft, hop_length=hop)
    groups = {
        "timbre": _both(of.mfcc(S=decibel, n_mfcc=TIMBRE_MFCCS)),
        # A tuning of 0 is taken as given: estimating it is slow, and warns of clips without pitch.
        "harmony": _both(of.chroma_stft(S=power, sr=sample_rate, tuning=0)),
        "spectrum": [
            *of.spectral_contrast(S=magnitude, sr=sample_rate).mean(axis=1),
            *_both(np.concatenate(shape)),
        ],
        "rhythm": [
            *_both(np.concatenate(pulse)),
            of.tempo(onset_envelope=onsets, sr=sample_rate, hop_length=hop).item(),
            onsets.mean(),
        ],
    }
    return np.array([number for group in GROUPS for number in groups[group]], dtype=np.float32)


def _both(rows: NDArray[Any]) -> list[Any]:
    """Return the means of each row over the frames, then the standard deviations."""
    return [*rows.mean(axis=1), *rows.std(axis=1)]
