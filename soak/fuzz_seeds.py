"""The sound files to damage: every kind of container and tag, each without tags, with plain and with rich ones."""

from __future__ import annotations

import base64
import os
import random
import shutil
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import av
import mutagen
import numpy as np
from mutagen.apev2 import BINARY, APEBinaryValue, APENoHeaderError, APEv2
from mutagen.asf import ASFByteArrayAttribute
from mutagen.flac import Picture
from mutagen.id3 import APIC, COMM, ID3, PRIV, TXXX, USLT, ID3NoHeaderError
from mutagen.mp4 import MP4Cover, MP4FreeForm
from mutagen.ogg import OggPage
from mutagen.oggflac import OggFLAC
from mutagen.oggspeex import OggSpeex

from bench.containers import FIXTURES, TAGS
from tagger.audio.encode import encode
from tagger.library.compose import compose_tags

SECONDS = 1.0
RATE = 44100
PICTURE = b"\xff\xd8\xff\xe0" + random.Random("cover").randbytes(20_000)
LONG = "Bought at the corner shop. " * 150
SEVERAL = ("one", "två", "三")

_FIXED = {"ape": "full.ape", "musepack": "full.mpc"}  # FFmpeg encodes neither
_SUFFIXES = {"alac": "m4a", "wavpack": "wv", "musepack": "mpc", "oggflac": "oga", "speex": "spx"}
_OGG: Mapping[str, Any] = {"oggflac": OggFLAC, "speex": OggSpeex}


def kinds() -> dict[str, str]:
    """Return the name of each kind of seed, fit for a command line, and the suffix of its files."""
    return {name: _SUFFIXES.get(container, container) for name, (container, _) in _kinds().items()}


def make_seeds(folder: Path) -> dict[str, list[bytes]]:
    """Make the seeds, the same ones every time.

    Parameters
    ----------
    folder : Path
        For files on the way.

    Returns
    -------
    dict of str to list of bytes
        For each of `kinds`: a file without tags, one with plain tags, one with a picture and long and several texts.
    """
    seeds = {}
    for number, (name, (container, tag)) in enumerate(_kinds().items()):
        bare = folder / f"{number}.{_SUFFIXES.get(container, container)}"
        _sound(bare, container)
        plain, rich = (Path(shutil.copyfile(bare, bare.with_stem(f"{number}-{kind}"))) for kind in ("plain", "rich"))
        tag(plain)
        tag(rich)
        _enrich(rich, container)
        seeds[name] = [path.read_bytes() for path in (bare, plain, rich)]
    return seeds


def _kinds() -> dict[str, tuple[str, Callable[[Path], None]]]:
    """Return container and tagging function of each kind."""
    return {
        "mp3-id3v2.3": ("mp3", _composed("mp3", id3_version=(2, 3))),
        "mp3-id3v2.4": ("mp3", _composed("mp3", id3_version=(2, 4))),
        "mp3-id3v2.3-id3v1": ("mp3", _composed("mp3", id3_version=(2, 3), id3v1=True)),
        "mp3-id3v1": ("mp3", _tag_id3v1),
        "mp3-apev2": ("mp3", _tag_apev2),
        "mp3-id3v2.3-apev2-id3v1": ("mp3", _tag_all_three),
        "aac-id3v2.3": ("aac", _composed("aac")),
        "aac-apev2": ("aac", _tag_apev2),
        **{name: (name, _composed(name)) for name in ("flac", "ogg", "opus", "m4a", "alac", "aiff", "wma")},
        "wav": ("wav", _composed("wav", riff_info=True)),
        **{name: (name, _composed(name)) for name in ("wavpack", "ape", "musepack")},
        **{name: (name, _tag_ogg) for name in _OGG},
    }


def _composed(container: str, **options: Any) -> Callable[[Path], None]:
    return lambda path: compose_tags(path, container, TAGS, **options)


def _tag_apev2(path: Path) -> None:
    tags = APEv2()
    tags.update({"Title": TAGS["title"], "Artist": TAGS["artist"], "Genre": "Unknown"})
    tags.save(path)


def _tag_id3v1(path: Path) -> None:
    compose_tags(path, "mp3", TAGS, id3v1=True)
    ID3(path).delete(path, delete_v1=False)


def _tag_all_three(path: Path) -> None:
    _tag_apev2(path)
    compose_tags(path, "mp3", TAGS, id3v1=True)


def _samples(rate: int) -> np.ndarray:
    """Return tone and a little noise, float32 (samples, 2)."""
    time = np.arange(int(SECONDS * rate)) / rate
    noise = np.random.default_rng(7).standard_normal((time.size, 2))
    return (0.3 * np.sin(2 * np.pi * 330 * time)[:, None] + 0.05 * noise).astype(np.float32)


def _sound(path: Path, container: str) -> None:
    if container in _FIXED:
        shutil.copyfile(FIXTURES / _FIXED[container], path)
        APEv2(path).delete(path)
    elif container == "oggflac":
        _ogg_flac(path)
    elif container == "speex":
        _speex(path)
    else:
        encode(path, _samples(RATE), RATE, container)


