"""Failures survive the way back from a worker process and print on any terminal."""

import copy
import pickle

import pytest

from tagger.base.errors import FileProblem, UnreadableAudio, WriteSkipped, printable


@pytest.mark.parametrize(
    "problem",
    [UnreadableAudio(b"/m/\xff.mp3", "silent"), WriteSkipped("/m/a.mp3", "still being copied", postponed=True)],
    ids=["bytes path", "postponed"],
)
def test_problem_survives_a_process_boundary(problem: FileProblem) -> None:
    back = pickle.loads(pickle.dumps(problem))  # noqa: S301 - what multiprocessing does
    assert (type(back), back.path, back.cause) == (type(problem), problem.path, problem.cause)
    assert vars(copy.copy(back)) == vars(problem)


def test_path_that_is_not_utf8_is_kept_and_printable() -> None:
    problem = UnreadableAudio(b"/m/\xff\n.mp3", "silent")
    assert problem.path == "/m/\udcff\n.mp3"
    assert printable(str(problem)) == "/m/\\udcff\\n.mp3: silent"
