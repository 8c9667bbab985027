"""`python -m bench [NAME...] [OPTIONS]`: run the measurements here and now.

Without names: those about speed, bytes and memory. What these print also goes into their sections
of `docs/performance.md`, unless `--no-page` is there. Those about accuracy run by name only. Other options are for a
single named bench that has some.
"""

from __future__ import annotations

import signal
import sys

from bench.page import PAGE, circumstances, put
from bench.watch import overheard
from tagger.base.files import write_text

SPEED = {
    "classify": "tracks classified a second, beside the decoder's limit, a plain good way and the students' way",
    "clips": "cutting clips: seek and decode beside whole-file decoding, and the share of the file that is read",
    "runtime": "hearing networks: Keras beside other runtimes",
    "scan": "first scan, unchanged scan and night beside `find`, the share of bytes read, the index alone (--files N)",
    "scale": "first scan, scan and night again against the size of the library (--files N,N)",
    "dataset": "clips cut into a data set a second, and their bytes",
    "training": "clips learned from per second, the default network beside the radio station's",
    "writing": "genres written into files a second, beside `cp`",
    "memory": "the most memory that each process of a command holds, at several sizes of a library (--files N,N)",
}
ACCURACY = {
    "containers": "read, write and undo in every container: what comes back",
    "genres": "what the default genre map makes of real lists of genre tags",
    "accuracy": "families of models side by side, on hard synthetic music or your own (--library DIR and more)",
    "mislabels": "finding wrong labels that were planted: several rankings (--library DIR, --epochs N)",
}
BENCHES = {**SPEED, **ACCURACY}
NO_PAGE = "--no-page"
# Each in a process of its own, so that none meets what another left in memory. One that is told to end clears up.
ALONE = (
    "import importlib, signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)); "
    "_, name, *options = sys.argv; main = importlib.import_module(f'bench.{name}').main; "
    "main(options) if options else main()"
)


def main(words: list[str]) -> int:
    """Run benches by name; all about speed without names."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    to_page = NO_PAGE not in words
    words = [word for word in words if word != NO_PAGE]
    start = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    names, options = words[:start], words[start:]
    if options and len(names) != 1:
        print("options need the name of one bench before them", file=sys.stderr)
        return 2
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    for name in names or SPEED:
        print(f"## {name}: {BENCHES[name]}\n")
        sys.stdout.flush()
        said, *peaks = overheard((sys.executable, "-u", "-c", ALONE, name, *options))
        circumstance = circumstances(*peaks)
        print(f"\n{circumstance}\n", flush=True)
        if name in SPEED and to_page:
            text = f"`python -m bench {' '.join([name, *options])}`\n\n{said.strip()}\n\n{circumstance}"
            page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Performance\n"
            write_text(PAGE, put(page, name, BENCHES[name].capitalize(), text))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
