"""Spectrograms: the pictures of clips that the networks look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Form:
    """How a clip becomes a picture.

    Parameters
    ----------
    name : str
        ``mel`` or ``wtsc``.
    sample_rate : int
        Of the clip [Hz].
    n_fft : int
        Window length [samples].
    hop : int
        Distance of the frames [samples].
    bands : int
        Rows of the picture.
    db_range : float
        What is so many dB below the picture's loudest point, or more, is black.
    """

    name: str
    sample_rate: int
    n_fft: int
    hop: int
    bands: int
    db_range: float

    def columns(self, seconds: float) -> int:
        """Return the number of frames of a clip of this length."""
        samples = round(seconds * self.sample_rate)
        return 1 + (samples if self.name == "mel" else samples - self.n_fft) // self.hop

    def make(self, clips: NDArray[np.float32]) -> Picture:
        """Turn clips, float32 (n, samples), into pictures, uint8 (n, bands, columns); see `spectrogram`."""
        return spectrograms(clips, self)

    def card(self) -> dict[str, Any]:
        """Return the form as JSON takes it."""
        return asdict(self)


FORMS: Mapping[str, Form] = {
    # 96 mel bands: 48 to 128 score alike on music tagging, and a double hop loses little
    # (Ferraro et al., "How low can you go? Reducing frequency and time resolution in current CNN architectures for
    # music auto-tagging", 2020). 23 ms between frames.
    "mel": Form("mel", sample_rate=22050, n_fft=1024, hop=512, bands=96, db_range=80.0),
    # The radio-station study's picture (github.com/moellerben/IA651): every bin of a short window, 129 x 98 in 1 s.
    "wtsc": Form("wtsc", sample_rate=22050, n_fft=256, hop=224, bands=129, db_range=80.0),
}

_SILENCE = 1e-10  # power that counts as nothing, as in librosa's amin: -100 dB of full scale
MEL_PIECES = 8  # that the mel filters are applied in
_TUKEY = 0.25  # share of the window that is tapered, as in scipy.signal.spectrogram


def spectrogram(clip: NDArray[np.float32], form: Form) -> Picture:
    """Turn one clip into its picture.

    Parameters
    ----------
    clip : np.ndarray [shape=(n,)], float
        Mono samples at the form's rate.
    form : Form
        How.

    Returns
    -------
    np.ndarray [shape=(bands, columns)], uint8
        255 is the clip's loudest point, 0 is `db_range` below it or less; so loudness plays no part. The lowest band is
        the bottom row, the first frame the left column. Silence is black.
    """
    return spectrograms(clip[None, :], form)[0]


def spectrograms(clips: NDArray[np.float32], form: Form) -> Picture:
    """Turn clips of one length into pictures, shape (clips, bands, columns); see `spectrogram`.

    Raises
    ------
    ValueError
        If the clips are shorter than one window.
    """
    clips = np.asarray(clips, dtype=np.float32)
    if clips.ndim != 2 or clips.shape[1] < form.n_fft:
        raise ValueError(f"clips have the shape {clips.shape}, not (clips, {form.n_fft} samples or more)")
    if form.name == "mel":
        power = mel_power(clips, form.sample_rate, form.n_fft, form.hop, form.bands).swapaxes(1, 2)
    else:
        power = _plain_power(clips, form)  # (clips, bands, columns)
    decibel = 10.0 * np.log10(np.maximum(power, np.float32(_SILENCE)))
    loudest = decibel.max(axis=(1, 2), keepdims=True)
    shade = 255.0 * (1.0 + (decibel - loudest) / form.db_range)
    shade = np.where(power.max(axis=(1, 2), keepdims=True) > _SILENCE, shade, 0.0)
    return np.ascontiguousarray(np.rint(np.clip(shade, 0.0, 255.0)).astype(np.uint8)[:, ::-1])


def _frames(clips: NDArray[np.float32], n_fft: int, hop: int) -> NDArray[np.float32]:
    """Return overlapping frames, a view of shape (clips, columns, n_fft)."""
    return np.lib.stride_tricks.sliding_window_view(clips, n_fft, axis=1)[:, ::hop]


def mel_power(clips: NDArray[np.float32], sample_rate: int, n_fft: int, hop: int, bands: int) -> NDArray[np.float32]:
    """Return mel power as librosa's `melspectrogram` has it: frames centred, edges padded with zeros, Hann window.

    Parameters
    ----------
    clips : np.ndarray [shape=(n, samples)], float32
    sample_rate : int
        [Hz]
    n_fft, hop : int
        Window length and distance of the frames [samples].
    bands : int
        Of the mel scale.

    Returns
    -------
    np.ndarray [shape=(n, frames, bands)], float32
        The lowest band first.
    """
    padded = np.pad(clips, ((0, 0), (n_fft // 2, n_fft // 2)))
    bins = fft.rfft(_frames(padded, n_fft, hop) * _hann(n_fft), axis=-1)
    power = (bins.real**2 + bins.imag**2).astype(np.float32)  # (n, frames, n_fft / 2 + 1)
    flat = power.reshape(-1, power.shape[-1])
    heard = [flat[:, first:last] @ weights for first, last, weights in _mel_pieces(sample_rate, n_fft, bands)]
    return np.concatenate(heard, axis=1).reshape(*power.shape[:-1], bands)


def _plain_power(clips: NDArray[np.float32], form: Form) -> NDArray[np.float32]:
    """Return power as scipy.signal.spectrogram has it, but for a factor that dB relative to the loudest point lose:
    frames not padded, each less its mean, Tukey window, the bins that stand for two counted double."""
    frames = _frames(clips, form.n_fft, form.hop)
    bins = fft.rfft((frames - frames.mean(axis=-1, keepdims=True)) * _tukey(form.n_fft), axis=-1)
    power = (bins.real**2 + bins.imag**2).astype(np.float32)
    power[..., 1:-1] *= 2
    return power.swapaxes(1, 2)


@lru_cache
def _hann(length: int) -> NDArray[np.float32]:
    """Return the periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


