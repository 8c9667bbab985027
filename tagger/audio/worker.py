"""The helping process that decodes and hashes: `python -m tagger.audio.worker`, started by `tagger.audio.workers`.

It never shares memory with a process that has TensorFlow in it, and a file that crashes a decoder takes only this
process with it. The protocol is that of `tagger.base.child`.

    {"path", "track", "seconds", "form", "clips"}  ->  {"clips": [{"seconds", "shape", "offsets"}, ...]}, the pictures
    {"hash": path}                                 ->  {"hash": 64 hex digits}
    of a file that cannot be read                  ->  {"problem": cause, "postponed": true or false}
"""

from __future__ import annotations

import os
from typing import Any

from tagger.audio.clips import track_clips
from tagger.audio.hash import audio_hash
from tagger.audio.spectrogram import form_from_card
from tagger.base.child import Answer, run
from tagger.base.errors import UnreadableAudio
from tagger.base.patience import patiently
from tagger.base.records import ClipSource

MEMORY = 4 * 2**30  # [bytes] of address space


def answer(question: dict[str, Any]) -> Answer:
    """Cut clips, or take a hash."""
    try:
        if "hash" in question:
            return {"hash": audio_hash(os.fsencode(question["hash"]))}, ()
        return patiently(lambda: _clips(question))
    except UnreadableAudio as problem:
        return {"problem": problem.cause, "postponed": problem.postponed}, ()


def _clips(question: dict[str, Any]) -> Answer:
    source = ClipSource(question["track"], os.fsencode(question["path"]), 0.0)
    found = track_clips(source, question["seconds"], form_from_card(question["form"]), question["clips"])
    told = [
        {"seconds": seconds, "shape": clips.images.shape, "offsets": clips.offsets} for seconds, clips in found.items()
    ]
    return {"clips": told}, [clips.images.tobytes() for clips in found.values()]


if __name__ == "__main__":
    run(answer, MEMORY)
