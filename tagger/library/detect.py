"""What a file is, by its content; names are not to be trusted."""

from __future__ import annotations

from collections.abc import Callable

from tagger.base.errors import UnreadableTags
from tagger.library.outer_tags import audio_span
from tagger.library.view import View, open_view

NEAR = 8 * 1024  # [bytes] looked through first for MPEG frames: nearly always they begin at once
SEARCH = 256 * 1024  # [bytes] looked through then, past junk between tag and audio
FRAMES = 3  # that must follow one another: two match by chance now and then in text or pictures

# First bytes of the audio, after tags at the head of the file.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"fLaC", "flac"),
    (b"MAC ", "ape"),
    (b"wvpk", "wavpack"),
    (b"MPCK", "musepack"),
    (b"MP+", "musepack"),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "wma"),
)
_OGG = ((b"\x01vorbis", "ogg"), (b"OpusHead", "opus"), (b"\x7fFLAC", "oggflac"), (b"Speex   ", "speex"))
_MP4_ATOMS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")

_BIT_RATES = {  # [kbit/s] ISO 11172-3 and 13818-3: by (MPEG-1 or not, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
# [Hz] by version bits
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def container_of(path: bytes) -> str:
    """Return the container of an audio file.

    Returns
    -------
    str
        One of ``mp3 aac flac ogg opus oggflac speex m4a wav aiff wma ape wavpack musepack``.

    Raises
    ------
    UnreadableTags
        If the file cannot be read or is none of these.
    """
    with open_view(path) as view:
        start, end = audio_span(view)
        head = view.at(start, 512)
        name = _by_magic(head) or _by_frames(view, start, end)
    if name is None:
        raise UnreadableTags(path, "holds tags and no audio" if end <= start else "is no audio file of a known kind")
    return name


def _by_magic(head: bytes) -> str | None:
    for mark, name in _MAGIC:
        if head.startswith(mark):
            return name
    if head.startswith(b"OggS"):
        return next((name for mark, name in _OGG if mark in head), None)
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    return "m4a" if head[4:8] in _MP4_ATOMS else None


def _by_frames(view: View, start: int, end: int) -> str | None:
    """Return mp3 or aac if frames follow one another soon after `start`."""
    for reach in (NEAR, SEARCH):
        data = view.at(start, min(reach, end - start))
        whole = len(data) == end - start
        name = _first_run(data, whole, final=reach == SEARCH)
        if name or whole:
            return name
    return None


def _first_run(data: bytes, whole: bool, final: bool) -> str | None:
    """Return which kind of frames is the first to follow one another.

    Those that run on past the end of the data, where that is not the end of the file, may be the first: so there is no
    telling, unless the data is all that is looked through (`final`).
    """
    position = data.find(b"\xff")
    while 0 <= position < len(data) - 4:
        for name, length_of in (("mp3", _mpeg_length), ("aac", _adts_length)):
            found = _runs(data, position, whole, length_of)
            if found:
                return name
            if found is None and not final:
                return None
        position = data.find(b"\xff", position + 1)
    return None


def _runs(data: bytes, position: int, whole: bool, length_of: Callable[[bytes], int]) -> bool | None:
    """Whether frames follow one another from here, up to `FRAMES` or to the end of a short or cut file.

    None if they do up to the end of the data and that is not all.
    """
    for count in range(FRAMES):
        if not whole and position > len(data) - 6:
            return None
        length = length_of(data[position : position + 6])
        if not length:
            # the last of a few frames may be cut, or be followed by rests of a tag
            return whole and count > 1 and position >= len(data) - 6
        position += length
        if position >= len(data):
            return (count > 0 or position == len(data)) if whole else None
    return True


def _mpeg_length(head: bytes) -> int:
    """Return the length in bytes of the MPEG audio frame that starts like this; 0: it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bit_rate, rate = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or bit_rate in (0, 15) or rate == 3:
        return 0
    kilobits, hertz, padded = _BIT_RATES[version == 3, layer][bit_rate - 1], _RATES[version][rate], head[2] >> 1 & 1
    if layer == 1:
        return (12000 * kilobits // hertz + padded) * 4
    return (144000 if version == 3 or layer == 2 else 72000) * kilobits // hertz + padded


def _adts_length(head: bytes) -> int:
    """Return the length in bytes of the ADTS frame that starts like this; 0: it is none."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 0xF > 12:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else 0
