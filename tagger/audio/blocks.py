"""Decoded sound as it comes out of a file: frames with their time stamps and sample rates, and mono from many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from tagger.audio.media import Media
from tagger.base.errors import UnreadableAudio

BAD_PACKETS = 200  # that a decoder may refuse before a file with more bad than good ones is given up
MOST_WAITING = 1 << 20  # samples of each channel that are mixed at once

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


def mono(frame: av.AudioFrame) -> Samples:
    """Return the mean of a frame's channels; full scale is -1 to 1."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "f":
        return samples.mean(axis=0, dtype=np.float32)
    scale = np.float32(1 << (8 * samples.dtype.itemsize - 1))
    middle = 1.0 if samples.dtype.kind == "u" else 0.0
    return (samples.mean(axis=0, dtype=np.float32) / scale - np.float32(middle)).astype(np.float32)


class Stretch:
    """Decoded sound without gaps, mixed to mono many frames at a time: frame by frame, numpy takes longer over a song's
    hundreds of them than their decoding does."""

    def __init__(self) -> None:
        self._pieces: list[tuple[int, Samples]] = []
        self._kind: tuple[str, str, int] | None = None  # format, layout and sample rate [Hz] of the frames that wait
        self._waiting: av.AudioFifo | None = None

    def __bool__(self) -> bool:
        return bool(self._pieces or self._waiting)

    def add(self, frame: av.AudioFrame, first: int = 0, last: int | None = None) -> None:
        """Take a frame, or its samples from `first` up to `last`. Its time stamp is lost."""
        if first > 0 or (last is not None and last < frame.samples):
            self._mix()
            self._pieces.append((frame.sample_rate, mono(frame)[first:last]))
            return
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._waiting is None or kind != self._kind or self._waiting.samples > MOST_WAITING:
            self._mix()
            self._waiting, self._kind = av.AudioFifo(), kind
        frame.pts = None  # stamps need not be even
        self._waiting.write(frame)

    def at(self, rate: int) -> Samples:
        """Return the sound at this rate [Hz]."""
        self._mix()
        return resampled(self._pieces, rate)

    def _mix(self) -> None:
        joined = self._waiting.read() if self._waiting else None
        if joined is not None:
            self._pieces.append((joined.sample_rate, mono(joined)))
        self._waiting = None


def resampled(pieces: Sequence[tuple[int, Samples]], rate: int) -> Samples:
    """Join pieces of mono samples, each with its sample rate [Hz], at one rate. Some files change theirs midway."""
    runs: list[tuple[int, list[Samples]]] = []
    for piece_rate, samples in pieces:
        if not runs or runs[-1][0] != piece_rate:
            runs.append((piece_rate, []))
        runs[-1][1].append(samples)
    joined = [
        soxr.resample(np.concatenate(run), run_rate, rate, "HQ") if run_rate != rate else np.concatenate(run)
        for run_rate, run in runs
    ]
    return np.concatenate(joined) if joined else np.zeros(0, dtype=np.float32)
