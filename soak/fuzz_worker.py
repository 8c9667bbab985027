"""The child process of the fuzzer: makes the mutants that it is asked for and tries them, one after the other.

Started as `python -m soak.fuzz_worker SEEDS FOLDER SEED SECONDS`. A line of standard input is ``KIND:NUMBER``; the
answer is a line of JSON. A file that takes more CPU seconds than allowed ends the process with SIGPROF.
"""

from __future__ import annotations

import faulthandler
import json
import os
import pickle
import resource
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from random import Random

from soak.fuzz_mutate import mutate
from soak.fuzz_seeds import kinds
from soak.fuzz_trial import try_file

Seeds = dict[str, list[bytes]]


def mutant(seeds: Seeds, kind: str, number: int, seed: int) -> tuple[bytes, list[str]]:
    """Return the mutant of this kind and number, and what was done to make it. Number 0 is a whole file."""
    random = Random(f"{seed}:{kind}:{number}")
    whole = seeds[kind][number % len(seeds[kind])]
    if number == 0:
        return whole, []
    strangers = [content for other, contents in seeds.items() if other != kind for content in contents]
    return mutate(random, whole, strangers)


def main(arguments: list[str]) -> None:
    """Serve until standard input ends."""
    seeds_path, folder, seed, seconds = arguments
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seeds = pickle.loads(Path(seeds_path).read_bytes())  # noqa: S301 - made by the process that started this one
    suffixes = kinds()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between the answers
    for line in sys.stdin:
        kind, _, number = line.strip().partition(":")
        content, _ = mutant(seeds, kind, int(number), int(seed))
        signal.setitimer(signal.ITIMER_PROF, float(seconds))
        trial = try_file(Path(folder) / f"mutant.{suffixes[kind]}", content)
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(json.dumps(asdict(trial)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
