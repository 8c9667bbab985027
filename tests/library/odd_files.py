"""Files with odd tags: what other programs, old ones and broken ones left behind."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mutagen.apev2 import APEv2
from mutagen.flac import FLAC, Picture
from mutagen.id3 import ID3, TCON, TIT2
from mutagen.mp4 import MP4
from mutagen.oggvorbis import OggVorbis

Make = Callable[[bytes], bytes]  # from an untagged file's bytes to the odd file's


def id3_block(version: int, frames: bytes, flags: int = 0, padding: int = 0) -> bytes:
    """Return an ID3v2 block."""
    size = len(frames) + padding
    spread = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, flags]) + spread + frames + bytes(padding)


def frame(name: bytes, body: bytes, synchsafe: bool = False) -> bytes:
    """Return a frame of ID3v2.3, or with `synchsafe` of ID3v2.4."""
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0)) if synchsafe else struct.pack(">L", len(body))
    return name + size + bytes(2) + body


def old_frame(name: bytes, body: bytes) -> bytes:
    """Return a frame of ID3v2.2."""
    return name + len(body).to_bytes(3, "big") + body


def ape_block(items: dict[bytes, bytes]) -> bytes:
    """Return an APEv2 block with header and footer."""
    body = b"".join(struct.pack("<2I", len(value), 0) + key + b"\0" + value for key, value in items.items())
    counts = struct.pack("<3I", 2000, len(body) + 32, len(items))
    header, footer = (struct.pack("<I", flags) + bytes(8) for flags in (0xA0000000, 0x80000000))
    return b"APETAGEX" + counts + header + body + b"APETAGEX" + counts + footer


def v1_tag(genre: int) -> bytes:
    """Return an ID3v1 tag."""
    comment = b"fine".ljust(28, b"\0") + b"\0\x05"
    return struct.pack("3s30s30s30s4s30sB", b"TAG", b"Song", b"Band", b"Record", b"1987", comment, genre)


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a RIFF chunk."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def riff(data: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return a WAV with chunks before and after those that it has."""
    return _told(data[:12] + before + data[12:] + after)


def _told(data: bytes) -> bytes:
    """Return a WAV whose header tells its size."""
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


TITLE = frame(b"TIT2", b"\0Song")
PICTURE = b"\x89PNG" + bytes(range(256)) * 8
V22_FRAMES = b"".join(
    (
        *(old_frame(b"TT2", b"\0Song"), old_frame(b"TP1", b"\x01\xff\xfeB\0a\0"), old_frame(b"TYE", b"\x001999")),
        *(old_frame(b"COM", b"\0eng\0fine"), old_frame(b"PIC", b"\0PNG\x03front\0" + PICTURE)),
        *(old_frame(b"TXX", b"\0gain\0-7 dB"), old_frame(b"TCP", b"\x001\0"), old_frame(b"TCO", b"\0(255)")),
        *(
            old_frame(b"UFI", b"http://x\0id"),
            old_frame(b"POP", b"a@b\0\x80\0\0\0\x07"),
            old_frame(b"PCS", b"\0\0\0\0"),
        ),
        old_frame(b"TT2", b"\0Song again"),
    )
)
INFO = chunk(b"LIST", b"INFO" + chunk(b"IART", b"Band\0"))


def info(*genres: bytes) -> bytes:
    """Return INFO lists with a genre each."""
    return b"".join(chunk(b"LIST", b"INFO" + chunk(b"IGNR", genre + b"\0")) for genre in genres)


def by_mutagen(edit: Callable[[Path], None], suffix: str) -> Make:
    """Return a maker that lets mutagen edit a file."""

    def make(data: bytes) -> bytes:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"odd{suffix}")
            path.write_bytes(data)
            edit(path)
            return path.read_bytes()

    return make


def _flac_text(path: Path) -> None:
    flac = FLAC(path)
    flac["TITLE"], flac["ARTIST"] = "cafX", "Band"
    flac.save()


def _flac_picture(path: Path) -> None:
    flac = FLAC(path)
    picture = Picture()
    picture.data, picture.mime, picture.type = bytes(range(256)) * 300, "image/png", 3
    flac.add_picture(picture)
    flac.save()


def _ogg_text(path: Path) -> None:
    ogg = OggVorbis(path)
    ogg["title"] = "Song"
    ogg.save()


def _ogg_picture(path: Path) -> None:
    ogg = OggVorbis(path)
    ogg["metadata_block_picture"] = ["A" * 300_000]
    ogg.save(padding=lambda info: 0)


def _two_comments(data: bytes) -> bytes:
    """Put a second Vorbis comment behind the first block of a FLAC file."""
    comment = struct.pack("<I", 4) + b"both" + struct.pack("<I", 1) + struct.pack("<I", 10) + b"GENRE=Rock"
    return data[:42] + b"\x04" + len(comment).to_bytes(3, "big") + comment + data[42:]


