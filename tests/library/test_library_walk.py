"""The walk: which files it sees, in which order, and what it does with links, odd names and refusals."""

from __future__ import annotations

import inspect
import os
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagger.base.errors import FileProblem, LibraryLooksWrong
from tagger.library.walk import LEFT_OUT, UnreadableFolder, excluded, is_temporary_name, walk


def put(root: Path, *paths: str | bytes) -> None:
    for path in paths:
        whole = os.path.join(os.fsencode(root), os.fsencode(path))
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "wb") as file:
            file.write(b"music")


def seen(root: Path, *exclude: str, problems: list[FileProblem] | None = None) -> list[bytes]:
    """Walk; unless problems are asked for, there may be none."""
    reported: list[FileProblem] = [] if problems is None else problems
    found = [file.path for file in walk(os.fsencode(root), exclude, reported.append)]
    assert problems is not None or not reported, reported
    return found


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """An empty folder with something beside it."""
    (tmp_path / "library").mkdir()
    return tmp_path / "library"


SEEN = ["a.mp3", "a.MP3", "a.Flac", "a.ogg", "a.oga", "a.opus", "a.m4a", "a.wav", "a.aif", "a.aiff", "a.wma", "a.ape"]
SEEN += ["a.wv", "a.mpc", "a.mp+", "a.aac", "a.mp2", "a..mp3", "a b/c d.mp3", "deep/er/and/deeper/a.mp3"]
SEEN += ["album.mp3/a.mp3", "@home/a.mp3", "#1/a.mp3", b"g\xe9nre/\xff\xfe.mp3", "line\nbreak.mp3", "a.jpg.mp3"]
PASSED_OVER = [".a.mp3", "._a.mp3", ".hidden/a.mp3", "b/.AppleDouble/a.mp3", "@eaDir/a.mp3", "b/@EADIR/a.mp3"]
PASSED_OVER += ["#recycle/a.mp3", "lost+found/a.mp3", "$RECYCLE.BIN/a.mp3", "System Volume Information/a.mp3"]
PASSED_OVER += [".a.mp3.tagger-20261121T075437-3f2a", "a.jpg", "mp3", "a.mp3.part", "a.mp4", "a.cue", "b/a.mp3~"]


@pytest.mark.parametrize("path", SEEN, ids=repr)
def test_sees(library: Path, path: str | bytes) -> None:
    put(library, path)
    assert seen(library) == [os.fsencode(path)]


@pytest.mark.parametrize("path", PASSED_OVER, ids=repr)
def test_passes_over(library: Path, path: str | bytes) -> None:
    put(library, path, "other.mp3")
    assert seen(library) == [b"other.mp3"]


def test_a_library_with_a_hidden_name_is_walked(tmp_path: Path) -> None:
    put(tmp_path, ".music/a.mp3")
    assert seen(tmp_path / ".music") == [b"a.mp3"]


def test_tells_size_and_time(library: Path) -> None:
    put(library, "a/b.mp3")
    os.utime(library / "a/b.mp3", ns=(5, 1_700_000_000_123_456_789))
    (file,) = walk(os.fsencode(library), (), pytest.fail)
    assert (file.path, file.size, file.mtime_ns) == (b"a/b.mp3", 5, (library / "a/b.mp3").stat().st_mtime_ns)


NAMES = st.binary(min_size=1, max_size=6).filter(
    lambda name: not set(name) & {0, 0x2F} and name[:1] != b"." and name.lower() not in LEFT_OUT
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(folders=st.sets(NAMES, max_size=6), names=st.sets(NAMES, min_size=1, max_size=6))
def test_paths_come_sorted_whatever_their_bytes(
    tmp_path_factory: pytest.TempPathFactory, folders: set[bytes], names: set[bytes]
) -> None:
    root = tmp_path_factory.mktemp("library")
    wanted = {name + b".mp3" for name in names} | {
        folder + b"/" + name + b".mp3" for folder in folders for name in names
    }
    put(root, *wanted)
    assert seen(root) == sorted(wanted)


def test_what_is_no_file_is_not_opened(library: Path) -> None:
    put(library, "a.mp3")
    os.mkfifo(library / "pipe.mp3")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(library / "socket.mp3"))
    server.close()
    (library / "device.mp3").symlink_to("/dev/zero")
    assert seen(library) == [b"a.mp3"]


