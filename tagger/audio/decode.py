"""Decode: only the clips that are asked for, where a file can be trusted; from start to end where it cannot."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import av
import numpy as np

from tagger.audio.blocks import Block, Samples, Stretch, blocks_of, packets_of
from tagger.audio.flac_seek import map_of_flac
from tagger.audio.media import Media, open_media, open_piece
from tagger.audio.mp3_header import HEAD_BYTES, believable, read_claims, size_fits
from tagger.audio.ogg_seek import map_of_ogg
from tagger.audio.seek import SeekMap
from tagger.base.errors import UnreadableAudio

RATE = 22050  # [Hz]

PREROLL = 0.25  # [s] decoded and dropped before a clip: MP3's bit reservoir, AAC's overlap, Opus's 80 ms
MARGIN = 0.04  # [s] kept on both sides of a clip, for the resampler to settle; a whole number of samples at any rate
LATE = 0.1  # [s] by which sound may begin behind the asked time: WMA loses two frames at each seek
LEAST_RATE = 12.5  # [bytes/s]; FLAC holds silence at some 110: a header that claims less is damaged
Placed = tuple[float, float, av.AudioFrame]  # where in the file sound begins and ends [s]

MISSING = 0.02  # [s] that may be missing at the end of a clip: lengths are stated in whole frames


@dataclass(slots=True)
class _Window:
    """A stretch of a file that is wanted, and what was found of it.

    Nothing before `starts` or from `ends` on is needed [s]; sound may begin late only where there is no room for a
    preroll.
    """

    offset: float
    seconds: float
    starts: float = field(init=False)
    ends: float = field(init=False)
    begins: float | None = None  # [s] time of the first sample found, if any was
    found: Stretch = field(default_factory=Stretch)

    def __post_init__(self) -> None:
        self.starts = self.offset - MARGIN
        self.ends = self.offset + self.seconds + MARGIN + (LATE if self.offset < PREROLL else 0.0)

    @property
    def begin(self) -> float:
        """Where decoding is to begin [s]."""
        return max(0.0, self.offset - PREROLL)

    @property
    def found_late(self) -> bool:
        """Whether nothing was found, or nothing from its start on."""
        return self.begins is None or self.begins > max(0.0, self.offset - MARGIN) + LATE

    def take(self, begin: float, end: float, frame: av.AudioFrame) -> None:
        """Keep the part of a frame that lies inside."""
        starts, ends = self.starts, self.ends
        if begin >= ends or end <= starts:
            return
        first, last = 0, frame.samples
        if begin < starts or end > ends:
            rate = frame.sample_rate
            first = round((starts - begin) * rate) if begin < starts else 0
            last = min(last, round((ends - begin) * rate))
            if first >= last:
                return
            begin += first / rate
        if self.begins is None:
            self.begins = begin
        self.found.add(frame, first, last)

    def clip(self, rate: int) -> Samples | None:
        """Return the stretch at this rate, exactly as long as asked for; None if it is not there."""
        if self.begins is None:
            return None
        found = self.found.at(rate)
        start = max(0, round((self.offset - self.begins) * rate))
        wanted = round(self.seconds * rate)
        clip = found[start : start + wanted]
        if wanted - clip.size > MISSING * rate or not np.isfinite(clip).all():
            return None
        return clip if clip.size == wanted else np.pad(clip, (0, wanted - clip.size))


class ClipReader:
    """Cuts clips out of one file, opened once.

    It seeks to each clip. When a seek lands in the wrong place, a clip is not where the file's header promises audio,
    or an MP3's frames contradict its header, it measures the file and decodes it from start to end from then on.

    Parameters
    ----------
    path : bytes
        The file.
    rate : int
        Of the clips [Hz].

    Raises
    ------
    UnreadableAudio
        On entering, if the file is no audio; later, if it is too damaged.
    """

    def __init__(self, path: bytes, rate: int = RATE) -> None:
        self.path = path
        self.rate = rate
        self.exact = False
        self.duration = 0.0  # [s] as the header has it, until `exact`
        self._heard: list[tuple[int, float]] = []

    def __enter__(self) -> ClipReader:
        with contextlib.ExitStack() as stack:
            self._media = stack.enter_context(open_media(self.path, fast=True))
            self._look()
            self._stack = stack.pop_all()
        return self

    def _look(self) -> None:
        head = self._media.part.head(HEAD_BYTES)
        self._claims = read_claims(head) if self._media.format == "mp3" else None
        stated = self._media.container.duration
        self.duration = stated / av.time_base if stated else 0.0
        self._origin = float((self._media.stream.start_time or 0) * self._media.time_base)
        if not self.duration or self._media.format == "aac":  # raw AAC: a guess from the first frames
            self._go_exact()

    @functools.cached_property
    def _map(self) -> SeekMap | None:
        """How to find one's way in the file; looked for when the first clip is sought."""
        return map_of(self._media, self._origin, self.duration)

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def clips(self, wanted: Sequence[tuple[float, float]]) -> list[Samples | None]:
        """Cut clips.

        Parameters
        ----------
        wanted : sequence of (float, float)
            Offset and length of each [s].

        Returns
        -------
        list of np.ndarray [shape=(rate * length,)], float32, or None
            Mono (the mean of the channels); None where the file has no such stretch. `duration` and `exact` may have
            changed.
        """
        found = self.by_seek(wanted)
        return self.from_start(wanted) if found is None else found

    def by_seek(self, wanted: Sequence[tuple[float, float]]) -> list[Samples | None] | None:
        """Cut clips as `clips` does, but give up where the file turns out to need measuring.

        Returns
        -------
        list or None
            None if the file cannot be trusted; by then it has been measured, so `duration` may be another one.
        """
        if self.exact:
            return None
        found = [self._sought(where) for where in wanted]
        if all(clip is not None for clip in found) and self._agrees():
            return found
        self._go_exact()
        return None

    def from_start(self, wanted: Sequence[tuple[float, float]]) -> list[Samples | None]:
        """Cut clips as `clips` does, by decoding the file from its start to the last of them."""
        windows = [_Window(*where) for where in wanted]
        with open_media(self.path) as media:
            _fill(windows, _counted(blocks_of(media)))
        return [window.clip(self.rate) for window in windows]

    def _sought(self, where: tuple[float, float]) -> Samples | None:
        """Cut one clip after a seek; None if it is not there, or the seek went astray."""
        if self._map is not None and (clip := self._mapped(self._map, _Window(*where))) is not None:
            return clip
        media, window = self._media, _Window(*where)
        target = (media.stream.start_time or 0) + int(window.begin / media.time_base)
        try:
            media.container.seek(target, stream=media.stream, backward=True)
            return self._filled(media, window)
        except (av.FFmpegError, _Astray):
            return None

    def _mapped(self, places: SeekMap, window: _Window) -> Samples | None:
        """Cut one clip out of what lies around it; None if that is not found, or does not give it."""
        content = places.around(window.begin + self._origin, window.ends + self._origin)
        if content is None:
            return None
        try:
            with open_piece(content, self._media) as piece:
                return self._filled(piece, window)
        except (av.FFmpegError, UnreadableAudio, _Astray):
            return None

    def _filled(self, media: Media, window: _Window) -> Samples | None:
        """Decode on to the end of a window; None if it is not all there."""
        _fill([window], _stamped(blocks_of(media, self._heard), self._origin))
        if window.found_late:
            return None
        return window.clip(self.rate)

    def _agrees(self) -> bool:
        """Tell whether what was heard so far agrees with the file's header. Only MP3 seeks by its header's word."""
        if self._media.format != "mp3":
            return True
        return believable(self._claims, self._media.part.size, self.duration, self._heard)

    def _go_exact(self) -> None:
        stated, self.duration, self.exact = self.duration, _measured(self.path), True
        guessed = self._media.format == "aac" or (self._media.format == "mp3" and self._claims is None)
        if not guessed and self.duration < stated / 2:
            raise UnreadableAudio(self.path, f"cut short: {self.duration:.0f} of {stated:.0f} seconds are there")


