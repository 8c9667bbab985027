"""The demo's music: whole, varied, the same again, and ten genres that can be told apart."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.demo import score
from tagger.demo.styles import GENRES, STYLES
from tagger.demo.synth import track
from tagger.demo.voices import TIMBRES, Player, drum_kit

RATE = 22050
STATION_GENRES = {"alt", "classical", "country", "edm", "funk&soul", "hip hop", "jazz", "pop", "r&b", "rock"}


def bands(samples: np.ndarray, count: int = 40) -> np.ndarray:
    """Return the level [dB] of `count` frequency bands over time, shape (frames, count), loudest at 0."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 1024)[::512] * np.hanning(1024)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    edges = np.unique(np.geomspace(1, 512, count + 1).astype(int))
    level = 10 * np.log10(np.add.reduceat(power, edges[:-1], axis=1) + 1e-9)
    return np.maximum(level - level.max(), -80)


def describe(samples: np.ndarray) -> np.ndarray:
    """Return what a simple listener notes: colour, dynamics, how busy it is, and its rhythm."""
    level = bands(samples)
    rise = np.maximum(np.diff(level, axis=0), 0).mean(axis=1)
    rise = rise - rise.mean()
    beat = np.correlate(rise, rise, "full")[len(rise) - 1 :][:60]
    return np.concatenate(
        [level.mean(axis=0), level.std(axis=0), np.abs(np.diff(level, axis=0)).mean(axis=0), 20 * beat[2:] / beat[0]]
    )


def test_the_ten_genres_are_the_stations() -> None:
    assert set(GENRES) == STATION_GENRES


@pytest.mark.parametrize("genre", GENRES)
def test_a_track_fills_its_time_and_its_range(genre: str) -> None:
    samples = track(genre, 2, 1, 20.0)
    assert samples.dtype == np.float32
    assert samples.shape == (20 * RATE,)
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() == pytest.approx(0.9, abs=1e-3)
    assert abs(float(samples.mean())) < 0.02
    seconds = samples.reshape(20, RATE)
    assert (np.sqrt((seconds[1:-5] ** 2).mean(axis=1)) > 0.005).all(), "silent before the fade-out"


@pytest.mark.parametrize("genre", GENRES)
def test_the_same_seeds_give_the_same_samples(genre: str) -> None:
    first = track(genre, 4, 2, 8.0)
    assert np.array_equal(first, track(genre, 4, 2, 8.0))


@pytest.mark.parametrize(
    ("artist_seed", "track_seed"), [(1, 2), (2, 1)], ids=["another track by the artist", "another artist"]
)
@pytest.mark.parametrize("genre", GENRES)
def test_tracks_of_a_genre_differ(genre: str, artist_seed: int, track_seed: int) -> None:
    one, other = track(genre, 1, 1, 12.0), track(genre, artist_seed, track_seed, 12.0)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.5
    assert np.abs(bands(one) - bands(other)).mean() > 3  # [dB]


@pytest.mark.parametrize("rate", [24000, 44100])
def test_stereo_at_any_rate(rate: int) -> None:
    samples = track("pop", 1, 1, 6.0, rate, channels=2)
    assert samples.shape == (6 * rate, 2)
    assert not np.allclose(samples[:, 0], samples[:, 1], atol=1e-3)


def test_a_genre_that_is_unknown_is_refused() -> None:
    with pytest.raises(KeyError):
        track("polka", 1, 1, 5.0)


def test_genres_can_be_told_apart_by_artists_never_heard() -> None:
    """Nearest centre in a few dozen plain numbers, artists split: far above chance, and not so easy as to be a toy."""
    noted = np.array(
        [[[describe(track(genre, artist, 1, 12.0)[4 * RATE :])] for artist in range(5)] for genre in GENRES]
    )[:, :, 0]
    known, unknown = noted[:, :3], noted[:, 3:]
    spread = known.reshape(-1, noted.shape[2]).std(axis=0) + 1e-6
    centres = known.mean(axis=1)
    distance = (((unknown[:, :, None] - centres[None, None]) / spread) ** 2).sum(axis=3)
    right = (distance.argmin(axis=2) == np.arange(len(GENRES))[:, None]).mean()
    assert right >= 0.4  # chance is 0.1


@pytest.mark.parametrize("genre", GENRES)
def test_styles_are_spelled_right(genre: str) -> None:
    style = STYLES[genre]
    for progression in style.major + style.minor:
        assert len(progression.split()) == 4
        for numeral in progression.split():
            root, intervals = score.chord(numeral)
            assert 0 <= root < 12
            assert len(intervals) >= 3
    for part in (style.bass, style.chords, style.lead, style.colour):
        assert set(part.voices) <= set(TIMBRES)
        assert all(len(pattern) == 16 for pattern in part.patterns)
    kit = drum_kit(np.random.default_rng(1), RATE, 0.5, 0.5)
    for groove in style.grooves:
        assert set(groove) <= set(kit)
        assert all(len(pattern) == 16 for pattern in groove.values())
    assert set(style.neighbours) <= set(GENRES) - {genre}
    assert set(style.scales) <= set(score.SCALES)


@pytest.mark.parametrize(
    ("numeral", "root", "intervals"),
    [
        ("I", 0, (0, 4, 7)),
        ("vi", 9, (0, 3, 7)),
        ("bVII", 10, (0, 4, 7)),
        ("bIIImaj9", 3, (0, 4, 11, 14)),
        ("ii7", 2, (0, 3, 7, 10)),
        ("V13", 7, (0, 4, 10, 21)),
        ("i5", 0, (0, 7, 12)),
    ],
)
def test_chords(numeral: str, root: int, intervals: tuple[int, ...]) -> None:
    assert score.chord(numeral) == (root, intervals)


@pytest.mark.parametrize("name", [name for name, timbre in TIMBRES.items() if not timbre.sings])
def test_a_note_has_its_pitch(name: str) -> None:
    player = Player(TIMBRES[name], RATE, np.random.default_rng(1))
    note = player.note(57, RATE)[RATE // 4 : RATE]  # A at 220 Hz; the bend of some is over by then
    spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note))))
    hertz = np.fft.rfftfreq(len(note), 1 / RATE)
    harmonics = sum(spectrum[np.abs(hertz - 220 * k) < 12 * k**0.5].sum() for k in range(1, 20))
    between = sum(spectrum[np.abs(hertz - 220 * (k + 0.5)) < 12 * k**0.5].sum() for k in range(1, 19))
    assert harmonics > 3 * between
