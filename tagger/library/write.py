"""Write a genre into a file, and take it back; nothing else of the file changes.

Before a changed copy takes the file's place, it is read again: the genre must be as planned, every other tag and all
audio as before. Tags are compared by parsers that are independent of the code that saves them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tagger.base.errors import DiskTrouble, WriteFailed, WriteSkipped, path_text
from tagger.base.passing import gone
from tagger.base.patience import patiently, system_error
from tagger.base.records import GenreBlock, Provenance
from tagger.library import provenance as note_text
from tagger.library.checks import State, check_audio, check_tags, expected, look
from tagger.library.delta import apply_delta, reverse_delta
from tagger.library.family import TagView, Wanted
from tagger.library.loss import Permit, permit_kinds, permit_only
from tagger.library.original import WriteContext
from tagger.library.payload import payload_extent
from tagger.library.probe import probe
from tagger.library.settle import settle
from tagger.library.swap import Swap, carry_out, copy_hashed, sha256_of
from tagger.library.trouble import as_problem

__all__ = ["WriteContext", "WriteOutcome", "settle", "undo_write", "write_genre"]

WRITE, UNDO = "write", "undo"


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What became of a file. `exact` says that an undo gave back the very bytes; `before` are its genres until now."""

    path: bytes
    before: tuple[GenreBlock, ...]
    after: tuple[GenreBlock, ...]
    size: int
    mtime_ns: int
    fingerprint: str
    audio_hash: str
    exact: bool = False


def write_genre(path: bytes, genre: str | None, provenance: Provenance | None, ctx: WriteContext) -> WriteOutcome:
    """Write a genre and the note of where it comes from into a file, in every tag block that describes the track.

    Parameters
    ----------
    path : bytes
        The file, absolute.
    genre : str or None
        The name to write; None takes the genre out.
    provenance : Provenance or None
        The note to leave; None takes an earlier one out.
    ctx : WriteContext
        The run, its journal, and the station's policies.

    Returns
    -------
    WriteOutcome

    Raises
    ------
    WriteSkipped
        It would not be safe, or would lose something; the file is as it was.
    WriteFailed
        The changed copy did not pass a check, or could not be made; the file is as it was.
    LibraryLooksWrong
        The file is not there or cannot be reached, and neither can its whole library.
    """
    with _library_there(ctx):
        state = look(path, ctx)
        if ctx.scanned is not None and state.view.blocks != ctx.scanned:
            raise WriteSkipped(path, "its genre is not the one that was scanned; scan again", postponed=True)
        values = (genre,) if genre is not None else ()
        note = note_text.to_text(provenance) if provenance is not None else None
        planned: dict[str, Any] = {"kind": WRITE, "genre": genre, "note": note}
        if ctx.losses:
            planned["allowed"] = sorted({loss.kind for loss in ctx.losses})
        return _rewrite(state, lambda block: values, note, planned, ctx, permit_only(path, ctx.losses))


@contextlib.contextmanager
def _library_there(ctx: WriteContext) -> Iterator[None]:
    """When a file is gone or out of reach, look whether its library is: then all others would be, one by one."""
    try:
        yield
    except WriteSkipped as problem:
        found = system_error(problem)
        if isinstance(problem, DiskTrouble) or (found is not None and gone(found)):
            probe(ctx.library)
        raise


def undo_write(path: bytes, record: dict[str, Any], ctx: WriteContext) -> WriteOutcome:
    """Take back what `write_genre` did.

    The very bytes come back if the file is still as it was left. If something else was changed since, the genre
    values of each tag block come back, the rest stays.

    Parameters
    ----------
    path : bytes
        The file, absolute; it may have been moved since.
    record : dict
        The facts that `write_genre` gave to the journal, all stages merged.
    ctx : WriteContext

    Raises
    ------
    WriteSkipped
        As `write_genre`; also if a person changed the genre since, or the audio is not the one written to.
    WriteFailed, LibraryLooksWrong
        As `write_genre`.
    """
    with _library_there(ctx):
        return _undo(look(path, ctx), record, ctx)


def _undo(state: State, record: dict[str, Any], ctx: WriteContext) -> WriteOutcome:
    path = state.original.path
    if state.audio_hash != record.get("audio_hash"):
        raise WriteSkipped(path, "is not the audio that was written to")
    before, genre = _blocks_from(path, record), record.get("genre")
    planned = {"kind": UNDO, "genre": None, "undone_run": record.get("run")}
    if record.get("delta") is not None and state.original.found.st_size == record.get("size_after"):
        sha256 = _sha256(state, ctx)
        if sha256 == record.get("sha256_after"):
            return _restore(state, record, before, sha256, planned, ctx)
    if (state.view.blocks, state.view.note) == (before, record.get("note_before")):
        raise WriteSkipped(path, "has its genre of before already")
    if not _is_still(state.view, genre):
        raise WriteSkipped(path, "a person changed the genre since")
    kept = {_kind(block.block): block.values for block in before}
    permit = permit_kinds(path, record.get("allowed", ()))
    return _rewrite(state, lambda block: kept.get(_kind(block), ()), record.get("note_before"), planned, ctx, permit)


