"""Files made to hurt a reader: what they claim is not believed, and they cost neither minutes nor gigabytes."""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3
from mutagen.mp4 import MP4, MP4Cover

from tagger.audio.decode import duration
from tagger.audio.hash import audio_hash
from tagger.audio.streams import stream_info
from tagger.base.errors import FileProblem, UnreadableTags
from tagger.base.records import Provenance, TrackTags
from tagger.library.swap import WriteContext
from tagger.library.tags import read_tags
from tagger.library.write import undo_write, write_genre

MakeAudio = Callable[..., Path]
RUN = "20260101T000000-cafe"
NOTE = Provenance("Jazz", "model", 0.91, RUN)
MOST_SECONDS = 10.0  # of CPU; each of these takes less than two where it does not go wrong, and minutes where it does
MOST_MEMORY = 1 << 30  # [bytes]
COVER = 60 << 20  # [bytes]
SPARSE = 4 << 30  # [bytes]


def _peak() -> int:
    with open("/proc/self/status", "rb") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"VmHWM"))


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Raise if what is inside takes too much time of the processor, or too much memory."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "wb") as file:
        file.write(b"5")  # the peak starts anew
    start, memory = time.process_time(), _peak()
    yield
    assert time.process_time() - start < MOST_SECONDS
    assert _peak() - memory < MOST_MEMORY


def answer(action: Callable[[bytes], Any], path: Path) -> Any:
    """Return what an action says of a file, or the problem that it finds; bounded."""
    with bounded():
        try:
            return action(os.fsencode(path))
        except FileProblem as problem:
            return problem


def spread(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3(frames: bytes, size: int | None = None) -> bytes:
    return b"ID3\3\0\0" + spread(len(frames) if size is None else size) + frames


def frame(name: bytes, body: bytes) -> bytes:
    return name + struct.pack(">LH", len(body), 0) + body


def ape_footer(size: int, items: int) -> bytes:
    return b"APETAGEX" + struct.pack("<4I", 2000, size, items, 0) + bytes(8)


# --- swarms: many tiny parts in a small file --------------------------------------------------------------------------


def _behind_streaminfo(audio: bytes, blocks: bytes) -> bytes:
    return audio[:42] + blocks + audio[42:]


def _many_comments(audio: bytes) -> bytes:
    body = struct.pack("<II", 0, 3_000_000) + bytes(12_000_000)
    return _behind_streaminfo(audio, b"\4" + len(body).to_bytes(3, "big") + body)


def _in_riff(audio: bytes, more: bytes, order: str) -> bytes:
    size = (len(audio) + len(more) - 8).to_bytes(4, order)  # type: ignore[arg-type]
    return audio[:4] + size + audio[8:] + more


def _info_swarm(audio: bytes) -> bytes:
    items = b"ABCD\0\0\0\0" * 1_000_000
    return _in_riff(audio, b"LIST" + struct.pack("<I", 4 + len(items)) + b"INFO" + items, "little")


def _ape_swarm(audio: bytes) -> bytes:
    items = (bytes(8) + b"a\0") * 3_000_000
    return audio + items + ape_footer(len(items) + 32, 3_000_000)


SWARMS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "empty ID3v2 frames": ("mp3", lambda audio: id3(b"TIT2\0\0\0\0\0\0" * 400_000) + audio),
    "pictures of a kind": ("mp3", lambda audio: id3(frame(b"APIC", b"\0image/png\0\3\0x") * 5000) + audio),
    "ID3v2.2 frames": ("mp3", lambda audio: b"ID3\2\0\0" + spread(600_000) + b"TT2\0\0\0" * 100_000 + audio),
    "APEv2 items": ("mp3", _ape_swarm),
    "FLAC blocks": ("flac", lambda audio: _behind_streaminfo(audio, b"\1\0\0\0" * 1_000_000)),
    "Vorbis comments": ("flac", _many_comments),
    "INFO items": ("wav", _info_swarm),
    "WAV chunks": ("wav", lambda audio: _in_riff(audio, b"ABCD\0\0\0\0" * 500_000, "little")),
    "AIFF chunks": ("aiff", lambda audio: _in_riff(audio, b"ABCD\0\0\0\0" * 500_000, "big")),
    "atoms within atoms": (
        "m4a",
        lambda audio: audio + b"".join(struct.pack(">I4s", 8 * n, b"moov") for n in range(2000, 0, -1)),
    ),
}


