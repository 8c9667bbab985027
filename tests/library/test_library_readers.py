"""Reading tags in helping processes: the same tags, and a file that crashes or blocks a parser costs only itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.base.errors import UnreadableTags
from tagger.base.records import TrackTags
from tagger.library import readers
from tagger.library.compose import compose_tags
from tagger.library.readers import tag_stream, workers_for
from tagger.library.tags import read_tags

TROUBLED = """
import os, time
from tagger.base.child import run
from tagger.library import worker
def answer(question):
    name = os.path.basename(question["path"])
    if name.startswith("crash"):
        os.abort()
    if name.startswith("slow"):
        time.sleep(600)
    if name.startswith("large"):
        bytearray(10 ** 12)
    return worker.answer(question)
run(answer, worker.MEMORY)
"""


@pytest.fixture
def songs(tmp_path: Path, make_audio: Callable[..., Path]) -> list[bytes]:
    paths = []
    for number, container in enumerate(("mp3", "flac", "ogg", "m4a", "wav")):
        path = make_audio(tmp_path / f"{number}.{container}", container, seconds=1, seed=number + 1)
        compose_tags(
            os.fsencode(path), container, {"genre": ["Jazz", "Bebop"], "artist": "Björk", "album": str(number)}
        )
        paths.append(os.fsencode(path))
    return paths


@pytest.mark.parametrize("processes", [1, 2])
def test_tags_are_those_of_this_process_in_order(songs: list[bytes], processes: int) -> None:
    found = list(tag_stream(songs, processes))
    assert [path for path, _ in found] == songs
    assert [tags for _, tags in found] == [read_tags(path) for path in songs]


def test_problems_come_in_their_place_with_what_kind_they_are(tmp_path: Path, songs: list[bytes]) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9.mp3"
    with open(odd, "wb") as file:
        file.write(b"a shopping list")
    gone = os.fsencode(tmp_path / "gone.mp3")
    found = dict(tag_stream([songs[0], odd, gone, songs[1]], 1))
    assert isinstance(found[songs[0]], TrackTags) and isinstance(found[songs[1]], TrackTags)
    damaged, absent = found[odd], found[gone]
    assert isinstance(damaged, UnreadableTags) and isinstance(absent, UnreadableTags)
    assert (damaged.postponed, absent.postponed) == (False, True), "what is gone may be back"
    assert damaged.path == os.fsdecode(odd)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("crash", "the process that read it crashed (signal 6)"),
        ("slow", "takes too long to read"),
        ("large", "needs more memory than any music does"),
    ],
)
def test_a_file_that_kills_or_blocks_a_parser_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, songs: list[bytes], name: str, cause: str
) -> None:
    (tmp_path / "troubled.py").write_text(TROUBLED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(readers, "MODULE", "troubled")
    bad = os.fsencode(tmp_path / name)
    found = list(tag_stream([songs[0], bad, songs[1], bad], 1, time_limit=3))
    assert [isinstance(tags, TrackTags) for _, tags in found] == [True, False, True, False]
    problem = found[1][1]
    assert isinstance(problem, UnreadableTags)
    assert (problem.cause, problem.struck) == (cause, True)


def test_few_files_are_not_worth_many_processes() -> None:
    assert [workers_for(files, 4) for files in (1, 60, 110, 10_000)] == [1, 1, 2, 4]
