"""Plays the parts of a demo track into loops: drums, bass, chords, lines.

A loop is a float32 array of shape (2, samples): four bars for verses and four for choruses, each a circle, so that what
rings on at the end is heard at the beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tagger.demo.score import SCALES, Groove, Part, chord
from tagger.demo.voices import VOWELS, Player, Samples

BARS = 4  # in a half of a loop
LOUDNESS = {"X": 1.0, "x": 0.7, "o": 0.35}
FILL = ("snare", "tom", "snare", "tom")


@dataclass(frozen=True, slots=True)
class Beat:
    """The time grid of a track: samples per sixteenth, sixteenths per bar, swing as shares of a sixteenth."""

    rate: int
    step: int
    steps: int
    swing_eighths: float
    swing_sixteenths: float
    sway: float  # standard deviation of timing [s]

    @property
    def bar(self) -> int:
        """Samples in a bar."""
        return self.step * self.steps

    def loop(self) -> Samples:
        """Return an empty loop."""
        return np.zeros((2, BARS * self.bar), dtype=np.float32)

    def at(self, bar: int, step: int, rng: np.random.Generator) -> int:
        """Return the sample at which a player plays this sixteenth, given the swing and an unsteady hand."""
        late = self.swing_eighths if step % 4 == 2 else self.swing_sixteenths if step % 2 else 0.0
        return int(bar * self.bar + (step + late) * self.step + rng.normal(0.0, self.sway) * self.rate)


@dataclass(frozen=True, slots=True)
class Harmony:
    """Key (0 to 11, 0 is C), the chords of verse and chorus (numerals), and the scale that melodies keep to."""

    key: int
    numerals: tuple[tuple[str, ...], tuple[str, ...]]
    scale: str

    def root(self, half: int, bar: int) -> int:
        """Return the root of a bar's chord as a pitch class above C, not wrapped."""
        return self.key + chord(self.numerals[half][bar % BARS])[0]

    def intervals(self, half: int, bar: int) -> tuple[int, ...]:
        """Return the intervals of a bar's chord above its root."""
        return chord(self.numerals[half][bar % BARS])[1]


def near(pitch: int, register: int) -> int:
    """Return the octave of this pitch that lies nearest to `register`."""
    return register + (pitch - register + 6) % 12 - 6


def held(pattern: str, step: int) -> int:
    """Return how many sixteenths a note that starts at `step` lasts: itself and the ``-`` after it."""
    after = pattern[step + 1 :]
    return 1 + len(after) - len(after.lstrip("-"))


def place(half: Samples, sound: Samples, at: int, gain: float) -> None:
    """Add a sound to half a loop, in place; what does not fit before the end goes on at the beginning."""
    size = len(half)
    at %= size
    scaled = sound[:size] * np.float32(gain)
    first = min(len(scaled), size - at)
    half[at : at + first] += scaled[:first]
    half[: len(scaled) - first] += scaled[first:]


def drums(
    beat: Beat, grooves: Sequence[Groove], kit: dict[str, Samples], fills: float, rng: np.random.Generator
) -> Samples:
    """Play one groove in the verse and one in the chorus, with a fill in the last bar now and then."""
    loop = beat.loop()
    for half, groove in enumerate(grooves):
        fill = rng.random() < fills
        for bar in range(BARS):
            for name, pattern in groove.items():
                for step in range(beat.steps):
                    loud = LOUDNESS.get(pattern[step], 0.0)
                    filled = fill and bar == BARS - 1 and step >= beat.steps - 4 and name != "kick"
                    if loud and not filled and rng.random() > 0.02:
                        place(loop[half], kit[name], beat.at(bar, step, rng), loud * rng.uniform(0.85, 1.15))
        if fill:
            for number, name in enumerate(FILL):
                place(loop[half], kit[name], beat.at(BARS - 1, beat.steps - 4 + number, rng), rng.uniform(0.5, 0.9))
        if fills and half and rng.random() < 0.7:
            place(loop[half], kit["crash"], 0, 0.6)
    return loop


def bass(beat: Beat, harmony: Harmony, part: Part, player: Player, rng: np.random.Generator) -> Samples:
    """Play a bass line."""
    loop = beat.loop()
    for half in range(2):
        pattern = part.patterns[half % len(part.patterns)]
        for bar in range(BARS):
            root = near(harmony.root(half, bar), part.register)
            intervals = harmony.intervals(half, bar)
            following = near(harmony.root(half, bar + 1), part.register)
            pitches = {
                "R": root,
                "T": root + intervals[1],
                "F": root + 7,
                "S": root + (intervals[3] if len(intervals) > 3 else 10),
                "O": root + 12,
                "A": following - 1,
            }
            for step, token in enumerate(pattern[: beat.steps]):
                if token.upper() in pitches:
                    sound = player.note(pitches[token.upper()], int(held(pattern, step) * beat.step * 0.92))
                    loud = (1.0 if token.isupper() else 0.5) * rng.uniform(0.85, 1.1)
                    place(loop[half], sound, beat.at(bar, step, rng), loud)
    return loop


