"""What every container family offers, so that reading and writing need not know the container.

A family is a module with three functions: `read`, `save` and `entries`. `save` works in place, on a copy that the
caller owns; `entries` lists everything beside the genre, read by a parser that is independent of the one that saves,
so that a save which loses something is noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tagger.base.records import GenreBlock

if TYPE_CHECKING:
    from tagger.library.loss import Permit

NOTE_KEY = "TAGGER"  # under this name the provenance stands in every tag format

# What a block is to hold: the genre values for a block's name; none means that the genre is taken out.
Wanted = Callable[[str], tuple[str, ...]]


class Entry(NamedTuple):
    """One thing that a file's metadata holds beside the genre: where, what, and a digest of its content."""

    block: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class TagView:
    """What one read of a file's metadata gives.

    `blocks` holds one entry for each tag block that exists, also one without genre. `fields` has some of ``artist
    album_artist album title track_number year``. `note` is the text of the provenance tag. `duration` in seconds.
    """

    blocks: tuple[GenreBlock, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    compilation: bool = False
    note: str | None = None
    duration: float | None = None


class Family(Protocol):
    """The shape of a container family's module."""

    def read(self, path: bytes) -> TagView:
        """Read the tags. Raises UnreadableTags."""

    def save(self, path: bytes, wanted: Wanted, note: str | None, permit: Permit) -> None:
        """Set genre and note in the file itself. Raises WriteSkipped if that costs what `permit` does not allow."""

    def entries(self, path: bytes) -> list[Entry]:
        """List all other tags. Raises UnreadableTags."""


def digest(content: bytes) -> str:
    """Return a short digest that tells one tag's content from another's."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def kept_values(values: object) -> tuple[str, ...]:
    """Return genre strings as they are, without those that hold no character."""
    return tuple(text for value in values if (text := str(value)))  # type: ignore[attr-defined]


def first_fields(found: Mapping[str, object]) -> dict[str, str]:
    """Return the fields that hold text; several values are joined with "; "."""
    fields = {}
    for name, value in found.items():
        parts = value if isinstance(value, (list, tuple)) else [value]
        text = "; ".join(str(part).strip() for part in parts if part is not None and str(part).strip())
        if text:
            fields[name] = text
    return fields


def best_of(*views: TagView) -> TagView:
    """Merge the views of several blocks of one file; earlier ones win."""
    fields: dict[str, str] = {}
    for view in reversed(views):
        fields.update(view.fields)
    return TagView(
        blocks=tuple(block for view in views for block in view.blocks),
        fields=fields,
        compilation=any(view.compilation for view in views),
        note=next((view.note for view in views if view.note is not None), None),
        duration=next((view.duration for view in views if view.duration is not None), None),
    )
