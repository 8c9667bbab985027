"""Clips cut out of the pages or frames around them are those that FFmpeg's own seeks find, of few of the bytes."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

import mutagen
import numpy as np
import pytest
from mutagen.flac import Picture

from tagger.audio import decode
from tagger.audio.decode import RATE, decode_all, decode_clips, map_of
from tagger.audio.encode import encode
from tagger.audio.extent import AudioPart
from tagger.audio.flac_seek import _crc8
from tagger.audio.media import open_media
from tagger.audio.ogg_seek import map_of_ogg
from tagger.base.errors import UnreadableAudio
from tagger.base.ogg import parse_page

SECONDS = 60.0
OFFSETS = (0.0, 0.3, 1.0, 17.44, 33.2, 58.0)
# Opus goes on from what it heard before, and 80 ms are enough for the ear only.
CLOSE = {"ogg": 1e-6, "flac": 1e-6, "opus": 2e-3}


def noise(seconds: float = SECONDS, rate: int = 44100) -> np.ndarray:
    """Return noise whose loudness changes, so that places differ and pages differ in size."""
    random = np.random.default_rng(5)
    loud = np.repeat(random.uniform(0.01, 0.5, int(seconds * 4) + 1), rate // 4 + 1)[: int(seconds * rate)]
    return (loud[:, None] * random.standard_normal((loud.size, 2))).astype(np.float32)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("songs")
    for kind in CLOSE:
        encode(folder / f"song.{kind}", noise(), 44100, kind)
    return {kind: folder / f"song.{kind}" for kind in CLOSE}


@pytest.fixture(params=list(CLOSE))
def song(request: pytest.FixtureRequest, songs: dict[str, Path]) -> Path:
    return songs[request.param]


def both(
    path: Path, monkeypatch: pytest.MonkeyPatch, offsets: tuple[float, ...] = OFFSETS
) -> tuple[np.ndarray, np.ndarray]:
    """Return clips cut with and without a map of the pages."""
    return decode_clips(os.fsencode(path), offsets, 2.0), usual_clips(path, monkeypatch, offsets)


def usual_clips(path: Path, monkeypatch: pytest.MonkeyPatch, offsets: tuple[float, ...]) -> np.ndarray:
    """Return clips cut after seeks by FFmpeg."""
    with monkeypatch.context() as patch:
        patch.setattr(decode, "map_of", lambda *given: None)
        return decode_clips(os.fsencode(path), offsets, 2.0)


def piece_of(path: Path, offset: float) -> bytes | None:
    """Return the piece that a clip would be cut from."""
    with open_media(os.fsencode(path)) as media:
        found = map_of(media, 0.0, SECONDS)
        return None if found is None else found.around(max(0.0, offset - 0.25), offset + 2.04)


@pytest.mark.parametrize("offset", OFFSETS)
def test_piece_is_a_small_part_of_the_file(song: Path, offset: float) -> None:
    piece = piece_of(song, offset)
    assert piece is not None
    assert len(piece) < 0.12 * song.stat().st_size


def test_clips_are_those_of_a_usual_seek(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, usual = both(song, monkeypatch)
    assert mine.shape == (len(OFFSETS), 2 * RATE)
    np.testing.assert_allclose(mine, usual, atol=CLOSE[song.suffix[1:]])


def test_few_bytes_are_read(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    for name in ("at", "read"):
        real: Callable[..., bytes] = getattr(AudioPart, name)

        def counted(part: AudioPart, *given: int, real: Callable[..., bytes] = real) -> bytes:
            found = real(part, *given)
            read.append(len(found))
            return found

        monkeypatch.setattr(AudioPart, name, counted)
    decode_clips(os.fsencode(song), (17.44, 33.2), 2.0)
    mine = sum(read)
    read.clear()
    monkeypatch.setattr(decode, "map_of", lambda *given: None)
    decode_clips(os.fsencode(song), (17.44, 33.2), 2.0)
    assert mine < 0.6 * sum(read)


def test_a_cover_in_the_headers_does_no_harm(song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / song.name
    path.write_bytes(song.read_bytes())
    cover = Picture()
    cover.type, cover.mime, cover.data = 3, "image/jpeg", np.random.default_rng(1).bytes(300_000)
    file = mutagen.File(path)
    if path.suffix == ".flac":
        file.add_picture(cover)
    else:
        file["metadata_block_picture"] = [base64.b64encode(cover.write()).decode("ascii")]
    file.save()
    assert piece_of(path, 33.2) is not None
    mine, usual = both(path, monkeypatch)
    np.testing.assert_allclose(mine, usual, atol=CLOSE[song.suffix[1:]])


@pytest.mark.parametrize("kind", ["ogg", "opus"])
def test_a_recording_of_a_running_stream(
    songs: dict[str, Path], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = songs[kind]
    data = song.read_bytes()
    starts, at = [], 0
    while (page := parse_page(data, at)) is not None:
        starts.append(page)
        at = page.end
    headers = next(i for i, page in enumerate(starts) if page.position not in (0, (1 << 64) - 1))
    path = tmp_path / song.name
    path.write_bytes(data[: starts[headers].start] + data[starts[headers + len(starts) // 3].start :])
    mine, usual = both(path, monkeypatch, (3.2, 17.44, 25.0))
    np.testing.assert_allclose(mine, usual, atol=CLOSE[song.suffix[1:]])


def test_songs_one_behind_the_other(song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / song.name
    path.write_bytes(2 * song.read_bytes())
    mine, usual = both(path, monkeypatch, (3.2, 17.44))
    np.testing.assert_allclose(mine, usual, atol=CLOSE[song.suffix[1:]])


def test_pages_whose_positions_stand_still_are_not_all_read(
    songs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(songs["ogg"].read_bytes())
    at, pages = 0, 0
    while (page := parse_page(data, at)) is not None:
        at, pages = page.end, pages + 1
        if page.position > 44100:
            data[page.start + 6 : page.start + 14] = (44100).to_bytes(8, "little")
    assert pages > 50
    path = tmp_path / "song.ogg"
    path.write_bytes(data)
    with path.open("rb", buffering=0) as file:
        part = AudioPart(file)
        whole = map_of_ogg(part, 0.0, SECONDS)
        assert whole is not None
        read: list[bytes] = []
        real = AudioPart.at
        monkeypatch.setattr(AudioPart, "at", lambda own, *given: read.append(real(own, *given)) or read[-1])
        assert whole.around(0.5, 2.5) is None
        assert whole.around(30.0, 32.0) is None
    assert sum(map(len, read)) < 1.2 * len(data)


@pytest.mark.parametrize("seed", range(12))
def test_damage_does_not_change_what_is_heard(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    random = np.random.default_rng(seed)
    content = bytearray(song.read_bytes())
    for _ in range(int(random.integers(1, 40))):
        content[int(random.integers(5000, len(content)))] = int(random.integers(256))
    if seed % 3 == 0:
        del content[int(random.integers(len(content) // 2, len(content))) :]
    path = tmp_path / song.name
    path.write_bytes(content)
    try:
        usual = usual_clips(path, monkeypatch, OFFSETS[:4])
    except UnreadableAudio:
        with pytest.raises(UnreadableAudio):
            decode_clips(os.fsencode(path), OFFSETS[:4], 2.0)
        return
    mine = decode_clips(os.fsencode(path), OFFSETS[:4], 2.0)
    alike = np.isclose(mine, usual, atol=CLOSE[song.suffix[1:]]).mean(axis=1) > 0.75
    # Where a page is lost, what lies behind it is heard as many samples early, if decoding began before it.
    assert np.count_nonzero(~alike) <= 1, alike


def test_flac_clips_are_what_the_whole_has_there(tmp_path: Path) -> None:
    path = tmp_path / "song.flac"
    encode(path, noise(20.0, RATE), RATE, "flac")
    whole = decode_all(os.fsencode(path))
    for offset in (0.0, 3.2, 11.04, 17.92):  # whole samples
        start = round(offset * RATE)
        clip = decode_clips(os.fsencode(path), [offset], 2.0)[0]
        np.testing.assert_array_equal(clip, whole[start : start + 2 * RATE])


def test_checksum_of_a_frame_is_that_of_the_format() -> None:
    assert _crc8(b"123456789") == 0xF4  # the check value of CRC-8 in the catalogue of Greg Cook


def test_other_files_have_no_map(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    encode(path, noise(3.0), 44100, "wav")
    with open_media(os.fsencode(path)) as media:
        assert map_of(media, 0.0, 3.0) is None
