"""Decoded sound as it comes out of a file: mono blocks, each with its time stamp and sample rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from tagger.audio.media import Media
from tagger.base.errors import UnreadableAudio

BAD_PACKETS = 200  # that a decoder may refuse before a file with more bad than good ones is given up

Samples = NDArray[np.float32]
Block = tuple[float | None, int, Samples]  # time stamp [s], sample rate [Hz], mono samples


def packets_of(media: Media) -> Iterator[av.Packet]:
    """Yield packets on from where the file stands; where FFmpeg cannot go on, a damaged file ends."""
    try:
        yield from media.container.demux(media.stream)
    except av.InvalidDataError:
        return


def blocks_of(
    media: Media, heard: list[tuple[int, float]] | None = None
) -> Iterator[tuple[float | None, int, Samples]]:
    """Decode on from where the file stands.

    Yields
    ------
    time : float or None
        The file's time stamp [s].
    rate : int
        [Hz]
    samples : np.ndarray [shape=(n,)], float32
        Mono.
    """
    if media.stream.codec_context is None:
        raise UnreadableAudio(media.part.name, "its audio codec is not known")
    good = bad = 0
    for packet in packets_of(media):
        if heard is not None and packet.size:
            heard.append((packet.size, float((packet.duration or 0) * media.time_base)))
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
                yield frame.time, frame.sample_rate, mono(frame)


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


def resampled(pieces: Sequence[tuple[int, Samples]], rate: int) -> Samples:
    """Join blocks of mono samples, each with its sample rate [Hz], at one rate. Some files change theirs midway."""
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
