"""The helping process that reads tags: `python -m tagger.library.worker`, started by `tagger.library.readers`.

    {"path"}  ->  {"tags": the fields of TrackTags}
    of a file that cannot be read  ->  {"problem": cause, "postponed": true or false}

The protocol is that of `tagger.base.child`.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from tagger.base.child import Answer, run
from tagger.base.errors import UnreadableTags
from tagger.base.patience import patiently
from tagger.library.tags import read_tags

MEMORY = 2 * 2**30  # [bytes] of address space: several times what the largest picture in a tag takes


def answer(question: dict[str, Any]) -> Answer:
    """Read the tags of a file."""
    try:
        path = os.fsencode(question["path"])
        return {"tags": dataclasses.asdict(patiently(lambda: read_tags(path)))}, ()
    except UnreadableTags as problem:
        return {"problem": problem.cause, "postponed": problem.postponed}, ()


if __name__ == "__main__":
    run(answer, MEMORY)
