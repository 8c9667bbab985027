"""The audio hash: what proves that a tag write left the sound alone."""

from __future__ import annotations

import hashlib

from tagger.audio.media import open_media
from tagger.base.errors import UnreadableAudio


def audio_hash(path: bytes) -> str:
    """Return the SHA-256 of a file's encoded audio packets, whole.

    Reads the whole file, decodes nothing. Tags, padding, pictures and the container's own bookkeeping are not part of
    it, so it is the same before and after any tag write.

    Parameters
    ----------
    path : bytes
        The file.

    Returns
    -------
    str
        64 hex digits.

    Raises
    ------
    UnreadableAudio
        If the file cannot be read to its end, or holds no audio packet.
    """
    digest = hashlib.sha256()
    found = False
    with open_media(path) as media:
        for packet in media.container.demux(media.container.streams.audio):
            if packet.size:  # the last, empty one of a stream tells the decoder to flush
                digest.update(packet)
                found = True
    if not found:
        raise UnreadableAudio(path, "no audio in it")
    return digest.hexdigest()
