"""The fingerprint: the same through every kind of tag write, another for other audio, cheap, and hard to upset."""

from __future__ import annotations

import base64
import os
import random
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen.aiff import AIFF
from mutagen.apev2 import APEBinaryValue, APEv2
from mutagen.asf import ASF, ASFByteArrayAttribute
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, COMM, ID3, TCON
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from tagger.base.errors import UnreadableTags
from tagger.library.ogg_pages import bodies
from tagger.library.payload import OGG_REACHES, fingerprint, payload_extent
from tagger.library.view import open_view

MakeAudio = Callable[..., Path]

PICTURE = random.Random(1).randbytes(300_000)
LONG = "word " * 40_000
CHANGES = {"short": ("Jazz", b""), "long": (LONG, b""), "picture": ("Jazz", PICTURE), "both": (LONG, PICTURE)}


# --- tag writers, one per kind of block ------------------------------------------------------------------------------


def set_id3(tags: ID3, text: str, picture: bytes) -> None:
    tags.add(TCON(encoding=3, text=[text[:50]]))
    tags.add(COMM(encoding=3, lang="eng", desc="", text=[text]))
    if picture:
        tags.add(APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=picture))


def write_id3(path: Path, text: str, picture: bytes, **saving: int) -> None:
    tags = ID3()
    set_id3(tags, text, picture)
    tags.save(path, **saving)


def write_chunk(kind: type[WAVE] | type[AIFF], path: Path, text: str, picture: bytes) -> None:
    file = kind(path)
    if file.tags is None:
        file.add_tags()
    set_id3(file.tags, text, picture)
    file.save()


def write_ape(path: Path, text: str, picture: bytes) -> None:
    tags = APEv2()
    tags["Genre"] = text
    if picture:
        tags["Cover Art (Front)"] = APEBinaryValue(b"cover.jpg\0" + picture)
    tags.save(path)


def write_flac(path: Path, text: str, picture: bytes) -> None:
    file = FLAC(path)
    file["genre"] = text
    if picture:
        image = Picture()
        image.data = picture
        file.add_picture(image)
    file.save()


def write_ogg(kind: type[OggVorbis] | type[OggOpus], path: Path, text: str, picture: bytes) -> None:
    file = kind(path)
    file["genre"] = text
    if picture:
        file["metadata_block_picture"] = base64.b64encode(picture).decode()
    file.save()


def write_mp4(path: Path, text: str, picture: bytes) -> None:
    file = MP4(path)
    file["\xa9gen"] = text
    if picture:
        file["covr"] = [MP4Cover(picture)]
    file.save()


def write_asf(path: Path, text: str, picture: bytes) -> None:
    file = ASF(path)
    file["WM/Genre"] = text[:30_000]
    if picture:
        file["WM/Picture"] = [ASFByteArrayAttribute(picture)]
    file.save()


Writer = Callable[[Path, str, bytes], None]
WRITERS: list[tuple[str, str, Writer]] = [
    ("mp3", "id3v2.3", lambda *change: write_id3(*change, v2_version=3)),
    ("mp3", "id3v2.4", lambda *change: write_id3(*change, v2_version=4)),
    ("mp3", "id3v2 and v1", lambda *change: write_id3(*change, v1=2)),
    ("mp3", "apev2", write_ape),
    ("aac", "id3", write_id3),
    ("aac", "apev2", write_ape),
    ("flac", "vorbis", write_flac),
    ("flac", "id3 in front", write_id3),
    ("ogg", "vorbis", lambda *change: write_ogg(OggVorbis, *change)),
    ("opus", "vorbis", lambda *change: write_ogg(OggOpus, *change)),
    ("m4a", "mp4", write_mp4),
    ("alac", "mp4", write_mp4),
    ("wav", "id3 chunk", lambda *change: write_chunk(WAVE, *change)),
    ("aiff", "id3 chunk", lambda *change: write_chunk(AIFF, *change)),
    ("wma", "asf", write_asf),
    ("wavpack", "apev2", write_ape),
    ("wavpack", "id3v1", lambda path, text, picture: path.write_bytes(path.read_bytes() + id3v1())),
]
CONTAINERS = sorted({container for container, _, _ in WRITERS})