def chords(beat: Beat, harmony: Harmony, part: Part, player: Player, rng: np.random.Generator) -> Samples:
    """Play chords: all notes at once (block), one shortly after the other (strum), or one per onset (arp)."""
    loop = beat.loop()
    order = rng.permutation(4)
    for half in range(2):
        pattern = part.patterns[half % len(part.patterns)]
        for bar in range(BARS):
            root = harmony.root(half, bar)
            voicing = sorted(near(root + interval, part.register) for interval in harmony.intervals(half, bar))
            onsets = [step for step in range(beat.steps) if pattern[step] in LOUDNESS]
            for count, step in enumerate(onsets):
                at = beat.at(bar, step, rng)
                hold = int(held(pattern, step) * beat.step * 0.95)
                loud = LOUDNESS[pattern[step]] * rng.uniform(0.85, 1.1)
                if part.manner == "arp":
                    pitch = voicing[order[count % 4] % len(voicing)]
                    place(loop[half], player.note(pitch, 2 * hold), at, loud)
                    continue
                spread = int(0.012 * beat.rate) if part.manner == "strum" else 0
                down = count % 2 == 0
                for number, pitch in enumerate(voicing if down else voicing[::-1]):
                    place(loop[half], player.note(pitch, hold), at + number * spread, loud * 0.6)
    return loop


def line(beat: Beat, harmony: Harmony, part: Part, player: Player, rng: np.random.Generator) -> Samples:
    """Sing or play a melody of two motifs (a b a c); speech moves by a few semitones around its register."""
    if part.manner == "block":
        return chords(beat, harmony, part, player, rng)
    loop = beat.loop()
    scale = SCALES[harmony.scale]
    tones = [p for p in range(part.register - 9, part.register + 10) if (p - harmony.key) % 12 in scale]
    for half in range(2):
        motifs = [
            (part.patterns[int(rng.integers(len(part.patterns)))], rng.choice((-2, -1, -1, 0, 1, 1, 2), 16))
            for _ in range(3)
        ]
        position = len(tones) // 2
        for bar, motif in enumerate((0, 1, 0, 2)):
            pattern, moves = motifs[motif]
            triad = [(harmony.root(half, bar) + interval) % 12 for interval in harmony.intervals(half, bar)]
            for step in range(beat.steps):
                if pattern[step] not in LOUDNESS or rng.random() < 0.06:
                    continue
                position = int(np.clip(position + moves[step], 0, len(tones) - 1))
                if step % 8 == 0:
                    position = _nearest(tones, position, triad)
                pitch = part.register + int(rng.integers(-2, 3)) if part.manner == "speech" else tones[position]
                sound = player.note(pitch, int(held(pattern, step) * beat.step * 0.95), int(rng.integers(len(VOWELS))))
                loud = LOUDNESS[pattern[step]] * rng.uniform(0.8, 1.15)
                place(loop[half], sound, beat.at(bar, step, rng), loud)
    return loop


def _nearest(tones: Sequence[int], position: int, triad: Sequence[int]) -> int:
    """Return the index of the tone of the chord that is nearest to `position`; `position` itself if there is none."""
    candidates = [index for index, tone in enumerate(tones) if tone % 12 in triad]
    return min(candidates, key=lambda index: abs(index - position), default=position)


def room(rng: np.random.Generator, seconds: float, length: int, rate: int) -> np.ndarray:
    """Return the frequency response of a room (complex64, for circles of `length` samples): decaying noise."""
    n = min(length, int(5 * seconds * rate))
    t = np.arange(n, dtype=np.float32) / np.float32(rate)
    tail = rng.standard_normal(n).astype(np.float32) * np.exp(-t / np.float32(seconds))
    tail /= np.sqrt(np.sum(tail**2))
    return np.fft.rfft(tail, length)


def finish(loop: Samples, player: Player, wet: float, echo: np.ndarray) -> Samples:
    """Send a part through its amplifier and into the room; the result has a root mean square of 0.1 where it plays."""
    timbre = player.timbre
    peak = float(np.abs(loop).max())
    if peak < 1e-6:
        return loop
    if timbre.drive:
        loop = np.tanh(loop * np.float32(timbre.drive / peak))
        loop -= loop.mean(axis=1, keepdims=True)
    if timbre.cabinet or wet:
        spectrum = np.fft.rfft(loop, axis=1)
        response = 1 + np.float32(wet) * echo
        if timbre.cabinet:
            f = np.fft.rfftfreq(loop.shape[1], 1 / player.rate).astype(np.float32)
            response = response / (1 + (f / timbre.cabinet) ** 4)
        loop = np.fft.irfft(spectrum * response, loop.shape[1], axis=1).astype(np.float32)
    return level(loop)


def level(loop: Samples) -> Samples:
    """Scale a loop so that its loud parts have a root mean square of 0.1."""
    blocks = loop[:, : loop.shape[1] // 64 * 64].reshape(-1, loop.shape[1] // 64)
    loud = np.percentile(np.sqrt(np.mean(blocks**2, axis=1)), 80)
    return loop * np.float32(0.1 / max(float(loud), 1e-4))
