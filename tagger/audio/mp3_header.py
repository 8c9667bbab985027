"""What an MP3's first frame says about the whole file, and whether to believe it.

FFmpeg's fast seek goes where this header (or, without one, the bit rate of the first frames) says. Encoders that were
interrupted, editors that cut, and stream recorders leave headers that lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEAD_BYTES = 4096  # where the first frame is looked for
SIZE_SLACK = 0.02  # share by which a file's size may differ from the header's word
SIZE_SLACK_BYTES = 16 * 1024  # ... and bytes, for junk before and behind the frames
VBR_FACTOR = 2.0  # how far the bit rate of a few clips may lie from that of the whole file if it varies


@dataclass(frozen=True, slots=True)
class Claims:
    """The Xing, Info or VBRI header's word on the file: number of frames and of bytes; None where it says nothing."""

    frames: int | None
    size: int | None


def read_claims(head: bytes) -> Claims | None:
    """Find the header in the first frame.

    Layout after the LAME project's description of the Xing tag and Fraunhofer's of VBRI.

    Parameters
    ----------
    head : bytes
        The first `HEAD_BYTES` of the file behind any ID3v2 block.

    Returns
    -------
    Claims or None
        None if the first frame is not such a header.
    """
    sync = next((at for at in range(len(head) - 1) if head[at] == 0xFF and head[at + 1] & 0xE0 == 0xE0), None)
    if sync is None:
        return None
    frame = head[sync : sync + 64]
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at >= 0:
        flags, fields = _number(frame, at + 4), [at + 8, at + 12]
        frames = _number(frame, fields.pop(0)) if flags & 1 else None
        size = _number(frame, fields.pop(0)) if flags & 2 else None
        return Claims(frames, size)
    at = frame.find(b"VBRI")
    return Claims(frames=_number(frame, at + 14), size=_number(frame, at + 10)) if at >= 0 else None


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def size_fits(claims: Claims | None, size: int) -> bool:
    """Tell whether the header says how long the file is, and is right about its size in bytes."""
    if claims is None or not claims.frames or not claims.size:
        return False
    return abs(claims.size - size) <= size * SIZE_SLACK + SIZE_SLACK_BYTES


def believable(claims: Claims | None, size: int, duration: float, heard: Sequence[tuple[int, float]]) -> bool:
    """Tell whether the stated duration agrees with the frames that were met.

    Parameters
    ----------
    claims : Claims or None
        The header.
    size : int
        Of the audio [bytes].
    duration : float
        What FFmpeg makes of header or bit rate [s].
    heard : sequence of (int, float)
        Bytes and seconds of the frames that were read, in several places of the file.

    Returns
    -------
    bool
        False sends the reader from start to end, which is slow and right.
    """
    if not heard or duration <= 0 or not all(seconds > 0 for _, seconds in heard):
        return False
    if claims is not None and claims.size and not size_fits(Claims(1, claims.size), size):
        return False
    stated = size / duration
    rates = sorted(count / seconds for count, seconds in heard)
    mean = sum(count for count, _ in heard) / sum(seconds for _, seconds in heard)
    padding = 1 / min(seconds for _, seconds in heard)  # frames of one bit rate differ by a byte
    if rates[-1] - rates[0] <= 2 * padding:
        return abs(mean - stated) <= stated * SIZE_SLACK + padding + SIZE_SLACK_BYTES / duration
    return size_fits(claims, size) and stated / VBR_FACTOR <= mean <= stated * VBR_FACTOR
