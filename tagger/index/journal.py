"""The journal: one line of JSON for every stage of every tag change, and for every decision; only ever appended to.

It outlives the index. Each entry says by itself what it is about, so that a lost index can be made from it. A path has
its bytes as surrogate escapes; the file is ASCII.

    {"kind": "change", "id": ..., "stage": "planned", "at": ..., "run": ..., "action": "write", "by": "machine",
     "library": ..., "path": ..., "fingerprint": ..., "audio_hash": ..., "genre": ..., "written": ..., "model": ...,
     "confidence": ..., "undoes": null, "facts": {...}}
    {"kind": "decision", "id": ..., "at": ..., "run": ..., "library": ..., "path": ..., "fingerprint": ...,
     "decision": "genre", "genre": ..., "genre_tag": ...}
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tagger.base.errors import TaggerError
from tagger.base.files import fsync_folder

FIRST_LINE_BYTES = 4096  # enough of the first entry to tell two journals apart: it holds an id and a time


class JournalUnusable(TaggerError):
    """The journal cannot be read or written; nothing may be changed without it."""


class Journal:
    """`journal.jsonl` of a home. Need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, *entries: Mapping[str, Any]) -> tuple[int, int]:
        """Write entries at the end and wait until the disk has them.

        Either all of them are there afterwards or, if this raises, none. Only the holder of the run lock may append.

        Returns
        -------
        tuple of int
            The size of the journal before and after, in bytes.

        Raises
        ------
        JournalUnusable
            The disk is full, or the file cannot be written to.
        """
        lines = [json.dumps(entry, separators=(",", ":"), allow_nan=False) + "\n" for entry in entries]
        content = "".join(lines).encode("ascii")
        try:
            is_new = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                before, after = _append_whole(descriptor, content)
            finally:
                os.close(descriptor)
            if is_new:
                fsync_folder(self.path.parent)
        except OSError as error:
            raise JournalUnusable(
                f"the journal {self.path} cannot be written to ({error.strerror}), and nothing is changed without it; "
                "make room or give this user the right to write there, and run again"
            ) from error
        return before, after

    def read(self, start: int = 0) -> Iterator[tuple[int, dict[str, Any] | None]]:
        """Yield each entry with the offset after it; None for a line that is damaged.

        A last line that was cut off in the middle by a crash is left alone: its change never began.

        Parameters
        ----------
        start : int
            An offset that this has given, in bytes.

        Raises
        ------
        JournalUnusable
            The file is there and cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                for line in file:
                    start += len(line)
                    entry = _parsed(line)
                    if entry is None and not line.endswith(b"\n"):
                        return
                    if line.strip():
                        yield start, entry
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalUnusable(f"the journal {self.path} cannot be read ({error.strerror})") from error

    def identity(self) -> str:
        """Return a text that tells this journal from others; empty while it has no entry."""
        try:
            with self.path.open("rb") as file:
                first = file.readline(FIRST_LINE_BYTES)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise JournalUnusable(f"the journal {self.path} cannot be read ({error.strerror})") from error
        return hashlib.sha256(first).hexdigest()[:16] if first else ""

    def size(self) -> int:
        """Return how long the journal is, in bytes."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0


def _append_whole(descriptor: int, content: bytes) -> tuple[int, int]:
    before = os.fstat(descriptor).st_size
    if before and os.pread(descriptor, 1, before - 1) != b"\n":
        content = b"\n" + content  # a crash cut the last line off; it must not run into ours
    try:
        written = 0
        while written < len(content):
            written += os.write(descriptor, content[written:])
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, before)
        raise
    return before, before + len(content)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
