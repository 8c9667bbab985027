"""What the pretrained trunk hears in files of music: `python -m bench.tags TRUNKS FILE...`.

TRUNKS is a home's `trunks` folder. For each file the likeliest tags of the networks in use, mean over five clips,
and beside each how many times its average over music of all kinds that is. A listener can judge them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tagger.audio.sounds import SOUNDS
from tagger.audio.workers import input_stream
from tagger.base.errors import FileProblem
from tagger.base.records import ClipSource
from tagger.library.payload import fingerprint
from tagger.model.fit import forward
from tagger.model.trunk_map import means
from tagger.model.trunk_model import HEARD, halves
from tagger.model.trunk_networks import EMBEDDING, TAGS
from tagger.model.trunk_tags import MSD_TAGS, MTT_TAGS

CLIPS, SECONDS, SHOWN = 5, 3, 6


def main(trunks: Path, files: Sequence[Path]) -> None:
    """Print the tags of each file."""
    trunk = halves(trunks)
    front, back = forward(trunk.front), forward(trunk.back)
    sources = [ClipSource(fingerprint(os.fsencode(path))[:16], os.fsencode(path), 0.0) for path in files]
    for source, found in input_stream(sources, [SECONDS], SOUNDS["musicnn"], CLIPS, os.cpu_count() or 1):
        print(os.fsdecode(source.path))
        if isinstance(found, FileProblem):
            print(f"  {found}")
            continue
        logits = back(front(found[SECONDS]))[:, EMBEDDING * len(HEARD) :]
        chances = (1 / (1 + np.exp(-logits))).mean(axis=0)
        for name, tags, first in zip(HEARD, (MSD_TAGS, MTT_TAGS), (0, TAGS), strict=True):
            own, usual = chances[first : first + TAGS], means()[first : first + TAGS]
            order = np.argsort(-own)[:SHOWN]
            print(f"  {name}: " + ", ".join(f"{tags[i]} {own[i]:.2f} ({own[i] / usual[i]:.1f}x)" for i in order))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
