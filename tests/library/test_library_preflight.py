"""What a write would lose or change is known before, and nothing else is ever lost."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.id3 import ID3, Frames_2_2

from tagger.audio.hash import audio_hash
from tagger.base.errors import UnreadableTags, WriteFailed, WriteSkipped
from tagger.base.losses import ALLOWABLE, NEVER
from tagger.base.records import Provenance
from tagger.library import id3v22
from tagger.library.loss import Loss
from tagger.library.preflight import Preflight, preflight
from tagger.library.swap import WriteContext
from tagger.library.tags import read_tags
from tagger.library.write import undo_write, write_genre

from .odd_files import ODD_FILES, PICTURE, V22_FRAMES, Odd, frame, id3_block, old_frame, write_odd
from .test_library_containers import containers

ROWS, fresh_file = containers.ROWS, containers.fresh_file
RUN = "20260101T000000-cafe"
NOTE = Provenance("Jazz", "model", 0.91, RUN)
UNDECODABLE = {"WAV never filled in", "RF64"}  # FFmpeg itself does not open some of these


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives an untagged file of a container, made once."""
    folder = tmp_path_factory.mktemp("fresh")

    def get(container: str) -> Path:
        path = folder / f"fresh.{container}"
        return path if path.exists() else fresh_file(folder, container)

    return get


def ahead(path: Path) -> Preflight:
    """Return what is foreseen; the file is as it was, and nothing stays in the folder for temporary files."""
    content, times = path.read_bytes(), path.stat().st_mtime_ns
    found = preflight(os.fsencode(path), "Jazz", NOTE)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, times)
    return found


def write(path: Path, losses: tuple[Loss, ...] = (), audio: Callable[[bytes], str] = audio_hash) -> dict[str, Any]:
    """Write, and return what the journal keeps."""
    facts: dict[str, Any] = {}
    write_genre(os.fsencode(path), "Jazz", NOTE, _context(path, facts, losses, audio))
    return dict(json.loads(json.dumps(facts)))


def undo(path: Path, record: dict[str, Any]) -> None:
    undo_write(os.fsencode(path), record, _context(path, {}))


def _context(
    path: Path,
    facts: dict[str, Any],
    losses: tuple[Loss, ...] = (),
    audio: Callable[[bytes], str] = audio_hash,
) -> WriteContext:
    return WriteContext(
        library=os.fsencode(path.parent),
        run=RUN,
        audio_hash=audio,
        journal=lambda stage, told: facts.update(told),
        settle_seconds=0,
        losses=losses,
    )


# --- what is foreseen is what happens ---------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ODD_FILES, ids=lambda odd: odd.name)
def test_a_loss_is_foreseen_if_and_only_if_the_write_declines(
    odd: Odd, fresh: Callable[[str], Path], tmp_path: Path
) -> None:
    path = write_odd(odd, fresh(odd.container), tmp_path / f"odd.{odd.container}")
    found = _ahead_or_unreadable(path)
    assert tuple(loss.kind for loss in found.losses) == odd.kinds
    assert any(odd.says in change for change in ("", *found.changes)) if not odd.kinds else True
    content = path.read_bytes()
    audio = (lambda name: "all the same") if odd.name in UNDECODABLE else audio_hash
    if odd.kinds:
        with pytest.raises(WriteSkipped) as caught:
            write(path, audio=audio)
        assert not caught.value.postponed
        assert path.read_bytes() == content
        assert os.listdir(tmp_path) == [path.name]
    else:
        record = write(path)
        assert found.exact_undo == (record["delta"] is not None)
        grown = next((change for change in found.changes if change.startswith("the file")), "grows by 0 bytes")
        assert f"{abs(record['size_after'] - record['size_before']):,} bytes" in grown


def _ahead_or_unreadable(path: Path) -> Preflight:
    """A file whose tags cannot be read is no file to plan for; the write declines it just as well."""
    try:
        return ahead(path)
    except UnreadableTags as problem:
        return Preflight((Loss("damaged", problem.cause),), ())


def test_every_kind_of_loss_is_among_the_odd_files() -> None:
    found = {kind for odd in ODD_FILES for kind in odd.kinds}
    assert found == {*ALLOWABLE, *NEVER} - {"other"}


@pytest.mark.parametrize("row", [row for row in ROWS if not row.allowed], ids=lambda row: row.name)
@pytest.mark.parametrize("tagged", [True, False], ids=["tagged", "untagged"])
def test_ordinary_files_lose_nothing(row: Any, tagged: bool, fresh: Callable[[str], Path], tmp_path: Path) -> None:
    path = Path(shutil.copyfile(fresh(row.container), tmp_path / f"song.{row.container}"))
    if tagged:
        row.tag(path)
    found = ahead(path)
    record = write(path)
    assert found.losses == ()
    assert found.exact_undo == (record["delta"] is not None)
    grown = next((change for change in found.changes if change.startswith("the file")), "grows by 0 bytes")
    assert f"{abs(record['size_after'] - record['size_before']):,} bytes" in grown


