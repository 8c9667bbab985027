"""What `inspect` says of a file's sound."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.audio.streams import stream_info
from tagger.base.errors import UnreadableAudio


@pytest.mark.parametrize(
    ("container", "form", "codec"),
    [
        ("mp3", "mp3", "mp3float"),
        ("flac", "flac", "flac"),
        ("m4a", "mov,mp4,m4a,3gp,3g2,mj2", "aac"),
        ("opus", "ogg", "opus"),
        ("wav", "wav", "pcm_s16le"),
        ("wma", "asf", "wmav2"),
    ],
)
def test_stream_info(tmp_path: Path, make_audio: Callable[..., Path], container: str, form: str, codec: str) -> None:
    info = stream_info(bytes(make_audio(tmp_path / "a", container, seconds=3.0)))
    assert info["format"] == form
    assert info["duration"] == pytest.approx(3.0, abs=0.15)
    assert info["bit_rate"] > 50_000
    (stream,) = info["streams"]
    assert (stream["codec"], stream["channels"]) == (codec, 2)
    assert stream["sample_rate"] == (48000 if container == "opus" else 44100)
    json.dumps(info)


def test_what_is_no_audio_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_text("a shopping list")
    with pytest.raises(UnreadableAudio):
        stream_info(bytes(tmp_path / "a.mp3"))
