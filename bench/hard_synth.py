"""Plays a track of the hard library: loops of two bars from few notes, laid out as sections.

A loop is a float32 array of shape (2, n): one circle of two bars for verses, one for choruses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from bench.hard_genres import Manner
from bench.hard_score import BASS, BEATS, CHANGES, CHORDS, COMPING, SCALES
from bench.hard_sound import ROLES, Sound, kit, lay, master, player, through_room
from tagger.demo.voices import VOWELS, Player, Samples

LOUD = {"X": 1.0, "x": 0.65, "o": 0.35}
LEVELS = {"drums": 0.0, "bass": -3.0, "harmony": -4.0, "voice": -3.0, "colour": -10.0}  # [dB]
SENDS = {"drums": 0.12, "bass": 0.0, "harmony": 0.35, "voice": 0.4, "colour": 0.6}  # into the room
STEADY = ("kick", "snare", "clap", "snap", "rim", "timpani")  # hits that are not thinned out
SECTIONS = ("vvc", "vcc", "cvv", "vcv", "ccv", "bvc", "vbc")  # verse, chorus, break
ABSENT = {"drums": "b", "bass": "b", "colour": "v"}  # sections in which a part is silent
STEPS = 32  # sixteenths in a loop


@dataclass(frozen=True, slots=True)
class Grid:
    """The time of a track: rate [Hz], samples in a sixteenth, swing as shares of a sixteenth, looseness [s]."""

    rate: int
    step: int
    eighths: float
    sixteenths: float
    looseness: float

    def at(self, step: int, rng: np.random.Generator) -> int:
        """Return the sample at which an unsteady hand plays a sixteenth of the loop."""
        late = self.eighths if step % 4 == 2 else self.sixteenths if step % 2 else 0.0
        return int((step + late) * self.step + rng.normal(0, self.looseness) * self.rate)

    def loop(self) -> Samples:
        """Return an empty loop."""
        return np.zeros((2, STEPS * self.step), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Chord:
    """Root [semitones above C] and intervals of a bar's chord."""

    root: int
    intervals: tuple[int, ...]


Chords = tuple[tuple[Chord, Chord], ...]  # two bars for each half


def grid(manner: Manner, rate: int) -> Grid:
    """Return the time grid of a track."""
    traits = manner.traits
    tempo = min(190.0, max(62.0, float(np.exp2(traits["tempo"]))))
    step = fft.next_fast_len(round(60 / tempo / 4 * rate), real=True)  # makes the transforms of loops fast
    swing = 0.66 * min(1.0, max(0.0, traits["swing"]))
    jazzy = tempo > 100  # faster music swings its eighths, slower music its sixteenths
    return Grid(rate, step, swing * jazzy, swing * (not jazzy), max(0.0, traits["looseness"]) / 1000)


def harmony(manner: Manner, rng: np.random.Generator) -> tuple[tuple[int, ...], Chords]:
    """Return the scale of the lead as pitches above C, and the two chords of each half."""
    minor = rng.random() < manner.traits["minor"]
    forms = CHANGES[manner.habits["changes"]]
    marks = forms[rng.integers(len(forms))][minor].split()
    key, chords = int(rng.integers(12)), []
    for mark in marks:
        extension = int(np.clip(round(manner.traits["extension"] + rng.normal(0, 0.3)), 0, 3))
        chords.append(Chord(key + int(mark[:-1]), CHORDS[mark[-1]][extension]))
    return tuple(key + tone for tone in SCALES[minor]), ((chords[0], chords[1]), (chords[2], chords[3]))


def spans(pattern: str) -> list[tuple[int, str, int]]:
    """Return (step, mark, length in steps) of the notes of a pattern."""
    found = []
    for step, mark in enumerate(pattern):
        if mark not in ".-":
            held = len(pattern[step + 1 :]) - len(pattern[step + 1 :].lstrip("-"))
            found.append((step, mark, 1 + held))
    return found


def held(length: int, time: Grid) -> int:
    """Return how long a note of so many sixteenths is held [samples]; of few kinds, as equal notes are made once."""
    return int(0.9 * (1 << (length.bit_length() - 1)) * time.step)


