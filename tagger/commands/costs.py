"""How fast a family of models classifies, measured by `compare`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.base.errors import FileProblem
from tagger.base.files import write_text
from tagger.commands.clips import Material
from tagger.commands.sources import Sources

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.model.contend import Contender

TIMED_TRACKS = 40  # heard to see how fast a family is, after
WARM_TRACKS = 8  # others, while processes start and networks are compiled


def rate_of(session: Session, found: Contender, material: Material, sources: Sources | None) -> float:
    """Return how many tracks a second are classified, from the files on; without files, from the clips in memory.

    0 for a family that was remembered and not timed then.
    """
    if found.logits is None:
        return _noted(session, found.family)
    rate = _rate(session, found, material, sources)
    write_text(_file(session, found.family), f"{rate}\n")
    return rate


def _rate(session: Session, found: Contender, material: Material, sources: Sources | None) -> float:
    import numpy as np

    from tagger.audio.forms import form_from_card
    from tagger.audio.workers import input_stream

    assert found.logits is not None
    settings = session.settings
    if sources is None:
        one = material.clips[found.seconds]
        tracks = len(np.unique(one.tracks[: 100 * settings.clips]))
        found.logits(one.inputs[:1])
        started = time.monotonic()
        found.logits(one.inputs[: 100 * settings.clips])
    else:
        chosen = sources.labelled[: TIMED_TRACKS + WARM_TRACKS]
        form = form_from_card(material.form)
        stream = input_stream(
            chosen, [found.seconds], form, settings.clips, settings.workers, stopping=session.stopping
        )
        tracks, started = 0, time.monotonic()
        for number, clips in enumerate(_heard(stream, found.seconds)):
            found.logits(clips)
            if number + 1 == min(WARM_TRACKS, len(chosen) // 2):
                tracks, started = 0, time.monotonic()
            else:
                tracks += 1
    return tracks / max(1e-6, time.monotonic() - started)


def _heard(stream: Iterator[Any], seconds: int) -> Iterator[Any]:
    for _, found in stream:
        if not isinstance(found, FileProblem) and seconds in found:
            yield found[seconds]


def _file(session: Session, family: str) -> Path:
    return session.home.cache / "compare" / "honest" / f"{family}.rate"


def _noted(session: Session, family: str) -> float:
    try:
        return float(_file(session, family).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0