@pytest.mark.parametrize("name", SWARMS)
def test_a_swarm_is_read_or_refused_soon(name: str, make_audio: MakeAudio, tmp_path: Path) -> None:
    container, swarm = SWARMS[name]
    path = make_audio(tmp_path / f"swarm.{container}", container, seconds=1)
    content = swarm(path.read_bytes())
    path.write_bytes(content)
    assert isinstance(answer(read_tags, path), TrackTags | UnreadableTags)
    answer(stream_info, path)
    assert path.read_bytes() == content


def test_ape_items_without_a_name_are_damage(make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "song.mp3", "mp3", seconds=1)
    with open(path, "ab") as file:
        file.write(bytes(60 << 20) + ape_footer((60 << 20) + 32, 6_000_000))
    found = answer(read_tags, path)
    assert [(block.block, block.values) for block in found.genre_blocks] == [("apev2", ())]


# --- sizes that nothing has -------------------------------------------------------------------------------------------


def test_an_id3_tag_larger_than_any_is_refused(make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "song.mp3", "mp3", seconds=1)
    audio, size = path.read_bytes(), (1 << 28) - 20
    with open(path, "wb") as file:
        file.write(id3(b"", size))
        file.seek(size, os.SEEK_CUR)
        file.write(audio)
    assert "255 MiB, more than any music needs" in str(answer(read_tags, path))
    assert answer(duration, path) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("kind", [4, 6], ids=["comment", "picture"])
def test_a_flac_block_does_not_reserve_what_it_claims(kind: int, make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "song.flac", "flac", seconds=1)
    head = b"fLaC" + path.read_bytes()[4:42]
    claim = struct.pack("<I", 0xFFFFFFF0) if kind == 4 else bytes(4) + struct.pack(">I", 0xFFFFFFF0)
    with open(path, "wb") as file:
        file.write(head + bytes([kind | 0x80]) + b"\xff\xff\xff" + claim)
        file.truncate(SPARSE)
    assert "metadata block claims" in str(answer(read_tags, path))


# --- four gigabytes of nothing ----------------------------------------------------------------------------------------

