"""Encode samples into audio files of every container that FFmpeg can write: for the demo library and for tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import av
import numpy as np

BLOCK = 1 << 16  # samples handed to the resampler at once: bounds the memory that a long track takes


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How FFmpeg makes one container.

    `channels` are the numbers of channels that the encoder takes; `tail` is silence [samples] put at the end for
    encoders that keep their last frame to themselves.
    """

    muxer: str
    codec: str
    sample_format: str
    bit_rate: int | None = None
    channels: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
    tail: int = 0
    codec_options: dict[str, str] = field(default_factory=dict)
    muxer_options: dict[str, str] = field(default_factory=dict)


_RECIPES = {
    "mp3": _Recipe("mp3", "libmp3lame", "fltp", 128_000, (1, 2), muxer_options={"id3v2_version": "0"}),
    "flac": _Recipe("flac", "flac", "s16"),
    # The wheels have FFmpeg's own Vorbis encoder only: it counts as experimental and takes stereo alone.
    "ogg": _Recipe("ogg", "vorbis", "fltp", 128_000, (2,), codec_options={"strict": "experimental"}),
    "opus": _Recipe("opus", "libopus", "flt", 96_000),
    "m4a": _Recipe("ipod", "aac", "fltp", 128_000),
    "alac": _Recipe("ipod", "alac", "s16p"),
    "wav": _Recipe("wav", "pcm_s16le", "s16"),
    "aiff": _Recipe("aiff", "pcm_s16be", "s16"),
    # Other bit rates than 128 kbit/s give WMA files that some decoders refuse.
    "wma": _Recipe("asf", "wmav2", "fltp", 128_000, (1, 2), tail=4096),
    "wavpack": _Recipe("wv", "wavpack", "s16p"),
    "aac": _Recipe("adts", "aac", "fltp", 128_000),
}

ENCODABLE = tuple(_RECIPES)

_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def encode(
    path: str | bytes | os.PathLike[str],
    samples: np.ndarray,
    rate: int,
    container: str,
    *,
    bit_rate: int | None = None,
    quality: float | None = None,
    xing: bool = True,
) -> None:
    """Write samples as an audio file without any tags.

    The same arguments give the same bytes. A rate that the codec does not know is resampled to the nearest one that it
    does (Opus: 48 kHz). The file is not synced to disk.

    Parameters
    ----------
    path : str, bytes or PathLike
        Where to write; an existing file is replaced. The name's suffix does not matter.
    samples : np.ndarray [shape=(n,) or (n, channels)], float
        Full scale is -1 to 1; 1 to 8 channels (MP3, Vorbis and WMA: 1 or 2). Vorbis makes two of one.
    rate : int
        Sample rate [Hz].
    container : str
        One of `ENCODABLE`; `m4a` is AAC in MP4, `alac` is Apple Lossless in MP4, `aac` is raw ADTS.
    bit_rate : int, optional
        [bit/s], for lossy codecs; each has a default near 128,000.
    quality : float, optional
        MP3 only: variable bit rate at LAME's V scale, 0 (best) to 9, in place of a bit rate.
    xing : bool
        MP3 only: write the Xing/LAME header that says how long a file is.

    Raises
    ------
    ValueError
        If the container is unknown, or the samples have a shape or an option that it does not take.
    """
    recipe = _RECIPES.get(container)
    if recipe is None:
        raise ValueError(f"cannot encode {container!r}; known are {', '.join(ENCODABLE)}")
    if container != "mp3" and (quality is not None or not xing):
        raise ValueError(f"quality and xing are options of mp3, not of {container}")
    planes = _planes(samples, recipe)
    muxer_options = recipe.muxer_options | ({} if xing else {"write_xing": "0"})
    with av.open(os.fsdecode(path), "w", format=recipe.muxer, options={"fflags": "+bitexact", **muxer_options}) as out:
        stream = out.add_stream(recipe.codec, rate=_nearest_rate(recipe.codec, rate))
        context = stream.codec_context
        context.layout = _LAYOUTS[len(planes)]
        context.format = recipe.sample_format
        context.options = {"flags": "+bitexact", **recipe.codec_options}
        if quality is not None:
            # FFmpeg's unit of quality is 1/118 of LAME's (FF_QP2LAMBDA in libavutil/avutil.h)
            context.options |= {"flags": "+bitexact+qscale", "global_quality": str(round(118 * quality))}
        elif recipe.bit_rate:
            context.bit_rate = bit_rate or recipe.bit_rate
        context.open()
        for frame in _frames(planes, rate, context):
            out.mux(context.encode(frame))
        out.mux(context.encode(None))


def _planes(samples: np.ndarray, recipe: _Recipe) -> np.ndarray:
    """Return the samples as contiguous float32 (channels, n), with the channels and the tail that the codec wants."""
    planes = np.asarray(samples, dtype=np.float32)
    planes = planes[None, :] if planes.ndim == 1 else planes.T
    if planes.ndim != 2 or not planes.size:
        raise ValueError(f"samples have the shape {np.shape(samples)}, not (n,) or (n, channels)")
    if len(planes) == 1 and 1 not in recipe.channels:
        planes = np.repeat(planes, recipe.channels[0], axis=0)
    if len(planes) not in recipe.channels:
        raise ValueError(f"the {recipe.codec} encoder does not take {len(planes)} channels")
    return np.pad(planes, ((0, 0), (0, recipe.tail)))


def _nearest_rate(codec: str, rate: int) -> int:
    """Return the codec's lowest sample rate that loses nothing of `rate`, else its highest."""
    rates = av.codec.Codec(codec, "w").audio_rates
    if not rates or rate in rates:
        return rate
    return min((known for known in rates if known > rate), default=max(rates))


def _frames(planes: np.ndarray, rate: int, context: av.AudioCodecContext) -> Iterator[av.AudioFrame]:
    """Yield the samples as frames of the size that the encoder wants, each with its own time stamp."""
    layout = _LAYOUTS[len(planes)]
    resampler = av.AudioResampler(context.format, context.layout, context.sample_rate, context.frame_size or None)
    position = 0
    for start in (*range(0, planes.shape[1], BLOCK), None):
        block = None
        if start is not None:
            block = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(planes[:, start : start + BLOCK]), format="fltp", layout=layout
            )
            block.sample_rate, block.pts = rate, start
        for frame in resampler.resample(block):
            frame.pts, position = position, position + frame.samples
            yield frame
