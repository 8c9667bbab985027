"""What each saved model takes: `python -m bench.weigh HOME FILE...`.

Each model of HOME hears the files in a process of its own, which cuts clips as the nights do: tracks per second once
the first eight are heard, and the most memory that the process held, with TensorFlow in it where the model needs that.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tagger.audio.forms import form_from_card
from tagger.audio.workers import input_stream
from tagger.base.errors import FileProblem
from tagger.base.records import ClipSource
from tagger.library.payload import fingerprint
from tagger.model.saved import CARD_NAME, load, read_card

CLIPS, WARM, BATCH = 5, 8, 16  # BATCH tracks go through the model together
CHILD = "--child"


def main(home: Path, files: Sequence[str]) -> None:
    """Print a row per model, the newest of each family."""
    newest = {
        str(read_card(path.parent)["family"]): path.parent for path in sorted(home.glob(f"models/[0-9]*/{CARD_NAME}"))
    }
    print("| family | parameters | tracks per second | peak memory |\n| --- | ---: | ---: | ---: |")
    for family, folder in newest.items():
        command = [sys.executable, "-m", "bench.weigh", CHILD, str(folder), *files]
        said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        print(
            f"| {family} | {read_card(folder)['parameters']:,} | {said['rate']:.1f} | {said['memory']:.0f} MB |",
            flush=True,
        )


def child(folder: Path, files: Sequence[str]) -> None:
    """Hear the files, and print what it took as JSON."""
    classifier = load(folder)
    form, seconds = form_from_card(classifier.form_card), classifier.seconds
    sources = [ClipSource(fingerprint(os.fsencode(name))[:16], os.fsencode(name), 0.0) for name in files]
    heard, started, batch = 0, time.monotonic(), []
    for source, found in input_stream(sources, [seconds], form, CLIPS, os.cpu_count() or 1):
        if isinstance(found, FileProblem) or seconds not in found:
            continue
        batch.append(found[seconds])
        first = heard == 0 and len(batch) == WARM
        if first or len(batch) == BATCH or source is sources[-1]:
            classifier.hear(batch)
            heard, batch = (1, []) if first else (heard + len(batch), [])
            started = time.monotonic() if first else started
    rate = (heard - 1) / max(1e-6, time.monotonic() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"rate": rate, "memory": peak}))


if __name__ == "__main__":
    if sys.argv[1] == CHILD:
        child(Path(sys.argv[2]), sys.argv[3:])
    else:
        main(Path(sys.argv[1]), sys.argv[2:])
