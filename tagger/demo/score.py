"""How the demo's music is written down.

Patterns have one character per sixteenth. Drums and chords: ``X`` loud, ``x`` normal, ``o`` soft, ``.`` nothing, ``-``
hold on. Bass: ``R`` root, ``T`` third, ``F`` fifth, ``S`` seventh, ``O`` octave, ``A`` a semitone before the next root;
small letters are softer. Chords are Roman numerals, one to a bar; small numerals are minor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Range = tuple[float, float]
Groove = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """What one player may play, and with which instruments."""

    voices: tuple[str, ...]
    patterns: tuple[str, ...]
    register: int  # MIDI note around which it lies
    level: float  # [dB]
    manner: str = "block"  # block, strum, arp; line for one note at a time, speech likewise
    wet: float = 0.2  # share of reverberation


@dataclass(frozen=True, slots=True)
class Style:
    """One genre."""

    tempo: Range  # quarter notes a minute
    grooves: tuple[Groove, ...]
    bass: Part
    chords: Part
    lead: Part
    colour: Part  # a fourth player: second guitar, horns, counter-melody
    major: tuple[str, ...]
    minor: tuple[str, ...]
    minor_share: float
    scales: tuple[str, str]  # of the lead, over major and over minor
    neighbours: tuple[str, ...]  # from whom its artists borrow
    steps: tuple[int, ...] = (16,)  # sixteenths in a bar
    swing_eighths: Range = (0.0, 0.0)  # delay of every second eighth, as a share of a sixteenth
    swing_sixteenths: Range = (0.0, 0.0)
    drum_level: float = 0.0  # [dB]
    sharpness: Range = (0.4, 0.8)
    weight: Range = (0.2, 0.5)
    fills: float = 0.5  # how likely drums fill the last bar
    room: Range = (0.4, 1.0)  # reverberation time constant [s]
    brightness: Range = (-0.1, 0.2)
    loudness: Range = (1.2, 2.0)  # gain into the final limiter
    pump: Range = (0.0, 0.0)  # how much the kick pushes the rest down
    dust: Range = (-72.0, -58.0)  # noise floor [dB]
    swell: float = 0.1  # slow dynamics
    sway: Range = (2.0, 9.0)  # how far notes stray from the beat [ms]


SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "bebop": (0, 2, 4, 5, 7, 8, 9, 11),
}

# Intervals of a chord above its root [semitones].
CHORDS: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "5": (0, 7, 12),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 5, 9),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "9": (0, 4, 10, 14),
    "m9": (0, 3, 10, 14),
    "maj9": (0, 4, 11, 14),
    "13": (0, 4, 10, 21),
}
DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}


def chord(numeral: str) -> tuple[int, tuple[int, ...]]:
    """Return root (semitones above the key) and intervals of a chord such as ``bVImaj7``.

    Parameters
    ----------
    numeral : str
        An optional flat, a Roman numeral (small for minor) and a key of `CHORDS`.
    """
    flat = numeral.startswith("b")
    body = numeral[flat:]
    roman = body[: len(body) - len(body.lstrip("IViv"))]
    kind = body[len(roman) :]
    minor = roman.islower() and kind != "5"
    return (DEGREES[roman.lower()] - flat) % 12, CHORDS["m" * minor + kind]