_FTYP = struct.pack(">I4s4s12x", 24, b"ftyp", b"M4A ")
_NESTED = b"".join(struct.pack(">I4s", 0xFF000000 - n * 0x1000000, name) for n, name in enumerate((b"moov", b"udta")))
_META = struct.pack(
    ">I4s4xI4sI4sI4sII", 0xFD000000, b"meta", 0xFC000000, b"ilst", 0xFB000000, b"\xa9nam", 0xFA000000, b"data", 1, 0
)
_FMT = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 2, 44100, 176400, 4, 16)
EMPTY: dict[str, tuple[str, bytes, bytes]] = {
    **{f"zeros.{suffix}": (suffix, b"", b"") for suffix in ("mp3", "flac", "m4a", "wav", "wma", "ape", "ogg")},
    "ID3v2": ("mp3", id3(b"", (1 << 28) - 1), b""),
    "ID3v2 frame": ("mp3", id3(frame(b"TIT2", b"")[:4] + struct.pack(">LH", (1 << 28) - 100, 0), (1 << 28) - 1), b""),
    "APEv2 footer": ("mp3", b"", ape_footer(0xFFFFFFF0, 5)),
    "APEv2 footer of 60 MiB": ("ape", b"MAC \x96\x0f", ape_footer(60 << 20, 0xFFFFFFFF)),
    "moov": ("m4a", _FTYP + struct.pack(">I4s", 0xFFFFFFF0, b"moov"), b""),
    "moov of 64 bits": ("m4a", struct.pack(">I4sQ", 1, b"moov", SPARSE), b""),
    "title in moov": ("m4a", _FTYP + _NESTED + _META, b""),
    "data": (
        "wav",
        b"RIFF" + struct.pack("<I", SPARSE - 9) + b"WAVE" + _FMT + b"data" + struct.pack("<I", SPARSE - 45),
        b"",
    ),
    "id3 chunk": (
        "wav",
        b"RIFF" + struct.pack("<I", SPARSE - 9) + b"WAVE" + _FMT + b"id3 " + struct.pack("<I", SPARSE - 45),
        b"",
    ),
    "SSND": ("aiff", b"FORM" + struct.pack(">I", SPARSE - 9) + b"AIFFSSND" + struct.pack(">I", SPARSE - 21), b""),
    "streaminfo": ("flac", b"fLaC\x80\0\0\x22" + bytes(34), b""),
    "ASF header": (
        "wma",
        bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + struct.pack("<QIBB", SPARSE, 1 << 31, 1, 2),
        b"",
    ),
    "WavPack block": ("wv", b"wvpk" + struct.pack("<I", 0xFFFFFF00) + b"\x10\4" + bytes(30), b""),
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_sparse_file_costs_nothing(name: str, tmp_path: Path) -> None:
    suffix, head, tail = EMPTY[name]
    path = tmp_path / f"sparse.{suffix}"
    with open(path, "wb") as file:
        file.write(head)
        file.truncate(SPARSE)
        file.seek(0, os.SEEK_END)
        file.write(tail)
    before = path.stat()
    answer(read_tags, path)
    answer(stream_info, path)
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_blocks) == (before.st_size, before.st_mtime_ns, before.st_blocks)


# --- pictures of sixty megabytes --------------------------------------------------------------------------------------


def _cover_in_mp3(path: Path, cover: bytes) -> None:
    tags = ID3()
    tags.add(APIC(encoding=0, mime="image/png", type=3, desc="", data=cover))
    tags.save(path, v2_version=3)


def _cover_in_flac(path: Path, cover: bytes) -> None:
    file = FLAC(path)
    for part in range(4):  # a block holds 16 MiB
        picture = Picture()
        picture.mime, picture.data = "image/png", cover[part * COVER // 4 : (part + 1) * COVER // 4]
        file.add_picture(picture)
    file.save()


def _cover_in_m4a(path: Path, cover: bytes) -> None:
    file = MP4(path)
    file["covr"] = [MP4Cover(cover)]
    file.save()


@pytest.mark.parametrize(
    "container, put",
    [("mp3", _cover_in_mp3), ("flac", _cover_in_flac), ("m4a", _cover_in_m4a)],
    ids=["mp3", "flac", "m4a"],
)
def test_a_cover_of_sixty_megabytes_is_kept_and_undone_to_the_byte(
    container: str, put: Callable[[Path, bytes], None], make_audio: MakeAudio, tmp_path: Path
) -> None:
    path = make_audio(tmp_path / f"song.{container}", container, seconds=1)
    cover = os.urandom(1 << 20) * (COVER >> 20)
    put(path, cover)
    content, name, facts = path.read_bytes(), os.fsencode(path), {}

    def context(told: dict[str, Any]) -> WriteContext:
        return WriteContext(
            os.path.dirname(name), RUN, audio_hash, lambda stage, more: told.update(more), settle_seconds=0
        )

    with bounded():
        write_genre(name, "Jazz", NOTE, context(facts))
    assert cover[: COVER // 4] in path.read_bytes()
    with bounded():
        assert undo_write(name, facts, context({})).exact
    assert path.read_bytes() == content
