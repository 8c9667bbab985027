"""Decoding and hashing in helping processes; a file that crashes or blocks one of them costs only itself."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.audio.clips import TrackClips
from tagger.audio.forms import ClipForm
from tagger.audio.sounds import SoundForm
from tagger.base.errors import UnreadableAudio
from tagger.base.processes import START_LIMIT, Answer, Helper, Lost, answers
from tagger.base.records import ClipSource

TIME_LIMIT = 60.0  # [s] for one track: some hundred times what a good one takes, even on a slow network drive
LEAST_SPEED = 1 << 19  # [bytes/s] at which a whole file must come in for its hash, beside the time limit
MODULE = "tagger.audio.worker"

Found = dict[float, TrackClips]


def clip_stream(
    sources: Iterable[ClipSource],
    seconds: Sequence[float],
    form: ClipForm,
    clips: int,
    workers: int,
    time_limit: float = TIME_LIMIT,
    stopping: Callable[[], bool] | None = None,
) -> Generator[tuple[ClipSource, Found | UnreadableAudio], None, None]:
    """Cut clips of many tracks in processes that share nothing with this one.

    Parameters
    ----------
    sources : iterable of ClipSource
        Taken as needed, from the thread that iterates.
    seconds : sequence of float
        Lengths of the clips [s].
    form : ClipForm
        What becomes of the clips.
    clips : int
        How many of each length.
    workers : int
        Number of processes, at least 1.
    time_limit : float
        For one track [s], beside the time that it may take to load what the form needs.
    stopping : callable, optional
        Asked while a track is waited for; once it says yes, no more comes.

    Yields
    ------
    source : ClipSource
        Each of `sources`, in their order.
    found : dict of float to TrackClips, or UnreadableAudio
        By length, those that the track is long enough for; or what is wrong with it.

    Raises
    ------
    TaggerError
        If the processes cannot be started.
    """
    order = {"seconds": list(seconds), "form": form.card(), "clips": clips}
    questions = ((source, order | {"track": source.track, "path": os.fsdecode(source.path)}) for source in sources)
    with contextlib.closing(answers(MODULE, questions, workers, _limit(form, time_limit), stopping)) as stream:
        for source, answer in stream:
            yield source, _found(source, answer)


def input_stream(
    sources: Iterable[ClipSource],
    seconds: Sequence[float],
    form: ClipForm,
    clips: int,
    workers: int,
    time_limit: float = TIME_LIMIT,
    stopping: Callable[[], bool] | None = None,
) -> Iterator[tuple[ClipSource, dict[float, NDArray[Any]] | UnreadableAudio]]:
    """Yield what the form makes of the clips alone, (clips, ...) by length; otherwise as `clip_stream`."""
    with contextlib.closing(clip_stream(sources, seconds, form, clips, workers, time_limit, stopping)) as stream:
        for source, found in stream:
            if isinstance(found, UnreadableAudio):
                yield source, found
            else:
                yield source, {length: heard.inputs for length, heard in found.items()}


def cached_stream(
    paths: Iterable[Path],
    form: SoundForm,
    workers: int,
    time_limit: float = TIME_LIMIT,
    stopping: Callable[[], bool] | None = None,
) -> Generator[NDArray[Any] | UnreadableAudio, None, None]:
    """Yield what a form makes of the clips in each file of the cache, or what is wrong with it; as `clip_stream`."""
    questions = ((path, {"cached": str(path), "form": form.card()}) for path in paths)
    with contextlib.closing(answers(MODULE, questions, workers, _limit(form, time_limit), stopping)) as stream:
        for path, answer in stream:
            if isinstance(answer, Lost):
                yield _lost(os.fsencode(path), answer)
            elif "problem" in answer.said:
                yield _problem(os.fsencode(path), answer.said)
            else:
                yield _array(answer.said, answer.content[0])


class AudioHasher:
    """Takes audio hashes in a helping process, which is started when first asked; close it in the end."""

    def __init__(self) -> None:
        self._helper = Helper(MODULE)

    def __call__(self, path: bytes) -> str:
        """Return the SHA-256 of a file's encoded packets; see `hash.audio_hash`.

        Raises
        ------
        UnreadableAudio
            Also if the process dies of the file, or takes too long over it.
        """
        try:
            limit = TIME_LIMIT + os.stat(path).st_size / LEAST_SPEED
            said = self._helper.ask({"hash": os.fsdecode(path)}, limit).said
        except OSError as error:
            raise UnreadableAudio.because(path, error) from error
        except Lost as lost:
            raise _lost(path, lost) from lost
        if "problem" in said:
            raise _problem(path, said)
        return str(said["hash"])

    def close(self) -> None:
        """End the process."""
        self._helper.close()


def _limit(form: ClipForm, time_limit: float) -> float:
    """Return the time for one question [s]: the first may have to load librosa, which is not the file's fault."""
    return time_limit + START_LIMIT if isinstance(form, SoundForm) and form.computed else time_limit


def _found(source: ClipSource, answer: Answer | Lost) -> Found | UnreadableAudio:
    """Return what a process answered, as this one knows it."""
    if isinstance(answer, Lost):
        return _lost(source.path, answer)
    if "problem" in answer.said:
        return _problem(source.path, answer.said)
    return {
        clips["seconds"]: TrackClips(_array(clips, content), tuple(clips["offsets"]))
        for clips, content in zip(answer.said["clips"], answer.content, strict=True)
    }


def _array(described: Mapping[str, Any], content: bytearray) -> NDArray[Any]:
    return np.frombuffer(content, dtype=described["dtype"]).reshape(described["shape"])


def _lost(path: bytes, lost: Lost) -> UnreadableAudio:
    return UnreadableAudio(path, str(lost), struck=True)


def _problem(path: bytes, said: dict[str, object]) -> UnreadableAudio:
    return UnreadableAudio(path, str(said["problem"]), bool(said.get("postponed")), bool(said.get("struck")))
