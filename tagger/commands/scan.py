"""`tagger scan`: bring the index up to date with the libraries as they are now."""

from __future__ import annotations

import argparse
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tagger.base.batches import in_batches
from tagger.base.errors import FileProblem, LibraryLooksWrong, UnreadableTags, UsageError
from tagger.base.records import FoundFile, TrackState, TrackTags
from tagger.commands.session import Outcome, Session, absolute

if TYPE_CHECKING:
    from tagger.index.rows import KnownFile

BATCH = 200  # tracks saved in one short transaction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Libraries, and a person's word that missing files are really gone."""
    parser.add_argument("libraries", nargs="+", metavar="LIBRARY", help="a mounted folder of music")
    parser.add_argument(
        "--accept-missing", action="store_true", help="files that are gone are gone for good, however many they are"
    )


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Scan the libraries, one after the other."""
    roots = library_roots(session, arguments.libraries)
    session.begin()
    counts = scan_libraries(session, roots, arguments.accept_missing)
    noteworthy = bool(session.new_problems)
    return Outcome(counts, {}, summary(session, counts), noteworthy=noteworthy, looked_at=counts["files"])


def library_roots(session: Session, names: Sequence[str]) -> list[bytes]:
    """Check that every library is there and answers, before anything is changed.

    Raises
    ------
    LibraryLooksWrong
        If one is missing, empty or hung.
    UsageError
        If one lies inside another.
    """
    from tagger.library.probe import probe

    roots = list(dict.fromkeys(absolute(name) for name in names))
    refuse_nested(roots, roots)
    for root in roots:
        probe(root, session.settings.probe_seconds)
    return roots


def refuse_nested(roots: Iterable[bytes], others: Iterable[bytes]) -> None:
    """Refuse a library inside another: its files would be two tracks each.

    Raises
    ------
    UsageError
    """
    for root, other in itertools.product(roots, others):
        inner, outer = sorted((root, other), key=len, reverse=True)
        if inner != outer and inner.startswith(outer.rstrip(b"/") + b"/"):
            raise UsageError(
                f"{os.fsdecode(inner)} lies inside the library {os.fsdecode(outer)}; scan only one of them"
            )


def scan_libraries(session: Session, roots: Sequence[bytes], accept_missing: bool = False) -> dict[str, int]:
    """Scan libraries that `library_roots` has checked.

    Returns
    -------
    dict
        The counts of the command.
    """
    refuse_nested(roots, [library.root for library in session.index.libraries.all()])
    surveys = [survey(session, root) for root in roots]
    for found in surveys:  # before the first change: one wrong library stops all
        refuse_if_too_many_gone(session, found, accept_missing)
    totals: Counter[str] = Counter()
    for found in surveys:
        totals.update(apply(session, found))
    from tagger.commands.labels import label_due_tracks

    label_due_tracks(session)
    now = session.index.select.counts([found.library for found in surveys])
    kinds = ("files", "new", "changed", "moved", "unchanged", "unreadable")
    counts = {**{kind: totals[kind] for kind in kinds}, "missing": now.missing}
    return {**counts, **{state.value: now.states[state] for state in TrackState}}


@dataclass
class Survey:
    """What differs between a library and what the index knows of it; nothing is changed yet."""

    root: bytes
    library: int
    known: int = 0  # tracks that were there at the last scan
    unchanged: int = 0
    still_unreadable: list[KnownFile] = field(default_factory=list)
    back: list[int] = field(default_factory=list)  # were missing and are there again, as they were
    new: list[FoundFile] = field(default_factory=list)
    changed: list[FoundFile] = field(default_factory=list)
    gone: dict[int, KnownFile] = field(default_factory=dict)
    left_out: list[int] = field(default_factory=list)  # now excluded by the settings
    read: dict[bytes, TrackTags] = field(default_factory=dict)  # new files that had to be read before the fuse


def survey(session: Session, root: bytes) -> Survey:
    """Walk a library and compare it with the index, by size and time of each file. Opens no file."""
    from tagger.library.walk import excluded, walk

    index = session.index
    blind: list[bytes] = []

    def could_not_look(problem: FileProblem) -> None:
        session.report(problem)
        blind.append(os.path.relpath(os.fsencode(problem.path), root) + b"/")

    library = index.libraries.get(root, create=True)
    if library is None:
        raise UsageError(f"{os.fsdecode(root)} cannot be taken into the index")
    result = Survey(root, library.library_id)
    known = {entry.path: entry for entry in index.tracks.known_files(result.library)}
    result.known = sum(not entry.missing for entry in known.values())
    with session.console.bar("looking", None) as bar:
        for file in walk(root, session.settings.exclude, could_not_look):
            bar.step()
            session.check()
            _compare(result, known.pop(file.path, None), file)
    for entry in known.values():
        if excluded(entry.path, session.settings.exclude):
            result.left_out.append(entry.track_id)
        elif not entry.missing and not entry.path.startswith(tuple(blind)):
            result.gone[entry.track_id] = entry
    return result


def _compare(result: Survey, known: KnownFile | None, file: FoundFile) -> None:
    if known is None:
        result.new.append(file)
    elif (known.size, known.mtime_ns) != (file.size, file.mtime_ns):
        result.changed.append(file)
    elif known.error is not None:
        result.still_unreadable.append(known)
    else:
        result.unchanged += 1
        if known.missing:
            result.back.append(known.track_id)


def refuse_if_too_many_gone(session: Session, found: Survey, accept_missing: bool) -> None:
    """Stop if more files are gone than is plausible. Files that only moved are matched first.

    Raises
    ------
    LibraryLooksWrong
        Nothing has been changed.
    """
    limit = session.settings.max_missing * found.known
    if accept_missing or len(found.gone) <= limit:
        return
    prints = Counter(file.fingerprint for file in found.gone.values() if file.fingerprint)
    moved = 0
    for file in found.new:
        session.check()
        try:
            tags = found.read[file.path] = _read(found.root, file)
        except UnreadableTags:
            continue  # reported when its turn comes
        if prints[tags.fingerprint] > 0:
            prints[tags.fingerprint] -= 1
            moved += 1
    gone = len(found.gone) - moved
    if gone > limit:
        raise LibraryLooksWrong(
            f"{os.fsdecode(found.root)}: {gone} of {found.known} known files are gone, more than the "
            f"{session.settings.max_missing:.0%} that max_missing allows; nothing was changed. Is everything mounted? "
            f"If they are really gone: tagger scan {os.fsdecode(found.root)} --accept-missing"
        )


def _read(root: bytes, file: FoundFile) -> TrackTags:
    from tagger.library.tags import read_tags

    return read_tags(os.path.join(root, file.path))


def apply(session: Session, found: Survey) -> Counter[str]:
    """Write to the index what the survey found, reading the tags of new and changed files.

    Returns
    -------
    Counter
        Of the kinds of files.
    """
    tracks = session.index.tracks
    counts = Counter(unchanged=found.unchanged, unreadable=len(found.still_unreadable))
    for known in found.still_unreadable:
        session.report(UnreadableTags(os.path.join(found.root, known.path), known.error or ""))
    counts["files"] = found.unchanged + len(found.still_unreadable) + len(found.new) + len(found.changed)
    tracks.mark_found(found.back)
    tracks.forget(found.left_out)
    by_print = {file.fingerprint: file for file in found.gone.values() if file.fingerprint}
    work = [*((False, file) for file in found.new), *((True, file) for file in found.changed)]
    with session.console.bar("reading tags", len(work)) as bar:
        for batch in in_batches(work, BATCH):
            counts.update(_apply_batch(session, found, by_print, batch))
            bar.step(len(batch))
    tracks.mark_missing(list(found.gone))
    session.index.libraries.scanned(found.library)
    return counts


def _apply_batch(
    session: Session, found: Survey, by_print: dict[str, KnownFile], batch: Sequence[tuple[bool, FoundFile]]
) -> Counter[str]:
    """Read a batch of files and store what they say; `batch` has for each whether it was known by its path."""
    from tagger.genres.labels import genre_text
    from tagger.index.rows import ScannedFile, UnreadableFile

    counts: Counter[str] = Counter()
    read, unreadable, moves = [], [], {}
    for known, file in batch:
        session.check()
        try:
            tags = found.read.pop(file.path, None) or _read(found.root, file)
        except UnreadableTags as problem:
            session.report(problem)
            unreadable.append(UnreadableFile(file, problem.cause))
            counts["unreadable"] += 1
            continue
        read.append(ScannedFile(file, tags, genre_text(tags.genre_blocks)))
        moved = None if known else by_print.pop(tags.fingerprint, None)
        if moved is not None:
            moves[moved.track_id] = file.path
            del found.gone[moved.track_id]
        counts["changed" if known else "moved" if moved else "new"] += 1
    tracks = session.index.tracks
    tracks.move(found.library, moves)
    tracks.save(found.library, read, session.run_id)
    tracks.save_unreadable(found.library, unreadable, session.run_id)
    return counts


def summary(session: Session, counts: dict[str, int]) -> list[str]:
    """Return the scan in a few lines for people."""
    seen = ", ".join(f"{counts[kind]:,} {kind}" for kind in ("new", "changed", "moved", "unchanged") if counts[kind])
    states = ", ".join(f"{counts[state.value]:,} {state.value}" for state in TrackState if counts[state.value])
    lines = [f"{counts['files']:,} files: {seen or 'none that can be read'}.", f"Genres: {states or 'none'}."]
    if not counts["files"]:
        lines = ["0 files: there is no audio here that tagger knows."]
    if counts["missing"]:
        lines.append(f"{counts['missing']:,} known files are missing.")
    if counts["unreadable"]:
        lines.append(f"{counts['unreadable']:,} files cannot be read:")
    return lines + [f"  {problem.path}: {problem.error}" for problem in session.problems]
