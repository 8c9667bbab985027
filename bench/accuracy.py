"""How right each family of models is: `tagger compare` on music that is hard enough, or on any music.

    python -m bench accuracy [--work DIR] [--library DIR | --dataset DIR] [--families A,B] [--leaky] [--epochs N]
                             [--clips N] [--lengths 1,2] [--tracks N] [--seed N]

Without --library it makes the hard synthetic library (`bench.hard`). DIR of --library has a folder of audio files per
genre, whose names become the genre map; an artist is not known there, so each file is its own, and where files of one
artist or excerpts of one recording are among them, the figures flatter. DIR of --dataset is a data set of pictures.
What is made stays in --work, so that a second call goes on there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from tagger.library.compose import compose_tags

CONTAINERS = {".mp3": "mp3", ".flac": "flac", ".ogg": "ogg", ".opus": "opus", ".m4a": "m4a", ".wav": "wav"}


def main(options: Sequence[str] = ()) -> None:
    """Make or copy the library, compare, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench accuracy", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--work", type=Path, metavar="DIR")
    parser.add_argument("--library", type=Path, metavar="DIR")
    parser.add_argument("--dataset", type=Path, metavar="DIR")
    parser.add_argument("--families", metavar="A,B")
    parser.add_argument("--leaky", action="store_true")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--clips", type=int, default=5)
    parser.add_argument("--lengths", default="1,2")
    parser.add_argument("--tracks", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(options)
    work = (asked.work or Path(tempfile.mkdtemp(prefix="accuracy-"))).absolute()
    home, out = work / "home", work / "comparison"
    home.mkdir(parents=True, exist_ok=True)
    settings = {
        "TAGGER_MIN_SECONDS": "5",
        "TAGGER_CLIPS": str(asked.clips),
        "TAGGER_CLIP_SECONDS": asked.lengths,
        "TAGGER_EPOCHS": str(asked.epochs),
        "TAGGER_SEED": str(asked.seed),
    }
    words = ["compare", "--out", str(out)]
    words += ["--families", asked.families, "--context"] if asked.families else []
    words += ["--leaky"] if asked.leaky else []
    if asked.dataset:
        words += ["--dataset", str(asked.dataset.absolute())]
    else:
        tagger(home, settings, "scan", str(library(asked, work, home)))
    tagger(home, settings, *words)
    print((out / "compare.md").read_text(encoding="utf-8"))


def tagger(home: Path, settings: dict[str, str], *words: str) -> None:
    """Run a command; what it says goes to this process's stderr."""
    command = [sys.executable, "-m", "tagger", "--home", str(home), *words]
    subprocess.run(command, env=os.environ | settings, check=True, stdout=sys.stderr)


def library(asked: argparse.Namespace, work: Path, home: Path) -> Path:
    """Return the library to scan, which is made if it is not there yet."""
    root = work / "library"
    if root.is_dir():
        return root
    if asked.library:
        copy(asked.library, root, home)
    else:
        command = [sys.executable, "-m", "bench.hard", str(root), "--tracks", str(asked.tracks)]
        command += ["--seed", str(asked.seed), "--outside", str(asked.tracks // 10)]
        subprocess.run(command, check=True)
    return root


def copy(source: Path, root: Path, home: Path) -> None:
    """Copy a folder-per-genre library, with each folder's name as the genre, and write a map of these names."""
    genres = sorted(folder.name for folder in source.iterdir() if folder.is_dir())
    for genre in genres:
        for file in sorted((source / genre).iterdir()):
            container = CONTAINERS.get(file.suffix.lower())
            if container is None:
                continue
            target = root / genre / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            compose_tags(target, container, {"title": file.stem, "genre": genre})
    entries = [{"id": genre, "name": genre} for genre in genres]
    (home / "genre_map.yaml").write_text(yaml.safe_dump({"genres": entries}), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
