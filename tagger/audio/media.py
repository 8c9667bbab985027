"""The one door to PyAV for reading: opens a file, and turns what FFmpeg says into `UnreadableAudio`."""

from __future__ import annotations

import contextlib
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from tagger.audio.extent import AudioPart
from tagger.base.errors import UnreadableAudio

# Nothing but containers of audio: FFmpeg also knows playlists and scripts that make it open other files and addresses,
# and a file in a library may be one of those under the name of a song.
_FORMATS = "mp3,aac,flac,ogg,mov,wav,w64,aiff,caf,au,asf,ape,wv,mpc,mpc8,tta,tak,dsf,matroska,amr,ac3,eac3,dts,mp2"

# [bytes] FFmpeg looks for other codecs hidden in the samples of a WAV file. Its default of 5 MB takes 30 ms, twice as
# long as cutting the clips; the answer is the same after the first few frames.
_WAV_PROBE = "32768"

# [bytes] FFmpeg reads at once. Of MPEG files that are small, as those of low bit rates are, less than usual: with 32
# KiB, five clips of 2 s took more than a tenth of four minutes at 128 kbit/s. Of large files more: a clip of CD quality
# takes 400 KiB, and over a network each read is a journey.
_SMALL_READ, _USUAL_READ, _LARGE_READ = 16 << 10, 32 << 10, 128 << 10
_SMALL_MPEG, _LARGE = 6 << 20, 16 << 20

# [bytes] that may be read before a file is open: FFmpeg would read all of one whose header leads nowhere. Headers with
# large pictures take some tens of MiB.
_MOST_OPENING = 256 << 20


@dataclass(frozen=True, slots=True)
class Media:
    """An open file: FFmpeg's view of it, its first audio stream, and the bytes beneath."""

    container: InputContainer
    stream: AudioStream
    part: AudioPart

    @property
    def format(self) -> str:
        """FFmpeg's name of the container, such as "mp3" or "flac"."""
        return str(self.container.format.name)

    @property
    def time_base(self) -> Fraction:
        """The unit of the stream's time stamps [s]."""
        return self.stream.time_base or Fraction(1, av.time_base)


@contextlib.contextmanager
def open_media(path: bytes | str, *, fast: bool = False) -> Iterator[Media]:
    """Open a file for demuxing and decoding, without the tags around its audio.

    Parameters
    ----------
    path : bytes or str
        A regular file.
    fast : bool
        Let seeks in MP3 jump by the header's word, near the asked time, without reading what lies between.

    Yields
    ------
    Media
        The open file; closed behind the `with` block.

    Raises
    ------
    UnreadableAudio
        If the file cannot be opened, is no audio, or FFmpeg fails on it inside the `with` block.
    """
    options = {"format_whitelist": _FORMATS} | ({"fflags": "+fastseek"} if fast else {})
    part: AudioPart | None = None
    try:
        # Not blocking, since somebody may name a pipe that nobody writes to.
        with open(path, "rb", buffering=0, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableAudio(path, "not a regular file")
            part = AudioPart(file)
            part.left = _MOST_OPENING
            if not part.size:
                raise UnreadableAudio(path, "empty")
            head = part.head(4)
            if head in (b"RIFF", b"RF64"):
                options["probesize"] = _WAV_PROBE
            read = _read_size(head, part.size)
            # tags are often no UTF-8
            with av.open(part, options=options, metadata_errors="replace", buffer_size=read) as container:
                part.left = None
                if not container.streams.audio:
                    raise UnreadableAudio(path, "no audio in it")
                stream = container.streams.audio[0]
                if stream.codec_context:  # there is none for a codec that FFmpeg does not know
                    stream.codec_context.thread_count = 1  # whole files are shared out among processes instead
                yield Media(container, stream, part)
            if part.failure:
                raise part.failure
    except av.FFmpegError as error:
        if part and part.failure:  # FFmpeg takes a disk that fails for a file that ends
            raise UnreadableAudio.because(path, part.failure) from error
        raise UnreadableAudio(path, _cause(error)) from error
    except OSError as error:
        raise UnreadableAudio.because(path, error) from error


def _read_size(head: bytes, size: int) -> int:
    """Return how many bytes of a file FFmpeg is to read at once."""
    if head.startswith(b"\xff") and size < _SMALL_MPEG:
        return _SMALL_READ
    return _LARGE_READ if size >= _LARGE else _USUAL_READ


@contextlib.contextmanager
def open_piece(content: bytes, media: Media) -> Iterator[Media]:
    """Open a piece of a file that lies in memory, with its headers before it, as `open_media` opens the whole.

    Raises
    ------
    av.FFmpegError
        On opening, if FFmpeg makes nothing of it.
    """
    options = {"format_whitelist": _FORMATS}
    with av.open(io.BytesIO(content), options=options, metadata_errors="replace") as container:
        stream = container.streams.audio[0]
        stream.codec_context.thread_count = 1
        yield Media(container, stream, media.part)


def _cause(error: av.FFmpegError) -> str:
    """Say plainly what FFmpeg means."""
    if isinstance(error, (av.InvalidDataError, av.ArgumentError, av.EOFError)):
        return "damaged, or not an audio file"
    if isinstance(error, (av.DecoderNotFoundError, av.PatchWelcomeError)):
        return "its audio codec is not known"
    return f"cannot be decoded: {error.strerror or error}"