def beat(manner: Manner, time: Grid, drums: dict[str, Samples], rng: np.random.Generator) -> tuple[Samples, list[int]]:
    """Return the drums' loop and the steps of the kick."""
    forms = BEATS[manner.habits["beat"]]
    groove = forms[rng.integers(len(forms))]
    loop, density = time.loop(), manner.traits["density"]
    for name, pattern in groove.items():
        for half in range(2):
            for step, mark in ((step, mark) for step, mark in enumerate(pattern * 2) if mark != "."):
                if name in STEADY or step % 4 == 0 or rng.random() < 0.55 + 0.6 * density:
                    lay(loop[half], time.at(step, rng), drums[name], LOUD[mark] * float(rng.uniform(0.8, 1.0)))
    if groove and rng.random() < density:
        for step in range(28, 32):
            lay(loop[1], time.at(step, rng), drums[str(rng.choice(("snare", "tom")))], 0.5)
    kicks = [step for step, mark in enumerate(groove.get("kick", "") * 2) if mark in "Xx"]
    return loop, kicks


def bass(manner: Manner, time: Grid, chords: Chords, who: Player, rng: np.random.Generator) -> Samples:
    """Return the bass's loop."""
    forms = BASS[manner.habits["bass"]]
    pattern = forms[rng.integers(len(forms))]
    loop = time.loop()
    for half, pair in enumerate(chords):
        for bar, chord in enumerate(pair):
            third, top = chord.intervals[1], chord.intervals[-1]
            tones = {"R": 0, "F": 7, "O": 12, "S": 10, "T": third if third < 7 else top}
            for step, mark, length in spans(pattern):
                pitch = 33 + (chord.root - 9) % 12 + tones[mark]
                note = who.note(pitch, held(length, time))
                lay(loop[half], time.at(16 * bar + step, rng), note, float(rng.uniform(0.8, 1.0)))
    return loop


def comping(
    density: float, habit: str, time: Grid, chords: Chords, who: Player, rng: np.random.Generator, most: int = 4
) -> Samples:
    """Return a loop of chords of no more than `most` notes, the highest, or of broken ones."""
    forms = COMPING[habit]
    events = spans(forms[rng.integers(len(forms))])
    register, strum = int(rng.integers(55, 64)), int(rng.uniform(0, 0.02) * time.rate)
    loop, broken = time.loop(), habit == "arpeggio"
    for half, pair in enumerate(chords):
        for bar, chord in enumerate(pair):
            pitches = sorted(register + (chord.root + tone - register) % 12 for tone in chord.intervals)[-most:]
            for count, (step, mark, length) in enumerate(events):
                if mark != "X" and step % 4 and rng.random() > 0.55 + 0.6 * density:
                    continue
                at, hold = time.at(16 * bar + step, rng), held(length, time)
                for number, pitch in enumerate([pitches[count % len(pitches)]] if broken else pitches):
                    lay(loop[half], at + number * strum, who.note(pitch, hold), LOUD[mark])
    return loop


