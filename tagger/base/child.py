"""The side of a helping process: what it may take, and the loop that answers questions.

Such a process does what a damaged file may turn into a crash, a hang or a hunger for memory. It says that it is ready
with one line, then answers each line of JSON with one, followed by the bytes whose sizes that line lists under
``bytes``. It ends when its input does, and with the process that started it. See `processes` for the other side.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

PR_SET_PDEATHSIG = 1  # prctl(2)

Answer = tuple[dict[str, Any], Sequence[bytes]]


def serve(answer: Callable[[dict[str, Any]], Answer], questions: BinaryIO, answers: BinaryIO) -> None:
    """Say that all is loaded, and answer questions until there are no more.

    Parameters
    ----------
    answer : callable
        Takes a question, returns an answer fit for JSON and the bytes that follow it.
    questions, answers : binary file
        Lines of JSON; see above.
    """
    _send(answers, {"ready": True}, ())
    for line in iter(questions.readline, b""):
        try:
            said, content = answer(json.loads(line))
        except MemoryError:
            said, content = {"problem": "needs more memory than any music does", "struck": True}, ()
        _send(answers, said, content)


def _send(answers: BinaryIO, said: dict[str, Any], content: Sequence[bytes]) -> None:
    if content:
        said = said | {"bytes": [len(part) for part in content]}
    answers.write(json.dumps(said).encode("ascii") + b"\n")
    for part in content:
        answers.write(part)
    answers.flush()


def run(answer: Callable[[dict[str, Any]], Answer], memory: int) -> None:
    """Limit what a damaged file can take, and serve the process that started this one.

    Parameters
    ----------
    answer : callable
        As for `serve`.
    memory : int
        Of address space [bytes]: a file that asks for more fails alone.
    """
    with contextlib.suppress(OSError, AttributeError):  # not on every system; then the end of the input has to do
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between the answers
    with answers:
        serve(answer, sys.stdin.buffer, answers)
