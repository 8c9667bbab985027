"""Files are replaced whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from tagger.base.files import read_at, replace_file, write_text


def test_replaces_whole(tmp_path: Path) -> None:
    target = tmp_path / "card.json"
    write_text(target, "old")
    write_text(target, "new")
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["card.json"]


def test_failure_keeps_the_old_content_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "card.json"
    write_text(target, "old")
    with pytest.raises(ZeroDivisionError), replace_file(target) as file:
        file.write("half")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["card.json"]


def test_new_file_has_the_mode_that_the_umask_allows(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_text(tmp_path / "card.json", "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "card.json").stat().st_mode) == 0o640


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, replace_file(tmp_path / "card.json"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == str(tmp_path / "card.json")


def test_what_is_there_already_is_neither_replaced_nor_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "card.json"
    write_text(target, "the same")
    before, synced = target.stat(), []
    monkeypatch.setattr(os, "fsync", synced.append)
    with replace_file(target, if_other=True) as file:
        file.write("the same")
    assert (target.stat().st_ino, synced) == (before.st_ino, [])
    assert os.listdir(tmp_path) == ["card.json"]
    with replace_file(target, if_other=True) as file:
        file.write("other")
    assert target.read_text() == "other"
    assert synced


def test_parts_are_read_whole_from_drives_that_hand_out_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "song"
    target.write_bytes(bytes(range(100)))
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda descriptor, count, offset: real(descriptor, min(count, 7), offset))
    with target.open("rb") as file:
        assert read_at(file.fileno(), 10, 50) == bytes(range(10, 60))
        assert read_at(file.fileno(), 90, 50) == bytes(range(90, 100))
        assert read_at(file.fileno(), 5, 0) == read_at(file.fileno(), 200, 5) == b""
