"""Instruments of the demo's music: notes from wavetables, drum hits from noise and sweeps. Mono float32 throughout."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

TABLE_BITS = 13  # 8192 entries: read without interpolation, the error stays 60 dB under the tone
TABLE_SIZE = 1 << TABLE_BITS
PHASE_TURN = 2.0**32  # one period, in the units of a uint32 phase that wraps by itself
TOP_SHARE = 0.45  # harmonics end at this share of the sample rate: nothing folds back
FADE_SECONDS = 0.004  # end of each note and hit, against clicks

# First three formants of five vowels of men [Hz]: Peterson and Barney, "Control methods used in a study of the
# vowels", J. Acoust. Soc. Am. 24 (1952), table II.
VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))


@dataclass(frozen=True, slots=True)
class Timbre:
    """How an instrument sounds.

    A note starts with the harmonics below `cutoff` and closes towards `cutoff * dark` with time constant `bloom`.
    """

    attack: float = 0.005  # [s]
    decay: float = 0.0  # time constant [s]; 0 holds
    release: float = 0.05  # time constant [s]
    slope: float = 1.0  # harmonic k has amplitude k ** -slope
    even: float = 1.0  # level of the even harmonics: 1 saw, 0 square
    cutoff: float = 4000.0  # [Hz]
    dark: float = 1.0
    bloom: float = 0.2  # [s]
    detune: float = 0.0  # of a second oscillator [cents]; 0: there is none
    vibrato: float = 0.0  # [cents]
    bend: float = 0.0  # the note starts this far below its pitch [cents]
    breath: float = 0.0  # level of noise in the note
    sings: bool = False  # shaped by vowels, with consonants
    drive: float = 0.0  # of the whole part, through tanh; 0: clean
    cabinet: float = 0.0  # low-pass of the whole part after the drive [Hz]; 0: none


TIMBRES: dict[str, Timbre] = {
    # bowed and blown
    "strings": Timbre(0.14, 0, 0.25, 1.0, 1.0, 2600, detune=9),
    "violin": Timbre(0.06, 0, 0.10, 0.9, 0.9, 4500, vibrato=24),
    "fiddle": Timbre(0.02, 0, 0.06, 0.7, 1.0, 6000, vibrato=14, bend=60),
    "cello": Timbre(0.09, 0, 0.15, 1.1, 1.0, 1500, vibrato=12),
    "flute": Timbre(0.06, 0, 0.10, 2.4, 0.8, 3000, vibrato=16, breath=0.06),
    "clarinet": Timbre(0.04, 0, 0.08, 1.1, 0.12, 2600, vibrato=5, breath=0.02),
    "sax": Timbre(0.03, 0, 0.07, 0.7, 0.7, 2300, 0.75, 0.15, vibrato=18, bend=70, breath=0.05),
    "trumpet": Timbre(0.03, 0, 0.06, 0.5, 1.0, 3200, 0.8, 0.1, vibrato=10, breath=0.015),
    "horns": Timbre(0.025, 0, 0.05, 0.6, 1.0, 3300, 0.6, 0.12, detune=11),
    # struck and plucked
    "piano": Timbre(0.003, 1.1, 0.15, 1.3, 1.0, 3500, 0.25, 0.35, detune=2),
    "harp": Timbre(0.002, 0.8, 0.4, 1.7, 0.8, 4000, 0.2, 0.2),
    "rhodes": Timbre(0.004, 1.7, 0.2, 2.1, 0.6, 2300, 0.35, 0.25, detune=4),
    "clavinet": Timbre(0.002, 0.35, 0.03, 0.6, 0.6, 4800, 0.2, 0.09),
    "acoustic": Timbre(0.002, 0.6, 0.12, 0.9, 1.0, 5500, 0.2, 0.12),
    "banjo": Timbre(0.001, 0.22, 0.05, 0.6, 1.0, 6500, 0.3, 0.07),
    "clean": Timbre(0.002, 0.9, 0.08, 1.0, 0.9, 3600, 0.4, 0.2),
    "muted": Timbre(0.002, 0.16, 0.02, 0.8, 0.8, 4500, 0.15, 0.05),
    "jangle": Timbre(0.002, 1.2, 0.15, 0.75, 1.0, 6000, 0.45, 0.25, detune=9),
    "crunch": Timbre(0.003, 2.5, 0.06, 0.9, 1.0, 3500, 0.6, 0.4, detune=4, drive=3.5, cabinet=4500),
    "fuzz": Timbre(0.003, 3.5, 0.05, 0.8, 1.0, 4000, 0.8, 0.5, detune=6, drive=12, cabinet=5200),
    "solo": Timbre(0.006, 3.0, 0.1, 0.9, 1.0, 4000, 0.8, 0.4, vibrato=26, bend=120, drive=6, cabinet=4800),
    "steel": Timbre(0.05, 4.0, 0.2, 1.2, 0.8, 2800, vibrato=22, bend=180),
    # electric and electronic
    "organ": Timbre(0.01, 0, 0.05, 1.5, 0.8, 2500, detune=5),
    "pad": Timbre(0.35, 0, 0.4, 1.1, 1.0, 1500, detune=14),
    "supersaw": Timbre(0.01, 0, 0.08, 0.9, 1.0, 9000, detune=22),
    "synth": Timbre(0.01, 0, 0.1, 1.0, 0.5, 4500, 0.5, 0.3, detune=10),
    "pluck": Timbre(0.002, 0.2, 0.08, 0.9, 0.6, 8000, 0.12, 0.08, detune=8),
    "lead": Timbre(0.008, 0, 0.05, 0.8, 0.3, 7000, 0.6, 0.2, detune=12, vibrato=8),
    "bell": Timbre(0.002, 0.8, 0.3, 1.5, 0.15, 5000, 0.4, 0.3),
    "sample": Timbre(0.02, 0.9, 0.1, 1.2, 0.9, 1400, 0.6, 0.4, detune=12),
    # sung and spoken
    "singer": Timbre(0.04, 0, 0.08, 0.8, 1.0, 5000, vibrato=30, bend=50, breath=0.03, sings=True),
    "crooner": Timbre(0.06, 0, 0.10, 1.1, 1.0, 3600, vibrato=38, bend=80, breath=0.06, sings=True),
    "shouter": Timbre(0.02, 0, 0.05, 0.6, 1.0, 6500, vibrato=12, bend=90, breath=0.05, sings=True, drive=2.0),
    "rapper": Timbre(0.008, 0.25, 0.03, 0.7, 1.0, 5500, bend=-160, breath=0.12, sings=True),
    # bass
    "fingered": Timbre(0.005, 0.9, 0.05, 1.4, 1.0, 700, 0.6, 0.2),
    "picked": Timbre(0.003, 1.0, 0.04, 1.0, 1.0, 1700, 0.5, 0.15, drive=1.3),
    "slap": Timbre(0.002, 0.5, 0.03, 0.9, 1.0, 3200, 0.2, 0.07),
    "upright": Timbre(0.008, 0.45, 0.05, 1.6, 1.0, 550, 0.5, 0.12),
    "contrabass": Timbre(0.09, 0, 0.12, 1.2, 1.0, 700),
    "sub": Timbre(0.01, 0, 0.05, 3.5, 0.6, 400),
    "boom": Timbre(0.004, 0.9, 0.1, 3.0, 0.8, 500, bend=-500, drive=1.6),
    "sawbass": Timbre(0.004, 0, 0.03, 1.0, 1.0, 1500, 0.4, 0.12, detune=7),
    "growl": Timbre(0.01, 0, 0.03, 0.8, 0.6, 2600, 0.5, 0.2, detune=16, drive=3.0),
}


def vary(timbre: Timbre, rng: np.random.Generator, amount: float) -> Timbre:
    """Return the same instrument in other hands: brightness, length and tuning moved at random by `amount`."""
    spread = np.exp2(rng.normal(0.0, amount, 6))
    return replace(
        timbre,
        cutoff=timbre.cutoff * spread[0],
        attack=timbre.attack * spread[1],
        decay=timbre.decay * spread[2],
        slope=timbre.slope * spread[3] ** 0.4,
        detune=timbre.detune * spread[4],
        vibrato=timbre.vibrato * spread[5],
    )


class Player:
    """Plays notes of one timbre; equal notes are rendered once."""

    def __init__(self, timbre: Timbre, rate: int, rng: np.random.Generator) -> None:
        self.timbre = timbre
        self.rate = rate
        # Every instrument has its own small dents in the spectrum; they tell two pianos apart.
        self._dents = np.exp2(rng.normal(0.0, 0.5, 64)).astype(np.float32)
        self._noise = rng.standard_normal(rate).astype(np.float32)
        self._notes: dict[tuple[int, int, int], Samples] = {}

    def note(self, midi: int, hold: int, vowel: int = 0) -> Samples:
        """Return a note.

        Parameters
        ----------
        midi : int
            Pitch, 69 is A at 440 Hz.
        hold : int
            Samples until it is let go; the release comes on top.
        vowel : int
            Index into `VOWELS`, for singers.

        Returns
        -------
        float32 array of shape (hold + release,), at most about 1 in size
        """
        key = (midi, hold, vowel if self.timbre.sings else 0)
        if key not in self._notes:
            self._notes[key] = self._render(*key)
        return self._notes[key]

    def _render(self, midi: int, hold: int, vowel: int) -> Samples:
        timbre, rate = self.timbre, self.rate
        frequency = 440.0 * 2.0 ** ((midi - 69) / 12)
        n = hold + int(2.5 * timbre.release * rate)
        t = np.arange(n, dtype=np.float32) / np.float32(rate)
        dark, gleam = self._tables(frequency, vowel)
        index = self._index(frequency, t, 0.0)
        wave = dark[index]
        if timbre.dark < 1.0:
            wave += gleam[index] * np.exp(t * np.float32(-1.0 / timbre.bloom))
        if timbre.detune:
            wave += dark[self._index(frequency, t, timbre.detune)]
            wave *= np.float32(0.6)
        if timbre.breath:
            wave += np.resize(self._noise, n) * np.float32(timbre.breath)
        wave *= self._envelope(t, hold)
        if timbre.sings:
            self._consonant(wave, vowel)
        return wave

    def _index(self, frequency: float, t: Samples, cents: float) -> NDArray[np.uint32]:
        """Return positions in the table: a phase that wraps by itself, with vibrato and bend."""
        timbre = self.timbre
        pitch = frequency * 2.0 ** (cents / 1200)
        phase = np.arange(len(t), dtype=np.uint32) * np.uint32(pitch / self.rate * PHASE_TURN)
        wobble = np.zeros(0)
        if timbre.vibrato:
            speed = 2 * np.pi * 5.3  # 5 to 6 Hz is what singers and players do
            depth = pitch * (2.0 ** (timbre.vibrato / 1200) - 1) / speed
            wobble = depth * np.sin(speed * t) * np.minimum(t / 0.3, 1.0)  # it comes after the note has settled
        if timbre.bend:
            lag = 0.05  # [s]
            sag = pitch * (1 - 2.0 ** (-timbre.bend / 1200)) * lag * (1 - np.exp(-t / lag))
            wobble = wobble - sag if wobble.size else -sag
        if wobble.size:
            phase += (wobble * PHASE_TURN).astype(np.int64).astype(np.uint32)
        return phase >> np.uint32(32 - TABLE_BITS)

    def _tables(self, frequency: float, vowel: int) -> tuple[Samples, Samples]:
        """Return one period of the closed sound, and what the open sound has on top of it."""
        timbre = self.timbre
        count = max(1, min(64, int(TOP_SHARE * self.rate / frequency)))
        k = np.arange(1, count + 1, dtype=np.float32)
        amplitude = k**-timbre.slope * self._dents[:count]
        amplitude[1::2] *= timbre.even
        if timbre.sings:
            amplitude *= _formants(k * frequency, VOWELS[vowel])
        amplitude /= np.sqrt(np.sum(amplitude**2))
        spectra = np.zeros((2, TABLE_SIZE // 2 + 1), dtype=np.complex64)
        # Phases of a chirp (Schroeder 1970) keep the period from being one tall spike.
        turn = np.exp(-1j * np.pi * k * k / count)
        for row, cutoff in enumerate((timbre.cutoff * timbre.dark, timbre.cutoff)):
            spectra[row, 1 : count + 1] = amplitude * turn / (1 + (k * frequency / cutoff) ** 4) ** 0.5
        dark, full = np.fft.irfft(spectra, TABLE_SIZE, axis=1).astype(np.float32) * np.float32(TABLE_SIZE / 2)
        return dark, full - dark

    def _envelope(self, t: Samples, hold: int) -> Samples:
        timbre, rate = self.timbre, self.rate
        shape = np.exp(t * np.float32(-1.0 / timbre.decay)) if timbre.decay else np.ones_like(t)
        rise = min(len(t), max(2, int(timbre.attack * rate)))
        shape[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
        shape[hold:] *= np.exp((t[hold:] - t[min(hold, len(t) - 1)]) * np.float32(-1.0 / timbre.release))
        return fade(shape, rate)

    def _consonant(self, wave: Samples, vowel: int) -> None:
        """Put a short hiss before the vowel."""
        n = min(len(wave), int(0.045 * self.rate))
        hiss = np.diff(self._noise[vowel * 1000 : vowel * 1000 + n + 1])
        wave[:n] += hiss * np.hanning(n).astype(np.float32) * np.float32(0.22)


def _formants(frequency: Samples, formants: tuple[int, int, int]) -> Samples:
    """Return the gain of a vocal tract at these frequencies [Hz]."""
    gain = np.full_like(frequency, 0.03)
    for level, centre in zip((1.0, 0.55, 0.25), formants, strict=True):
        gain += level / (1 + ((frequency - centre) / (0.08 * centre + 40)) ** 2)
    return gain


def fade(samples: Samples, rate: int) -> Samples:
    """Bring the end down to zero, in place."""
    n = min(len(samples), max(2, int(FADE_SECONDS * rate)))
    samples[len(samples) - n :] *= np.linspace(1, 0, n, dtype=np.float32)
    return samples


def drum_kit(rng: np.random.Generator, rate: int, sharpness: float, weight: float) -> dict[str, Samples]:
    """Make the hits of one drum kit.

    Parameters
    ----------
    rng : numpy.random.Generator
        No two kits are tuned alike.
    rate : int
        Sample rate [Hz].
    sharpness : float
        0 for a soft, dull kit, 1 for a hard, bright one.
    weight : float
        0 for a small kick, 1 for a long electronic boom.

    Returns
    -------
    dict of float32 arrays
        By instrument: kick snare clap rim snap hat open ride crash brush shaker tom timpani.
    """

    def seconds(length: float) -> Samples:
        return np.arange(int(length * rate), dtype=np.float32) / np.float32(rate)

    def noise(length: float, decay: float, low: float, high: float) -> Samples:
        t = seconds(length)
        bands = np.fft.rfft(rng.standard_normal(len(t)).astype(np.float32))
        f = np.fft.rfftfreq(len(t), 1 / rate).astype(np.float32)
        bands *= (f / (f + low)) ** 2 / (1 + (f / high) ** 4)
        hit = np.fft.irfft(bands, len(t)).astype(np.float32) * np.exp(-t / decay)
        return hit / max(1e-6, float(np.abs(hit).max()))

    def sweep(length: float, start: float, end: float, fall: float, decay: float) -> Samples:
        t = seconds(length)
        turns = end * t + (start - end) * fall * (1 - np.exp(-t / fall))
        return np.sin(2 * np.pi * turns) * np.exp(-t / decay)

    def near(value: float, spread: float = 0.25) -> float:
        return float(value * np.exp2(rng.normal(0, spread)))

    top = min(0.48 * rate, 6000 + 8000 * sharpness)
    kick = sweep(0.5, near(180 + 120 * sharpness), near(48 + 12 * (1 - weight)), 0.03, near(0.09 + 0.2 * weight))
    kick[: int(0.02 * rate)] += (0.15 + 0.5 * sharpness) * noise(0.02, 0.005, 1500, top)[: int(0.02 * rate)]
    snare = 0.5 * sweep(0.3, near(330), near(190), 0.02, near(0.06)) + noise(0.3, near(0.08), 500, top)
    tom = sweep(0.5, near(200), near(105), 0.05, near(0.18)) + 0.1 * noise(0.5, 0.02, 500, 4000)
    clap = noise(0.28, near(0.06), 900, min(top, 7000))
    for delay in (0.011, 0.023):
        at = int(delay * rate)
        clap[at:] += 0.7 * clap[: len(clap) - at].copy()
    bright = near(5000, 0.2)
    cymbal = [sweep(0.7, pitch, pitch, 0.1, near(0.15)) for pitch in (near(2900), near(3700), near(4600), near(5300))]
    kit = {
        "kick": kick,
        "snare": snare,
        "clap": clap,
        "rim": noise(0.06, 0.012, 1200, 5000) + sweep(0.06, 900, 820, 0.01, 0.015),
        "snap": noise(0.12, near(0.02), 1800, 6000),
        "hat": noise(0.09, near(0.02), bright, top + 4000),
        "open": noise(0.4, near(0.14), bright, top + 4000),
        "ride": 0.6 * noise(0.7, near(0.22), 4000, top + 2000) + 0.05 * sum(cymbal),
        "crash": noise(1.6, near(0.5), 2500, top + 4000),
        "brush": noise(0.22, near(0.07), 1500, 6500),
        "shaker": noise(0.1, near(0.03), 4500, top + 3000),
        "tom": tom,
        "timpani": sweep(1.2, near(115, 0.1), near(98, 0.1), 0.05, near(0.5)),
    }
    return {name: fade(hit.astype(np.float32), rate) for name, hit in kit.items()}
