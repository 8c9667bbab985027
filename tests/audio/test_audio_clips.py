"""Clips lie between 10% and 90% of a track, always in the same places, and are never silent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.audio.clips import clip_offsets, track_clips, track_spectrograms
from tagger.audio.decode import decode_clips
from tagger.audio.encode import encode
from tagger.audio.spectrogram import FORMS, spectrograms
from tagger.base.errors import UnreadableAudio
from tagger.base.records import ClipSource

MEL = FORMS["mel"]
RATE = 22050
TRACK = "0123456789abcdef"

tracks = st.text("0123456789abcdef", min_size=16, max_size=16)


@given(tracks, st.floats(0.5, 7200), st.sampled_from([1, 2, 3]), st.integers(1, 20), st.integers(0, 3))
def test_offsets_are_spread_inside_the_track(
    track: str, duration: float, seconds: int, clips: int, attempt: int
) -> None:
    offsets = clip_offsets(track, duration, seconds, clips, attempt)
    assert len(offsets) == clips
    assert offsets == sorted(offsets)
    assert offsets == clip_offsets(track, duration, seconds, clips, attempt)
    if duration < seconds:
        assert offsets == [0.0] * clips
        return
    assert all(offset >= 0 and offset + seconds <= duration + 1e-6 for offset in offsets)
    room = 0.8 * duration - seconds
    if room >= 0:
        for number, offset in enumerate(offsets):
            assert 0.1 * duration + room * number / clips - 0.002 <= offset
            assert offset <= 0.1 * duration + room * (number + 1) / clips + 0.002


def test_offsets_stay_as_they_were_in_earlier_versions() -> None:
    assert clip_offsets(TRACK, 240.0, 2, 5) == [36.165, 78.109, 118.382, 171.966, 205.381]
    assert clip_offsets("fedcba9876543210", 181.5, 1, 3) == [47.739, 105.123, 151.679]


def test_tracks_lengths_and_attempts_differ() -> None:
    places = {
        tuple(clip_offsets(track, 200.0, seconds, 5, attempt))
        for track in (TRACK, TRACK[::-1])
        for seconds in (1, 2)
        for attempt in (0, 1)
    }
    assert len(places) == 8


def source(path: Path) -> ClipSource:
    return ClipSource(TRACK, bytes(path), 0.0)


def noise(seconds: float, seed: int = 1) -> np.ndarray:
    return (0.2 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype(np.float32)


def test_pictures_are_those_of_the_clips(tmp_path: Path, make_audio: Callable[..., Path]) -> None:
    path = make_audio(tmp_path / "a.flac", "flac", seconds=12)
    found = track_clips(source(path), [1, 2], MEL)
    for seconds in (1, 2):
        expected = clip_offsets(TRACK, 12.0, seconds)
        assert list(found[seconds].offsets) == expected
        pictures = spectrograms(decode_clips(bytes(path), expected, seconds), MEL)
        np.testing.assert_array_equal(found[seconds].inputs, pictures)
    images, offsets = track_spectrograms(source(path), 2, MEL)
    np.testing.assert_array_equal(images, found[2].inputs)
    assert offsets == list(found[2].offsets)


def test_silent_clips_are_looked_for_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    samples = noise(40.0)
    first = clip_offsets(TRACK, 40.0, 1)[2]
    samples[int((first - 0.1) * RATE) : int((first + 1.1) * RATE)] = 0
    encode(path, samples, RATE, "wav")
    found = track_clips(source(path), [1], MEL)[1]
    assert found.inputs.shape == (5, 96, 44)
    assert [*found.offsets[:2], *found.offsets[3:]] == [
        *clip_offsets(TRACK, 40.0, 1)[:2],
        *clip_offsets(TRACK, 40.0, 1)[3:],
    ]
    assert found.offsets[2] == clip_offsets(TRACK, 40.0, 1, attempt=1)[2] != first
    assert all(image.any() for image in found.inputs)


def test_a_half_silent_track_gives_fewer_clips(tmp_path: Path) -> None:
    encode(tmp_path / "a.wav", np.concatenate([noise(20.0), np.zeros(20 * RATE, np.float32)]), RATE, "wav")
    found = track_clips(source(tmp_path / "a.wav"), [1], MEL)[1]
    assert 2 <= len(found.offsets) <= 3
    assert len(found.inputs) == len(found.offsets)
    assert max(found.offsets) < 20


@pytest.mark.parametrize(
    ("samples", "cause"),
    [
        (np.zeros(10 * RATE, np.float32), "silent"),
        (0.0005 * noise(10.0), "silent"),
        (noise(0.7), "shorter than a clip: 0.70 s"),
    ],
    ids=["digital-silence", "below-60-dB", "short"],
)
def test_nothing_to_hear(tmp_path: Path, samples: np.ndarray, cause: str) -> None:
    encode(tmp_path / "a.flac", samples, RATE, "flac")
    with pytest.raises(UnreadableAudio) as caught:
        track_clips(source(tmp_path / "a.flac"), [1, 2], MEL)
    assert caught.value.cause == cause


def test_a_track_too_short_for_one_length_gives_the_other(tmp_path: Path) -> None:
    encode(tmp_path / "a.flac", noise(1.5), RATE, "flac")
    assert list(track_clips(source(tmp_path / "a.flac"), [1, 2], MEL)) == [1]
    with pytest.raises(UnreadableAudio, match="shorter than a clip"):
        track_spectrograms(source(tmp_path / "a.flac"), 2, MEL)
