"""Tags around the audio are found and left out, and nothing that is audio is."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tagger.audio.extent import AudioPart, audio_extent

SOUND = b"\xff\xfb" + bytes(range(256)) * 8
ID3V1 = b"TAG" + bytes(124) + b"\x11"
EXTENDED = b"TAG+" + bytes(223)
ITEMS = b"\x04\0\0\0\0\0\0\0Genre\0Rock"


def apev2(header: bool = True, items: bytes = ITEMS) -> bytes:
    def block(flags: int) -> bytes:
        fields = (2000, len(items) + 32, 1, (0x8000_0000 if header else 0) | flags)
        return b"APETAGEX" + b"".join(field.to_bytes(4, "little") for field in fields) + bytes(8)

    return (block(0x2000_0000) if header else b"") + items + block(0)


def id3v2(size: int = 300, footer: bool = False, tail: bool = False) -> bytes:
    digits = bytes([0, 0, size >> 7, size & 127])
    start = b"ID3\x04\0" + (b"\x10" if footer or tail else b"\0") + digits
    return start + bytes(size) + (b"3DI" + start[3:] if footer or tail else b"")


LYRICS3V2 = b"LYRICSBEGININD0000200" + b"000021" + b"LYRICS200"
LYRICS3V1 = b"LYRICSBEGIN la la la LYRICSEND"


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        (b"", b""),
        (id3v2(), b""),
        (id3v2(footer=True), b""),
        (id3v2() + id3v2(50), b""),
        (b"", ID3V1),
        (b"", EXTENDED + ID3V1),
        (b"", apev2()),
        (b"", apev2(header=False)),
        (b"", apev2() + ID3V1),
        (b"", LYRICS3V2 + ID3V1),
        (b"", apev2() + LYRICS3V2 + ID3V1),
        (b"", LYRICS3V1 + ID3V1),
        (b"", id3v2(tail=True)),
        (id3v2(), apev2() + ID3V1),
    ],
    ids=[
        "bare",
        "id3v2",
        "id3v2-footer",
        "two-id3v2",
        "id3v1",
        "id3v1-extended",
        "apev2",
        "apev2-no-header",
        "apev2-id3v1",
        "lyrics3v2-id3v1",
        "apev2-lyrics3v2-id3v1",
        "lyrics3v1-id3v1",
        "id3v2-behind",
        "all-around",
    ],
)
def test_tags_are_left_out(head: bytes, tail: bytes) -> None:
    start, end = audio_extent(io.BytesIO(head + SOUND + tail))
    assert (start, end) == (len(head), len(head) + len(SOUND))


@pytest.mark.parametrize(
    "start",
    [b"RIFF", b"FORM", b"OggS", b"\0\0\0\x20ftyp", b"\x30\x26\xb2\x75"],
    ids=["wav", "aiff", "ogg", "mp4", "asf"],
)
def test_sound_that_looks_like_a_tag_is_sound(start: bytes) -> None:
    content = start + SOUND + ID3V1
    assert audio_extent(io.BytesIO(content)) == (0, len(content))


@pytest.mark.parametrize(
    "tail",
    [
        b"APETAGEX" + (2000).to_bytes(4, "little") + (2**31).to_bytes(4, "little") + bytes(16),
        b"APETAGEX" + bytes(24),
        b"999999LYRICS200",
        b"3DI\x04\0\x10\x7f\x7f\x7f\x7f",
    ],
    ids=["apev2-too-long", "apev2-empty", "lyrics3-too-long", "id3v2-too-long"],
)
def test_blocks_with_impossible_sizes_are_not_believed(tail: bytes) -> None:
    assert audio_extent(io.BytesIO(SOUND + tail)) == (0, len(SOUND + tail))


def test_a_head_that_claims_the_whole_file_is_not_believed() -> None:
    content = b"ID3\x03\0\0\x7f\x7f\x7f\x7f" + SOUND
    assert audio_extent(io.BytesIO(content)) == (0, len(content))


def test_part_reads_like_a_file_that_has_no_tags(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(id3v2() + SOUND + ID3V1)
    with (tmp_path / "a.mp3").open("rb", buffering=0) as file:
        part = AudioPart(file)
        assert part.size == len(SOUND)
        assert part.head(2) == SOUND[:2]
        assert part.read() == SOUND
        assert part.read(10) == b""
        assert part.seek(-4, os.SEEK_END) == len(SOUND) - 4
        assert part.read(100) == SOUND[-4:]
        assert part.seek(2) == 2
        assert part.seek(3, os.SEEK_CUR) == 5
        assert part.read(2) == SOUND[5:7]
        assert part.tell() == 7
        assert part.seek(-20) < 0
        assert part.tell() == 7
        assert part.seek(10**6) == 10**6
        assert part.read(1) == b""
