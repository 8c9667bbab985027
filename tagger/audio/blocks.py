"""Decoded sound as it comes out of a file: frames with their time stamps and sample rates, and mono from many."""

from __future__ import annotations

from collections.abc import Iterator

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
        self._runs: list[_Run] = []  # one, but in files that change their kind of sound midway

    def __bool__(self) -> bool:
        return bool(self._runs)

    def add(self, frame: av.AudioFrame, first: int = 0, last: int | None = None) -> None:
        """Take a frame, or its samples from `first` up to `last`."""
        kind = (frame.sample_rate, frame.format.name, frame.layout.nb_channels)
        if not self._runs or self._runs[-1].kind != kind:
            self._runs.append(_Run(kind, frame.format))
        self._runs[-1].add(frame, first, frame.samples if last is None else last)

    def at(self, rate: int) -> Samples:
        """Return the sound at this rate [Hz]."""
        sounds = [run.sound(rate) for run in self._runs]
        return sounds[0] if len(sounds) == 1 else np.concatenate([np.zeros(0, np.float32), *sounds])


class _Run:
    """Sound of one kind: sample rate [Hz], FFmpeg's format, channels."""

    def __init__(self, kind: tuple[int, str, int], form: av.AudioFormat) -> None:
        self.kind = kind
        self._numbers = np.dtype(NUMBERS[form.packed.name])
        self._planar = form.is_planar
        self._sum = np.empty(FIRST_ROOM, np.float32)  # of the channels
        self._used = 0

    def add(self, frame: av.AudioFrame, first: int, last: int) -> None:
        channels, numbers, count = self.kind[2], self._numbers, last - first
        total, planes = self._room(count), frame.planes
        if self._planar:
            start = first * numbers.itemsize
            sounds = [np.frombuffer(planes[number], numbers, count, start) for number in range(channels)]
        else:
            whole = np.frombuffer(planes[0], numbers, count * channels, first * channels * numbers.itemsize)
            sounds = list(whole.reshape(-1, channels).T)
        if channels == 1:
            total[:] = sounds[0]
        elif channels == 2 and numbers == np.float32:
            np.add(sounds[0], sounds[1], total)
        else:
            np.add(sounds[0], sounds[1], total, dtype=np.float32, casting="unsafe")
            for sound in sounds[2:]:
                np.add(total, sound, total, dtype=np.float32, casting="unsafe")

    def _room(self, count: int) -> Samples:
        """Return where the next samples go."""
        if self._used + count > self._sum.size:
            larger = np.empty(max(2 * self._sum.size, self._used + count), np.float32)
            larger[: self._used] = self._sum[: self._used]
            self._sum = larger
        self._used += count
        return self._sum[self._used - count : self._used]

    def sound(self, rate: int) -> Samples:
        """Return the mean of the channels at this rate [Hz]; full scale is -1 to 1."""
        numbers = self._numbers
        scale = 1.0 if numbers.kind == "f" else float(1 << (8 * numbers.itemsize - 1))
        mean = self._sum[: self._used] / np.float32(self.kind[2] * scale)
        if numbers.kind == "u":
            mean -= np.float32(1.0)
        return mean if self.kind[0] == rate else soxr.resample(mean, self.kind[0], rate, "HQ")
