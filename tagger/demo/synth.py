"""Synthetic music in ten genres.

An artist is a way of playing a genre: parts (some borrowed from a neighbouring genre), instruments, a drum kit, a mix.
A track is a key, chords, a groove, melodies and an arrangement by that artist. Everything follows from the seeds.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tagger.demo import perform
from tagger.demo.perform import BARS, Beat, Harmony
from tagger.demo.score import Groove, Part, Range, Style
from tagger.demo.styles import GENRES, STYLES
from tagger.demo.voices import TIMBRES, Player, Samples, Timbre, drum_kit, vary

ROLES = ("bass", "chords", "lead", "colour")
BORROWED = 0.1  # share of parts that come from a neighbouring genre
HANDS = 0.3  # how far artists' instruments differ, in octaves of cutoff
MIX_SPREAD = 2.5  # standard deviation of the level of a part between artists [dB]
RAW_PEAK = 0.9  # peak of a finished track


@dataclass(frozen=True, slots=True)
class Artist:
    """How one artist plays; `parts`, `timbres` and `levels` (dB) have the keys of `ROLES`, `levels` also ``drums``."""

    style: Style
    parts: dict[str, Part]
    timbres: dict[str, Timbre]
    levels: dict[str, float]
    grooves: tuple[Groove, ...]
    tempo: float
    swing: tuple[float, float]
    sway: float
    sharpness: float
    weight: float
    room: float
    brightness: float
    loudness: float
    pump: float
    dust: float
    seed: int


def _within(rng: np.random.Generator, limits: Range) -> float:
    return float(rng.uniform(*limits))


@functools.lru_cache(maxsize=64)
def artist(genre: str, seed: int) -> Artist:
    """Return the artist with this seed in a genre.

    Parameters
    ----------
    genre : str
        One of `GENRES`.
    seed : int
        0 or more.

    Raises
    ------
    KeyError
        If there is no such genre.
    """
    style = STYLES[genre]
    number = GENRES.index(genre)
    rng = np.random.default_rng((1, number, seed))

    def lender(chance: float) -> Style:
        return STYLES[str(rng.choice(style.neighbours))] if rng.random() < chance else style

    parts: dict[str, Part] = {}
    timbres: dict[str, Timbre] = {}
    levels = {"drums": style.drum_level + float(rng.normal(0, MIX_SPREAD))}
    for role in ROLES:
        part: Part = getattr(lender(BORROWED), role)
        order = rng.permutation(len(part.patterns))[:2]
        parts[role] = replace(part, patterns=tuple(part.patterns[i] for i in order))
        timbres[role] = vary(TIMBRES[str(rng.choice(part.voices))], rng, HANDS)
        levels[role] = part.level + float(rng.normal(0, MIX_SPREAD))
    grooves = lender(BORROWED).grooves
    return Artist(
        style=style,
        parts=parts,
        timbres=timbres,
        levels=levels,
        grooves=tuple(grooves[i] for i in rng.permutation(len(grooves))[:2]),
        tempo=_within(rng, style.tempo),
        swing=(_within(rng, style.swing_eighths), _within(rng, style.swing_sixteenths)),
        sway=_within(rng, style.sway) / 1000,
        sharpness=_within(rng, style.sharpness),
        weight=_within(rng, style.weight),
        room=_within(rng, style.room),
        brightness=_within(rng, style.brightness),
        loudness=_within(rng, style.loudness),
        pump=_within(rng, style.pump),
        dust=_within(rng, style.dust),
        seed=number * 1_000_003 + seed,
    )


@functools.lru_cache(maxsize=8)
def _kit(player: int, rate: int, sharpness: float, weight: float) -> dict[str, Samples]:
    return drum_kit(np.random.default_rng((2, player)), rate, sharpness, weight)


def track(
    genre: str, artist_seed: int, track_seed: int, seconds: float, rate: int = 22050, channels: int = 1
) -> Samples:
    """Make a track.

    Parameters
    ----------
    genre : str
        One of `GENRES`.
    artist_seed, track_seed : int
        Tracks with the same artist seed share tempo range, instruments, kit and mix.
    seconds : float
        Length; a few seconds at least make sense.
    rate : int
        Sample rate [Hz].
    channels : {1, 2}
        Mono, or stereo with the parts spread out.

    Returns
    -------
    float32 array of shape (seconds * rate,), or (seconds * rate, 2)
        Within -1 to 1. The same arguments give the same samples.
    """
    who = artist(genre, artist_seed)
    rng = np.random.default_rng((3, who.seed, track_seed))
    steps = int(rng.choice(who.style.steps))
    tempo = who.tempo * 2 ** float(rng.normal(0, 0.06))
    step = round(60 / tempo / 4 * rate / 15) * 15  # many small factors make the Fourier transforms of loops fast
    beat = Beat(rate, step, steps, *who.swing, who.sway)
    loops = _play(who, beat, _harmony(who, rng), rng)
    mix = _arrange(who, beat, loops, round(seconds * rate), channels, rng)
    return _master(who, mix, rate, rng)


def _harmony(who: Artist, rng: np.random.Generator) -> Harmony:
    style = who.style
    minor = rng.random() < style.minor_share
    progressions = style.minor if minor else style.major
    verse, chorus = (tuple(str(rng.choice(progressions)).split()) for _ in range(2))
    return Harmony(int(rng.integers(12)), (verse, chorus), style.scales[minor])


def _play(who: Artist, beat: Beat, harmony: Harmony, rng: np.random.Generator) -> dict[str, Samples]:
    """Return the loops of all parts, at their levels in the mix."""
    kit = _kit(who.seed, beat.rate, who.sharpness, who.weight)
    grooves = [who.grooves[i] for i in rng.integers(len(who.grooves), size=2)]
    loops = {"drums": perform.level(perform.drums(beat, grooves, kit, who.style.fills, rng))}
    echo = perform.room(rng, who.room, BARS * beat.bar, beat.rate)
    play = {"bass": perform.bass, "chords": perform.chords, "lead": perform.line, "colour": perform.line}
    for number, role in enumerate(ROLES):
        part = who.parts[role]
        player = Player(who.timbres[role], beat.rate, np.random.default_rng((4, who.seed, number)))
        loop = play[role](beat, harmony, part, player, rng)
        loops[role] = perform.finish(loop, player, part.wet, echo)
    duck = _duck(who.pump, beat)
    for role, loop in loops.items():
        loop *= np.float32(10 ** ((who.levels[role] + float(rng.normal(0, 1))) / 20))
        if duck is not None and role != "drums":
            loop *= duck
    return loops


def _duck(depth: float, beat: Beat) -> Samples | None:
    """Return the gain over half a loop that makes the music breathe with the kick drum; None if it does not."""
    if depth < 0.02:
        return None
    quarter = np.arange(4 * beat.step, dtype=np.float32) / np.float32(beat.rate)
    gain = 1 - np.float32(depth) * np.exp(-quarter / np.float32(0.12))
    return np.resize(gain, BARS * beat.bar).astype(np.float32)


def _form(sections: int, rng: np.random.Generator) -> str:
    """Return the sections: i intro, v verse, c chorus, b break, o outro."""
    body = ("vvcc" if rng.random() < 0.5 else "vcvc") * sections
    form = ["i", *body][:sections]
    if sections > 4:
        form[int(sections * 0.6)] = "b"
    if sections > 2:
        form[-1] = "o"
    return "".join(form)


def _present(section: str, rng: np.random.Generator) -> dict[str, float]:
    """Return how loud each part is in a section; parts that are absent are left out."""
    full = {"drums": 1.0, "bass": 1.0, "chords": 1.0, "lead": 1.0, "colour": 0.8}
    if section == "i":
        full = {role: 1.0 for role in ("drums", "bass", "chords", "colour") if rng.random() < 0.6}
        full["chords"] = 1.0
    elif section == "v":
        full["colour"] = float(rng.choice((0.0, 0.5)))
    elif section == "b":
        full = {"chords": 1.0, "colour": 1.0, "drums": float(rng.choice((0.0, 0.4))), "lead": 0.8}
    elif section == "o":
        full["lead"] = 0.0
    return {role: gain for role, gain in full.items() if gain}


def _arrange(
    who: Artist, beat: Beat, loops: dict[str, Samples], length: int, channels: int, rng: np.random.Generator
) -> Samples:
    """Lay the loops out as sections; the result has the shape (channels, length)."""
    size = BARS * beat.bar
    form = _form(-(-length // size), rng)
    pans = {role: float(rng.uniform(-0.5, 0.5)) if role in ("chords", "colour") else 0.0 for role in loops}
    mix = np.zeros((channels, len(form) * size), dtype=np.float32)
    for number, section in enumerate(form):
        half = int(section in "cb")
        for role, gain in _present(section, rng).items():
            for channel in range(channels):
                side = 1.0 if channels == 1 else 1 + pans[role] * (1 - 2 * channel)
                mix[channel, number * size : (number + 1) * size] += loops[role][half] * np.float32(gain * side)
    return _joined(mix, size, beat.rate)[:, :length]


def _joined(mix: Samples, size: int, rate: int) -> Samples:
    """Soften the seams between sections, in place, against clicks."""
    n = int(0.004 * rate)
    ramp = np.linspace(0, 1, n, dtype=np.float32)
    for seam in range(size, mix.shape[1], size):
        mix[:, seam - n : seam] *= ramp[::-1]
        mix[:, seam : seam + n] *= ramp
    return mix


def _master(who: Artist, mix: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """Add dynamics, dust, tone colour and the limiter; fade in and out."""
    channels, length = mix.shape
    if who.style.swell:
        knots = np.linspace(0, length, max(4, length // (4 * rate)))
        swell = np.exp2(rng.normal(0, who.style.swell, len(knots)))
        mix *= np.interp(np.arange(length, dtype=np.float32), knots, swell).astype(np.float32)
    # A three-point filter around the neighbours' mean: it lifts or lowers the treble.
    smooth = 0.5 * mix[:, 1:-1] + 0.25 * (mix[:, :-2] + mix[:, 2:])
    mix[:, 1:-1] += np.float32(2 * who.brightness) * (mix[:, 1:-1] - smooth)
    mix += _dust(who.dust, length, rate, rng) * np.float32(0.3)
    mix *= np.float32(who.loudness * 2.2)  # parts lie at 0.1: this brings their sum to the limiter's knee
    np.tanh(mix, out=mix)
    mix -= mix.mean(axis=1, keepdims=True)  # waves that are not symmetrical leave an offset in the limiter
    _fades(mix, rate, rng)
    mix *= np.float32(RAW_PEAK / max(float(np.abs(mix).max()), 1e-6))
    return mix[0] if channels == 1 else np.ascontiguousarray(mix.T)


def _dust(decibel: float, length: int, rate: int, rng: np.random.Generator) -> Samples:
    """Return tape hiss with a few crackles."""
    hiss = rng.standard_normal(3 * rate).astype(np.float32)
    for at in rng.integers(0, len(hiss), 12):
        hiss[at] *= 30
    return np.resize(hiss * np.float32(10 ** (decibel / 20)), length)


def _fades(mix: Samples, rate: int, rng: np.random.Generator) -> None:
    ends: Sequence[tuple[slice, int]] = (
        (slice(None, None, 1), int(0.02 * rate)),
        (slice(None, None, -1), int(float(rng.choice((0.05, 1.0, 4.0))) * rate)),
    )
    for direction, wanted in ends:
        n = min(wanted, mix.shape[1] // 4)
        mix[:, direction][:, :n] *= np.linspace(0, 1, n, dtype=np.float32)
