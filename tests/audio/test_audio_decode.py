"""Clips are what a decode of the whole file has at that place, whatever the container; headers that lie are noticed."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger.audio.decode import RATE, ClipReader, decode_all, decode_clips, duration
from tagger.audio.encode import ENCODABLE, encode
from tagger.base.errors import UnreadableAudio

SOURCE_RATE = 44100
OFFSETS = (0.0, 3.2, 7.6, 11.0)  # multiples of 0.04 s, so that no sample has to be interpolated
EXACT = [name for name in ENCODABLE if name not in ("mp3", "wma", "m4a")]


def music(seconds: float = 14.0, rate: int = SOURCE_RATE, loud_end: bool = False) -> np.ndarray:
    """Return noise whose colour and loudness tell every place from every other."""
    random = np.random.default_rng(11)
    time = np.arange(int(seconds * rate)) / rate
    slow = np.repeat(random.uniform(0.05, 1.0, int(seconds * 8) + 1), rate // 8 + 1)[: time.size]
    tone = np.sin(2 * np.pi * (200 + 40 * time) * time)
    samples = 0.25 * slow * (tone + 0.5 * random.standard_normal(time.size))
    if loud_end:
        samples[: time.size // 2] *= 0.0005  # costs a variable bit rate next to nothing
    return samples.astype(np.float32)


def lag(clip: np.ndarray, whole: np.ndarray, offset: float) -> float:
    """Return by how many seconds a clip lies behind the place it was asked from."""
    padded = np.pad(whole, (RATE, RATE))
    start = round(offset * RATE)
    around = padded[start : start + clip.size + 2 * RATE]
    size = 1 << (around.size + clip.size).bit_length()
    match = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(clip, size)), size)
    return (int(np.argmax(match[: around.size])) - RATE) / RATE


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """Return a function that encodes the music once for each container and set of options."""
    folder = tmp_path_factory.mktemp("decode")

    def file(container: str, **options: object) -> bytes:
        path = folder / f"{container}{options}".replace("/", "")
        if not path.exists():
            samples = music()
            encode(path, np.stack([samples, samples * 0.5], axis=1), SOURCE_RATE, container, **options)
        return bytes(path)

    return file


@pytest.mark.parametrize("container", EXACT)
def test_clips_are_slices_of_the_whole(files: Callable[..., bytes], container: str) -> None:
    path = files(container)
    whole, clips = decode_all(path), decode_clips(path, OFFSETS, 2.0)
    assert clips.dtype == np.float32
    assert clips.shape == (len(OFFSETS), 2 * RATE)
    for offset, clip in zip(OFFSETS, clips, strict=True):
        start = round(offset * RATE)
        np.testing.assert_allclose(clip, whole[start : start + clip.size], atol=2e-3, err_msg=f"at {offset} s")


@pytest.mark.parametrize(
    ("container", "options", "most"),
    [
        ("m4a", {}, 0.001),
        ("wma", {}, 0.12),
        ("mp3", {}, 0.06),
        ("mp3", {"bit_rate": 320_000}, 0.06),
        ("mp3", {"quality": 2}, 0.2),
        ("mp3", {"xing": False}, 0.06),
        ("mp3", {"quality": 2, "xing": False}, 0.001),
    ],
    ids=["m4a", "wma", "mp3-cbr", "mp3-320", "mp3-vbr", "mp3-cbr-no-header", "mp3-vbr-no-header"],
)
def test_clips_lie_near_the_asked_place(
    files: Callable[..., bytes], container: str, options: dict[str, object], most: float
) -> None:
    path = files(container, **options)
    whole, clips = decode_all(path), decode_clips(path, OFFSETS, 2.0)
    for offset, clip in zip(OFFSETS, clips, strict=True):
        assert abs(lag(clip, whole, offset)) <= most, f"at {offset} s"
    np.testing.assert_array_equal(clips, decode_clips(path, OFFSETS, 2.0))


@pytest.mark.parametrize(
    ("container", "options", "seeks"),
    [
        *((name, {}, name != "aac") for name in ENCODABLE),
        ("mp3", {"quality": 2}, True),
        ("mp3", {"xing": False}, True),
        ("mp3", {"quality": 2, "xing": False}, False),
    ],
)
def test_files_that_can_be_trusted_are_not_read_whole(
    files: Callable[..., bytes], container: str, options: dict[str, object], seeks: bool
) -> None:
    with ClipReader(files(container, **options)) as reader:
        assert all(clip is not None for clip in reader.clips([(offset, 2.0) for offset in OFFSETS]))
        assert reader.exact is not seeks
        assert reader.duration == pytest.approx(14.0, abs=0.15)


@pytest.mark.parametrize("container", ENCODABLE)
def test_duration(files: Callable[..., bytes], container: str) -> None:
    assert duration(files(container)) == pytest.approx(14.0, abs=0.15)


@pytest.mark.parametrize(("channels", "rate"), [(1, 8000), (1, 22050), (2, 48000), (6, 44100), (2, 96000), (1, 11025)])
def test_any_rate_and_number_of_channels(tmp_path: Path, channels: int, rate: int) -> None:
    time = np.arange(4 * rate) / rate
    planes = [np.sin(2 * np.pi * 1000 * time) * 0.5] + [np.zeros(time.size)] * (channels - 1)
    encode(tmp_path / "a.wav", np.stack(planes, axis=1), rate, "wav")
    clip = decode_clips(bytes(tmp_path / "a.wav"), [1.0], 2.0)[0]
    expected = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE) * 0.5 / channels
    np.testing.assert_allclose(clip, expected, atol=2e-3)


@pytest.mark.parametrize(("code", "width"), [("u1", 1), ("<i2", 2), ("<i4", 4)])
def test_full_scale_is_one_for_any_sample_size(tmp_path: Path, code: str, width: int) -> None:
    wave = np.where(np.arange(3 * RATE) // 50 % 2, 0.5, -0.5)
    top = 2 ** (8 * width - 1)
    data = (np.rint(wave * top) + (top if code == "u1" else 0)).astype(code).tobytes()
    form = struct.pack("<HHIIHH", 1, 1, RATE, RATE * width, width, 8 * width)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    (tmp_path / "a.wav").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    np.testing.assert_allclose(decode_clips(bytes(tmp_path / "a.wav"), [0.0], 2.0)[0], wave[: 2 * RATE], atol=1e-6)


def forge(path: bytes, frames: float = 1.0, size: float = 1.0) -> None:
    """Multiply what an MP3's Xing header says."""
    with open(os.fsdecode(path), "r+b") as file:
        head = file.read(200)
        at = max(head.find(b"Xing"), head.find(b"Info"))
        flags, count, total = struct.unpack(">III", head[at + 4 : at + 16])
        assert flags & 3 == 3
        file.seek(at + 8)
        file.write(struct.pack(">II", int(count * frames), int(total * size)))


