"""Find the audio files of a library: in a fixed order, by name alone, opening none of them."""

from __future__ import annotations

import fnmatch
import functools
import operator
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tagger.base.errors import FileProblem, LibraryLooksWrong, path_text, printable
from tagger.base.records import FoundFile

AUDIO_SUFFIXES = frozenset(
    (
        *(b".mp3", b".mp2", b".mpga", b".aac"),
        *(b".flac", b".fla", b".ogg", b".oga", b".opus", b".spx"),
        *(b".m4a", b".m4b"),  # not .mp4: that is mostly video
        *(b".wav", b".wave", b".bwf", b".rf64", b".aif", b".aiff", b".aifc", b".afc"),
        *(b".wma", b".asf"),
        *(b".ape", b".wv", b".mpc", b".mp+", b".mpp"),
    )
)
SUFFIX = re.compile(rb"\.[0-9A-Za-z]{1,5}\Z")
# folders that file servers and systems keep in shared folders for themselves; those that begin with a dot go anyway
LEFT_OUT = frozenset(
    (
        *(b"@eadir", b"@tmp", b"@synoresource", b"#recycle", b"#snapshot"),  # Synology
        *(b"@recycle", b"@recently-snapshot", b"@__thumb"),  # QNAP
        *(b"~snapshot", b"network trash folder", b"temporary items"),  # NetApp, netatalk
        *(b"$recycle.bin", b"recycler", b"system volume information", b"lost+found"),
    )
)
TEMPORARY_NAME = re.compile(rb"\..+\.tagger-[0-9A-Za-z-]+", re.DOTALL)  # of a copy that tags are written to


class UnreadableFolder(FileProblem):
    """A folder could not be listed: nothing is known of the files below it, and they do not count as gone."""


def walk(root: bytes, exclude: Sequence[str], on_error: Callable[[FileProblem], None]) -> Iterator[FoundFile]:
    """Yield the audio files below a folder, sorted by the bytes of their paths.

    Files are seen by their suffix; only their attributes are asked for. Hidden files and the folders of `LEFT_OUT`
    are passed over, and so is whatever is no regular file. A linked folder that lies in the library is walked where
    it lies. A linked file is seen if it lies in the library. Links that lead out of it are not followed: what lies
    there belongs to others.

    Parameters
    ----------
    root : bytes
        The library.
    exclude : sequence of str
        Patterns of what to leave alone (see `excluded`).
    on_error : callable
        Is given each `UnreadableFolder`, and a `FileProblem` for each link that cannot be followed; both with
        absolute paths. The walk goes on.

    Raises
    ------
    LibraryLooksWrong
        If the library itself cannot be listed.
    """
    return _Walk(root, exclude, on_error).files()


def excluded(path: bytes, exclude: Sequence[str]) -> bool:
    """Say whether patterns leave out a file or folder.

    A pattern (``*``, ``?``, ``[...]``; ``*`` takes ``/`` too) fits the whole relative path, that of any folder above,
    or the bare name of either. Case makes no difference, nor how accents are encoded.

    Parameters
    ----------
    path : bytes
        Relative to the library.
    exclude : sequence of str
        The patterns, such as ``Jingles``, ``Jingles/*`` or ``*_spot.mp3``.
    """
    pattern = _pattern(tuple(exclude))
    if pattern is None:
        return False
    ends = [at for at, byte in enumerate(path) if byte == ord("/")]
    return any(_fits(pattern, path[:end]) for end in (*ends, len(path)))


def is_temporary_name(name: bytes) -> bool:
    """Say whether a file name is that of a copy to which a run was writing tags."""
    return TEMPORARY_NAME.fullmatch(name) is not None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


@functools.lru_cache(maxsize=8)
def _pattern(exclude: tuple[str, ...]) -> re.Pattern[str] | None:
    globs = [glob for text in exclude if (glob := _folded(text).removeprefix("./").strip("/"))]
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs)) if globs else None


