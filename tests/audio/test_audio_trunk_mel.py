"""What the pretrained trunk hears is what its authors fed it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger.audio import cache
from tagger.audio.encode import encode
from tagger.audio.sounds import SOUNDS
from tagger.audio.trunk_mel import RATE, trunk_mel
from tagger.base.records import ClipSource

CLIP_RATE = 22050  # of clips that are kept as sound


def noise(seconds: float, rate: int, clips: int = 2) -> np.ndarray:
    return (0.2 * np.random.default_rng(3).standard_normal((clips, round(seconds * rate)))).astype(np.float32)


def tone(pitch: float, seconds: float, rate: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.float32)[None]


@pytest.mark.slow
@pytest.mark.parametrize(
    "sounds",
    [
        pytest.param(noise(3, RATE), id="noise"),
        pytest.param(tone(440, 3, RATE), id="tone"),
        pytest.param(noise(1.234, RATE, 1), id="odd length"),
        pytest.param(np.zeros((1, RATE), np.float32), id="silence"),
    ],
)
def test_it_is_the_mel_power_of_librosa(sounds: np.ndarray) -> None:
    import librosa

    found = trunk_mel(sounds, RATE)
    for clip, own in zip(sounds, found, strict=True):
        power = librosa.feature.melspectrogram(y=clip, sr=RATE, n_fft=512, hop_length=256, n_mels=96)
        expected = np.log10(1 + 10_000 * power.T)[: len(own)]
        np.testing.assert_allclose(own, expected, atol=1e-5)


def test_a_clip_of_three_seconds_has_the_frames_that_the_trunk_was_trained_on() -> None:
    found = trunk_mel(noise(3, CLIP_RATE), CLIP_RATE)
    assert (found.shape, found.dtype) == ((2, 187, 96), np.float32)


@pytest.mark.parametrize("pitch", [100, 440, 1000, 3000, 6000])
def test_another_rate_is_heard_alike(pitch: float) -> None:
    here, there = trunk_mel(tone(pitch, 3, RATE), RATE)[0], trunk_mel(tone(pitch, 3, CLIP_RATE), CLIP_RATE)[0]
    inner = slice(2, -2)  # filters ring where a clip begins and ends
    assert here[inner].max() > 2
    assert np.abs(here - there)[inner].max() < 0.03


def test_what_is_above_its_highest_band_is_not_folded_down() -> None:
    found = trunk_mel(tone(10_000, 3, CLIP_RATE), CLIP_RATE)[0]
    assert found[2:-2].max() < 0.3, "60 dB below a tone that is heard"


@pytest.mark.parametrize("samples", [0, 1, 700], ids=str)
def test_clips_shorter_than_a_window_are_refused(samples: int) -> None:
    with pytest.raises(ValueError, match="shorter than a window of 512"):
        trunk_mel(np.zeros((1, samples), np.float32), CLIP_RATE)


def test_it_is_made_of_kept_clips_each_time_and_takes_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_clips_of_sound: Callable[[Path], ClipSource]
) -> None:
    """A picture for the trunk is larger than the clip and made in no time, so only the clips are kept."""
    source = make_clips_of_sound(tmp_path / "song.flac")
    folder = tmp_path / "audio"
    cache.cache_audio([source], folder, seconds=3, clips=2, workers=1)
    before = sorted(folder.rglob("*"))

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("no process is needed for it")

    monkeypatch.setattr(cache, "cached_stream", refused)
    ((track, found),) = cache.cached_inputs(folder, [source.track], SOUNDS["musicnn"], workers=1)
    assert (track, found.shape) == (source.track, (2, 187, 96))
    assert sorted(folder.rglob("*")) == before


@pytest.fixture
def make_clips_of_sound() -> Callable[[Path], ClipSource]:
    """Return a function that encodes a song and says where its clips are to come from."""

    def make(path: Path) -> ClipSource:
        encode(path, noise(6, CLIP_RATE, 1)[0], CLIP_RATE, "flac")
        return ClipSource("0123456789abcdef", bytes(path), 6.0)

    return make
