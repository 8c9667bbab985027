"""`tagger scan`: bring the index up to date with the libraries as they are now."""

from __future__ import annotations

import argparse
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from tagger.base.batches import in_batches
from tagger.base.errors import UnreadableTags, UsageError
from tagger.base.records import FoundFile, TrackState, TrackTags
from tagger.commands.console import problem_lines
from tagger.commands.libraries import ask_whether_there
from tagger.commands.session import Outcome, Session, absolute
from tagger.commands.survey import FoundFiles, Survey, read_files, refuse_if_too_many_gone, survey

if TYPE_CHECKING:
    from tagger.index.rows import KnownFile

BATCH = 200  # tracks saved in one short transaction

Reading = tuple[bool, FoundFile, TrackTags | UnreadableTags]  # known by its path before?, the file, what it says


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Libraries, and a person's word that missing files are really gone."""
    parser.add_argument("libraries", nargs="+", metavar="LIBRARY", help="a mounted folder of music")
    parser.add_argument(
        "--accept-missing", action="store_true", help="files that are gone are gone for good, however many they are"
    )
    parser.add_argument(
        "--retry", action="store_true", help="try files again that could not be read or decoded, though unchanged"
    )


def run(session: Session, arguments: argparse.Namespace) -> Outcome:
    """Scan the libraries, one after the other."""
    roots = library_roots(session, arguments.libraries)
    session.begin()
    counts = scan_libraries(session, roots, arguments.accept_missing, arguments.retry)
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
    roots = list(dict.fromkeys(absolute(name) for name in names))
    refuse_nested(roots, roots)
    for root in roots:
        ask_whether_there(session, root)
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


def scan_libraries(
    session: Session, roots: Sequence[bytes], accept_missing: bool = False, retry: bool = False
) -> dict[str, int]:
    """Scan libraries that `library_roots` has checked.

    Returns
    -------
    dict
        The counts of the command.
    """
    refuse_nested(roots, [library.root for library in session.index.libraries.all()])
    surveys = [survey(session, root, retry) for root in roots]
    for found in surveys:  # before the first change: one wrong library stops all
        refuse_if_too_many_gone(session, found, accept_missing)
    totals: Counter[str] = Counter()
    for found in surveys:
        if retry:
            session.index.tracks.forgive([found.library])
        totals.update(apply(session, found))
    from tagger.commands.labels import label_due_tracks

    label_due_tracks(session)
    now = session.index.select.counts([found.library for found in surveys])
    kinds = ("new", "changed", "moved", "unchanged", "unreadable")
    counts = {"files": sum(totals[kind] for kind in kinds), **{kind: totals[kind] for kind in kinds}}
    counts["missing"] = now.missing
    return {**counts, **{state.value: now.states[state] for state in TrackState}}


def apply(session: Session, found: Survey) -> Counter[str]:
    """Write to the index what the survey found, reading the tags of new and changed files.

    Where the time is up before all are read, the rest is new or changed once more on another night.

    Returns
    -------
    Counter
        Of the kinds of files.
    """
    tracks = session.index.tracks
    counts = Counter(unchanged=found.unchanged, unreadable=len(found.still_unreadable))
    for known in found.still_unreadable:
        session.report(UnreadableTags(os.path.join(found.root, known.path), known.error or ""))
    tracks.mark_found(found.back)
    tracks.forget(found.left_out)
    by_print = {file.fingerprint: file for file in found.gone.values() if file.fingerprint}
    left = len(found.new) + len(found.changed)
    with session.console.bar("reading tags", left) as bar:
        for batch in in_batches(_readings(session, found), BATCH):
            session.check()
            counts.update(_apply_batch(session, found, by_print, batch))
            bar.step(len(batch))
            left -= len(batch)
    session.check()
    if left:
        session.console.say(f"the time is up: {left:,} files of {os.fsdecode(found.root)} are left for the next scan")
        return counts  # what seems gone may be among them, under another name
    if found.gone:
        ask_whether_there(session, found.root)
    tracks.mark_missing(list(found.gone))
    session.index.libraries.scanned(found.library)
    return counts


def _readings(session: Session, found: Survey) -> Iterator[Reading]:
    """Yield new and then changed files with what they say."""
    for file in found.new if found.read else ():
        if (tags := found.read.get(file.path)) is not None:
            yield False, file, tags
    unread = FoundFiles(file for file in found.new if file.path not in found.read) if found.read else found.new
    for file, tags in read_files(session, found.root, unread):
        yield False, file, tags
    for file, tags in read_files(session, found.root, found.changed):
        yield True, file, tags


def _apply_batch(
    session: Session, found: Survey, by_print: dict[str, KnownFile], batch: Sequence[Reading]
) -> Counter[str]:
    """Store what a batch of files says."""
    from tagger.genres.labels import genre_text
    from tagger.index.rows import ScannedFile, UnreadableFile

    counts: Counter[str] = Counter()
    read, unreadable, moves = [], [], {}
    for known, file, tags in batch:
        if isinstance(tags, UnreadableTags):
            session.report(tags)
            counts["unreadable"] += 1
            if not tags.postponed:  # else nothing is remembered, and the next scan finds it new or changed again
                unreadable.append(UnreadableFile(file, tags.cause, tags.struck))
            continue
        read.append(ScannedFile(file, tags, genre_text(tags.genre_blocks)))
        moved = None if known else by_print.pop(tags.fingerprint, None)
        if moved is not None:
            moves[moved.track_id] = file.path
            del found.gone[moved.track_id]
        counts["changed" if known else "moved" if moved else "new"] += 1
    session.tally["files"] += len(batch)
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
    return lines + problem_lines(session.problems)
