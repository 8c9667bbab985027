"""What a station's library holds besides its ten genres: talk, soundtracks, songs for children, stings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import fft

from bench.hard_sound import Sound, lay, master, player, through_room
from tagger.demo.voices import VOWELS, Samples

# Kinds, each with the genre tags that people give it: none of the ten to the default map.
KINDS: Mapping[str, tuple[str, ...]] = {
    "talk": ("Speech", "Podcast", "Audiobook", "Comedy", "Spoken Word"),
    "drone": ("Soundtrack", "Film Score", "Sound Effects"),
    "children": ("Children's Music", "Lullaby", "Kids"),
    "sting": ("Jingle", "Station ID", "Trailer"),
}


def _talk(own: Sound, n: int, rate: int, rng: np.random.Generator) -> Samples:
    """Return babble: syllables in phrases with pauses, the pitch falling in each phrase."""
    out, at = np.zeros(n, dtype=np.float32), 0
    who, base = player(own.artist, str(rng.choice(("rapper", "crooner", "singer"))), rate), int(rng.integers(40, 58))
    while at < n - rate:
        syllables = int(rng.integers(4, 18))
        for number in range(syllables):
            hold = int(rng.choice((0.07, 0.11, 0.17)) * rate)
            pitch = base + round(5 * (1 - number / syllables)) + int(rng.integers(-1, 2))
            lay(out, at, who.note(pitch, hold, int(rng.integers(len(VOWELS)))), float(rng.uniform(0.4, 1)))
            at += hold + int(rng.uniform(0.0, 0.06) * rate)
        at += int(rng.uniform(0.2, 0.9) * rate)
    return out


def _drone(own: Sound, n: int, rate: int, rng: np.random.Generator) -> Samples:
    """Return long chords that come and go, with wind or a boom now and then."""
    out = np.zeros(n, dtype=np.float32)
    who, key = (
        player(own.artist, str(rng.choice(("pad", "strings", "cello", "organ"))), rate),
        int(rng.integers(36, 48)),
    )
    for tone in rng.choice((0, 7, 12, 15, 19, 22, 24), 4, replace=False):
        lay(out, int(rng.integers(n)), who.note(key + int(tone), n // 2), float(rng.uniform(0.4, 1)))
    swell = np.interp(np.arange(n), np.linspace(0, n, 7), rng.uniform(0, 1, 7)).astype(np.float32)
    out += rng.standard_normal(n, dtype=np.float32) * swell * np.float32(rng.choice((0.0, 0.3, 1.0)))
    boom = player(own.artist, "boom", rate).note(28, rate)
    for _ in range(rng.integers(0, 3)):
        lay(out, int(rng.integers(n)), boom, 1.5)
    return out


def _children(own: Sound, n: int, rate: int, rng: np.random.Generator) -> Samples:
    """Return a simple tune of a music box or a high voice, over broken chords."""
    out, beat = np.zeros(n, dtype=np.float32), int(rate * rng.uniform(0.22, 0.4))
    tune = player(own.artist, str(rng.choice(("bell", "singer", "flute"))), rate)
    under, key = player(own.artist, str(rng.choice(("harp", "bell", "piano"))), rate), int(rng.integers(70, 78))
    places = rng.choice((0, 2, 4, 5, 7, 9, 12), 8).tolist()
    for number in range(n // beat):
        root = (0, 0, 5, 7)[number // 8 % 4]
        lay(out, number * beat, under.note(key - 24 + root + (0, 7, 4, 7)[number % 4], beat), 0.4)
        if number % 8 not in (5, 7):
            lay(out, number * beat, tune.note(key + places[number % 8], beat, number % len(VOWELS)), 1.0)
    return out


def _sting(own: Sound, n: int, rate: int, rng: np.random.Generator) -> Samples:
    """Return short bursts of brass or synthesizers with a hit and a shouted word each, silence between them."""
    out, at = np.zeros(n, dtype=np.float32), 0
    brass = player(own.artist, str(rng.choice(("horns", "supersaw", "bell", "strings"))), rate)
    speaker, boom = player(own.artist, "shouter", rate), player(own.artist, "boom", rate)
    while at < n:
        key = int(rng.integers(55, 68))
        for number in range(rng.integers(2, 6)):
            for tone in (0, 4, 7, 12):
                lay(out, at + number * rate // 7, brass.note(key + tone + 2 * number, rate // 6), 0.5)
        for number in range(4):
            lay(out, at + (5 + number) * rate // 6, speaker.note(57 - number, rate // 8, number), 1.0)
        lay(out, at, boom.note(30, rate), 1.5)
        at += int(rng.uniform(1.5, 4.5) * rate)
    return out


_PLAY: Mapping[str, Callable[[Sound, int, int, np.random.Generator], Samples]] = {
    "talk": _talk,
    "drone": _drone,
    "children": _children,
    "sting": _sting,
}


def track(kind: str, own: Sound, seconds: float, rate: int, rng: np.random.Generator) -> Samples:
    """Make a track of one of `KINDS`; float32 (seconds * rate,), within -1 to 1."""
    length = round(seconds * rate)
    n = fft.next_fast_len(min(length, 16 * rate), real=True)
    loop = _PLAY[kind](own, n, rate, rng)[None, :]
    heard = through_room(own, loop, loop * np.float32(0.3), rate, float(rng.random()))[0]
    return master(own, np.resize(heard, length), float(rng.random()), rng)
