"""What networks are heard with: clips a second, start-up, memory, and how far the answers are from Keras's.

    python -m bench runtime [--rounds N] [--trunks DIR] [--work DIR]

Each runtime hears the same clips in a process of its own, which begins with importing it. The clips are cut from
encoded audio and the network has learned from them; DIR of --trunks has the pretrained trunk (`trunks` in a home), and
the map of its tags is then heard too. Runtimes that are only measured (`ai_edge_litert`, `openvino`) need not be there.
Times are of the processor as well as of the clock, since other work on the machine only lengthens the latter.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.classify import DISTINCT, songs_of
from bench.clips import SECONDS
from bench.runtimes import CLIPS_NAME, LITE_NAME, NETWORK_NAME, RUNTIMES, SAID_NAME, TRACK
from bench.scan import work_folder, work_option
from tagger.audio.forms import form_from_card
from tagger.audio.sounds import SOUNDS
from tagger.audio.spectrogram import FORMS
from tagger.audio.workers import input_stream
from tagger.base.records import ClipSource
from tagger.genres.map import default_map_path, load_map
from tagger.model.clips import ClipSet
from tagger.model.fit import log_softmax
from tagger.model.quiet import hushed, load
from tagger.model.saved import read_card
from tagger.model.train import train, write_map_alone
from tagger.model.trunk_memory import TrunkAccess

BATCHES = {"cnn2d": (1, 2, 5, 20, 80, 320), "trunk-map": (1, 2, 5, 20)}  # clips that go through the network together
THREADS = (1, 2)
ROUNDS = 7
CLIPS, EPOCHS, GENRES = 20, 3, ("alt", "rock")  # clips of a song, of which there are `DISTINCT`


def main(options: Sequence[str] = ()) -> None:
    """Print a table for each network."""
    parser = argparse.ArgumentParser(prog="python -m bench runtime")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which the median counts")
    parser.add_argument("--trunks", type=Path, help="the folder of pretrained trunks of a home")
    work_option(parser)
    arguments = parser.parse_args(options)
    with work_folder(arguments.work) as work:
        songs = songs_of(work / "songs", "mp3", DISTINCT)
        models = [_cnn2d(work, songs)]
        if arguments.trunks:
            models.append(_trunk(work, songs, arguments.trunks))
        for folder in models:
            _convert_for_litert(folder)
            for threads in THREADS:
                _table(folder, threads, arguments.rounds)


# --- what is heard ----------------------------------------------------------------------------------------------------


def _cnn2d(work: Path, songs: Sequence[Path]) -> Path:
    """Let the default network learn a little from the clips, and return its folder."""
    form = FORMS["mel"]
    pictures = _clips(songs, form.card(), 2)
    names = np.repeat([str(song) for song in songs], CLIPS)
    labels, splits = np.arange(len(songs)) % 2, np.array(["train", "train", "val", "test"])[np.arange(len(songs)) // 2]
    clips = {2: ClipSet(pictures, np.repeat(labels, CLIPS), names, names, np.repeat(splits, CLIPS))}
    found = train(clips, GENRES, "cnn2d", work, work / "state", max_epochs=EPOCHS, form=form.card())
    assert found.folder is not None
    np.save(found.folder / CLIPS_NAME, pictures.astype(np.float32)[..., None])
    return found.folder


def _trunk(work: Path, songs: Sequence[Path], trunks: Path) -> Path:
    """Save the map of the trunk's tags as a model, and return its folder."""
    genre_map, form = load_map(default_map_path()), SOUNDS["musicnn"].card()
    access = TrunkAccess(trunks, work / "memory", lambda text: genre_map.match(text).genre)
    card = write_map_alone(work, access, [genre.id for genre in genre_map.genres], form, {})
    np.save(work / card["id"] / CLIPS_NAME, _clips(songs, form, 3).astype(np.float32))
    return work / str(card["id"])


def _clips(songs: Sequence[Path], form: dict[str, Any], seconds: int) -> NDArray[Any]:
    sources = [ClipSource(song.stem, os.fsencode(song), SECONDS) for song in songs]
    stream = input_stream(sources, [seconds], form_from_card(form), CLIPS, os.cpu_count() or 1)
    return np.concatenate([found[seconds] for _, found in stream if isinstance(found, dict)])


def _convert_for_litert(folder: Path) -> None:
    """Write the network as LiteRT has it, for the clips of one track: XNNPACK does not take any number of them."""
    keras, tensorflow = load()
    network = keras.saving.load_model(folder / NETWORK_NAME, compile=False)
    clips = keras.Input(batch_shape=(TRACK, *np.load(folder / CLIPS_NAME, mmap_mode="r").shape[1:]))
    with hushed(), contextlib.redirect_stdout(io.StringIO()):  # it tells what it has written
        converter = tensorflow.lite.TFLiteConverter.from_keras_model(keras.Model(clips, network(clips)))
        (folder / LITE_NAME).write_bytes(converter.convert())


# --- tables -----------------------------------------------------------------------------------------------------------


def _table(folder: Path, threads: int, rounds: int) -> None:
    family = str(read_card(folder)["family"])
    batches = BATCHES[family]
    print(f"`{family}`, {threads} thread{'s' * (threads > 1)}; milliseconds a clip by the clock (of the processor), by "
          "how many are heard together:\n")  # fmt: skip
    print(f"| runtime | {' | '.join(map(str, batches))} | start [s] | peak memory [MB] | largest difference |")
    print(f"| --- | {'---: | ' * len(batches)}---: | ---: | ---: |")
    for runtime, (module, _) in RUNTIMES.items():
        if importlib.util.find_spec(module) is None:
            print(f"| {runtime} | not installed |")
            continue
        said = _in_its_own_process(runtime, folder, threads, rounds, batches)
        times = " | ".join(f"{clock:.2f} ({processor:.2f})" for clock, processor in said["times"])
        print(f"| {runtime} | {times} | {said['start']:.2f} | {said['memory']:.0f} | {_difference(folder):.1g} |",
              flush=True)  # fmt: skip
    print()


def _in_its_own_process(
    runtime: str, folder: Path, threads: int, rounds: int, batches: Sequence[int]
) -> dict[str, Any]:
    words = (runtime, str(folder), str(threads), str(rounds), ",".join(map(str, batches)))
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    done = subprocess.run(
        (sys.executable, "-m", "bench.runtimes", *words), check=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, env=os.environ | dict.fromkeys(names, str(threads)),
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _difference(folder: Path) -> float:
    """Return how far probabilities are from those that Keras gave, which is asked first."""
    said = np.exp(log_softmax(np.load(folder / SAID_NAME)))
    known = folder / "keras.npy"
    if not known.exists():
        np.save(known, said)
    return float(np.abs(said - np.load(known)).max())


if __name__ == "__main__":
    main(sys.argv[1:])
