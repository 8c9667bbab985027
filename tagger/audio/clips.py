"""Which clips of a track are looked at: spread over it, the same ones every time, and none of silence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.audio.blocks import Samples
from tagger.audio.decode import ClipReader
from tagger.audio.forms import ClipForm
from tagger.audio.spectrogram import Form
from tagger.base.errors import UnreadableAudio
from tagger.base.records import ClipSource

FIRST, LAST = 0.1, 0.9  # shares of the track between which clips lie: introductions and endings say little
AUDIBLE = 10.0 ** (-60 / 20)  # root mean square of full scale: -60 dBFS, under any music and over any dither
TRIES = 3  # positions looked at in each part of the track, if the first one is silent


@dataclass(frozen=True, slots=True)
class TrackClips:
    """The clips of one length of one track.

    `inputs` is what their form makes of them, (clips, ...), `offsets` their places in the track [s], in order.
    """

    inputs: NDArray[Any]
    offsets: tuple[float, ...]


def clip_offsets(track: str, duration: float, seconds: float, clips: int = 5, attempt: int = 0) -> list[float]:
    """Return where a track's clips begin: one in each of equal parts, at a place that only the track decides.

    Parameters
    ----------
    track : str
        The track's id or fingerprint.
    duration : float
        Its length [s].
    seconds : float
        Length of the clips [s]; clips of different lengths lie in different places.
    clips : int
        How many.
    attempt : int
        0 for the clips proper, 1 and up for the places to look at where those are silent.

    Returns
    -------
    list of float
        Offsets [s], rising, to the millisecond: between 10% and 90% of the track, or in its middle if that is too
        short for a clip.
    """
    first, last = FIRST * duration, LAST * duration - seconds
    if last < first:
        first = last = max(0.0, (duration - seconds) / 2)
    part = (last - first) / clips
    places = [first + part * (number + _chance(f"{track}:{seconds:g}:{number}:{attempt}")) for number in range(clips)]
    return [int(place * 1000) / 1000 for place in places]


def _chance(text: str) -> float:
    """Return a number in [0, 1) that looks random and depends on the text alone, in any version of anything."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48


def track_clips(
    source: ClipSource, seconds: Sequence[float], form: ClipForm, clips: int = 5
) -> dict[float, TrackClips]:
    """Cut a track's clips and turn them into what a model takes; the file is opened once for all lengths.

    Parameters
    ----------
    source : ClipSource
        The track. Its id decides where the clips are; its length is taken from the file.
    seconds : sequence of float
        Lengths of the clips [s].
    form : ClipForm
        What becomes of the clips.
    clips : int
        How many of each length.

    Returns
    -------
    dict of float to TrackClips
        For each length that the track is long enough for. Fewer clips than asked for where parts of it are silent.

    Raises
    ------
    UnreadableAudio
        If the file cannot be decoded, is shorter than every clip, or silent.
    """
    with ClipReader(source.path, form.sample_rate) as reader:
        found = _audible(reader, source.track, seconds, clips)
        if not found and all(length > reader.duration for length in seconds):
            raise UnreadableAudio(source.path, f"shorter than a clip: {reader.duration:.2f} s")
    if not found:
        raise UnreadableAudio(source.path, "silent")
    return {
        length: TrackClips(form.make(np.stack(list(heard.values()))), tuple(heard)) for length, heard in found.items()
    }


def track_spectrograms(
    source: ClipSource, seconds: float, form: Form, clips: int = 5
) -> tuple[NDArray[np.uint8], list[float]]:
    """Return one length's pictures, uint8 (clips, bands, columns), and their offsets [s]; see `track_clips`."""
    found = track_clips(source, [seconds], form, clips)[seconds]
    return found.inputs, list(found.offsets)


def _audible(reader: ClipReader, track: str, seconds: Sequence[float], clips: int) -> dict[float, dict[float, Samples]]:
    """Cut the clips of each length; a silent one is looked for elsewhere in its part of the track."""
    found: dict[float, dict[int, tuple[float, Samples]]] = {length: {} for length in seconds}
    for attempt in range(TRIES):
        wanted = [
            (length, number, offset)
            for length in seconds
            if length <= reader.duration
            for number, offset in enumerate(clip_offsets(track, reader.duration, length, clips, attempt))
            if number not in found[length]
        ]
        if not wanted:
            break
        places = [(offset, length) for length, _, offset in wanted]
        if reader.exact:
            cut = reader.from_start(places)
        elif (cut_by_seek := reader.by_seek(places)) is not None:
            cut = cut_by_seek
        else:
            # The file was not what its header says: its length has been measured by now, so start over.
            return _audible(reader, track, seconds, clips)
        if all(clip is None for clip in cut) and not any(found.values()):
            raise UnreadableAudio(reader.path, "no audio can be decoded")
        for (length, number, offset), clip in zip(wanted, cut, strict=True):
            if clip is not None and np.sqrt(np.dot(clip, clip) / clip.size) >= AUDIBLE:
                found[length][number] = (offset, clip)
    return {length: dict(heard[number] for number in sorted(heard)) for length, heard in found.items() if heard}
