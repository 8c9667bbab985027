"""Files that are not what they say, and things that are no files, through the real commands: the run goes on."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Station

pytestmark = pytest.mark.slow

Add = Callable[..., Path]
SPARSE = 4 << 30  # [bytes]
LYING = ("byte rate.wav", "Xing.mp3", "VBRI.mp3", "streaminfo.flac", "mvhd.m4a")


@pytest.fixture
def library(station: Station, add_track: Add) -> Path:
    """Return the station's library, with three tracks that are as they should be."""
    for number, genre in enumerate(("Rock", "Jazz", "Dance")):
        add_track(station.library / "good" / f"{number}.mp3", number, artist=f"Artist {number}", genre=genre)
    return station.library


def state(library: Path) -> dict[str, tuple[int, ...]]:
    """Return what a change of any file would change; not its content, which may be gigabytes."""
    found = {}
    for path in sorted(library.rglob("*")):
        told = path.lstat()
        found[str(path)] = told.st_mode, told.st_ino, told.st_size, told.st_mtime_ns, told.st_blocks
    return found


def put(path: Path, head: bytes, tail: bytes = b"") -> None:
    """Write a file of 4 GiB of zeros between head and tail, which takes no room."""
    with open(path, "wb") as file:
        file.write(head)
        file.truncate(SPARSE)
        file.seek(0, os.SEEK_END)
        file.write(tail)


# --- nothing in them --------------------------------------------------------------------------------------------------


def test_empty_and_enormous_files_are_reported_and_the_scan_goes_on(station: Station, library: Path) -> None:
    (library / "empty.mp3").touch()
    for suffix in ("mp3", "wav", "flac", "m4a"):
        put(library / f"zeros.{suffix}", b"")
    put(library / "id3.mp3", b"ID3\3\0\0\x7f\x7f\x7f\x7f")
    put(library / "moov.m4a", struct.pack(">I4s4s12xI4s", 24, b"ftyp", b"M4A ", 0xFFFFFFF0, b"moov"))
    put(library / "ape.mp3", b"", b"APETAGEX" + struct.pack("<4I", 2000, 0xFFFFFFF0, 5, 0) + bytes(8))
    before = state(library)
    for seen in ("new", "unchanged"):
        result = station.run("scan", library)
        assert result.code == 0, result.err
        counts = result.counts
        assert (counts["files"], counts[seen], counts["unreadable"]) == (11, 3, 8)
    told = {os.path.basename(error["path"]): error["error"] for error in result.facts["errors"]}
    assert told["empty.mp3"] == "the file is empty"
    assert told["zeros.mp3"] == "is no audio file of a known kind"
    assert "Traceback" not in result.err
    assert state(library) == before


def test_enormous_files_are_inspected_in_a_moment(station: Station, library: Path) -> None:
    put(library / "moov.m4a", struct.pack(">I4s4s12xI4s", 24, b"ftyp", b"M4A ", 0xFFFFFFF0, b"moov"))
    result = station.run("inspect", library / "moov.m4a")
    assert "Traceback" not in result.err
    assert result.code in (0, 1, 2, 5)


# --- a thousand million seconds ---------------------------------------------------------------------------------------


def lie(path: Path) -> None:
    """Let a file's header claim some ten thousand hours or more."""
    data = bytearray(path.read_bytes())
    match path.name:
        case "byte rate.wav":
            struct.pack_into("<I", data, data.index(b"fmt ") + 16, 1)
        case "Xing.mp3":
            at = max(data.find(b"Xing"), data.find(b"Info"))
            struct.pack_into(">I", data, at + 8, 0xFFFFFFF0)
        case "VBRI.mp3":
            sync = data.rindex(b"\xff\xf3", 0, max(data.find(b"Xing"), data.find(b"Info")))
            data[sync + 4 : sync + 36] = bytes(32)
            struct.pack_into(">4sHHHIIHHHH", data, sync + 36, b"VBRI", 1, 0, 50, 0xFFFFFFF0, 0xFFFFFFF0, 0, 1, 2, 1)
        case "streaminfo.flac":
            data[21] |= 0x0F
            data[22:26] = b"\xff\xff\xff\xff"
        case "mvhd.m4a":
            for atom, place in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
                struct.pack_into(">I", data, data.index(atom) + place, 0xFFFFFFFE)
    path.write_bytes(data)