NAMES = st.sampled_from([b"TIT2", b"TPE1", b"XYZW", b"tit3", b"PRIV", b"TCON", b"T\x00\x00\x00", b"ZZ 1"])
BODIES = st.binary(max_size=40) | st.just(b"\0text") | st.just(b"\xff\xe0" * 200)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    version=st.sampled_from([3, 4]),
    frames=st.lists(st.tuples(NAMES, BODIES), max_size=5),
    flags=st.sampled_from([0, 0, 0x80, 0x40, 0x20]),
    padding=st.sampled_from([0, 3, 300, 3000]),
)
def test_whatever_id3_block_it_is(
    version: int,
    frames: list[tuple[bytes, bytes]],
    flags: int,
    padding: int,
    fresh: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    block = id3_block(version, b"".join(frame(*one, version == 4) for one in frames), flags, padding)
    path = folder / "any.mp3"
    path.write_bytes(block + fresh("mp3").read_bytes())
    found = _ahead_or_unreadable(path)
    try:
        write(path, audio=lambda name: "all the same")
    except (WriteSkipped, WriteFailed):
        assert found.losses
    else:
        assert not found.losses
    shutil.rmtree(folder)


# --- what is allowed ------------------------------------------------------------------------------------------------


def allowed() -> list[Odd]:
    return [odd for odd in ODD_FILES if odd.kinds and set(odd.kinds) <= set(ALLOWABLE) and "not add up" not in odd.name]


@pytest.mark.parametrize("odd", allowed(), ids=lambda odd: odd.name)
def test_what_is_allowed_is_lost_and_comes_back(odd: Odd, fresh: Callable[[str], Path], tmp_path: Path) -> None:
    path = write_odd(odd, fresh(odd.container), tmp_path / f"odd.{odd.container}")
    before, content, audio = read_tags(os.fsencode(path)), path.read_bytes(), audio_hash(os.fsencode(path))
    found = ahead(path)
    assert found.allowable
    record = write(path, found.losses)
    after = read_tags(os.fsencode(path))
    assert record["allowed"] == sorted(set(odd.kinds))
    assert after.provenance == NOTE
    assert {value for block in after.genre_blocks for value in block.values} <= {"Jazz", "8"}
    assert (after.title, after.artist, after.year) == (before.title, before.artist, before.year)
    assert audio_hash(os.fsencode(path)) == audio
    assert found.exact_undo
    undo(path, record)
    assert path.read_bytes() == content, "undo gives back the original's bytes"
    record = write(path, found.losses) | {"delta": None}
    undo(path, record)
    undone = read_tags(os.fsencode(path))
    assert (undone.provenance, undone.title) == (None, before.title)
    values = [block.values for block in undone.genre_blocks if block.values]
    assert values == [block.values for block in before.genre_blocks if block.values]


@pytest.mark.parametrize("name", ["two bad frame names", "ID3v2.2 frames that ID3v2.3 lacks"])
def test_one_loss_more_than_was_foreseen_is_one_too_many(
    name: str, fresh: Callable[[str], Path], tmp_path: Path
) -> None:
    odd = next(odd for odd in ODD_FILES if odd.name == name)
    path = write_odd(odd, fresh(odd.container), tmp_path / "odd.mp3")
    losses, content = ahead(path).losses, path.read_bytes()
    for left_out in range(len(losses)):
        with pytest.raises(WriteSkipped):
            write(path, losses[:left_out] + losses[left_out + 1 :])
        assert path.read_bytes() == content


def test_a_frame_that_changed_since_it_was_foreseen_is_not_lost(fresh: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(id3_block(3, frame(b"tit3", b"\0one")) + fresh("mp3").read_bytes())
    losses = ahead(path).losses
    path.write_bytes(id3_block(3, frame(b"tit3", b"\0two")) + fresh("mp3").read_bytes())
    with pytest.raises(WriteSkipped, match="tit3"):
        write(path, losses)


# --- ID3v2.2 ----------------------------------------------------------------------------------------------------------


def test_id3v22_reads_the_same_as_id3v23_for_other_programs(fresh: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(id3_block(2, V22_FRAMES) + fresh("mp3").read_bytes())
    before = ID3(path, translate=False)
    write(path, ahead(path).losses)
    after = ID3(path, translate=False)
    assert after.version == (2, 3, 0)
    assert after.pop("TCON").text == ["Jazz"]
    assert after.pop("TXXX:TAGGER")
    before.pop("TCON")
    assert before["APIC:front"].mime == "PNG"
    assert after["APIC:front"].mime == "image/png"
    assert after["APIC:front"].data == before["APIC:front"].data == PICTURE
    before["APIC:front"].mime = "image/png"
    after.pop("PCST")  # the mark of a podcast, which mutagen does not read in ID3v2.2
    assert {key: repr(value) for key, value in after.items()} == {key: repr(value) for key, value in before.items()}


@pytest.mark.parametrize("name", sorted(set(Frames_2_2) - {"CRM", "PIC", "LNK"}))
def test_each_frame_of_id3v22_has_its_counterpart(name: str) -> None:
    old = Frames_2_2[name]()
    body = bytes(range(65, 80))
    new = id3v22.counterpart((name.encode(), body))
    assert new == (type(old).__mro__[1].__name__.encode(), body)


def test_links_and_pictures_of_id3v22() -> None:
    assert id3v22.counterpart((b"LNK", b"TT2http://x\0")) == (b"LINK", b"TIT2http://x\0")
    assert id3v22.counterpart((b"LNK", b"ZZZhttp://x\0")) is None
    assert id3v22.counterpart((b"PIC", b"\0JPG\x03\0data")) == (b"APIC", b"\0image/jpeg\0\x03\0data")
    assert id3v22.counterpart((b"PIC", b"\0-->\x03\0http://x")) == (b"APIC", b"\0-->\0\x03\0http://x")
    assert id3v22.counterpart((b"PIC", b"\0BMP\x03\0data")) is None
    assert id3v22.counterpart((b"CRM", b"data")) is None


def test_an_unsynchronised_id3v22_tag(fresh: Callable[[str], Path], tmp_path: Path) -> None:
    picture = old_frame(b"PIC", b"\0PNG\x03\0" + b"\xff\xe0\xff\x00" * 30)
    path = tmp_path / "a.mp3"
    path.write_bytes(id3_block(2, picture.replace(b"\xff", b"\xff\0"), 0x80) + fresh("mp3").read_bytes())
    write(path, ahead(path).losses)
    assert ID3(path)["APIC:"].data == b"\xff\xe0\xff\x00" * 30


# --- the way back ---------------------------------------------------------------------------------------------------


def test_it_is_said_before_that_undo_will_not_give_back_the_bytes(fresh: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    noise = frame(b"PRIV", b"x\0" + random.Random(1).randbytes(2_000_000))
    unsynchronised = noise.replace(b"\xff", b"\xff\0")  # so that saving changes it from end to end
    path.write_bytes(id3_block(3, unsynchronised, 0x80) + fresh("mp3").read_bytes())
    found = ahead(path)
    assert not found.exact_undo
    assert "undo will give back the genre, perhaps not the same bytes" in found.changes
    assert write(path)["delta"] is None


# --- what is read ---------------------------------------------------------------------------------------------------


@pytest.fixture
def bytes_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count what is read, by file."""
    read: Counter[str] = Counter()
    pread = os.pread

    def counted(descriptor: int, length: int, offset: int) -> bytes:
        part = pread(descriptor, length, offset)
        read[os.readlink(f"/proc/self/fd/{descriptor}")] += len(part)
        return part

    monkeypatch.setattr(os, "pread", counted)
    yield read


@pytest.mark.parametrize(
    ("container", "most"),
    [("mp3", 60), ("aac", 60), ("flac", 60), ("wav", 60), ("aiff", 60), ("m4a", 60), ("alac", 60), ("wma", 80),
     ("wavpack", 60), ("ogg", 250), ("opus", 150)],
)  # fmt: skip
def test_a_large_file_is_hardly_read(
    container: str, most: int, fresh: Callable[[str], Path], tmp_path: Path, bytes_read: Counter[str]
) -> None:
    path = _lengthened(fresh(container), container, tmp_path / f"long.{container}")
    size = path.stat().st_size
    assert size > 2_000_000
    found = preflight(os.fsencode(path), "Jazz", NOTE)
    assert found.losses == ()
    assert bytes_read[str(path)] < most * 1024


def _lengthened(source: Path, container: str, path: Path) -> Path:
    """Make a long file of a short one: with its audio over and over, told in its headers where they tell sizes."""
    from tagger.library.payload import payload_extent

    data = source.read_bytes()
    start, length = payload_extent(os.fsencode(source))
    times = 3_000_000 // length + 1
    added = length * (times - 1)
    sizes = {"wav": ("little", (4, start - 4)), "aiff": ("big", (4, start - 12)), "m4a": ("big", (start - 8,)),
             "alac": ("big", (start - 8,))}  # fmt: skip
    head, tail = bytearray(data[:start]), bytearray(data[start + length :])
    if container == "wma":
        sizes[container] = ("little", (start - 34,))
    order, places = sizes.get(container, ("big", ()))
    for place in places:
        width = 8 if container == "wma" else 4
        size = int.from_bytes(head[place : place + width], order) + added
        head[place : place + width] = size.to_bytes(width, order)
    path.write_bytes(bytes(head) + data[start : start + length] * times + bytes(tail))
    return path
