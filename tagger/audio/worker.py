"""The helping process that decodes and hashes: `python -m tagger.audio.worker`, started by `tagger.audio.workers`.

It never shares memory with a process that has TensorFlow in it, and a file that crashes a decoder takes only this
process with it. The protocol is that of `tagger.base.child`.

    {"path", "track", "seconds", "form", "clips"}
                                   ->  {"clips": [{"seconds", "offsets", "shape", "dtype"}, ...]}, an array of each
    {"cached": path, "form"}       ->  {"shape", "dtype"}, the array that the form makes of clips in the cache
    {"hash": path}                 ->  {"hash": 64 hex digits}
    of a file that cannot be read  ->  {"problem": cause, "postponed": true or false}
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tagger.audio.arrays import read_sound
from tagger.audio.clips import track_clips
from tagger.audio.forms import form_from_card
from tagger.audio.hash import audio_hash
from tagger.audio.sounds import SoundForm
from tagger.base.child import Answer, run
from tagger.base.errors import UnreadableAudio
from tagger.base.patience import patiently
from tagger.base.records import ClipSource

MEMORY = 4 * 2**30  # [bytes] of address space


def answer(question: dict[str, Any]) -> Answer:
    """Cut clips, compute what a form makes of cached ones, or take a hash."""
    try:
        if "hash" in question:
            return {"hash": audio_hash(os.fsencode(question["hash"]))}, ()
        if "cached" in question:
            return patiently(lambda: _cached(question))
        return patiently(lambda: _clips(question))
    except UnreadableAudio as problem:
        return {"problem": problem.cause, "postponed": problem.postponed}, ()


def _clips(question: dict[str, Any]) -> Answer:
    source = ClipSource(question["track"], os.fsencode(question["path"]), 0.0)
    found = track_clips(source, question["seconds"], form_from_card(question["form"]), question["clips"])
    told = [
        {"seconds": seconds, "offsets": clips.offsets, **_described(clips.inputs)} for seconds, clips in found.items()
    ]
    return {"clips": told}, [clips.inputs.tobytes() for clips in found.values()]


def _cached(question: dict[str, Any]) -> Answer:
    form = form_from_card(question["form"])
    if not isinstance(form, SoundForm):
        raise TypeError(f"{form.name} is not made of cached clips")
    inputs = form.from_samples(read_sound(Path(question["cached"])))
    return _described(inputs), [inputs.tobytes()]


def _described(inputs: NDArray[Any]) -> dict[str, Any]:
    return {"shape": inputs.shape, "dtype": inputs.dtype.str}


if __name__ == "__main__":
    run(answer, MEMORY)
