"""The note that is left in a file beside a genre that this system wrote: one line of text."""

from __future__ import annotations

import math
from urllib.parse import quote, unquote

from tagger.base.records import Provenance

# Everything that is printable in a tag stays readable; what would break the line apart is percent-encoded.
_KEPT = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in "%;=")


def to_text(provenance: Provenance) -> str:
    """Return ``genre=...; model=...; confidence=0.93; run=...``."""
    parts = {
        "genre": provenance.written,
        "model": provenance.model,
        "confidence": repr(float(provenance.confidence)),
        "run": provenance.run,
    }
    return "; ".join(f"{key}={_encoded(value)}" for key, value in parts.items())


def from_text(text: str | None) -> Provenance | None:
    """Return what the note says, or None for a text that is no such note (another program may use the name)."""
    parts: dict[str, str] = {}
    for part in (text or "").split(";"):
        key, equals, value = part.partition("=")
        if equals:
            parts[key.strip()] = _decoded(value.strip(" \0"))
    try:
        confidence = float(parts["confidence"])
        if not math.isfinite(confidence):
            return None
        return Provenance(parts["genre"], parts["model"], confidence, parts["run"])
    except (KeyError, ValueError):
        return None


def _encoded(value: str) -> str:
    safe = _KEPT if value.strip() == value else _KEPT.replace(" ", "")  # a space at an end would be lost
    return quote(value, safe=safe, errors="surrogatepass")


def _decoded(value: str) -> str:
    try:
        return unquote(value, errors="surrogatepass")
    except UnicodeDecodeError:
        return value