def map_of(media: Media, begins: float, duration: float) -> SeekMap | None:
    """Return how to find one's way in a file that begins at a time [s] and plays so long [s], where FFmpeg has no quick
    way; None elsewhere, or where it is not as usual."""
    if not duration:
        return None
    find = {"ogg": map_of_ogg, "flac": map_of_flac}.get(media.format)
    return None if find is None else find(media.part, begins, duration)


class _Astray(Exception):
    """A seek led to frames without a time."""


def decode_clips(path: bytes, offsets: Sequence[float], seconds: float, rate: int = RATE) -> Samples:
    """Decode clips of one length out of a file, and little else of it.

    The same file gives the same samples every time. Positions are exact to the sample, but for MP3, where a seek goes
    by the file's table of contents and lands near the asked time, for WMA, which loses its first two frames, and for
    Ogg Vorbis with blocks of two lengths, which FFmpeg's time stamps after a seek can place 10 ms off. Where a table
    lies, the file is decoded whole.

    Parameters
    ----------
    path : bytes
        The file.
    offsets : sequence of float
        Where the clips begin [s].
    seconds : float
        How long they are [s].
    rate : int
        Sample rate of the result [Hz].

    Returns
    -------
    np.ndarray [shape=(len(offsets), rate * seconds)], float32
        Mono, the mean of the channels; full scale is -1 to 1.

    Raises
    ------
    UnreadableAudio
        If the file cannot be decoded, or ends before a clip does.
    """
    with ClipReader(path, rate) as reader:
        found = reader.clips([(offset, seconds) for offset in offsets])
        for offset, clip in zip(offsets, found, strict=True):
            if clip is None:
                raise UnreadableAudio(path, f"no {seconds:g} s of audio at {offset:.1f} s of {reader.duration:.1f} s")
    return np.array(found, dtype=np.float32).reshape(len(offsets), round(seconds * rate))


