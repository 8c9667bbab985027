"""A small library for kills: every container with and without tags, pictures, odd names, and enough to learn from."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
from pathlib import Path

import numpy as np
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, PRIV, TXXX
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggvorbis import OggVorbis

from bench.containers import FIXTURES, ROWS, Row
from tagger.audio.encode import encode
from tagger.library.compose import compose_tags

RATE = 22050  # [Hz]
SECONDS = 2.0  # of each file
GENRES = ("Rock", "Jazz")
ARTISTS = 4  # for each genre; three are needed for one in each split
LEARNED_FROM = ("mp3", "flac", "ogg", "m4a", "wav", "opus", "wma", "aiff")
PICTURE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40  # [bytes] only looks like a JPEG, as far as tags are concerned
ENDING = {"alac": "m4a", "wavpack": "wv", "musepack": "mpc"}  # of the file's name, where it is not the container's
FIXTURE = {"ape": "full.ape", "musepack": "full.mpc"}  # FFmpeg cannot encode these
ODD_NAMES = {
    "MP3, ID3v2.3": os.fsdecode(b"caf\xe9 \xb0 latin-1"),
    "FLAC": "Blå vals (live) ♥ " + "lång " * 34,
    "Ogg Vorbis": "new\nline; 'quotes' \"and\" $HOME",
    "M4A, AAC": "-rf *",
}


def make_library(folder: Path) -> None:
    """Fill a folder: two genres of tagged tracks by four artists each, and each container with and without tags."""
    for kind, genre in enumerate(GENRES):
        for number in range(2 * ARTISTS):
            artist = f"Artist {kind}{number // 2}"
            container = LEARNED_FROM[number % len(LEARNED_FROM)]
            path = _encoded(folder / artist / "Album" / f"{number}.{container}", container, kind, number)
            tags = {"artist": artist, "album": f"Album {kind}{number // 2}", "title": f"Song {number}", "genre": genre}
            compose_tags(path, container, tags)
    for number, row in enumerate(ROWS):
        path = folder / "The Band" / "One" / f"{number:02} {ODD_NAMES.get(row.name, 'song')}.{_ending(row.container)}"
        _tagged(_encoded(path, row.container, number % 2, 100 + number), row)
        if number % 4 == 0:
            path.chmod(0o640)
            with contextlib.suppress(OSError):  # not every file system has these
                os.setxattr(path, "user.note", b"from the archive")
    for number, container in enumerate(sorted({row.container for row in ROWS} - FIXTURE.keys())):
        _encoded(folder / "Untagged" / f"{container}.{_ending(container)}", container, number % 2, 200 + number)


def _ending(container: str) -> str:
    return ENDING.get(container, container)


def _encoded(path: Path, container: str, kind: int, seed: int) -> Path:
    """Make a file without tags; its sound is a hum or beats, and differs from that of all others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if container in FIXTURE:
        shutil.copyfile(FIXTURES / FIXTURE[container], path)
        APEv2(path).delete(path)
        return path
    random = np.random.default_rng(seed)
    time = np.arange(int(SECONDS * RATE)) / RATE
    pitch = 1 + 0.2 * random.random()
    sound = np.sin(2 * np.pi * (110 + 1900 * kind) * pitch * time)
    if kind:
        sound *= np.sin(2 * np.pi * 4 * time) > 0
    sound = 0.3 * sound + 0.01 * random.standard_normal(time.size)
    encode(path, sound.astype(np.float32), RATE, container)
    return path


def _tagged(path: Path, row: Row) -> None:
    """Give a file the row's tags, and what a tagger has no business with beside them."""
    row.tag(path)
    if row.container == "mp3" and ("ID3v2.3" in row.name or "ID3v2.4" in row.name):
        tag = ID3(path, translate=False, load_v1=False)
        tag.add(APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=PICTURE))
        tag.add(PRIV(owner="station.example", data=b"\0cue 12.5"))
        tag.add(TXXX(encoding=0, desc="replaygain_track_gain", text=["-7.3 dB"]))
        tag.save(path, v1=1, v2_version=tag.version[1])
    elif row.container == "flac":
        file = FLAC(path)
        file.add_picture(_picture())
        file.save()
    elif row.container == "ogg":
        vorbis = OggVorbis(path)
        vorbis["metadata_block_picture"] = base64.b64encode(_picture().write()).decode()
        vorbis.save()
    elif row.container == "m4a":
        mp4 = MP4(path)
        mp4["covr"] = [MP4Cover(PICTURE, MP4Cover.FORMAT_JPEG)]
        mp4["----:com.apple.iTunes:CUE"] = [b"12.5"]
        mp4.save()


def _picture() -> Picture:
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/jpeg", PICTURE
    return picture