def _fits(pattern: re.Pattern[str], path: bytes) -> bool:
    text = _folded(path_text(path))
    return bool(pattern.fullmatch(text) or pattern.fullmatch(text.rpartition("/")[2]))


def _passed_over(name: bytes) -> bool:
    return name.startswith(b".") or name.lower() in LEFT_OUT


def _is_audio(name: bytes) -> bool:
    _, dot, suffix = name.rpartition(b".")
    return (dot + suffix).lower() in AUDIO_SUFFIXES


def _within(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


class _Folder(NamedTuple):
    path: bytes  # ends in a slash, so that folders sort as the files in them do


_Item = FoundFile | _Folder
_path_of = operator.itemgetter(0)


class _Walk:
    """One walk. Paths are relative to the root."""

    def __init__(self, root: bytes, exclude: Sequence[str], on_error: Callable[[FileProblem], None]) -> None:
        self.root = root
        self.real_root = os.path.realpath(root)
        self.pattern = _pattern(tuple(exclude))
        self.on_error = on_error

    def files(self) -> Iterator[FoundFile]:
        # a stack instead of recursion: folders may nest deeper than Python's calls
        stack = [iter(self._items(b""))]
        while stack:
            item = next(stack[-1], None)
            if item is None:
                stack.pop()
            elif isinstance(item, FoundFile):
                yield item
            else:
                stack.append(iter(self._items(item.path)))

    def _items(self, folder: bytes) -> list[_Item]:
        """Return the files and folders of a folder, sorted by path."""
        items: list[_Item] = []
        try:
            with os.scandir(self._absolute(folder)) as entries:
                items.extend(item for entry in entries if (item := self._item(folder, entry)))
        except OSError as error:
            reason = error.strerror or str(error)
            if not folder:
                shown = printable(path_text(self.root))
                raise LibraryLooksWrong(f"the library {shown} cannot be listed ({reason}); check the mount") from error
            if not isinstance(error, FileNotFoundError | NotADirectoryError):  # else it went away, with its files
                self.on_error(UnreadableFolder(self._absolute(folder), f"the folder cannot be listed: {reason}"))
        items.sort(key=_path_of)
        return items

    def _item(self, folder: bytes, entry: os.DirEntry[bytes]) -> _Item | None:
        """Return what an entry is to the walk; None for what it passes over."""
        path = folder + entry.name
        if _passed_over(entry.name) or (self.pattern and _fits(self.pattern, path)):
            return None
        try:
            if entry.is_symlink():
                return self._linked(path)
            if entry.is_dir(follow_symlinks=False):
                return _Folder(path + b"/")
            if _is_audio(entry.name) and entry.is_file(follow_symlinks=False):
                return _found(path, entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            return None  # it went away between being listed and being looked at
        except OSError as error:
            self.on_error(FileProblem(self._absolute(path), f"cannot be looked at: {error.strerror or error}"))
        return None

    def _linked(self, path: bytes) -> _Item | None:
        absolute = self._absolute(path)
        try:
            found = os.stat(absolute)
        except OSError as error:
            reason = f"the link leads nowhere: {error.strerror or error}"
            if _is_audio(path):
                self.on_error(FileProblem(absolute, reason))
            elif not SUFFIX.search(path):  # it may be a folder on a disk that is not mounted
                self.on_error(UnreadableFolder(absolute, reason))
            return None
        target = os.path.realpath(absolute)
        is_folder = stat.S_ISDIR(found.st_mode)
        if not (is_folder or (stat.S_ISREG(found.st_mode) and _is_audio(path))):
            return None
        if not _within(target, self.real_root):
            self.on_error(FileProblem(absolute, f"the link leads out of the library, to {path_text(target)}; left out"))
            return None
        return None if is_folder else _found(path, found)

    def _absolute(self, path: bytes) -> bytes:
        return os.path.join(self.root, path.rstrip(b"/")) if path else self.root


def _found(path: bytes, attributes: os.stat_result) -> FoundFile:
    return FoundFile(path, attributes.st_size, attributes.st_mtime_ns)