@pytest.mark.parametrize(
    ("frames", "size"),
    [(10.0, 1.0), (0.2, 1.0), (10.0, 10.0), (1.6, 1.6)],
    ids=["ten-times-the-frames", "a-fifth-of-the-frames", "ten-times-both", "as-before-a-cut"],
)
@pytest.mark.parametrize("options", [{}, {"quality": 2}], ids=["cbr", "vbr"])
def test_headers_that_lie_are_noticed(
    tmp_path: Path, files: Callable[..., bytes], options: dict[str, object], frames: float, size: float
) -> None:
    path = bytes(tmp_path / "a.mp3")
    Path(os.fsdecode(path)).write_bytes(Path(os.fsdecode(files("mp3", **options))).read_bytes())
    whole = decode_all(path)
    forge(path, frames, size)
    with ClipReader(path) as reader:
        try:
            clips = reader.clips([(offset, 2.0) for offset in OFFSETS])
        except UnreadableAudio as problem:
            assert "cut short" in problem.cause  # ten times as long by its header: that is a fragment
            assert frames == 10.0
            return
        assert reader.exact
        assert reader.duration == pytest.approx(14.0, abs=0.1)
    for offset, clip in zip(OFFSETS, clips, strict=True):
        assert clip is not None
        assert abs(lag(clip, whole, offset)) <= 0.06


