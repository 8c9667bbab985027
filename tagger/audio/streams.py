"""What an audio file's streams are, for people who look at it."""

from __future__ import annotations

from typing import Any

import av

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
        ``sample_format``, ``bit_rate`` [bit/s] or None.

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
            "streams": [
                {
                    "codec": stream.codec_context.name,
                    "profile": stream.profile,
                    "sample_rate": stream.codec_context.sample_rate,
                    "channels": stream.codec_context.channels,
                    "layout": stream.codec_context.layout.name,
                    "sample_format": stream.codec_context.format.name if stream.codec_context.format else None,
                    "bit_rate": stream.bit_rate or None,
                }
                for stream in container.streams.audio
            ],
        }
