"""`python -m bench [NAME...] [OPTIONS]`: run the measurements, all or the named ones, here and now.

Options are for a single named bench that has some.
"""

from __future__ import annotations

import importlib
import platform
import resource
import sys

BENCHES = {
    "containers": "read, write and undo in every container: what comes back",
    "genres": "what the default genre map makes of real lists of genre tags",
    "clips": "cutting clips: seek and decode beside whole-file decoding, and the share of the file that is read",
    "accuracy": "families of models side by side, on hard synthetic music or your own (--library DIR and more)",
    "training": "clips learned from per second, the default network beside the radio station's",
    "scan": "first scan, unchanged scan and night beside `find`, the share of bytes read, the index alone (--files N)",
    "memory": "the most memory that each process of a command holds, at several sizes of a library (--files N,N)",
    "scale": "first scan, scan and night again against the size of the library (--files N,N)",
    "mislabels": "finding wrong labels that were planted: several rankings (--library DIR, --epochs N)",
}


def main(words: list[str]) -> int:
    """Run benches by name; all without names."""
    start = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    names, options = words[:start], words[start:]
    if options and len(names) != 1:
        print("options need the name of one bench before them", file=sys.stderr)
        return 2
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    print(f"{platform.machine()}, {platform.system()} {platform.release()}, Python {platform.python_version()}\n")
    for name in names or BENCHES:
        print(f"## {name}: {BENCHES[name]}\n")
        bench = importlib.import_module(f"bench.{name}")
        if options:
            bench.main(options)
        else:
            bench.main()
        print()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process: {peak:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
