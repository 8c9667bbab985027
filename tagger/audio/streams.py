"""What an audio file's streams are, for people who look at it."""

from __future__ import annotations

from typing import Any

import av
from av.audio.stream import AudioStream

from tagger.audio.media import open_media


def stream_info(path: bytes) -> dict[str, Any]:
    """Return how a file's sound is stored, as its headers say.

    Parameters
    ----------
    path : bytes
        The file.

    Returns
    -------
    dict
        ``format`` (FFmpeg's name), ``duration`` [s] or None, ``bit_rate`` [bit/s] or None, of all streams together,
        and ``streams``: for each audio stream ``codec``, ``profile``, ``sample_rate`` [Hz], ``channels``, ``layout``,
        ``sample_format``, ``bit_rate`` [bit/s] or None; ``codec`` None alone where FFmpeg does not know it.

    Raises
    ------
    UnreadableAudio
        If the file is no audio.
    """
    with open_media(path) as media:
        container = media.container
        return {
            "format": media.format,
            "duration": round(container.duration / av.time_base, 3) if container.duration else None,
            "bit_rate": container.bit_rate or None,
            "streams": [_described(stream) for stream in container.streams.audio],
        }


def _described(stream: AudioStream) -> dict[str, Any]:
    context = stream.codec_context
    if context is None:
        return {"codec": None}
    return {
        "codec": context.name,
        "profile": stream.profile,
        "sample_rate": context.sample_rate,
        "channels": context.channels,
        "layout": context.layout.name,
        "sample_format": context.format.name if context.format else None,
        "bit_rate": stream.bit_rate or None,
    }
