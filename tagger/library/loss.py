"""What a save loses or changes beside the genre: named one by one, so that exactly what was foreseen can be allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from tagger.base.errors import WriteSkipped
from tagger.library.family import Entry, TagView

# Blocks that a write may add to a file, with what belongs to them (a vendor, texts copied from ID3v1).
NEW_BLOCKS = {"id3v2.3", "apev2", "vorbis", "mp4", "asf", "riff-info"}


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that a save would not leave as it is.

    Parameters
    ----------
    kind : str
        One of `tagger.base.losses`.
    text : str
        What, for people; a clause such as "it is a fragmented MP4".
    lost, added : tuple of Entry
        What is no longer there afterwards, and what comes in its place.
    """

    kind: str
    text: str
    lost: tuple[Entry, ...] = ()
    added: tuple[Entry, ...] = ()


# Called by a save before it loses something. Raises WriteSkipped unless that loss is allowed.
Permit = Callable[[Loss], None]


def permit_only(path: bytes, allowed: Iterable[Loss]) -> Permit:
    """Return a permit for these losses and no other."""
    named = frozenset(allowed)

    def permit(loss: Loss) -> None:
        if loss not in named:
            raise WriteSkipped(path, loss.text)

    return permit


def permit_kinds(path: bytes, kinds: Iterable[str]) -> Permit:
    """Return a permit for all losses of these kinds."""
    allowed = frozenset(kinds)

    def permit(loss: Loss) -> None:
        if loss.kind not in allowed:
            raise WriteSkipped(path, loss.text)

    return permit


def refuse(path: bytes, permit: Permit, kind: str, text: str) -> NoReturn:
    """Give a save up over a loss that nobody can allow.

    Raises
    ------
    WriteSkipped
    """
    permit(Loss(kind, text))
    raise WriteSkipped(path, text)


def losses_between(
    before: TagView, entries_before: Counter[Entry], after: TagView, entries_after: Counter[Entry]
) -> tuple[Loss, ...]:
    """Compare a file's tags before and after a save, all but genre and note.

    A block that was not there before may bring what it needs; everything else is to be the same.
    """
    known = {block.block for block in before.blocks}
    if "id3v2.2" in known:  # its frames are compared as what they become
        known.add("id3v2.3")
    lost = list((entries_before - entries_after).elements())
    came = (entries_after - entries_before).elements()
    added = [entry for entry in came if entry.block in known or entry.block not in NEW_BLOCKS]
    comments = _taken(lost, "vorbis"), _taken(added, "vorbis")
    found = [_frame_loss(entry) for entry in sorted(lost) if entry.block.startswith("id3v2")]
    if comments[0]:
        names = ", ".join(sorted({entry.key or "(no name)" for entry in comments[0]}))
        found.append(Loss("comment", f"its Vorbis comment has text that is not UTF-8, in {names}", *comments))
    others = [e for e in lost if not e.block.startswith(("id3v2", "vorbis"))]
    others += [e for e in added if e.block != "vorbis" or not comments[0]]
    found += [Loss("other", f"saving would change {e.block} {e.key}", (e,)) for e in sorted(others)]
    fields = [name for name, text in before.fields.items() if after.fields.get(name) != text]
    return (*found, *(Loss("other", f"its {name} would read otherwise") for name in fields))


def _taken(entries: list[Entry], block: str) -> tuple[Entry, ...]:
    return tuple(sorted(entry for entry in entries if entry.block == block))


def _frame_loss(entry: Entry) -> Loss:
    if entry.block == "id3v2.2":
        return Loss("id3v2.2", f"its ID3v2.2 frame {entry.key} has no counterpart in ID3v2.3", (entry,))
    version = entry.block.removeprefix("id3v2.")
    return Loss("frame", f"its ID3v2.{version} tag has a frame {entry.key!r}, which no tag writer keeps", (entry,))


def names(losses: Iterable[Loss]) -> str:
    """Return the tags that the losses concern, for a message."""
    entries = [entry for loss in losses for entry in (*loss.lost, *loss.added)]
    found = sorted({f"{entry.block} {entry.key}" for entry in entries})
    return ", ".join(found[:5]) or "; ".join(loss.text for loss in losses)
