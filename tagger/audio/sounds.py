"""What model families hear that do not look at pictures: the waveform, every 50th sample of it, MFCCs, features, and
what the pretrained trunk was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.audio.features import FEATURES, features, mfccs
from tagger.audio.trunk_mel import BANDS, HOP, N_FFT, trunk_mel

FULL_SCALE = 32768.0  # of 16-bit samples

Sound = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class SoundForm:
    """How a clip becomes numbers.

    Parameters
    ----------
    name : str
        ``wave``, ``samples``, ``mfcc``, ``features`` or ``musicnn``.
    sample_rate : int
        Of the clip [Hz].
    step : int
        Distance of the samples that are kept, where samples are kept.
    n_fft : int
        Window length [samples], where there are windows.
    hop : int
        Distance of the frames [samples].
    numbers : int
        For each frame (``mfcc``, ``musicnn``) or clip (``features``).
    """

    name: str
    sample_rate: int
    step: int = 1
    n_fft: int = 0
    hop: int = 0
    numbers: int = 0

    @property
    def computed(self) -> bool:
        """Whether this is more than the samples themselves."""
        return self.n_fft > 0

    @property
    def kept(self) -> bool:
        """Whether this takes long enough to be worth keeping, and is small enough."""
        return self.computed and self.name != "musicnn"

    def make(self, clips: NDArray[np.float32]) -> NDArray[Any]:
        """Turn clips into what a model takes.

        The samples are rounded to 16 bits first, so that it is the same whether a clip comes out of a music file or
        out of the cache.

        Parameters
        ----------
        clips : np.ndarray [shape=(n, samples)], float32
            Mono samples at the form's rate; full scale is -1 to 1.

        Returns
        -------
        np.ndarray [shape=(n, ...)]
            See `from_samples`.
        """
        return self.from_samples(sixteen_bits(clips))

    def from_samples(self, samples: Sound) -> NDArray[Any]:
        """Turn 16-bit clips into what a model takes.

        Parameters
        ----------
        samples : np.ndarray [shape=(n, samples)], int16

        Returns
        -------
        np.ndarray
            ``wave`` int16 (n, samples); ``samples`` int16 (n, ceil(samples / step)); ``mfcc`` float32 (n, frames,
            numbers); ``features`` float32 (n, numbers); ``musicnn`` float32 (n, frames, numbers).

        Raises
        ------
        ValueError
            If the clips are shorter than one window.
        """
        if not self.computed:
            return np.ascontiguousarray(samples[:, :: self.step])
        sounds = samples.astype(np.float32) / np.float32(FULL_SCALE)
        if self.name == "mfcc":
            return mfccs(sounds, self.sample_rate, self.n_fft, self.hop, self.numbers)
        if self.name == "musicnn":
            return trunk_mel(sounds, self.sample_rate)
        return features(sounds, self.sample_rate, self.n_fft, self.hop)

    def card(self) -> dict[str, Any]:
        """Return the form as JSON takes it."""
        return asdict(self)


SOUNDS: Mapping[str, SoundForm] = {
    "wave": SoundForm("wave", sample_rate=22050),
    # No filter before samples are left out, as in the study that this comes from: what is above 220 Hz is folded down,
    # and what its models learn is the envelope of the sound.
    "samples": SoundForm("samples", sample_rate=22050, step=50),
    # As in most tutorials and the studies that follow them: 13 coefficients, windows of 93 ms, 23 ms apart.
    "mfcc": SoundForm("mfcc", sample_rate=22050, n_fft=2048, hop=512, numbers=13),
    "features": SoundForm("features", sample_rate=22050, n_fft=2048, hop=512, numbers=len(FEATURES)),
    # Cut at the rate of all clips that are kept as sound; `trunk_mel` resamples them to its own.
    "musicnn": SoundForm("musicnn", sample_rate=22050, n_fft=N_FFT, hop=HOP, numbers=BANDS),
}


def sixteen_bits(clips: NDArray[np.float32]) -> Sound:
    """Round samples to 16 bits; what is over full scale is cut off, what is no number becomes silence."""
    scaled = np.clip(np.rint(np.asarray(clips, dtype=np.float32) * np.float32(FULL_SCALE)), -FULL_SCALE, FULL_SCALE - 1)
    return np.nan_to_num(scaled, copy=False).astype(np.int16)
