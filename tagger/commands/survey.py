"""What differs between a library and what the index knows of it, before anything is changed."""

from __future__ import annotations

import contextlib
import os
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tagger.base.batches import in_batches
from tagger.base.errors import FileProblem, LibraryLooksWrong, UnreadableTags, UsageError
from tagger.base.records import FoundFile, TrackTags
from tagger.commands.libraries import ask_whether_there
from tagger.commands.session import Session

if TYPE_CHECKING:
    from tagger.index.rows import KnownFile

IN_A_ROW = 50  # files that went away or met a failing disk, after which the library is asked whether it is still there


class FoundFiles:
    """Files that a walk saw, packed closely: the first scan of a library finds a million of them new."""

    def __init__(self, files: Iterable[FoundFile] = ()) -> None:
        self._paths = bytearray()
        self._ends, self._sizes, self._times = array("q"), array("q"), array("q")
        for file in files:
            self.append(file)

    def append(self, file: FoundFile) -> None:
        """Add a file behind the others."""
        self._paths += file.path
        self._ends.append(len(self._paths))
        self._sizes.append(file.size)
        self._times.append(file.mtime_ns)

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[FoundFile]:
        start = 0
        for end, size, mtime_ns in zip(self._ends, self._sizes, self._times, strict=True):
            yield FoundFile(bytes(self._paths[start:end]), size, mtime_ns)
            start = end


@dataclass
class Survey:
    """What differs between a library and what the index knows of it; nothing is changed yet."""

    root: bytes
    library: int
    known: int = 0  # tracks that were there at the last scan
    unchanged: int = 0
    still_unreadable: list[KnownFile] = field(default_factory=list)
    back: list[int] = field(default_factory=list)  # were missing and are there again, as they were
    new: FoundFiles = field(default_factory=FoundFiles)
    changed: FoundFiles = field(default_factory=FoundFiles)  # or to be tried again
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
    walked = _watched(session, walk(root, session.settings.exclude, could_not_look))
    unseen: list[KnownFile] = []
    for file, entry in paired(walked, index.tracks.known_files(result.library)):
        result.known += entry is not None and not entry.missing
        if file is not None:
            _compare(result, file, entry, retry)
        elif entry is not None and excluded(entry.path, session.settings.exclude):
            result.left_out.append(entry.track_id)
        elif entry is not None and not entry.missing:
            unseen.append(entry)
    unseen.sort(key=lambda entry: entry.track_id)
    result.gone = {entry.track_id: entry for entry in unseen if not entry.path.startswith(tuple(blind))}
    if result.gone:
        ask_whether_there(session, root)
    return result


def _watched(session: Session, walked: Iterable[FoundFile]) -> Iterator[FoundFile]:
    """Yield the files of a walk, with a bar; a signal stops it."""
    with session.console.bar("looking", None) as bar:
        for files in in_batches(walked):
            session.check()
            bar.step(len(files))
            yield from files


def paired(
    found: Iterable[FoundFile], known: Iterable[KnownFile]
) -> Iterator[tuple[FoundFile | None, KnownFile | None]]:
    """Yield what is there beside what the index knows, by path; None where one of them is not.

    Both come sorted by the bytes of their paths, so neither has to be held as a whole.
    """
    entries = iter(known)
    entry = next(entries, None)
    for file in found:
        while entry is not None and entry.path < file.path:
            yield None, entry
            entry = next(entries, None)
        if entry is not None and entry.path == file.path:
            yield file, entry
            entry = next(entries, None)
        else:
            yield file, None
    while entry is not None:
        yield None, entry
        entry = next(entries, None)


def _compare(result: Survey, file: FoundFile, known: KnownFile | None, retry: bool) -> None:
    if known is None:
        result.new.append(file)
    elif known.size != file.size or known.mtime_ns != file.mtime_ns:
        result.changed.append(file)
    elif known.error is not None:
        if retry or known.to_be_tried_again:
            result.changed.append(file)
        else:
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
    for file, tags in read_files(session, found.root, found.new):
        session.check()
        found.read[file.path] = tags
        if not isinstance(tags, UnreadableTags) and prints[tags.fingerprint] > 0:
            prints[tags.fingerprint] -= 1
            moved += 1
    session.check()
    gone = len(found.gone) - moved
    if gone > limit and len(found.read) == len(found.new):  # else the time is up, and nothing counts as gone tonight
        raise LibraryLooksWrong(
            f"{os.fsdecode(found.root)}: {gone} of {found.known} known files are gone, more than the "
            f"{session.settings.max_missing:.0%} that max_missing allows; nothing was changed. Is everything mounted? "
            f"If they are really gone: tagger scan {os.fsdecode(found.root)} --accept-missing"
        )


def read_files(
    session: Session, root: bytes, files: FoundFiles
) -> Iterator[tuple[FoundFile, TrackTags | UnreadableTags]]:
    """Yield files of a library with what their tags say; ends early when the run is to stop or its time is up.

    Raises
    ------
    LibraryLooksWrong
        If the library goes away on the way.
    """

    def enough() -> bool:
        return session.stopping() or session.out_of_time()

    if not files or enough():
        return
    from tagger.library.readers import tag_stream, workers_for

    in_a_row, some_passing = 0, False
    paths = (os.path.join(root, file.path) for file in files)
    workers = workers_for(len(files), session.settings.workers)
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