def _sha256(state: State, ctx: WriteContext) -> str:
    try:
        return patiently(lambda: sha256_of(state.original.target), ctx.stopping)
    except OSError as error:
        raise as_problem(state.original.path, error) from error


# --- the two ways to make the changed copy ----------------------------------------------------------------------------


def _rewrite(
    state: State, wanted: Wanted, note: str | None, planned: dict[str, Any], ctx: WriteContext, permit: Permit
) -> WriteOutcome:
    """Save other genre values into a copy."""
    target = state.original.target

    def build(copy: bytes) -> str:
        sha256 = copy_hashed(target, copy)
        state.family.save(copy, wanted, note, permit)
        return sha256

    def check(copy: bytes) -> None:
        check_tags(state, copy, wanted, note, ctx.losses)
        check_audio(state, copy, ctx)

    def ready(copy: bytes) -> dict[str, Any]:
        return {"delta": reverse_delta(target, copy, payload_extent(target), payload_extent(copy))}

    return _swap(state, planned, build, check, ready, ctx)


def _restore(
    state: State,
    record: dict[str, Any],
    before: tuple[GenreBlock, ...],
    sha256: str,
    planned: dict[str, Any],
    ctx: WriteContext,
) -> WriteOutcome:
    """Build the original bytes again."""
    target = state.original.target

    def build(copy: bytes) -> str:
        try:
            with open(target, "rb") as changed, open(copy, "wb") as file:
                apply_delta(changed, record["delta"], file)
        except ValueError as error:
            raise WriteFailed(state.original.path, str(error)) from error
        return sha256

    def check(copy: bytes) -> None:
        if sha256_of(copy) != record.get("sha256_before"):
            raise WriteFailed(state.original.path, "the original bytes could not be built again")
        if state.family.read(copy).blocks != before:
            raise WriteFailed(state.original.path, "the original genre did not come back")
        check_audio(state, copy, ctx)

    return _swap(state, planned, build, check, lambda copy: {}, ctx, exact=True)


def _swap(
    state: State,
    planned: dict[str, Any],
    build: Callable[[bytes], str],
    check: Callable[[bytes], None],
    ready: Callable[[bytes], dict[str, Any]],
    ctx: WriteContext,
    exact: bool = False,
) -> WriteOutcome:
    facts = {
        **planned,
        "run": ctx.run,
        "library": path_text(ctx.library),
        "container": state.container,
        "genre_blocks": [[block.block, list(block.values)] for block in state.view.blocks],
        "note_before": state.view.note,
        "fingerprint": state.fingerprint,
        "audio_hash": state.audio_hash,
    }
    after: tuple[GenreBlock, ...] = ()

    def check_and_read(copy: bytes) -> None:
        nonlocal after
        check(copy)
        after = state.family.read(copy).blocks

    made = carry_out(Swap(state.original, facts, build, check_and_read, ready), ctx)
    return WriteOutcome(
        path=state.original.path,
        before=state.view.blocks,
        after=after,
        size=made.st_size,
        mtime_ns=made.st_mtime_ns,
        fingerprint=state.fingerprint,
        audio_hash=state.audio_hash,
        exact=exact,
    )


# --- undo -------------------------------------------------------------------------------------------------------------


def _blocks_from(path: bytes, record: dict[str, Any]) -> tuple[GenreBlock, ...]:
    try:
        return tuple(GenreBlock(block, tuple(values)) for block, values in record["genre_blocks"])
    except (KeyError, TypeError, ValueError) as error:
        raise WriteSkipped(path, "the journal does not tell what its genre was") from error


def _is_still(view: TagView, genre: str | None) -> bool:
    """Whether the genre is the one that was written, wherever there is one."""
    values = (genre,) if genre is not None else ()
    if not view.blocks:
        return not values
    first, *others = view.blocks
    if first.values != expected(first.block, lambda block: values):
        return False
    return all(not block.values or block.values == expected(block.block, lambda name: values) for block in others)


def _kind(block: str) -> str:
    """Return the kind of a block; ID3v2 may have been brought to another version since."""
    return "id3v2" if block.startswith("id3v2") else block