def payload(path: Path) -> bytes:
    """Return the audio as it must stay: the stretch itself, of Ogg the content of its pages."""
    offset, length = payload_extent(str(path))
    data = path.read_bytes()[offset : offset + length]
    if data.startswith(b"OggS"):
        with open_view(str(path)) as view:
            return bodies(view, offset, length)[0]
    return data


@pytest.mark.parametrize(
    ("container", "write"),
    [pytest.param(container, write, id=f"{container}-{block}") for container, block, write in WRITERS],
)
def test_tag_writes_leave_the_fingerprint(tmp_path: Path, make_audio: MakeAudio, container: str, write: Writer) -> None:
    path = make_audio(tmp_path / "song", container)
    before, audio = fingerprint(os.fsencode(path)), payload(path)
    assert len(before) == 32 and int(before, 16)
    for name, (text, picture) in CHANGES.items():
        content = path.read_bytes()
        write(path, text, picture)
        assert path.read_bytes() != content, name
        assert fingerprint(str(path)) == before, name
        assert payload(path) == audio, name


@pytest.mark.parametrize("magic", [b"MAC \x96\x0f", b"MPCKSH\x10", b"MP+\x07"], ids=["ape", "mpc sv8", "mpc sv7"])
@pytest.mark.parametrize("write", [write_ape, write_id3], ids=["apev2", "id3"])
def test_tag_writes_leave_the_fingerprint_of_containers_without_an_encoder(
    tmp_path: Path, magic: bytes, write: Writer
) -> None:
    path = tmp_path / "song"
    path.write_bytes(magic + PICTURE[:200_000])
    before = fingerprint(str(path))
    for text, picture in CHANGES.values():
        write(path, text, picture)
        assert fingerprint(str(path)) == before
    assert payload(path) == magic + PICTURE[:200_000]


def remux(source: Path, target: Path, muxer: str, **options: str) -> Path:
    """Put the same packets into a new file, as FFmpeg's `-c copy` does."""
    with av.open(str(source)) as old, av.open(str(target), "w", format=muxer, options=options) as new:
        stream = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return target


def test_an_mp4_whose_audio_moves_keeps_its_fingerprint(tmp_path: Path, make_audio: MakeAudio) -> None:
    plain = make_audio(tmp_path / "plain", "m4a")
    path = remux(plain, tmp_path / "faststart", "ipod", movflags="faststart")
    data = path.read_bytes()
    assert data.find(b"moov") < data.find(b"mdat")
    before, (offset, _) = fingerprint(str(path)), payload_extent(str(path))
    write_mp4(path, LONG, PICTURE)
    assert payload_extent(str(path))[0] > offset + 300_000
    assert fingerprint(str(path)) == before == fingerprint(str(plain))


@pytest.mark.parametrize(("container", "kind"), [("ogg", OggVorbis), ("opus", OggOpus)], ids=["vorbis", "opus"])
def test_renumbered_ogg_pages_keep_the_fingerprint(
    tmp_path: Path, make_audio: MakeAudio, container: str, kind: type[OggVorbis] | type[OggOpus]
) -> None:
    path = make_audio(tmp_path / "song", container, seconds=60)
    before = fingerprint(str(path))
    offset, length = payload_extent(str(path))
    assert length > 600_000  # both ends are apart
    old = path.read_bytes()[offset:]
    write_ogg(kind, path, LONG, PICTURE)
    offset, grown = payload_extent(str(path))
    assert grown == length
    assert path.read_bytes()[offset:] != old  # page numbers and checksums
    assert fingerprint(str(path)) == before
    repaged = remux(path, tmp_path / "other", "ogg", page_duration="250000")
    assert payload_extent(str(repaged))[1] != length  # other pages, same packets
    assert fingerprint(str(repaged)) == before