def test_folders_may_nest_deeper_than_calls(library: Path) -> None:
    put(library, "d/" * 300 + "a.mp3")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        found = seen(library)
    finally:
        sys.setrecursionlimit(limit)
    assert found == [b"d/" * 300 + b"a.mp3"]


# --- links -----------------------------------------------------------------------------------------------------------


def test_a_loop_of_links_ends(library: Path) -> None:
    put(library, "a/b/c.mp3")
    (library / "a/b/up").symlink_to("..")
    (library / "a/self").symlink_to("self")
    (library / "0").symlink_to(library)
    problems: list[FileProblem] = []
    assert seen(library, problems=problems) == [b"a/b/c.mp3"]
    assert {os.path.basename(problem.path) for problem in problems} == {"self"}


def test_a_linked_folder_of_the_library_is_walked_where_it_lies(library: Path) -> None:
    put(library, "m/a.mp3")
    (library / "b").symlink_to("m")  # sorts first
    (library / "z").symlink_to(library / "m")
    assert seen(library) == [b"m/a.mp3"]


def test_a_linked_folder_that_leaves_the_library_is_left_out_and_reported(library: Path) -> None:
    put(library.parent, "elsewhere/in/a.mp3", "a.mp3")
    put(library, "b.mp3")
    (library / "first").symlink_to(library.parent / "elsewhere")
    (library / "up").symlink_to(library.parent)
    problems: list[FileProblem] = []
    assert seen(library, problems=problems) == [b"b.mp3"]
    assert sorted(os.path.basename(problem.path) for problem in problems) == ["first", "up"]
    assert all("leads out of the library" in problem.cause for problem in problems)


def test_a_linked_file_of_the_library_is_seen(library: Path) -> None:
    put(library, "a.mp3")
    (library / "best").mkdir()
    (library / "best/one.mp3").symlink_to("../a.mp3")
    assert seen(library) == [b"a.mp3", b"best/one.mp3"]


def test_the_library_may_itself_be_a_link(library: Path) -> None:
    put(library, "a.mp3")
    (library / "b.mp3").symlink_to("a.mp3")
    (library.parent / "link").symlink_to(library)
    assert seen(library.parent / "link") == [b"a.mp3", b"b.mp3"]


def test_a_linked_file_that_leaves_the_library_is_left_out_and_reported(library: Path) -> None:
    put(library.parent, "private.mp3", "library2/a.mp3")
    put(library, "b.mp3")
    (library / "a.mp3").symlink_to(library.parent / "private.mp3")
    (library / "c.mp3").symlink_to(library.parent / "library2/a.mp3")  # a folder whose name only begins alike
    (library / "notes.txt").symlink_to("/etc/hosts")
    problems: list[FileProblem] = []
    assert seen(library, problems=problems) == [b"b.mp3"]
    assert sorted(os.path.basename(problem.path) for problem in problems) == ["a.mp3", "c.mp3"]
    assert all("leads out of the library" in problem.cause for problem in problems)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.mp3", FileProblem), ("Disk 2", UnreadableFolder), ("cover.jpg", None)],
    ids=["music", "perhaps a folder", "no music"],
)
def test_a_link_that_leads_nowhere(library: Path, name: str, kind: type[FileProblem] | None) -> None:
    (library / name).symlink_to("/mnt/not there")
    problems: list[FileProblem] = []
    assert seen(library, problems=problems) == []
    assert [type(problem) for problem in problems] == ([] if kind is None else [kind])


