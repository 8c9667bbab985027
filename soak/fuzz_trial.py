"""What must hold for any file, whatever is in it: read, decode, write and take back, in this process.

Whatever does not hold is a flaw, told in a line. A process that dies or hangs is the caller's to notice.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import mutagen
from mutagen import MutagenError

from bench.containers import GENRE, NOTE, RUN, other_tags
from tagger.audio.clips import clip_offsets, track_clips
from tagger.audio.decode import decode_all, duration
from tagger.audio.hash import audio_hash
from tagger.audio.spectrogram import FORMS
from tagger.audio.streams import stream_info
from tagger.audio.worker import MEMORY as DECODER_MEMORY
from tagger.base.errors import FileProblem
from tagger.base.records import ClipSource, TrackTags
from tagger.library.delta import MOST_LITERAL
from tagger.library.door import DAMAGE, SLIPS
from tagger.library.swap import WriteContext
from tagger.library.tags import read_tags
from tagger.library.write import undo_write, write_genre

MOST_MEMORY = 1 << 30  # [bytes] that may really be used for one file, beside what the process has
TAG_SPACE = 6 << 30  # [bytes] of address space for tags: parsers reserve what a 32-bit size claims, and use none of it
LONG_AGO = 1_000_000_000  # [s] time of the files before anything is done
CLIP = 0.25  # [s]
NO_VIEW = (MutagenError, OSError, *DAMAGE, *SLIPS)  # what mutagen, called by itself, raises on damage
Answer = TypeVar("Answer")


@dataclass
class Trial:
    """What one file did. `cause` is the problem that was told of it, if any; times in CPU seconds."""

    readable: bool = False
    decoded: bool = False
    written: bool = False
    refused: bool = False
    seconds: float = 0.0
    memory: int = 0  # [bytes] more than the process had before
    causes: dict[str, str] = field(default_factory=dict)
    flaws: list[str] = field(default_factory=list)


class _Flawed(Exception):
    """A step broke what must hold; the flaw is on the list and the file is given up."""


def try_file(path: Path, content: bytes) -> Trial:
    """Put a file at `path`, alone in its folder, and do to it all that tagger does.

    Returns
    -------
    Trial
    """
    path.write_bytes(content)
    os.utime(path, (LONG_AGO, LONG_AGO))
    trial, name = Trial(), os.fsencode(path)
    _forget_peak()
    memory, start = _memory("VmRSS"), time.process_time()
    with suppress(_Flawed):
        tags = _try(trial, "read", lambda: read_tags(name))
        trial.readable = tags is not None
        _listen(trial, name)
        _require(trial, _as_it_was(path, content), "alteration", "reading changed the file")
        _write_and_undo(trial, path, content, tags)
    trial.seconds = time.process_time() - start
    trial.memory = max(0, _memory("VmHWM") - memory)
    if trial.memory > MOST_MEMORY:
        trial.flaws.append(f"memory: {trial.memory >> 20} MiB")
    for left in path.parent.iterdir():
        left.unlink()
    return trial


def _try(trial: Trial, step: str, action: Callable[[], Answer], space: int = TAG_SPACE) -> Answer | None:
    """Do something that may find a problem of the file, and nothing else wrong."""
    try:
        with _limited(space):
            return action()
    except FileProblem as problem:
        trial.causes[step] = problem.cause
    except MemoryError:
        if space == TAG_SPACE:
            _fail(trial, "crash", f"{step}: out of memory")
        trial.causes[step] = "needs too much memory"  # as the process that decodes tells it
    except Exception as error:  # the very thing that is looked for
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{'/'.join(Path(where.filename).parts[-2:])}:{where.lineno}"
        _fail(trial, "crash", f"{step}: {type(error).__name__}: {error} ({place})")
    return None


def _require(trial: Trial, holds: bool, kind: str, what: str) -> None:
    if not holds:
        _fail(trial, kind, what)


def _fail(trial: Trial, kind: str, what: str) -> None:
    trial.flaws.append(f"{kind}: {' '.join(what.split())[:300]}")
    raise _Flawed


# --- reading --------------------------------------------------------------------------------------------------------


def _listen(trial: Trial, name: bytes) -> None:
    """Look into the streams, and cut clips as a night does."""
    _try(trial, "streams", lambda: stream_info(name), DECODER_MEMORY)
    seconds = _try(trial, "duration", lambda: duration(name), DECODER_MEMORY)
    source = ClipSource("fuzz", name, seconds or 0.0)
    _try(trial, "clips", lambda: track_clips(source, [CLIP], FORMS["mel"], 2), DECODER_MEMORY)
    if seconds is not None:
        _require(trial, seconds >= 0 and len(clip_offsets("fuzz", seconds, CLIP)) == 5, "crash", f"lasts {seconds} s")
    trial.decoded = _try(trial, "decode", lambda: decode_all(name), DECODER_MEMORY) is not None


# --- writing --------------------------------------------------------------------------------------------------------


def _write_and_undo(trial: Trial, path: Path, content: bytes, tags: TrackTags | None) -> None:
    name = os.fsencode(path)
    facts: dict[str, Any] = {}
    audio = _try(trial, "hash", lambda: audio_hash(name))
    others = _other_tags(path)
    done = _try(trial, "write", lambda: write_genre(name, GENRE, NOTE, _context(path, facts)))
    _alone(trial, path)
    if done is None:
        trial.refused = True
        _require(trial, _as_it_was(path, content), "alteration", "a refused write changed the file")
        return
    trial.written = True
    _require(trial, tags is not None and audio is not None, "alteration", "an unreadable file was written to")
    after = _try(trial, "read back", lambda: read_tags(name))
    _require(trial, after is not None, "alteration", f"not readable after the write: {trial.causes.get('read back')}")
    genres = {value for block in after.genre_blocks for value in block.values} if after else set()
    _require(trial, GENRE in genres, "alteration", f"written as {GENRE}, reads as {genres}")
    _require(trial, _try(trial, "hash after", lambda: audio_hash(name)) == audio, "alteration", "the audio changed")
    # where all of the file is still there, behind a new tag, mutagen's other view of damaged rests is no loss
    changed = [] if path.read_bytes().endswith(content) else _lost(others, _other_tags(path))
    _require(trial, not changed, "alteration", f"the write changed other tags: {changed}")
    record = json.loads(json.dumps(facts))
    undone = _try(trial, "undo", lambda: undo_write(name, record, _context(path, {})))
    _require(trial, undone is not None, "alteration", f"cannot be undone: {trial.causes.get('undo')}")
    _alone(trial, path)
    same = path.read_bytes() == content
    way_back_too_long = facts["delta"] is None and len(content) > MOST_LITERAL // 2
    _require(trial, same or way_back_too_long, "alteration", "undo does not give the same bytes back")


def _context(path: Path, facts: dict[str, Any]) -> WriteContext:
    return WriteContext(
        library=os.fsencode(path.parent),
        run=RUN,
        audio_hash=audio_hash,
        journal=lambda stage, told: facts.update(told),
        settle_seconds=0,
    )


def _other_tags(path: Path) -> tuple[str, dict[str, str]] | None:
    """Return the other tags as mutagen sees them, and what it takes the file for; None where damage stops it."""
    try:
        return type(mutagen.File(path)).__name__, other_tags(path)
    except NO_VIEW:
        return None


def _lost(before: tuple[str, dict[str, str]] | None, after: tuple[str, dict[str, str]] | None) -> list[str]:
    """Return the names of tags that are not as they were.

    Of a damaged file mutagen may think otherwise once it has an ID3v2 tag (that it is MP3, not AAC); then what it
    takes for the main tags is another block, and only the others are compared.
    """
    if before is None:
        return []
    kind, tags = after or ("", {})
    same = {key: text for key, text in before[1].items() if kind == before[0] or not key.startswith("main ")}
    return sorted(key for key, text in same.items() if tags.get(key) != text)


def _as_it_was(path: Path, content: bytes) -> bool:
    same_time = path.stat().st_mtime_ns == LONG_AGO * 10**9
    return same_time and hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(content).digest()


def _alone(trial: Trial, path: Path) -> None:
    left = [entry.name for entry in path.parent.iterdir()]
    _require(trial, left == [path.name], "alteration", f"left behind: {left}")


# --- memory ---------------------------------------------------------------------------------------------------------


class _limited:
    """Let this process take so many bytes of address space more than it has."""

    def __init__(self, memory: int) -> None:
        self._memory = memory

    def __enter__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_memory("VmSize") + self._memory, self._before[1]))

    def __exit__(self, *error: object) -> None:
        resource.setrlimit(resource.RLIMIT_AS, self._before)


def _memory(what: str) -> int:
    """Return one of the sizes that Linux tells of this process [bytes]."""
    with open("/proc/self/status", "rb") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(what.encode()))


def _forget_peak() -> None:
    """Let the largest size so far (VmHWM) be that of now, where Linux allows it."""
    with suppress(OSError), open("/proc/self/clear_refs", "wb") as file:
        file.write(b"5")