def _ogg_flac(path: Path) -> None:
    """Write FLAC in Ogg, which the demo library has no use for."""
    sound = np.ascontiguousarray((_samples(RATE).mean(axis=1)[None, :] * 32767).astype(np.int16))
    with av.open(os.fspath(path), "w", format="ogg", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("flac", rate=RATE)
        context = stream.codec_context
        context.layout, context.format = "mono", "s16"
        context.options = {"flags": "+bitexact"}
        context.open()
        for start in range(0, sound.shape[1] - context.frame_size + 1, context.frame_size):
            frame = av.AudioFrame.from_ndarray(
                sound[:, start : start + context.frame_size], format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = RATE, start
            out.mux(context.encode(frame))
        out.mux(context.encode(None))


def _speex(path: Path) -> None:
    """Write Speex: FFmpeg decodes it and encodes none, so the frames are noise behind the bits that name their mode."""
    numbers = (1, 80, 8000, 0, 4, 1, 8000, 160, 0, 1, 0, 0, 0)  # version, sizes, narrow band, mono, frames of 20 ms
    header = b"Speex   " + b"1.2".ljust(20, b"\0") + struct.pack("<13i", *numbers)
    comment = struct.pack("<I4sI", 4, b"none", 0)
    noise = random.Random("speex")
    frames = [bytes([0b00011000 | noise.randrange(8)]) + noise.randbytes(19) for _ in range(round(SECONDS * 50))]
    pages = []
    groups = [[header], [comment], *([*frames[at : at + 10]] for at in range(0, len(frames), 10))]
    for number, packets in enumerate(groups):
        page = OggPage()
        page.serial, page.sequence, page.packets = 1, number, packets
        page.position = 160 * 10 * max(0, number - 1)
        page.first, page.last = number == 0, number == len(groups) - 1
        pages.append(page.write())
    path.write_bytes(b"".join(pages))


def _tag_ogg(path: Path) -> None:
    container = next(name for name, suffix in _SUFFIXES.items() if suffix == path.suffix[1:])
    file = _OGG[container](path)
    file.tags.update({key: [value] for key, value in TAGS.items()})
    file.save()


# --- rich tags ------------------------------------------------------------------------------------------------------


def _enrich(path: Path, container: str) -> None:
    """Add a picture, a long comment, several values and foreign bytes, in whichever tags the file has."""
    if container in ("mp3", "aac"):
        _enrich_id3(path)
        _enrich_apev2(path)
    elif container in ("wavpack", "ape", "musepack"):
        _enrich_apev2(path)
    else:
        file = mutagen.File(path)
        _ENRICH[container](file)
        file.save()


def _fill_id3(tags: ID3) -> None:
    tags.add(APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=PICTURE))
    tags.add(COMM(encoding=1, lang="eng", desc="long", text=[LONG]))
    tags.add(USLT(encoding=1, lang="eng", desc="", text=LONG))
    tags.add(TXXX(encoding=1, desc="MOOD", text=list(SEVERAL)))
    tags.add(PRIV(owner="someone", data=bytes(range(256))))


def _enrich_id3(path: Path) -> None:
    try:
        tags = ID3(path, translate=False, load_v1=False)
    except ID3NoHeaderError:
        return
    version = tags.version[1]
    _fill_id3(tags)
    tags.save(path, v1=1, v2_version=version, v23_sep=None)


def _enrich_apev2(path: Path) -> None:
    try:
        tags = APEv2(path)
    except APENoHeaderError:
        return
    tags["Cover Art (Front)"] = APEBinaryValue(b"cover.jpg\0" + PICTURE, BINARY)
    tags["Comment"] = LONG
    tags["Mood"] = list(SEVERAL)
    tags.save(path)


def _picture() -> Picture:
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/jpeg", PICTURE
    return picture


def _enrich_flac(file: Any) -> None:
    file.add_picture(_picture())
    file["comment"], file["mood"] = LONG, list(SEVERAL)


def _enrich_ogg(file: Any) -> None:
    file["metadata_block_picture"] = base64.b64encode(_picture().write()).decode()
    file["comment"], file["mood"] = LONG, list(SEVERAL)


def _enrich_mp4(file: Any) -> None:
    file["covr"] = [MP4Cover(PICTURE, MP4Cover.FORMAT_JPEG)]
    file["\xa9cmt"], file["\xa9grp"] = LONG, list(SEVERAL)
    file["----:com.example:MOOD"] = [MP4FreeForm(text.encode()) for text in SEVERAL]


def _enrich_asf(file: Any) -> None:
    file["WM/Picture"] = ASFByteArrayAttribute(
        b"\x03" + len(PICTURE).to_bytes(4, "little") + "image/jpeg\0\0".encode("utf-16-le") + PICTURE
    )
    file["WM/Lyrics"], file["WM/Mood"] = LONG, list(SEVERAL)


_ENRICH: Mapping[str, Callable[[Any], None]] = {
    **dict.fromkeys(("wav", "aiff"), lambda file: _fill_id3(file.tags)),
    **dict.fromkeys(("ogg", "opus", "oggflac", "speex"), _enrich_ogg),
    **dict.fromkeys(("m4a", "alac"), _enrich_mp4),
    "flac": _enrich_flac,
    "wma": _enrich_asf,
}
