"""Read the tags of many files in helping processes; one that crashes or blocks a parser costs only itself."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterable
from typing import Any

from tagger.base.errors import UnreadableTags
from tagger.base.processes import Answer, Lost, answers
from tagger.base.records import GenreBlock, Provenance, TrackTags

TIME_LIMIT = 60.0  # [s] for one file: a few kilobytes at either end, even of a slow network drive
MODULE = "tagger.library.worker"
FILES_PER_PROCESS = 50  # it takes about as long to start one as to read the tags of so many files


def tag_stream(
    paths: Iterable[bytes],
    workers: int,
    time_limit: float = TIME_LIMIT,
    stopping: Callable[[], bool] | None = None,
) -> Generator[tuple[bytes, TrackTags | UnreadableTags], None, None]:
    """Read the tags of files, as `tags.read_tags` does.

    Parameters
    ----------
    paths : iterable of bytes
        Absolute; taken as needed, from the thread that iterates.
    workers : int
        Number of processes, at least 1.
    time_limit : float
        For one file [s].
    stopping : callable, optional
        Asked while a file is waited for; once it says yes, no more comes.

    Yields
    ------
    path : bytes
        Each of `paths`, in their order.
    tags : TrackTags or UnreadableTags
        What its metadata says, or what is wrong with it.

    Raises
    ------
    TaggerError
        If the processes cannot be started.
    """
    questions = ((path, {"path": os.fsdecode(path)}) for path in paths)
    with contextlib.closing(answers(MODULE, questions, workers, time_limit, stopping)) as stream:
        for path, answer in stream:
            yield path, _tags(path, answer)


def workers_for(files: int, workers: int) -> int:
    """Return how many processes are worth starting for so many files."""
    return max(1, min(workers, files // FILES_PER_PROCESS))


def _tags(path: bytes, answer: Answer | Lost) -> TrackTags | UnreadableTags:
    if isinstance(answer, Lost):
        return UnreadableTags(path, str(answer), struck=True)
    said = answer.said
    if "problem" in said:
        return UnreadableTags(path, said["problem"], bool(said.get("postponed")), bool(said.get("struck")))
    return _from_json(said["tags"])


def _from_json(tags: dict[str, Any]) -> TrackTags:
    blocks = tuple(GenreBlock(block["block"], tuple(block["values"])) for block in tags["genre_blocks"])
    note = tags["provenance"]
    return TrackTags(**{**tags, "genre_blocks": blocks, "provenance": Provenance(**note) if note else None})
