"""`tagger scan`: bring the index up to date with the libraries as they are now."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tagger.base.batches import in_batches
from tagger.base.errors import FileProblem, LibraryLooksWrong, UnreadableTags, UsageError
from tagger.base.records import FoundFile, TrackState, TrackTags
from tagger.commands.libraries import ask_whether_there
from tagger.commands.session import Outcome, Session, absolute

if TYPE_CHECKING:
    from tagger.index.rows import KnownFile

BATCH = 200  # tracks saved in one short transaction
IN_A_ROW = 50  # files that went away or met a failing disk, after which the library is asked whether it is still there

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
    changed: list[FoundFile] = field(default_factory=list)  # or to be tried again
    gone: dict[int, KnownFile] = field(default_factory=dict)
    left_out: list[int] = field(default_factory=list)  # now excluded by the settings
    read: dict[bytes, TrackTags | UnreadableTags] = field(default_factory=dict)  # new files read before the fuse


def survey(session: Session, root: bytes, retry: bool = False) -> Survey:
    """Walk a library and compare it with the index, by size and time of each file. Opens no file.

    Raises
    ------
    LibraryLooksWrong
        If the library went away meanwhile.
    """
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
            _compare(result, known.pop(file.path, None), file, retry)
    for entry in known.values():
        if excluded(entry.path, session.settings.exclude):
            result.left_out.append(entry.track_id)
        elif not entry.missing and not entry.path.startswith(tuple(blind)):
            result.gone[entry.track_id] = entry
    if result.gone:
        ask_whether_there(session, root)
    return result


def _compare(result: Survey, known: KnownFile | None, file: FoundFile, retry: bool) -> None:
    if known is None:
        result.new.append(file)
    elif (
        (known.size, known.mtime_ns) != (file.size, file.mtime_ns)
        or known.to_be_tried_again
        or (retry and known.error is not None)
    ):
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
    for file, tags in _read(session, found.root, found.new):
        session.check()
        found.read[file.path] = tags
        if not isinstance(tags, UnreadableTags) and prints[tags.fingerprint] > 0:
            prints[tags.fingerprint] -= 1
            moved += 1
    session.check()
    gone = len(found.gone) - moved
    if gone > limit:
        raise LibraryLooksWrong(
            f"{os.fsdecode(found.root)}: {gone} of {found.known} known files are gone, more than the "
            f"{session.settings.max_missing:.0%} that max_missing allows; nothing was changed. Is everything mounted? "
            f"If they are really gone: tagger scan {os.fsdecode(found.root)} --accept-missing"
        )


def _read(
    session: Session, root: bytes, files: Sequence[FoundFile]
) -> Iterator[tuple[FoundFile, TrackTags | UnreadableTags]]:
    """Yield files of a library with what their tags say; ends early when the run is to stop or its time is up.

    Raises
    ------
    LibraryLooksWrong
        If the library goes away on the way.
    """
    if not files:
        return
    from tagger.library.readers import tag_stream, workers_for

    in_a_row, some_passing = 0, False
    paths = (os.path.join(root, file.path) for file in files)
    workers = workers_for(len(files), session.settings.workers)

    def enough() -> bool:
        return session.stopping() or session.out_of_time()

    with contextlib.closing(tag_stream(paths, workers, stopping=enough)) as stream:
        for file, (_, tags) in zip(files, stream, strict=False):
            passing = isinstance(tags, UnreadableTags) and (tags.postponed or tags.struck)
            in_a_row, some_passing = in_a_row + 1 if passing else 0, some_passing or passing
            if in_a_row == IN_A_ROW:
                ask_whether_there(session, root)
                in_a_row = 0
            yield file, tags
            if enough():
                return
    if some_passing:
        ask_whether_there(session, root)


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
    for file in found.new:
        if (tags := found.read.get(file.path)) is not None:
            yield False, file, tags
    for file, tags in _read(session, found.root, [file for file in found.new if file.path not in found.read]):
        yield False, file, tags
    for file, tags in _read(session, found.root, found.changed):
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
    return lines + [f"  {problem.path}: {problem.error}" for problem in session.problems]
