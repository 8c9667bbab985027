"""The probe: a library that is there passes; every other way it can be is one clear line, in time."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.base.errors import EXIT_LIBRARY_WRONG, LibraryLooksWrong
from tagger.library import probe as probe_module
from tagger.library.probe import probe


@pytest.mark.parametrize("name", ["music", "m\u00fcsic box", "line\nbreak", b"\xff\xfe"], ids=repr)
def test_a_library_with_something_in_it_passes(tmp_path: Path, name: str | bytes) -> None:
    root = os.path.join(os.fsencode(tmp_path), os.fsencode(name))
    os.makedirs(os.path.join(root, b"Artist"))
    probe(root)


def as_empty(root: Path) -> None:
    root.mkdir()


def as_server_folders(root: Path) -> None:
    for name in (".Trash", "lost+found", "@eaDir", "$RECYCLE.BIN"):
        (root / name).mkdir(parents=True)


def as_file(root: Path) -> None:
    root.write_text("x")


def as_pipe(root: Path) -> None:
    os.mkfifo(root)


def as_loop(root: Path) -> None:
    root.symlink_to(root)


def as_nothing(root: Path) -> None:
    assert not root.exists()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (as_nothing, "is not there; check the path, or mount it"),
        (as_file, "is not a folder; name the folder that holds the music"),
        (as_pipe, "is not a folder; name the folder that holds the music"),
        (as_empty, "is empty; if it is a mount point, mount it"),
        (as_server_folders, "is empty; if it is a mount point, mount it"),
        (as_loop, "cannot be listed (Too many levels of symbolic links); check the mount and its server"),
    ],
    ids=["nothing", "file", "pipe", "empty", "server folders only", "loop"],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    root = tmp_path / "music"
    make(root)
    with pytest.raises(LibraryLooksWrong) as caught:
        probe(os.fsencode(root))
    assert str(caught.value) == f"the library {root} {said}"
    assert caught.value.exit_code == EXIT_LIBRARY_WRONG


def test_a_folder_below_a_file_is_not_there(tmp_path: Path) -> None:
    as_file(tmp_path / "file")
    with pytest.raises(LibraryLooksWrong, match="is not there"):
        probe(os.fsencode(tmp_path / "file/music"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("PermissionError(13, 'Permission denied')", "(Permission denied); let the user who runs this read it"),
        ("OSError(116, 'Stale file handle')", "(Stale file handle); check the mount and its server"),
    ],
    ids=["forbidden", "stale"],
)
def test_a_library_that_cannot_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str, said: str
) -> None:
    refusal = f"import os\ndef refuse(folder):\n    raise {error}\nos.scandir = refuse\n"
    monkeypatch.setattr(
        probe_module, "LOOK", refusal + probe_module.LOOK
    )  # tests may run as root: no mode keeps it out
    with pytest.raises(LibraryLooksWrong) as caught:
        probe(os.fsencode(tmp_path))
    assert str(caught.value) == f"the library {tmp_path} cannot be listed {said}"


def test_a_name_that_is_not_text_is_spelled_out(tmp_path: Path) -> None:
    with pytest.raises(LibraryLooksWrong) as caught:
        probe(os.fsencode(tmp_path) + b"/\xff\n")
    assert str(caught.value) == f"the library {tmp_path}/\\udcff\\n is not there; check the path, or mount it"


def test_a_library_that_hangs_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tmp_path / "pid"
    sleep = f"import os, time; open({str(left)!r}, 'w').write(str(os.getpid())); time.sleep(60); print('good')"
    monkeypatch.setattr(probe_module, "LOOK", sleep)
    started = time.monotonic()
    with pytest.raises(LibraryLooksWrong, match=r"did not answer within 2 s; check the mount and its server"):
        probe(os.fsencode(tmp_path), seconds=2)
    assert time.monotonic() - started < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int(left.read_text()), 0)


def test_a_check_that_breaks_is_no_good_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "LOOK", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(LibraryLooksWrong, match="could not be looked at"):
        probe(os.fsencode(tmp_path))


def test_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_text("x")
    before = os.stat(tmp_path)
    probe(os.fsencode(tmp_path))
    after = os.stat(tmp_path)
    assert (before.st_mtime_ns, stat.S_IMODE(before.st_mode)) == (after.st_mtime_ns, stat.S_IMODE(after.st_mode))
    assert os.listdir(tmp_path) == ["a.mp3"]
