"""Recordings are told apart by their sound, whatever encodes them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tagger.audio.clips import track_clips
from tagger.audio.encode import encode
from tagger.audio.same import alike, likeness
from tagger.audio.spectrogram import FORMS
from tagger.base.records import ClipSource
from tagger.demo.synth import track

RATE = 22050


def heard(path: Path) -> np.ndarray:
    return track_clips(ClipSource("same", os.fsencode(path), 0.0), [2], FORMS["mel"], 3)[2].inputs


@pytest.fixture(scope="module")
def song() -> np.ndarray:
    return track("rock", 1, 1, 12.0, RATE)


@pytest.mark.parametrize("container", ["mp3", "ogg", "m4a"])
def test_another_encoding_is_the_same_recording(song: np.ndarray, tmp_path: Path, container: str) -> None:
    encode(tmp_path / "a.wav", song, RATE, "wav")
    encode(tmp_path / f"b.{container}", 0.5 * song[int(0.05 * RATE) :], RATE, container)
    assert alike(heard(tmp_path / "a.wav"), heard(tmp_path / f"b.{container}"))


def test_another_song_of_the_same_artist_is_not(song: np.ndarray, tmp_path: Path) -> None:
    encode(tmp_path / "a.wav", song, RATE, "wav")
    encode(tmp_path / "b.wav", track("rock", 1, 2, 12.0, RATE), RATE, "wav")
    assert not alike(heard(tmp_path / "a.wav"), heard(tmp_path / "b.wav"))


def test_what_cannot_be_compared_is_not_alike() -> None:
    silence = np.zeros((2, 8, 9), np.uint8)
    assert likeness(silence[0], silence[0]) == 0.0
    assert not alike(silence, silence)
    assert not alike(silence[:0], silence)
    assert not alike(silence, np.zeros((2, 8, 5), np.uint8))