def decode_all(path: bytes, rate: int = RATE) -> Samples:
    """Decode a whole file from its first sample to its last.

    Parameters
    ----------
    path : bytes
        The file.
    rate : int
        Sample rate of the result [Hz].

    Returns
    -------
    np.ndarray [shape=(n,)], float32
        Mono, the mean of the channels.

    Raises
    ------
    UnreadableAudio
        If nothing of it can be decoded.
    """
    with open_media(path) as media:
        found = Stretch()
        for _, _, frame in blocks_of(media):
            found.add(frame, 0, frame.samples)
        sound = found.at(rate)
    if not sound.size:
        raise UnreadableAudio(path, "no audio can be decoded")
    return sound


def duration(path: bytes) -> float:
    """Return how long a file plays [s]: as its header says if that can be right, else measured.

    Raises
    ------
    UnreadableAudio
        If the file is no audio.
    """
    with ClipReader(path) as reader:
        media = reader._media
        guessed = media.format == "mp3" and not size_fits(reader._claims, media.part.size)
        if not reader.exact and (guessed or reader.duration * LEAST_RATE > media.part.size):
            return _measured(path)
        return reader.duration


def _measured(path: bytes) -> float:
    """Return the sum of all packets' durations [s]; reads the whole file, decodes nothing."""
    with open_media(path) as media:
        return float(sum(packet.duration or 0 for packet in packets_of(media)) * media.time_base)


def _fill(windows: Sequence[_Window], blocks: Iterator[Placed]) -> None:
    """Give each window its part of the blocks; stop behind the last one's end."""
    last = max((window.ends for window in windows), default=0.0)
    for begin, end, frame in blocks:
        if begin >= last:
            return
        for window in windows:
            window.take(begin, end, frame)


def _counted(blocks: Iterator[Block]) -> Iterator[Placed]:
    """Give blocks the times that follow from counting samples from the start of the file."""
    end = 0.0
    for _, rate, frame in blocks:
        begin, end = end, end + frame.samples / rate
        yield begin, end, frame


def _stamped(blocks: Iterator[Block], origin: float) -> Iterator[Placed]:
    """Give blocks the times that follow from the first one's time stamp after a seek."""
    end: float | None = None
    for time, rate, frame in blocks:
        if end is None:
            if time is None:
                raise _Astray
            end = time - origin
        begin, end = end, end + frame.samples / rate
        yield begin, end, frame