# --- patterns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "pattern", "out"),
    [
        ("Jingles/a.mp3", "Jingles", True),
        ("Jingles/a.mp3", "Jingles/", True),
        ("Jingles/a.mp3", "./Jingles/*", True),
        ("Jingles/2020/a.mp3", "jingles/*", True),
        ("Radio/JINGLES/2020/a.mp3", "jingles", True),
        ("Radio/Jingles/a.mp3", "Jingles/*", False),
        ("Radio/Jingles/a.mp3", "*/jingles/*", True),
        ("Jingles/a.mp3", "Jingle", False),
        ("b/x_Spot.mp3", "*_spot.mp3", True),
        ("b/x_spots.mp3", "*_spot.mp3", False),
        ("b/a.mp3", "a.mp3", True),
        ("b/a1.mp3", "a?.mp3", True),
        ("b/a1.mp3", "a[0-4].mp3", True),
        ("b/a5.mp3", "a[0-4].mp3", False),
        ("b/a5.mp3", "a[!0-4].mp3", True),
        ("E\u0301cho/a.mp3", "\xe9cho", True),
        ("b/a.mp3", "", False),
        ("b/a.mp3", "/", False),
        ("b/[x.mp3", "[x.mp3", True),
    ],
    ids=repr,
)
def test_patterns(path: str, pattern: str, out: bool) -> None:
    assert excluded(os.fsencode(path), ["nothing like it", pattern]) is out
    assert excluded(os.fsencode(path), []) is False


def test_patterns_fit_names_that_are_not_text() -> None:
    assert excluded(b"b/\xff\xfe.mp3", ["b/*.mp3"])
    assert not excluded(b"b/\xff\xfe.mp3", ["c/*"])


def test_the_walk_leaves_out_what_the_patterns_say(library: Path) -> None:
    put(library, "Jingles/a.mp3", "Jingles/deep/b.mp3", "music/jingle.mp3", "music/c.mp3", "music/Spots/d.mp3")
    found = seen(library, "jingles", "*/spots", "jingle.*")
    assert found == [b"music/c.mp3"]
    every = seen(library)
    assert [path for path in every if not excluded(path, ("jingles", "*/spots", "jingle.*"))] == found


# --- what goes wrong -------------------------------------------------------------------------------------------------


def refuse(monkeypatch: pytest.MonkeyPatch, path: Path, error: OSError) -> None:
    """Let the system refuse to list a folder: the tests may run as root, whom no mode keeps out."""
    real = os.scandir

    def scandir(folder: bytes):  # type: ignore[no-untyped-def]
        if folder == os.fsencode(path):
            raise error
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)


def test_a_folder_that_cannot_be_listed_is_reported_and_the_walk_goes_on(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(library, "a/a.mp3", "b/b.mp3", "c/c.mp3")
    refuse(monkeypatch, library / "b", PermissionError(13, "Permission denied"))
    problems: list[FileProblem] = []
    assert seen(library, problems=problems) == [b"a/a.mp3", b"c/c.mp3"]
    (problem,) = problems
    assert isinstance(problem, UnreadableFolder)
    assert str(problem) == f"{library}/b: the folder cannot be listed: Permission denied"


def test_a_folder_that_goes_away_meanwhile_is_no_problem(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(library, "a/a.mp3", "b/b.mp3")
    refuse(monkeypatch, library / "b", FileNotFoundError(2, "No such file or directory"))
    assert seen(library) == [b"a/a.mp3"]


@pytest.mark.parametrize(
    "error",
    [OSError(116, "Stale file handle"), FileNotFoundError(2, "No such file or directory")],
    ids=["stale", "gone"],
)
def test_a_library_that_cannot_be_listed_stops_the_walk(
    library: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    refuse(monkeypatch, library, error)
    with pytest.raises(LibraryLooksWrong, match=f"the library {library} cannot be listed"):
        seen(library)


# --- temporary copies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        (b".song.mp3.tagger-20261121T075437-3f2a", True),
        (b".\xff\n.tagger-20261121T075437-3f2a", True),
        (b"song.mp3.tagger-20261121T075437-3f2a", False),
        (b".song.mp3.tagger-", False),
        (b".song.mp3.tagger", False),
        (b".song.tagger-notes.mp3", False),
        (b".tagger-20261121T075437-3f2a", False),
    ],
)
def test_names_of_temporary_copies(name: bytes, is_one: bool) -> None:
    assert is_temporary_name(name) is is_one