def _mp4_title(path: Path) -> None:
    mp4 = MP4(path)
    mp4["\xa9nam"] = ["Song"]
    mp4.save()


def _both(path: Path) -> None:
    tags = ID3()
    tags.add(TIT2(encoding=0, text=["Song"]))
    tags.add(TCON(encoding=0, text=["(255)"]))
    tags.save(path, v2_version=3)
    ape = APEv2()
    ape["Title"] = "Song"
    ape.save(path)


@dataclass(frozen=True)
class Odd:
    """An odd file. `kinds` are those of the losses that a write would cause; `says` is among the changes."""

    name: str
    container: str
    make: Make
    kinds: tuple[str, ...] = ()
    says: str = ""


LYRICS = b"LYRICSBEGIN" + b"INF0000210"
LYRICS += b"%06dLYRICS200" % len(LYRICS)
UNSYNC = frame(b"APIC", (b"\0image/png\0\x03\0" + b"\xff\xe0" * 40).replace(b"\xff", b"\xff\0"), True)

ODD_FILES = (
    # --- what would be lost
    Odd("ID3v2.2", "mp3", lambda d: id3_block(2, V22_FRAMES) + d, ("id3v2.2",)),
    Odd("ID3v2.2 with padding", "mp3", lambda d: id3_block(2, V22_FRAMES, padding=500) + d, ("id3v2.2",)),
    Odd("ID3v2.2 frames that ID3v2.3 lacks", "mp3",
        lambda d: id3_block(2, V22_FRAMES + old_frame(b"CRM", b"secret") + old_frame(b"X1Y", b"?")) + d,
        ("id3v2.2",) * 3),
    Odd("ID3v2.2 that does not add up", "mp3", lambda d: id3_block(2, b"TT2\0\xff\xff\0Song") + d,
        ("id3v2.2", "damaged")),
    Odd("ID3v2.2 in a WAV", "wav", lambda d: riff(d, after=chunk(b"id3 ", id3_block(2, V22_FRAMES))), ("id3v2.2",)),
    Odd("extended header", "mp3", lambda d: id3_block(3, b"\0\0\0\x06" + bytes(6) + TITLE, 0x40) + d,
        ("extended-header",)),
    Odd("extended header, ID3v2.4", "mp3",
        lambda d: id3_block(4, b"\0\0\0\x06\x01\0" + frame(b"TIT2", b"\0Song", True), 0x40) + d, ("extended-header",)),
    Odd("footer", "mp3",
        lambda d: (block := id3_block(4, frame(b"TIT2", b"\0Song", True), 0x10)) + b"3DI" + block[3:10] + d,
        ("footer",)),
    Odd("bad frame name", "mp3", lambda d: id3_block(3, TITLE + frame(b"tit3", b"\0x")) + d, ("frame",)),
    Odd("two bad frame names", "mp3",
        lambda d: id3_block(4, frame(b"abcd", b"\0x", True) + frame(b"tit3", b"\0x", True)) + d, ("frame",) * 2),
    Odd("frames that do not add up", "mp3", lambda d: id3_block(3, TITLE + b"TALB\0\xff\xff\xff\0\0x") + d,
        ("damaged",)),
    Odd("two ID3v2 tags", "mp3",
        lambda d: id3_block(3, TITLE) + id3_block(3, TITLE + frame(b"TCON", b"\0Rock")) + d, ("duplicate-block",)),
    Odd("two APE tags", "mp3", lambda d: d + ape_block({b"Genre": b"Rock"}) + ape_block({b"Title": b"Song"}),
        ("duplicate-block",)),
    Odd("an APE tag before the audio", "mp3", lambda d: ape_block({b"Genre": b"Rock"}) + d, ("duplicate-block",)),
    Odd("a damaged APE tag behind WavPack", "wavpack",
        lambda d: d + ape_block({b"Title": b"Song"}).replace(b"\x04\0\0\0", b"\xff\0\0\0"), ("damaged",)),
    Odd("two APE tags behind WavPack", "wavpack",
        lambda d: d + ape_block({b"Genre": b"Rock"}) + ape_block({b"Title": b"Song"}), ("duplicate-block",)),
    Odd("FLAC text that is not UTF-8", "flac",
        lambda d: by_mutagen(_flac_text, ".flac")(d).replace(b"cafX", b"caf\xe9"), ("comment",)),
    Odd("FLAC text without a name", "flac",
        lambda d: by_mutagen(_flac_text, ".flac")(d).replace(b"TITLE=cafX", b"TITLE-cafX"), ("comment",)),
    Odd("two Vorbis comments", "flac", _two_comments, ("duplicate-block",)),
    Odd("FLAC behind ID3v2.2 with a genre", "flac", lambda d: id3_block(2, V22_FRAMES) + d, ("id3v2.2",)),
    Odd("fragmented MP4", "m4a", lambda d: d + struct.pack(">I4sI4sQ", 24, b"moof", 16, b"mfhd", 1), ("fragmented",)),
    Odd("WAV cut off", "wav", lambda d: d[:-1000], ("sizes",)),
    Odd("WAV never filled in", "wav", lambda d: d[:4] + b"\xff" * 4 + d[8:], ("sizes",)),
    Odd("RF64", "wav", lambda d: b"RF64" + d[4:], ("sizes",)),
    Odd("two ID3 chunks", "wav",
        lambda d: riff(d, after=2 * chunk(b"id3 ", id3_block(3, TITLE))), ("duplicate-block",)),
    Odd("two INFO lists", "wav", lambda d: riff(d, after=info(b"?", b"Rock")), ("duplicate-block",)),
    # --- what would not
    Odd("ID3v1 alone", "mp3", lambda d: d + v1_tag(255), says="copies the texts of its ID3v1 tag"),
    Odd("ID3v2 and APEv2", "mp3", by_mutagen(_both, ".mp3"), says="also sets the genre in its APEv2 tag"),
    Odd("APEv2 before Lyrics3 and ID3v1", "mp3", lambda d: d + ape_block({b"Title": b"Song"}) + LYRICS + v1_tag(12),
        says="also sets the genre in its ID3v1 tag"),
    Odd("a gain tool's APEv2 tag", "mp3", lambda d: d + ape_block({b"REPLAYGAIN_TRACK_GAIN": b"-6.1 dB"}),
        says="adds an ID3v2.3 tag"),
    Odd("unsynchronised ID3v2.3", "mp3",
        lambda d: id3_block(3, frame(b"PRIV", b"x\0\xff\xe0").replace(b"\xff", b"\xff\0"), 0x80) + d,
        says="unsynchronisation is taken out"),
    Odd("unsynchronised ID3v2.4", "mp3", lambda d: id3_block(4, UNSYNC, 0x80) + d, says="unsynchronisation moves"),
    Odd("sizes of old iTunes", "mp3",
        lambda d: id3_block(4, frame(b"COMM", b"\0eng\0" + b"long " * 60) + frame(b"TALB", b"\0" + b"Album " * 40)) + d,
        says="sizes of its ID3v2.4 frames"),
    Odd("an extended header that is none", "mp3", lambda d: id3_block(3, TITLE, 0x40) + d,
        says="no longer announces an extended header"),
    Odd("an empty frame", "mp3", lambda d: id3_block(3, TITLE + frame(b"TCOM", b"")) + d, says="grows by"),
    Odd("a large padding", "mp3", lambda d: id3_block(3, TITLE, padding=50_000) + d),
    Odd("ID3v2.3 before AAC", "aac", lambda d: id3_block(3, TITLE) + d, says="grows by"),
    Odd("ID3v2.3 with a genre before FLAC", "flac", lambda d: id3_block(3, TITLE + frame(b"TCON", b"\0?")) + d,
        says="also sets the genre in its ID3v2.3 tag"),
    Odd("ID3v2.2 without a genre before FLAC", "flac", lambda d: id3_block(2, old_frame(b"TT2", b"\0Song")) + d),
    Odd("FLAC with a picture and ID3v1", "flac", lambda d: by_mutagen(_flac_picture, ".flac")(d) + v1_tag(12)),
    Odd("ID3v2.3 before WavPack", "wavpack", lambda d: id3_block(3, TITLE + frame(b"TCON", b"\0?")) + d,
        says="adds an APEv2 tag"),
    Odd("WavPack with ID3v1 alone", "wavpack", lambda d: d + v1_tag(0), says="also sets the genre in its ID3v1 tag"),
    Odd("WAV with INFO alone", "wav", lambda d: riff(d, INFO), says="adds an ID3v2.3 tag"),
    Odd("WAV with an ID3 chunk alone", "wav", lambda d: riff(d, after=chunk(b"id3 ", id3_block(4, TITLE))),
        says="adds an INFO list"),
    Odd("WAV without its last pad byte", "wav", lambda d: _told(d + chunk(b"note", b"abc")[:-1])),
    Odd("a damaged APE tag behind an MP3", "mp3",
        lambda d: d + ape_block({b"Title": b"Song"}).replace(b"\x04\0\0\0", b"\xff\0\0\0"),
        says="adds an ID3v2.3 tag"),
    Odd("Ogg with a large picture", "ogg", by_mutagen(_ogg_picture, ".ogg"), says="grows by"),
    Odd("Ogg text", "ogg", by_mutagen(_ogg_text, ".ogg")),
    Odd("MP4 with a title", "m4a", by_mutagen(_mp4_title, ".m4a")),
)  # fmt: skip


def write_odd(odd: Odd, fresh: Path, path: Path) -> Path:
    """Make the odd file from an untagged one of its container."""
    shutil.copyfile(fresh, path)
    path.write_bytes(odd.make(path.read_bytes()))
    os.utime(path, ns=(1, 1))
    return path
