"""Decoded sound as it comes out of a file: frames with their time stamps and sample rates, and mono from many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from tagger.audio.media import Media
from tagger.base.errors import UnreadableAudio

BAD_PACKETS = 200  # that a decoder may refuse before a file with more bad than good ones is given up
# FFmpeg's names of sample formats, and what numpy calls the numbers
NUMBERS = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
FIRST_ROOM = 1 << 17  # samples: a clip of two seconds with what is beside it, at 48 kHz

Samples = NDArray[np.float32]
Block = tuple[float | None, int, av.AudioFrame]  # time stamp [s], sample rate [Hz], sound


def packets_of(media: Media) -> Iterator[av.Packet]:
    """Yield packets on from where the file stands; where FFmpeg cannot go on, a damaged file ends."""
    try:
        yield from media.container.demux(media.stream)
    except av.InvalidDataError:
        return


def blocks_of(media: Media, heard: list[tuple[int, float]] | None = None) -> Iterator[Block]:
    """Decode on from where the file stands.

    Parameters
    ----------
    media : Media
    heard : list, optional
        Is given the size [bytes] and duration [s] of each packet.

    Yields
    ------
    time : float or None
        The file's time stamp [s].
    rate : int
        [Hz]
    frame : av.AudioFrame
        Not empty.
    """
    if media.stream.codec_context is None:
        raise UnreadableAudio(media.part.name, "its audio codec is not known")
    unit = float(media.time_base)
    good = bad = 0
    for packet in packets_of(media):
        if heard is not None and packet.size:
            heard.append((packet.size, (packet.duration or 0) * unit))
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            bad += 1
            if bad > max(BAD_PACKETS, good):
                raise UnreadableAudio(media.part.name, "too damaged to decode") from error
            continue
        good += bool(frames)
        for frame in frames:
            if frame.samples:
                yield frame.time, frame.sample_rate, frame


class Stretch:
    """Decoded sound without gaps, mixed to mono frame by frame while it is in the processor's cache."""

    def __init__(self) -> None:
        self._done: list[tuple[int, Samples]] = []  # rate [Hz], sound: of kinds that the file had before, if it had any
        self._kind: tuple[int, str, int] | None = None  # sample rate [Hz], FFmpeg's format, channels
        self._numbers = np.dtype(np.float32)
        self._planar = self._pair = False
        self._sum = np.empty(FIRST_ROOM, np.float32)  # of the channels
        self._used = 0

    def add(self, frame: av.AudioFrame, first: int, last: int) -> None:
        """Take a frame's samples from `first` up to `last`."""
        kind = (frame.sample_rate, frame.format.name, frame.layout.nb_channels)
        if kind != self._kind:
            self._begin(kind, frame.format)
        count, planes, used = last - first, frame.planes, self._used
        self._used = end = used + count
        if end > self._sum.size:
            self._widen(used, end)
        total = self._sum[used:end]
        if self._pair:
            left, right = planes
            start = first * 4
            np.add(np.frombuffer(left, np.float32, count, start), np.frombuffer(right, np.float32, count, start), total)
        else:
            _add_up(total, self._sounds(planes, first, count))

    def at(self, rate: int) -> Samples:
        """Return the sound at this rate [Hz]."""
        pieces = [*self._done, *([(self._kind[0], self._mean())] if self._kind else [])]
        sounds = [piece if own == rate else soxr.resample(piece, own, rate, "HQ") for own, piece in pieces]
        return sounds[0] if len(sounds) == 1 else np.concatenate([np.zeros(0, np.float32), *sounds])

    def _begin(self, kind: tuple[int, str, int], form: av.AudioFormat) -> None:
        """Go on with sound of another kind."""
        if self._kind:
            self._done.append((self._kind[0], self._mean()))
        self._kind, self._used = kind, 0
        self._numbers, self._planar = np.dtype(NUMBERS[form.packed.name]), form.is_planar
        self._pair = self._planar and kind[2] == 2 and self._numbers == np.float32  # nearly every lossy file

    def _widen(self, used: int, wanted: int) -> None:
        """Make room for more samples than there are; what is `used` stays."""
        larger = np.empty(max(2 * self._sum.size, wanted), np.float32)
        larger[:used] = self._sum[:used]
        self._sum = larger

    def _sounds(self, planes: Sequence[Any], first: int, count: int) -> list[NDArray[Any]]:
        """Return so many samples of each channel."""
        channels, numbers = self._kind[2] if self._kind else 0, self._numbers
        if self._planar:
            start = first * numbers.itemsize
            return [np.frombuffer(planes[number], numbers, count, start) for number in range(channels)]
        whole = np.frombuffer(planes[0], numbers, count * channels, first * channels * numbers.itemsize)
        return list(whole.reshape(-1, channels).T)

    def _mean(self) -> Samples:
        """Return the mean of the channels; full scale is -1 to 1."""
        numbers, channels = self._numbers, self._kind[2] if self._kind else 1
        scale = 1.0 if numbers.kind == "f" else float(1 << (8 * numbers.itemsize - 1))
        mean = self._sum[: self._used] / np.float32(channels * scale)
        return mean - np.float32(1.0) if numbers.kind == "u" else mean


def _add_up(total: Samples, sounds: list[NDArray[Any]]) -> None:
    if len(sounds) == 1:
        total[:] = sounds[0]
        return
    np.add(sounds[0], sounds[1], total, dtype=np.float32, casting="unsafe")
    for sound in sounds[2:]:
        np.add(total, sound, total, dtype=np.float32, casting="unsafe")
