"""Every container that can be encoded holds the sound that went in, without tags, and the same bytes each time."""

from __future__ import annotations

from pathlib import Path

import av
import mutagen
import numpy as np
import pytest

from tagger.audio.encode import ENCODABLE, encode

RATE = 44100
STEREO_AT_MOST = {"mp3", "ogg", "wma"}
CODECS = {
    "mp3": "mp3float",
    "flac": "flac",
    "ogg": "vorbis",
    "opus": "opus",
    "m4a": "aac",
    "alac": "alac",
    "wav": "pcm_s16le",
    "aiff": "pcm_s16be",
    "wma": "wmav2",
    "wavpack": "wavpack",
    "aac": "aac",
}


def tone(seconds: float = 2.0, rate: int = RATE, frequency: float = 440.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def decoded(path: Path) -> tuple[np.ndarray, int, str]:
    """Return samples (channels, n), rate and codec, as FFmpeg reads them back."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        to_float = av.AudioResampler(format="fltp", layout=stream.layout)
        parts = [part.to_ndarray() for frame in file.decode(stream) for part in to_float.resample(frame)]
        return np.concatenate(parts, axis=1), stream.rate, stream.codec_context.name


def strongest(samples: np.ndarray, rate: int) -> float:
    """Return the strongest frequency [Hz]."""
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(samples.size)))) * rate / samples.size)


@pytest.mark.parametrize("container", ENCODABLE)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_sound_survives(tmp_path: Path, container: str, channels: int) -> None:
    path = tmp_path / "sound"
    planes = [tone(frequency=400.0 * (1 + channel)) for channel in range(channels)]
    samples = planes[0] if channels == 1 else np.stack(planes, axis=1)
    if channels > 2 and container in STEREO_AT_MOST:
        with pytest.raises(ValueError, match="does not take 6 channels"):
            encode(path, samples, RATE, container)
        return
    encode(path, samples, RATE, container)
    heard, rate, codec = decoded(path)
    assert codec == CODECS[container]
    assert len(heard) == (2 if container == "ogg" else channels)
    assert heard.shape[1] / rate == pytest.approx(2.0, abs=0.1)
    for channel, plane in enumerate(heard):
        if channel == 3:
            continue  # the low-frequency channel of 5.1: lossy codecs keep only its bass
        expected = 400.0 * (1 + min(channel, channels - 1))
        middle = plane[rate // 2 : rate // 2 + rate]
        # FFmpeg's own Vorbis encoder smears a pure tone in the second channel over some hertz
        assert strongest(middle, rate) == pytest.approx(expected, abs=8 if container == "ogg" else 3)
        assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.15)


@pytest.mark.parametrize("container", ENCODABLE)
def test_the_same_samples_give_the_same_untagged_bytes(tmp_path: Path, container: str) -> None:
    for name in ("a", "b"):
        encode(tmp_path / name, tone(), RATE, container)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert not getattr(mutagen.File(tmp_path / "a"), "tags", None)
    assert not any(mark in (tmp_path / "a").read_bytes() for mark in (b"ID3", b"APETAG", b"LIST"))


@pytest.mark.parametrize(
    ("container", "rate", "expected"),
    [
        ("opus", 44100, 48000),
        ("opus", 8000, 48000),  # any Opus decodes at 48 kHz
        ("mp3", 96000, 48000),
        ("mp3", 10000, 11025),
        ("flac", 96000, 96000),
    ],
)
def test_rates_that_a_codec_lacks_are_resampled(tmp_path: Path, container: str, rate: int, expected: int) -> None:
    encode(tmp_path / "sound", tone(rate=rate), rate, container)
    heard, decoded_rate, _ = decoded(tmp_path / "sound")
    assert decoded_rate == expected
    assert heard.shape[1] / decoded_rate == pytest.approx(2.0, abs=0.1)
    assert strongest(heard[0], decoded_rate) == pytest.approx(440, abs=3)


def test_mp3_bit_rates(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, 5 * RATE).astype(np.float32)
    sizes = {}
    for name, options in {
        "low": {"bit_rate": 64_000},
        "high": {"bit_rate": 192_000},
        "vbr": {"quality": 2},
        "vbr-no-header": {"quality": 2, "xing": False},
    }.items():
        encode(tmp_path / name, noise, RATE, "mp3", **options)
        sizes[name] = (tmp_path / name).stat().st_size
    assert sizes["high"] == pytest.approx(3 * sizes["low"], rel=0.05)
    assert b"Xing" in (tmp_path / "vbr").read_bytes()[:300]
    assert b"Xing" not in (tmp_path / "vbr-no-header").read_bytes()[:300]


@pytest.mark.parametrize("path", [b"caf\xe9.flac", "plain.flac"], ids=["not-utf-8", "text"])
def test_any_kind_of_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str | bytes) -> None:
    monkeypatch.chdir(tmp_path)
    encode(path, tone(), RATE, "flac")
    with open(path, "rb") as file:
        assert file.read(4) == b"fLaC"


@pytest.mark.parametrize(
    ("container", "samples", "options"),
    [
        ("midi", tone(), {}),
        ("flac", np.zeros((3, 3, 3)), {}),
        ("flac", np.zeros(0), {}),
        ("flac", tone(), {"quality": 2}),
    ],
    ids=["container", "shape", "empty", "option"],
)
def test_what_cannot_be_encoded_is_refused(
    tmp_path: Path, container: str, samples: np.ndarray, options: dict[str, float]
) -> None:
    with pytest.raises(ValueError):
        encode(tmp_path / "sound", samples, RATE, container, **options)
    assert not list(tmp_path.iterdir())