@lru_cache
def _tukey(length: int) -> NDArray[np.float32]:
    """Return the periodic Tukey window: flat, with cosine flanks that take up `_TUKEY` of it."""
    position = np.arange(length) / length
    edge = np.minimum(position, 1 - position) / (_TUKEY / 2)
    return np.where(edge < 1, 0.5 - 0.5 * np.cos(np.pi * np.minimum(edge, 1)), 1.0).astype(np.float32)


@lru_cache
def _mel_pieces(sample_rate: int, n_fft: int, bands: int) -> list[tuple[int, int, NDArray[np.float32]]]:
    """Return the mel filters in pieces of a few bands: the bins from first to last that these hear, and their weights,
    (bins, bands). Nearly all of the whole matrix is zeros, and takes four times as long."""
    pieces = []
    for filters in np.array_split(mel_filters(sample_rate, n_fft, bands), MEL_PIECES):
        heard = np.flatnonzero(filters.any(axis=0))
        first, last = (int(heard[0]), int(heard[-1]) + 1) if heard.size else (0, 1)
        pieces.append((first, last, np.ascontiguousarray(filters[:, first:last].T)))
    return pieces


@lru_cache
def mel_filters(sample_rate: int, n_fft: int, bands: int) -> NDArray[np.float32]:
    """Return the triangular mel filters of `librosa.filters.mel`, without the second that importing librosa takes.

    The scale is Slaney's ("Auditory Toolbox", Technical Report 1998-010): linear up to 1 kHz at 200/3 Hz per mel, then
    27 mels for each factor of 6.4. Each filter has unit area.

    Parameters
    ----------
    sample_rate : int
        [Hz]
    n_fft : int
        Window length [samples].
    bands : int
        Number of filters between 0 Hz and half the sample rate.

    Returns
    -------
    np.ndarray [shape=(bands, n_fft // 2 + 1)], float32
        Weights, the lowest band first.
    """
    top = sample_rate / 2
    highest = 15 + 27 * np.log(top / 1000) / np.log(6.4) if top > 1000 else top * 3 / 200
    mels = np.linspace(0, highest, bands + 2)
    corners = np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))  # [Hz]
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    bins = np.fft.rfftfreq(n_fft, 1 / sample_rate)[None, :]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    return (np.maximum(0, np.minimum(rising, falling)) * 2 / (right - left)).astype(np.float32)
