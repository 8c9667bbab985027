"""What a file is, by its frames: the same whatever is looked at first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.library import detect
from tagger.library.detect import NEAR, SEARCH, container_of

FRAME = bytes.fromhex("fffb9000") + bytes(413)  # MPEG-1 layer 3, 128 kbit/s, 44,100 Hz
ADTS = bytes.fromhex("fff15080041ffc") + bytes(25)  # of 32 bytes


@pytest.mark.parametrize("junk", [0, 1, NEAR - 500, NEAR - 3, NEAR, NEAR + 1, SEARCH - 2000])
@pytest.mark.parametrize(("frame", "name"), [(FRAME, "mp3"), (ADTS, "aac")], ids=["mp3", "aac"])
def test_frames_are_found_behind_junk(tmp_path: Path, frame: bytes, name: str, junk: int) -> None:
    path = tmp_path / "song"
    path.write_bytes(bytes(junk) + 700 * frame)
    assert container_of(bytes(path)) == name


def test_frames_that_begin_first_count_though_they_end_beyond_what_is_looked_at_first(tmp_path: Path) -> None:
    path = tmp_path / "song"
    path.write_bytes(bytes(NEAR - len(FRAME) - 200) + FRAME + FRAME[:4] + 4 * ADTS + FRAME[132:] + 700 * FRAME)
    assert container_of(bytes(path)) == "mp3"


def test_reads_little_where_frames_begin_at_once(
    tmp_path: Path, make_audio: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_audio(tmp_path / "song", "mp3", seconds=30)
    monkeypatch.setattr(detect, "SEARCH", 0)  # nothing more is asked for
    assert container_of(bytes(path)) == "mp3"
