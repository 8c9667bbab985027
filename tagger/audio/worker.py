"""The child process that decodes: reads jobs from standard input, writes pictures to standard output.

Started by `tagger.audio.workers` as `python -m tagger.audio.worker`, so it never shares memory with a process that
has TensorFlow in it, and a file that crashes a decoder takes only this process with it. It ends when its input does.

It says that it is ready with one line. A job is one line of JSON. An answer is one line of JSON, then the bytes of the
pictures that it lists.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any, BinaryIO

from tagger.audio.clips import TrackClips, track_clips
from tagger.audio.spectrogram import form_from_card
from tagger.base.errors import UnreadableAudio
from tagger.base.records import ClipSource

MEMORY = 4 * 2**30  # [bytes] of address space: a file that makes a decoder ask for more fails alone


def serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Say that all is loaded, and answer jobs until there are no more.

    Parameters
    ----------
    jobs : binary file
        Lines of ``{"track", "path", "seconds", "form", "clips"}``.
    answers : binary file
        Takes ``{"problem": cause}`` or ``{"clips": [{"seconds", "shape", "offsets"}, ...]}`` and the pictures' bytes.
    """
    _send(answers, {"ready": True}, {})
    for line in iter(jobs.readline, b""):
        job = json.loads(line)
        path = os.fsencode(job["path"])
        source = ClipSource(job["track"], path, 0.0)
        try:
            found = track_clips(source, job["seconds"], form_from_card(job["form"]), job["clips"])
        except UnreadableAudio as problem:
            _send(answers, {"problem": problem.cause}, {})
        except MemoryError:
            _send(answers, {"problem": "needs more memory to decode than any music does"}, {})
        else:
            _send(answers, {}, found)


def _send(answers: BinaryIO, answer: dict[str, Any], found: dict[float, TrackClips]) -> None:
    if found:
        answer["clips"] = [
            {"seconds": seconds, "shape": clips.images.shape, "offsets": clips.offsets}
            for seconds, clips in found.items()
        ]
    answers.write(json.dumps(answer).encode() + b"\n")
    for clips in found.values():
        answers.write(clips.images.tobytes())
    answers.flush()


def main() -> None:
    """Limit what a damaged file can take, and serve the process that started this one."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between the answers
    with answers:
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
