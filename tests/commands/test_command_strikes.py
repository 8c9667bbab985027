"""A file that crashes or hangs the process reading it is struck, after three strikes left alone, and stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.audio import workers
from tagger.library import readers

from .conftest import Station, put_track

TAGS = """
import os
from tagger.base.child import run
from tagger.library import worker
def answer(question):
    if os.path.basename(question["path"]).startswith("crash"):
        os.abort()
    return worker.answer(question)
run(answer, worker.MEMORY)
"""
AUDIO = TAGS.replace("tagger.library", "tagger.audio").replace('question["path"]', 'question.get("path", "")')


@pytest.fixture
def crashing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, station: Station) -> Station:
    """Return a station with a file that crashes parser and decoder, beside good ones."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "crashing_tags.py").write_text(TAGS)
    (modules / "crashing_audio.py").write_text(AUDIO)
    monkeypatch.setenv("PYTHONPATH", str(modules))
    for kind, genre in enumerate(("Rock", "Jazz")):
        for number in range(3):
            put_track(station.library / f"{genre}{number}.mp3", kind, number, genre=genre, artist=f"{genre}{number}")
    put_track(station.library / "crash.mp3", 0, 77, genre="Rock", artist="Crash")
    return station


def test_tags_that_crash_are_tried_three_times(crashing: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MODULE", "crashing_tags")
    asked: list[int] = []
    stream = readers.tag_stream

    def counted(paths: object, *rest: object, **options: object) -> object:
        paths = list(paths)
        asked.append(len(paths))
        return stream(paths, *rest, **options)

    monkeypatch.setattr(readers, "tag_stream", counted)
    for night in range(5):
        result = crashing.run("scan", crashing.library)
        assert (result.code, result.counts["unreadable"], result.counts["labelled"]) == (0, 1, 6), night
        (error,) = result.facts["errors"]
        assert (Path(error["path"]).name, error["error"]) == (
            "crash.mp3",
            "the process that read it crashed (signal 6)",
        )
    assert asked == [7, 1, 1], "after the third strike it is left alone"
    assert crashing.run("scan", crashing.library, "--retry").counts["unreadable"] == 1
    assert asked == [7, 1, 1, 1], "a person said so"
    monkeypatch.undo()
    monkeypatch.setenv("TAGGER_MIN_SECONDS", "2")
    put_track(crashing.library / "crash.mp3", 0, 78, genre="Rock", artist="Mended")
    assert crashing.run("scan", crashing.library).counts["unreadable"] == 0, "it changed"


def test_audio_that_crashes_is_tried_three_times(crashing: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MODULE", "crashing_audio")
    assert crashing.run("scan", crashing.library).counts["labelled"] == 7
    problems = [len(crashing.run("dataset").facts["errors"]) for _ in range(5)]
    assert problems == [1, 1, 1, 0, 0], "after the third strike it is no longer asked for"
    assert crashing.run("dataset").counts["tracks"] == 6
    monkeypatch.setattr(workers, "MODULE", "tagger.audio.worker")
    assert crashing.run("scan", crashing.library, "--retry").code == 0
    again = crashing.run("dataset")
    assert (again.facts["errors"], again.counts["tracks"]) == ([], 7)
