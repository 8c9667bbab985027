"""What was concluded from the whole index, kept until something changes: most nights leave it as they found it.

A conclusion lies in the home's cache, with what it was drawn from: this version of tagger, the index's state, and
whatever else its caller names. Where any of these is another, it counts for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger import __version__
from tagger.base.files import write_text

if TYPE_CHECKING:
    from tagger.commands.session import Session

FOLDER = "concluded"  # in the home's cache


class Conclusion:
    """One conclusion.

    Parameters
    ----------
    session : Session
    name : str
        Of its file.
    basis : sequence
        What it depends on beside the index, as JSON can hold it.
    """

    def __init__(self, session: Session, name: str, basis: Sequence[Any]) -> None:
        self._session = session
        self._path = session.home.cache / FOLDER / f"{name}.json"
        self._basis = list(basis)
        self._version = session.index.meta.version

    def recall(self) -> Any:
        """Return what was concluded; None if nothing was, or something has changed since."""
        try:
            stored = json.loads(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        same = isinstance(stored, dict) and stored.get("basis") == json.loads(json.dumps(self._whole_basis()))
        return stored.get("concluded") if same and self._version is not None else None

    def remember(self, concluded: Any) -> None:
        """Keep what was concluded since this was made, as JSON can hold it; only a run, which has the lock, does so."""
        if self._session.run_id is None or self._version != self._session.index.meta.version:
            return
        self._path.parent.mkdir(exist_ok=True)
        write_text(self._path, json.dumps({"basis": self._whole_basis(), "concluded": concluded}))

    def _whole_basis(self) -> list[Any]:
        return [__version__, self._version, *self._basis]


def stamp(path: Path) -> list[int] | None:
    """Return size and time of a file that a conclusion depends on; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