@pytest.mark.parametrize("container", CONTAINERS)
def test_other_audio_has_another_fingerprint(tmp_path: Path, make_audio: MakeAudio, container: str) -> None:
    found = {fingerprint(str(make_audio(tmp_path / str(seed), container, seed=seed))) for seed in (1, 2, 3)}
    assert len(found) == 3
    again = fingerprint(str(make_audio(tmp_path / "again", container, seed=2)))
    assert again in found


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_truncated_file_has_another_fingerprint(tmp_path: Path, make_audio: MakeAudio, container: str) -> None:
    path = make_audio(tmp_path / "song", container)
    offset, length = payload_extent(str(path))
    data = path.read_bytes()
    cuts = [offset + length - 1, offset + length - 5000, offset + length // 2, offset + 100]
    found = [fingerprint(str(path))]
    for cut in cuts:
        path.write_bytes(data[:cut])
        found.append(fingerprint(str(path)))
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_file_cut_off_anywhere_is_handled(tmp_path: Path, make_audio: MakeAudio, container: str) -> None:
    path = make_audio(tmp_path / "song", container, seconds=1.0)
    data = path.read_bytes()
    for cut in (*range(1, 200, 7), *range(200, len(data), len(data) // 40)):
        path.write_bytes(data[:cut])
        offset, length = payload_extent(str(path))
        assert 0 <= offset < offset + length <= cut
        assert len(fingerprint(str(path))) == 32


# --- tags around the audio, byte by byte -----------------------------------------------------------------------------

AUDIO = b"\xff\xfb\x90\x64" + PICTURE[:150_000]


def id3v1(text: bytes = b"title") -> bytes:
    return b"TAG" + text.ljust(124, b"\0") + b"\x11"


def id3v2(size: int, footer: bool = False, first: bytes = b"ID3") -> bytes:
    four = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    head = b"\4\0" + (b"\x10" if footer else b"\0") + four
    return first + head + bytes(size) + (b"3DI" + head if footer else b"")


def apev2(content: bytes, header: bool = True, flagged: bool = True) -> bytes:
    def frame(flags: int) -> bytes:
        numbers = (2000, len(content) + 32, 1, flags)
        return b"APETAGEX" + b"".join(number.to_bytes(4, "little") for number in numbers) + bytes(8)

    has_header = (1 << 31) if header and flagged else 0
    return (frame(has_header | 1 << 29) if header else b"") + content + frame(has_header)


LYRICS3V1 = b"LYRICSBEGIN" + b"la la la" + b"LYRICSEND"
LYRICS3V2 = b"LYRICSBEGIN" + b"LYR00008la la la" + b"000027" + b"LYRICS200"
AROUND = {
    "id3v2": (id3v2(2000), b""),
    "id3v2 with footer": (id3v2(2000, footer=True), b""),
    "two id3v2": (id3v2(500) + id3v2(100), b""),
    "id3v2 at the end": (b"", id3v2(300, footer=True)),
    "id3v1": (b"", id3v1()),
    "id3v1 twice": (b"", id3v1() * 2),
    "id3v1 enhanced": (b"", b"TAG+".ljust(227, b"\0") + id3v1()),
    "apev2": (b"", apev2(b"x" * 1000)),
    "apev2 without header": (b"", apev2(b"x" * 1000, header=False)),
    "apev2 that hides its header": (b"", apev2(b"x" * 1000, flagged=False)),
    "apev2 whose middle looks like id3v1": (b"", apev2(b"x" * (125 - 64), header=True)),
    "apev2 in front": (apev2(b"x" * 1000), b""),
    "apev2 and id3v1": (b"", apev2(b"x" * 1000) + id3v1()),
    "apev2 after id3v1": (b"", id3v1() + apev2(b"x" * 1000)),
    "lyrics3v1 and id3v1": (b"", LYRICS3V1 + id3v1()),
    "lyrics3v2 and id3v1": (b"", LYRICS3V2 + id3v1()),
    "all": (id3v2(99), apev2(b"y") + LYRICS3V2 + id3v1()),
}


@pytest.mark.parametrize(("before", "after"), AROUND.values(), ids=AROUND.keys())
def test_tags_around_the_audio_do_not_count(tmp_path: Path, before: bytes, after: bytes) -> None:
    plain, tagged = tmp_path / "plain", tmp_path / "tagged"
    plain.write_bytes(AUDIO)
    tagged.write_bytes(before + AUDIO + after)
    assert payload_extent(str(tagged)) == (len(before), len(AUDIO))
    assert fingerprint(str(tagged)) == fingerprint(str(plain))


NO_TAGS = {
    "id3v2 of an impossible size": (b"ID3\4\0\0\x7f\x7f\x7f\x7f", b""),
    "id3v2 whose size has high bits": (b"ID3\4\0\0\0\0\x80\0", b""),
    "apev2 of no size": (b"", b"APETAGEX" + bytes(24)),
    "apev2 of an impossible size": (b"", b"APETAGEX" + b"\xff" * 24),
    "apev2 header whose last letters lie where id3v1 begins": (b"", b"APETAGEX".ljust(131, b"\0")),
    "lyrics3 without a beginning": (b"", b"001000LYRICS200"),
}


@pytest.mark.parametrize(("before", "after"), NO_TAGS.values(), ids=NO_TAGS.keys())
def test_what_only_looks_like_a_tag_counts_as_audio(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "song"
    path.write_bytes(before + AUDIO + after)
    assert payload_extent(str(path)) == (0, path.stat().st_size)


# --- containers, byte by byte ----------------------------------------------------------------------------------------


def riff(*chunks: tuple[bytes, int, bytes], first: bytes = b"RIFF") -> bytes:
    body = b"".join(name + size.to_bytes(4, "little") + data + b"\0" * (len(data) % 2) for name, size, data in chunks)
    return first + len(body).to_bytes(4, "little") + b"WAVE" + body


def aiff(*chunks: tuple[bytes, bytes], form: bytes = b"AIFF") -> bytes:
    body = b"".join(name + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"FORM" + len(body).to_bytes(4, "big") + form + body


def box(name: bytes, data: bytes, size: int | None = None, wide: bool = False) -> bytes:
    length = len(data) + (16 if wide else 8) if size is None else size
    if wide:
        return (1).to_bytes(4, "big") + name + length.to_bytes(8, "big") + data
    return length.to_bytes(4, "big") + name + data


def flac_block(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + len(data).to_bytes(3, "big") + data


def asf_object(guid: str, data: bytes) -> bytes:
    return bytes.fromhex(guid) + (len(data) + 24).to_bytes(8, "little") + data


FORMAT = (b"fmt ", 16, bytes(16))
N = len(AUDIO)
FTYP = box(b"ftyp", b"M4A \0\0\0\0")
ASF_HEAD = asf_object("3026b2758e66cf11a6d900aa0062ce6c", bytes(500))
ASF_BODY = asf_object("3626b2758e66cf11a6d900aa0062ce6c", bytes(26) + AUDIO)
LAYOUTS = {
    "wav": riff(FORMAT, (b"data", N, AUDIO), (b"id3 ", 20, bytes(20))),
    "wav, odd chunk before": riff((b"JUNK", 3, b"abc"), FORMAT, (b"data", N, AUDIO)),
    "wav, tags before": riff((b"id3 ", 20, bytes(20)), FORMAT, (b"data", N, AUDIO)),
    "wav, size never filled in": riff(FORMAT, (b"data", 0, AUDIO)),
    "wav, streamed": riff(FORMAT, (b"data", 0xFFFFFFFF, AUDIO)),
    "wav, lying size, id3v1": riff(FORMAT, (b"data", N + 9999, AUDIO)) + id3v1(),
    "rf64": riff(
        (b"ds64", 28, bytes(8) + N.to_bytes(8, "little") + bytes(12)),
        FORMAT,
        (b"data", 0xFFFFFFFF, AUDIO),
        (b"LIST", 8, bytes(8)),
        first=b"RF64",
    ),
    "wav after id3v2": id3v2(100) + riff(FORMAT, (b"data", N, AUDIO)),
    "aiff": aiff((b"COMM", bytes(18)), (b"SSND", bytes(8) + AUDIO), (b"ID3 ", b"abcd")),
    "aifc, tags before": aiff((b"ID3 ", b"abc"), (b"SSND", bytes(8) + AUDIO), form=b"AIFC"),
    "flac": b"fLaC" + flac_block(0, bytes(34)) + flac_block(0x84, b"tags") + AUDIO,
    "flac between tags": id3v2(100) + b"fLaC" + flac_block(0x80, bytes(34)) + AUDIO + id3v1(),
    "mp4": FTYP + box(b"moov", bytes(900)) + box(b"free", bytes(80)) + box(b"mdat", AUDIO),
    "mp4, moov last": FTYP + box(b"mdat", AUDIO) + box(b"moov", bytes(900)),
    "mp4, 64 bits": FTYP + box(b"mdat", AUDIO, wide=True) + box(b"moov", bytes(900)),
    "mp4, to the end": FTYP + box(b"moov", bytes(900)) + box(b"mdat", AUDIO, size=0),
    "mp4, cut off": FTYP + box(b"moov", bytes(900)) + box(b"mdat", AUDIO, size=10_000_000),
    "quicktime": box(b"wide", b"") + box(b"mdat", AUDIO) + box(b"moov", bytes(900)),
    "asf": ASF_HEAD + ASF_BODY + asf_object("90" * 16, bytes(40)),
    "asf, rests of an old header": ASF_HEAD + b"h\0e\0l\0" * 500 + ASF_BODY,
}


@pytest.mark.parametrize("data", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts(tmp_path: Path, data: bytes) -> None:
    plain, path = tmp_path / "plain", tmp_path / "song"
    plain.write_bytes(AUDIO)
    path.write_bytes(data)
    assert payload_extent(str(path)) == (data.index(AUDIO), N)
    assert fingerprint(str(path)) == fingerprint(str(plain))


def test_several_stretches_of_audio_count_as_one(tmp_path: Path) -> None:
    path = tmp_path / "song"
    found = set()
    for tags in (bytes(100), bytes(50_000)):
        path.write_bytes(FTYP + box(b"mdat", AUDIO[:40_000]) + box(b"moov", tags) + box(b"mdat", AUDIO[40_000:]))
        found.add(fingerprint(str(path)))
        assert payload_extent(str(path)) == (path.stat().st_size - N + 40_000, N - 40_000)
    path.write_bytes(AUDIO)
    assert found == {fingerprint(str(path))}


@pytest.mark.parametrize(
    "other",
    [AUDIO[:4] + b"!" + AUDIO[5:], AUDIO[:-1] + b"!", AUDIO[:70_000] + AUDIO[70_001:], AUDIO[:70_000] + AUDIO[69_000:]],
    ids=["first part differs", "last part differs", "shorter in the middle", "longer in the middle"],
)
def test_length_and_both_ends_count(tmp_path: Path, other: bytes) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(AUDIO)
    two.write_bytes(other)
    assert fingerprint(str(one)) != fingerprint(str(two))


def test_the_last_position_of_an_ogg_file_counts(tmp_path: Path, make_audio: MakeAudio) -> None:
    path = make_audio(tmp_path / "song", "opus")
    data = bytearray(path.read_bytes())
    before = fingerprint(str(path))
    data[data.rfind(b"OggS") + 6] ^= 1
    path.write_bytes(data)
    assert fingerprint(str(path)) != before


# --- what it costs, and what it refuses ------------------------------------------------------------------------------


def test_reads_little_of_a_large_file(tmp_path: Path, make_audio: MakeAudio, monkeypatch: pytest.MonkeyPatch) -> None:
    large = tmp_path / "large"
    size = 2**31
    large.write_bytes(riff(FORMAT, (b"data", size, b"")))
    os.truncate(large, size + 44)  # sparse: takes no room
    ogg = make_audio(tmp_path / "ogg", "ogg", seconds=30)
    write_ogg(OggVorbis, ogg, LONG, PICTURE)
    headers = payload_extent(str(ogg))[0]
    assert headers > 400_000
    read: list[int] = []
    real = os.pread

    def counting(descriptor: int, length: int, offset: int) -> bytes:
        part = real(descriptor, length, offset)
        read.append(len(part))
        return part

    monkeypatch.setattr(os, "pread", counting)
    fingerprint(str(large))
    assert sum(read) < 140_000
    assert len(read) < 30
    read.clear()
    fingerprint(str(ogg))
    assert sum(read) < headers * 1.1 + 2 * sum(OGG_REACHES)
    assert len(read) < 70


def test_an_ogg_file_whose_pages_are_large_is_looked_at_as_far_as_need_be(
    tmp_path: Path, make_audio: MakeAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    ogg = make_audio(tmp_path / "ogg", "ogg", seconds=30)
    found = []
    for reaches in (OGG_REACHES, OGG_REACHES[1:], (10_000, OGG_REACHES[1])):
        monkeypatch.setattr("tagger.library.payload.OGG_REACHES", reaches)
        found.append(fingerprint(str(ogg)))
    assert len(set(found)) == 1


@pytest.mark.parametrize("container", ["mp3", "ogg", "m4a"])
def test_a_server_that_hands_out_little_at_a_time(
    tmp_path: Path, make_audio: MakeAudio, monkeypatch: pytest.MonkeyPatch, container: str
) -> None:
    path = make_audio(tmp_path / "song", container)
    before, real = fingerprint(str(path)), os.pread
    monkeypatch.setattr(os, "pread", lambda file, length, offset: real(file, min(length, 1000), offset))
    assert fingerprint(str(path)) == before


def test_a_read_that_fails_is_reported(tmp_path: Path, make_audio: MakeAudio, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_audio(tmp_path / "song", "flac")

    def fail(descriptor: int, length: int, offset: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(UnreadableTags, match="cannot be read: Input/output error"):
        fingerprint(str(path))


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"", "the file is empty"), (id3v2(300) + id3v1(), "holds tags and no audio")],
    ids=["empty", "only tags"],
)
def test_a_file_without_audio_is_refused(tmp_path: Path, content: bytes, cause: str) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(content)
    with pytest.raises(UnreadableTags, match=cause):
        fingerprint(str(path))
    with pytest.raises(UnreadableTags, match=cause):
        payload_extent(str(path))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    with pytest.raises(UnreadableTags, match="not a regular file"):
        fingerprint(str(tmp_path / "pipe.mp3"))  # and does not wait for a writer
    with pytest.raises(UnreadableTags, match="not a regular file"):
        fingerprint(str(tmp_path))
    with pytest.raises(UnreadableTags, match="No such file"):
        fingerprint(os.fsencode(tmp_path) + b"/g\xe9ne.mp3")


MAGIC = [b"", b"ID3\4\0\0\0\0\0\1", b"fLaC", b"OggS\0", b"RIFF\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF", b"\0\0\0\x08ftyp"]
MAGIC += [b"\0\0\0\0mdat", bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), b"RF64\0\0\0\0WAVEds64"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(magic=st.sampled_from(MAGIC), rest=st.binary(max_size=300), tail=st.sampled_from([b"", id3v1(), LYRICS3V2]))
def test_any_bytes_are_handled(tmp_path: Path, magic: bytes, rest: bytes, tail: bytes) -> None:
    path = tmp_path / "song"
    path.write_bytes(b"." + magic + rest + tail)
    assert len(fingerprint(str(path))) == 32
    path.write_bytes(magic + rest + tail)
    try:
        offset, length = payload_extent(str(path))
    except UnreadableTags as error:
        assert error.cause in ("the file is empty", "holds tags and no audio")
    else:
        assert 0 <= offset < offset + length <= path.stat().st_size
