"""`python -m soak [PART [OPTIONS]]`: torment tagger on libraries made for it; all parts without a name."""

from __future__ import annotations

import importlib
import platform
import sys

PARTS = {
    "kills": "runs killed at random moments and before each step; what the next run makes of it",
    "fuzz": "damaged and hostile files",
    "faults": "disks that fill up, fail and vanish",
}


def main(words: list[str]) -> int:
    """Run one part with its options, or all parts with their defaults; 1 if any of them found something."""
    names = words[:1] or list(PARTS)
    if names[0] not in PARTS:
        print(f"no such part: {names[0]}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    print(f"{platform.machine()}, {platform.system()} {platform.release()}, Python {platform.python_version()}\n")
    worst = 0
    for name in names:
        print(f"## {name}: {PARTS[name]}\n", flush=True)
        worst = max(worst, importlib.import_module(f"soak.{name}").main(words[1:]))
        print(flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