def voice(manner: Manner, time: Grid, scale: tuple[int, ...], who: Player, rng: np.random.Generator) -> Samples:
    """Return the lead's loop: a walk through the scale, or words on few pitches if it is a rapper's."""
    loop, raps = time.loop(), manner.habits["voice"] == "rapper"
    grain = 1 if raps else 2
    pitches = sorted(60 + (tone - 60) % 12 + up for tone in scale for up in (0, 12))
    place, words = int(rng.integers(2, 6)), int(rng.integers(len(VOWELS)))
    share = float(np.clip(manner.traits["phrase"], 0.1, 1))
    for half in range(2):
        onsets = [s for s in range(0, 30, grain) if rng.random() < share * (1.3 if s % 4 == 0 else 0.8)]
        onsets = onsets or [0]
        for step, following in zip(onsets, [*onsets[1:], 32], strict=True):
            place = int(np.clip(place + rng.integers(-2, 3), 0, len(pitches) - 1))
            pitch = pitches[place // 4] - 7 if raps else pitches[place]
            note = who.note(pitch, held(min(following - step, 8), time), (place + words) % len(VOWELS))
            lay(loop[half], time.at(step, rng), note, float(rng.uniform(0.6, 1.0)))
    return loop


def level(loop: Samples) -> Samples:
    """Scale a loop so that its loud parts have a root mean square of 0.1."""
    blocks = loop[:, : loop.shape[1] // 64 * 64].reshape(128, -1)
    loud = np.sort(np.einsum("ij,ij->i", blocks, blocks))[102] / blocks.shape[1]
    return loop * np.float32(0.1 / max(float(np.sqrt(loud)), 1e-4))


def pressed(loop: Samples, drive: float) -> Samples:
    """Return a loop through an amplifier that distorts."""
    if drive < 0.3:
        return loop
    out = np.tanh(loop * np.float32(drive / max(1e-6, float(np.abs(loop).max()))))
    return out - out.mean(axis=1, keepdims=True)


def breath(depth: float, kicks: list[int], time: Grid) -> Samples:
    """Return the gain (n,) that pushes the music down with each kick."""
    gain = np.ones(STEPS * time.step, dtype=np.float32)
    fall = np.float32(min(0.9, depth)) * np.exp(
        -np.arange(4 * time.step, dtype=np.float32) / np.float32(0.12 * time.rate)
    )
    if depth > 0.03:
        for step in kicks:
            piece = gain[step * time.step : (step + 4) * time.step]
            np.minimum(piece, 1 - fall[: len(piece)], out=piece)
    return gain


def parts(manner: Manner, own: Sound, time: Grid, rng: np.random.Generator) -> tuple[dict[str, Samples], list[int]]:
    """Return the loops of all roles, before the mix, and the steps of the kick."""
    traits, habits = manner.traits, manner.habits
    hands = {role: player(own.artist, name, time.rate) for role, name in _instruments(manner, own, rng).items()}
    scale, chords = harmony(manner, rng)
    drums, kicks = beat(manner, time, kit(own.artist, time.rate), rng)
    strum = str(np.random.default_rng((25, *own.artist)).choice(list(COMPING)))
    drive = 8 * max(0.0, traits["drive"]) ** 1.5
    loops = {
        "drums": drums,
        "bass": pressed(bass(manner, time, chords, hands["bass"], rng), hands["bass"].timbre.drive + 0.3 * drive),
        "harmony": pressed(
            comping(traits["density"], habits["comping"], time, chords, hands["harmony"], rng),
            hands["harmony"].timbre.drive + drive,
        ),
        "voice": pressed(voice(manner, time, scale, hands["voice"], rng), hands["voice"].timbre.drive),
        "colour": comping(traits["density"], strum, time, chords, hands["colour"], rng, most=1),
    }
    return loops, kicks


def _instruments(manner: Manner, own: Sound, rng: np.random.Generator) -> dict[str, str]:
    low = {"drop": ("boom", "sub"), "walking": ("upright", "contrabass"), "offbeat": ("sawbass", "growl", "sub")}
    names = low.get(manner.habits["bass"], ("fingered", "picked", "slap", "sawbass", "fingered"))
    return {
        "bass": str(rng.choice(names)),
        "harmony": manner.habits["harmony"],
        "voice": manner.habits["voice"],
        "colour": own.colour,
    }


def track(manner: Manner, own: Sound, seconds: float, rate: int, rng: np.random.Generator) -> Samples:
    """Make a track.

    Parameters
    ----------
    manner : Manner
        What is played.
    own : Sound
        By whom.
    seconds : float
        Length.
    rate : int
        Sample rate [Hz].
    rng : numpy.random.Generator
        Of this track.

    Returns
    -------
    float32 array (seconds * rate,)
        Within -1 to 1.
    """
    traits, time = manner.traits, grid(manner, rate)
    loops, kicks = parts(manner, own, time, rng)
    duck = breath(traits["pump"], kicks, time)
    offsets = {"drums": traits["drums"], "voice": traits["lead"]}
    n = STEPS * time.step
    length = round(seconds * rate)
    form = str(rng.choice(SECTIONS)) * (length // (3 * n) + 1)
    used = sorted(set(form))
    dry, send = np.zeros((len(used), n), dtype=np.float32), np.zeros((len(used), n), dtype=np.float32)
    for role, mix in zip(ROLES, own.mix, strict=True):
        decibel = LEVELS[role] + offsets.get(role, 0.0) + mix + float(rng.normal(0, 1))
        loop = level(loops[role]) * np.float32(10 ** (decibel / 20))
        if role != "drums":
            loop *= duck
        for row, section in enumerate(used):
            if section not in ABSENT.get(role, ""):
                half = loop[int(section == "c")]
                dry[row] += half
                send[row] += half * np.float32(SENDS[role])
    heard = through_room(own, dry, send, rate, traits["room"], traits["brightness"] + float(rng.normal(0, 0.5)))
    song = np.concatenate([heard[used.index(section)] for section in form])[:length]
    return master(own, song, traits["loudness"], rng)
