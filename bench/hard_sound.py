"""How an artist of the hard library sounds, whatever is played: instruments, room, tone curve, noise floor, mix.

It is as strong as differences between real productions are, so a model that hears artists in training and again in the
test looks far better than it is.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy import fft

from tagger.demo.voices import TIMBRES, Player, Samples, drum_kit, vary

ROLES = ("drums", "bass", "harmony", "voice", "colour")
COLOURS = (
    "pad",
    "organ",
    "strings",
    "clean",
    "jangle",
    "bell",
    "synth",
    "pluck",
    "horns",
    "acoustic",
    "rhodes",
    "solo",
)
KNOTS = np.log2([40, 80, 160, 315, 630, 1250, 2500, 5000, 7500, 11025])  # of the tone curve [log2 Hz]
EQ_SPREAD = 4.5  # standard deviation of the tone curve at each of `KNOTS` [dB]
HANDS = 0.5  # how far instruments differ between artists, in octaves of cutoff and times
MIX_SPREAD = 3.0  # standard deviation of a part's level between artists [dB]
PEAK = 0.9  # of a finished track


@dataclass(frozen=True, slots=True)
class Sound:
    """One artist's sound; levels in dB."""

    artist: tuple[int, int]
    curve: tuple[float, ...]  # gain at each of `KNOTS`
    cutoff: float  # [Hz]
    decay: float  # time constant of the room, times what the genre wants [s]
    wet: float
    hiss: float
    sharpness: float
    weight: float
    mix: tuple[float, ...]  # by `ROLES`
    colour: str


@functools.lru_cache(maxsize=64)
def sound(artist: tuple[int, int]) -> Sound:
    """Return the sound of an artist, given the library's seed and the artist's number."""
    rng = np.random.default_rng((21, *artist))
    return Sound(
        artist=artist,
        curve=tuple(rng.normal(0, EQ_SPREAD, len(KNOTS)).tolist()),
        cutoff=float(np.exp2(rng.uniform(12.0, 13.8))),
        decay=float(np.exp2(rng.normal(-0.6, 0.5))),
        wet=float(np.exp2(rng.normal(0, 0.6))),
        hiss=float(rng.uniform(-75, -45)),
        sharpness=float(rng.random()),
        weight=float(rng.random()),
        mix=tuple(rng.normal(0, MIX_SPREAD, len(ROLES)).tolist()),
        colour=str(rng.choice(COLOURS)),
    )


@functools.lru_cache(maxsize=16)
def kit(artist: tuple[int, int], rate: int) -> dict[str, Samples]:
    """Return the artist's drums."""
    own = sound(artist)
    return drum_kit(np.random.default_rng((22, *artist)), rate, own.sharpness, own.weight)


def player(artist: tuple[int, int], instrument: str, rate: int) -> Player:
    """Return the artist's own variety of an instrument of `TIMBRES`."""
    rng = np.random.default_rng((23, *artist, list(TIMBRES).index(instrument)))
    return Player(vary(TIMBRES[instrument], rng, HANDS), rate, rng)


def lay(loop: Samples, at: int, note: Samples, gain: float) -> None:
    """Add a note to a loop, in place; what is longer than the loop's end is heard at its beginning."""
    at %= len(loop)
    note = note[: len(loop)] * np.float32(gain)
    first = min(len(note), len(loop) - at)
    loop[at : at + first] += note[:first]
    loop[: len(note) - first] += note[first:]


def through_room(own: Sound, dry: Samples, send: Samples, rate: int, room: float = 0.5, tilt: float = 0.0) -> Samples:
    """Send loops through the artist's room and tone curve.

    Parameters
    ----------
    own : Sound
        Whose.
    dry, send : float32 arrays (loops, n)
        What is heard directly, and what goes into the room.
    rate : int
        Sample rate [Hz].
    room : float
        0 for a dead room, 1 for a hall.
    tilt : float
        [dB an octave], around 1 kHz.

    Returns
    -------
    float32 array (loops, n)
        Still circular.
    """
    n = dry.shape[1]
    decay = own.decay * (0.1 + 1.2 * max(0.0, room))
    t = np.arange(min(n, int(4 * decay * rate)), dtype=np.float32) / np.float32(rate)
    echo = np.random.default_rng((24, *own.artist)).standard_normal(len(t), dtype=np.float32)
    echo *= np.exp(t * np.float32(-1 / decay))
    echo /= np.sqrt(np.sum(echo**2))
    octaves = np.linspace(4.0, np.log2(rate / 2), 256)
    decibel = np.interp(octaves, KNOTS, own.curve) + tilt * (octaves - np.log2(1000))
    gain = 10 ** (decibel / 20) / (1 + (2**octaves / own.cutoff) ** 8)
    gain = np.interp(np.fft.rfftfreq(n, 1 / rate), 2**octaves, gain, left=0.0).astype(np.float32)
    bins = fft.rfft(dry, axis=1)
    bins += fft.rfft(send, axis=1) * (fft.rfft(echo, n) * np.float32(own.wet))
    bins *= gain
    out: Samples = fft.irfft(bins, n, axis=1)
    return out


def master(own: Sound, mix: Samples, loudness: float, rng: np.random.Generator) -> Samples:
    """Add the noise floor, press the peaks down (`loudness` 0 to 1) and scale to `PEAK`, in place; float32 (n,)."""
    mix *= np.float32(0.1 / max(1e-6, float(np.sqrt(np.mean(mix**2)))))
    hiss = rng.standard_normal(min(len(mix), 1 << 16), dtype=np.float32) * np.float32(0.3 * 10 ** (own.hiss / 20))
    mix += np.resize(hiss, len(mix))
    mix *= np.float32(2 + 10 * min(1.0, max(0.0, loudness)))
    np.tanh(mix, out=mix)
    mix *= np.float32(PEAK / max(1e-6, float(np.abs(mix).max())))
    return mix