@pytest.fixture
def liars(library: Path, add_track: Add) -> Path:
    """Return the library with labelled and unlabelled tracks that claim to be endless."""
    for number, name in enumerate(LYING):
        container = name.rpartition(".")[2]
        for folder, tags in (("labelled", {"genre": "Rock"}), ("untagged", {})):
            path = library / folder / name
            add_track(path, 0, 10 + number, container, artist=f"Liar {number}", **tags)
            lie(path)
    return library


def test_no_length_is_believed_that_a_file_cannot_hold(liars: Path) -> None:
    from tagger.audio.decode import duration
    from tagger.library.tags import read_tags

    for name in LYING:
        path = os.fsencode(liars / "labelled" / name)
        assert read_tags(path).duration is None, name
        assert duration(path) == pytest.approx(6.0, abs=0.3), name


def test_files_that_claim_to_be_endless_stop_nothing(station: Station, liars: Path) -> None:
    before = state(liars)
    scanned = station.run("scan", liars)
    assert scanned.code in (0, 1), scanned.err
    counts = scanned.counts
    assert counts["files"] == counts["new"] + counts["unreadable"] == 3 + 2 * len(LYING)
    cut = station.run("dataset", "--seconds", "1")
    assert cut.code in (0, 1), cut.err
    assert cut.counts["tracks"] >= 3, "those that are as they should be are in it"
    assert "Traceback" not in scanned.err + cut.err
    for name in LYING:
        told = station.run("inspect", liars / "labelled" / name)
        assert told.code in (0, 1), told.err
    assert state(liars) == before


# --- no files at all --------------------------------------------------------------------------------------------------


def test_pipes_folders_and_loops_are_passed_over(station: Station, library: Path, add_track: Add) -> None:
    os.mkfifo(library / "pipe.flac")
    add_track(library / "song.mp3" / "song.mp3", 1, 5, artist="Somebody", genre="Jazz")
    os.symlink("loop.mp3", library / "loop.mp3")
    os.symlink("there", library / "here")
    os.symlink("here", library / "there")
    os.symlink(library, library / "good" / "up")
    os.symlink(library / "pipe.flac", library / "linked pipe.flac")
    before = state(library)
    result = station.run("scan", library)
    assert result.code == 0, result.err
    assert (result.counts["files"], result.counts["new"], result.counts["unreadable"]) == (4, 4, 0)
    told = {os.path.basename(error["path"]) for error in result.facts["errors"]}
    assert "loop.mp3" in told
    assert "pipe.flac" not in told
    assert "Traceback" not in result.err
    assert state(library) == before


def refused(station: Station, path: Path) -> None:
    """Check that a path is told to be no file, where somebody names it."""
    result = station.run("inspect", path)
    assert [error["error"] for error in result.facts["errors"]][:1] == ["not a regular file"], result
    assert "Traceback" not in result.err


def test_a_pipe_that_is_named_is_not_waited_for(station: Station, library: Path) -> None:
    os.mkfifo(library / "pipe.flac")
    refused(station, library / "pipe.flac")


@pytest.mark.parametrize("name, device", [("null.mp3", (1, 3)), ("zero.wav", (1, 5))])
def test_device_nodes_are_passed_over(name: str, device: tuple[int, int], station: Station, library: Path) -> None:
    try:
        os.mknod(library / name, stat.S_IFCHR | 0o666, os.makedev(*device))
    except OSError as error:
        pytest.skip(f"device nodes need root: {error.strerror}")
    result = station.run("scan", library)
    assert result.code == 0, result.err
    assert result.counts["files"] == 3
    refused(station, library / name)
