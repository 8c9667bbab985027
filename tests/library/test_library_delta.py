"""The way back from a changed file to its original bytes."""

from __future__ import annotations

import base64
import json
import random
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagger.library.delta import apply_delta, reverse_delta
from tagger.library.splice import splice

PLACES = st.tuples(st.binary(max_size=3000), st.binary(max_size=3000))


def way_back(folder: Path, old: bytes, new: bytes, extent: tuple[int, int], new_extent: tuple[int, int]) -> Any:
    first, second = folder / "old", folder / "new"
    first.write_bytes(old)
    second.write_bytes(new)
    delta = reverse_delta(bytes(first), bytes(second), extent, new_extent)
    return json.loads(json.dumps(delta))


def applied(new: bytes, delta: dict[str, Any]) -> bytes:
    target = BytesIO()
    apply_delta(BytesIO(new), delta, target)
    return target.getvalue()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=PLACES, new=PLACES, audio=st.binary(max_size=5000))
def test_any_change_of_head_and_tail_is_taken_back(
    old: tuple[bytes, bytes], new: tuple[bytes, bytes], audio: bytes, tmp_path: Path
) -> None:
    before, after = old[0] + audio + old[1], new[0] + audio + new[1]
    delta = way_back(tmp_path, before, after, (len(old[0]), len(audio)), (len(new[0]), len(audio)))
    assert applied(after, delta) == before


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=st.binary(max_size=4000), new=st.binary(max_size=4000), extents=st.tuples(*[st.integers(-9, 5000)] * 4))
def test_wrong_extents_cost_size_not_correctness(
    old: bytes, new: bytes, extents: tuple[int, int, int, int], tmp_path: Path
) -> None:
    assert applied(new, way_back(tmp_path, old, new, extents[:2], extents[2:])) == old


def test_audio_and_a_picture_that_moved_are_not_in_it(tmp_path: Path) -> None:
    noise = random.Random(1)
    picture, audio = noise.randbytes(200_000), noise.randbytes(3_000_000)
    old = b"head" + picture + b"genre: none" + audio
    new = b"head, longer" + b"genre: rock" + picture + b"!" + audio + b"tail"
    delta = way_back(tmp_path, old, new, (len(old) - len(audio), len(audio)), (len(new) - len(audio) - 4, len(audio)))
    assert len(json.dumps(delta)) < 1000
    assert applied(new, delta) == old


def test_a_way_back_of_more_than_a_mebibyte_is_not_kept(tmp_path: Path) -> None:
    old = random.Random(2).randbytes(1_200_000)
    assert way_back(tmp_path, old, b"new", (0, 0), (0, 0)) is None


@pytest.mark.parametrize(
    "delta",
    [
        pytest.param({"version": 2, "size": 3, "ops": [["copy", 0, 3]]}, id="other version"),
        pytest.param({"version": 1, "size": 3, "ops": [["copy", 0, 99]]}, id="beyond the end"),
        pytest.param({"version": 1, "size": 4, "ops": [["copy", 0, 3]]}, id="other size"),
        pytest.param({"version": 1, "size": 3, "ops": [["copy", -1, 3]]}, id="negative"),
        pytest.param({"version": 1, "size": 3, "ops": [["data", "?"]]}, id="no base64"),
        pytest.param({"version": 1, "size": 3, "ops": [["data", "YWJj"]]}, id="no zlib"),
        pytest.param(
            {"version": 1, "size": 3, "ops": [["data", base64.b64encode(zlib.compress(b"abc")[:-3]).decode()]]},
            id="cut literal",
        ),
        pytest.param({"version": 1, "size": 3, "ops": [["run", "rm"]]}, id="unknown op"),
        pytest.param({}, id="nothing"),
    ],
)
def test_a_damaged_delta_is_refused(delta: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"way back|shorter"):
        apply_delta(BytesIO(b"abc"), delta, BytesIO())


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=300), new=st.binary(max_size=200), data=st.data())
def test_splice_is_slice_assignment(content: bytes, new: bytes, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, len(content) - offset))
    file = BytesIO(content)
    splice(file, offset, length, new)
    assert file.getvalue() == content[:offset] + new + content[offset + length :]


@pytest.mark.parametrize("grown", [5, -5], ids=["grows", "shrinks"])
def test_splice_moves_more_than_a_block(grown: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagger.library.splice.BLOCK", 7)
    tail = bytes(range(100))
    file = BytesIO(b"0123456789" + tail)
    splice(file, 0, 10, b"x" * (10 + grown))
    assert file.getvalue() == b"x" * (10 + grown) + tail


def test_splice_beyond_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match="not within"):
        splice(BytesIO(b"abc"), 2, 2, b"")