def test_variable_bit_rate_without_header_is_measured(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp3", music(20.0, loud_end=True), SOURCE_RATE, "mp3", quality=2, xing=False)
    path = bytes(tmp_path / "a.mp3")
    assert duration(path) == pytest.approx(20.0, abs=0.1)
    with ClipReader(path) as reader:
        assert abs(reader.duration - 20.0) > 2, "the header's word should be far off, or this test shows nothing"
        clips = reader.clips([(4.0, 2.0), (16.0, 2.0)])
        assert reader.exact
    whole = decode_all(path)
    assert [abs(lag(clip, whole, offset)) <= 0.01 for clip, offset in zip(clips, (4.0, 16.0), strict=True)] == [
        True
    ] * 2


@pytest.mark.parametrize("container", ["mp3", "aac", "flac", "wavpack"])
@pytest.mark.parametrize("options", [{}, {"xing": False}], ids=["", "no-header"])
def test_tags_do_not_move_clips(
    tmp_path: Path, files: Callable[..., bytes], container: str, options: dict[str, object]
) -> None:
    if options and container != "mp3":
        options = {}
    content = Path(os.fsdecode(files(container, **options))).read_bytes()
    tag = b"APETAGEX" + struct.pack("<IIII", 2000, 5000 + 32, 1, 0) + bytes(8)
    head = b"ID3\x04\0\0" + bytes([0, 0, 40, 0]) + bytes(40 * 128)
    (tmp_path / "plain").write_bytes(content)
    (tmp_path / "tagged").write_bytes(head + content + bytes(5000) + tag + b"TAG" + bytes(125))
    plain, tagged = (decode_clips(bytes(tmp_path / name), OFFSETS, 2.0) for name in ("plain", "tagged"))
    np.testing.assert_array_equal(plain, tagged)
    assert duration(bytes(tmp_path / "plain")) == duration(bytes(tmp_path / "tagged"))


@pytest.mark.parametrize("container", [name for name in ENCODABLE if name not in ("m4a", "alac")])
def test_a_file_cut_in_its_last_part_still_gives_clips(
    tmp_path: Path, files: Callable[..., bytes], container: str
) -> None:
    content = Path(os.fsdecode(files(container))).read_bytes()
    (tmp_path / "a").write_bytes(content[: int(len(content) * 0.7)])
    clips = decode_clips(bytes(tmp_path / "a"), [1.0, 5.0], 2.0)
    whole = decode_all(files(container))
    for offset, clip in zip((1.0, 5.0), clips, strict=True):
        assert abs(lag(clip, whole, offset)) <= 0.12
    with pytest.raises(UnreadableAudio, match="no 2 s of audio at 11"):
        decode_clips(bytes(tmp_path / "a"), [11.0], 2.0)


@pytest.mark.parametrize("container", ["flac", "mp3", "aiff", "wavpack"])
def test_a_fragment_is_reported(tmp_path: Path, files: Callable[..., bytes], container: str) -> None:
    content = Path(os.fsdecode(files(container))).read_bytes()
    (tmp_path / "a").write_bytes(content[: len(content) // 4])
    with pytest.raises(UnreadableAudio, match=r"cut short: [34] of 14 seconds"):
        decode_clips(bytes(tmp_path / "a"), [5.0], 2.0)


@pytest.mark.parametrize("container", ENCODABLE)
def test_damage_in_the_middle_never_hangs_or_crashes(
    tmp_path: Path, files: Callable[..., bytes], container: str
) -> None:
    content = bytearray(Path(os.fsdecode(files(container))).read_bytes())
    random = np.random.default_rng(4)
    for at in random.integers(len(content) // 4, len(content), 400):
        content[at] = random.integers(256)
    (tmp_path / "a").write_bytes(content)
    try:
        clips = decode_clips(bytes(tmp_path / "a"), OFFSETS, 2.0)
    except UnreadableAudio:
        return
    assert np.isfinite(clips).all()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.mp3", b""),
        ("a.mp3", b"Dear listener, this is not music.\n" * 100),
        ("a.flac", b"fLaC" + bytes(100)),
        ("a.mp3", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.mp3\n#EXT-X-ENDLIST\n"),
        ("a.mp3", b"ffconcat version 1.0\nfile other.mp3\n"),
        ("a.wav", bytes(5000)),
    ],
    ids=["empty", "text", "zeros-after-magic", "playlist", "concat-script", "zeros"],
)
def test_what_is_no_audio_is_reported(tmp_path: Path, files: Callable[..., bytes], name: str, content: bytes) -> None:
    (tmp_path / "other.mp3").write_bytes(Path(os.fsdecode(files("mp3"))).read_bytes())
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableAudio):
        decode_clips(bytes(tmp_path / name), [0.0], 1.0)
    with pytest.raises(UnreadableAudio):
        decode_all(bytes(tmp_path / name))


def test_pipes_folders_and_missing_files_are_reported(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    with pytest.raises(UnreadableAudio, match="not a regular file"):
        duration(bytes(tmp_path / "pipe.mp3"))
    with pytest.raises(UnreadableAudio, match="Is a directory"):
        duration(bytes(tmp_path))
    with pytest.raises(UnreadableAudio, match="No such file"):
        duration(bytes(tmp_path / "missing.mp3"))


def test_a_clip_behind_the_end_is_reported(files: Callable[..., bytes]) -> None:
    with pytest.raises(UnreadableAudio, match=r"no 2 s of audio at 13\.0 s of 14\.0 s"):
        decode_clips(files("flac"), [1.0, 13.0], 2.0)


def test_a_name_that_is_not_utf8(tmp_path: Path, files: Callable[..., bytes]) -> None:
    odd = bytes(tmp_path) + b"/\xff\xe9.flac"
    with open(odd, "wb") as file:
        file.write(Path(os.fsdecode(files("flac"))).read_bytes())
    assert decode_clips(odd, [1.0], 1.0).shape == (1, RATE)


def test_a_rate_that_changes_midway(tmp_path: Path) -> None:
    for name, rate in (("a.mp3", 44100), ("b.mp3", 22050)):
        encode(tmp_path / name, music(4.0, rate), rate, "mp3", xing=False)
    (tmp_path / "ab.mp3").write_bytes((tmp_path / "a.mp3").read_bytes() + (tmp_path / "b.mp3").read_bytes())
    assert decode_all(bytes(tmp_path / "ab.mp3")).size / RATE == pytest.approx(8.1, abs=0.15)
