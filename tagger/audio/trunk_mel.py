"""What the pretrained trunk hears: log-compressed mel power at 16 kHz, as its authors fed it.

Pons and Serra, "musicnn: Pre-trained convolutional neural networks for music audio tagging", 2019: windows of 512
samples, 256 apart, 96 mel bands up to 8 kHz, log10(1 + 10000 power).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tagger.audio.spectrogram import mel_power

RATE = 16_000  # [Hz]
N_FFT, HOP, BANDS = 512, 256, 96
COMPRESSION = 10_000.0

Floats = NDArray[np.float32]


def trunk_mel(sounds: Floats, sample_rate: int) -> Floats:
    """Turn clips into what the trunk takes.

    Parameters
    ----------
    sounds : np.ndarray [shape=(n, samples)], float32
        Mono; full scale is -1 to 1.
    sample_rate : int
        [Hz]

    Returns
    -------
    np.ndarray [shape=(n, frames, 96)], float32
        The lowest band first; 187 frames of a clip of 3 s, which is what the trunk was trained on.

    Raises
    ------
    ValueError
        If the clips are shorter than one window.
    """
    from scipy.signal import resample_poly

    common = int(np.gcd(RATE, sample_rate))
    heard = resample_poly(sounds, RATE // common, sample_rate // common, axis=1).astype(np.float32)
    if heard.shape[1] < N_FFT:
        raise ValueError(f"clips of {heard.shape[1]} samples are shorter than a window of {N_FFT}")
    power = mel_power(heard, RATE, N_FFT, HOP, BANDS)
    power = power[:, : heard.shape[1] // HOP]  # the last, half of it behind the end, was never heard by the trunk
    return np.log10(1 + np.float32(COMPRESSION) * power).astype(np.float32)
