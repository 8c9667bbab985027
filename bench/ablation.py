"""What helps the default network: one change at a time, judged on validation artists.

    python -m bench.ablation DATASET [--judge DATASET] [--seeds 1,2] [--epochs N] [--out FILE.jsonl] [VARIANT ...]

DATASET is a folder that `tagger dataset` made. Each variant is trained with each seed; the table has the mean over
seeds of what the network says of validation tracks: by its 2-s clips, by its 1-s clips, by both. A hundred or two of
validation tracks tell little apart, so `--judge` takes a second data set, of other artists, all of whose tracks are
validation tracks too. Test artists are not looked at. Results go to a file as they come, and a variant that is in it
is not trained again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tagger.audio.dataset_info import dataset_clips, dataset_lengths
from tagger.audio.images import read_png
from tagger.audio.manifest import read_card
from tagger.base.records import Split
from tagger.model.clips import ClipSet, gather
from tagger.model.families import CNN2D_RECIPE
from tagger.model.fit import log_softmax
from tagger.model.heldout import unheard
from tagger.model.recipe import Recipe
from tagger.model.train import learn

R = CNN2D_RECIPE
PLAIN = Recipe(R.learning_rate, optimizer="adam", balance="none", dropout=R.dropout)

VARIANTS: dict[str, Recipe] = {
    "default": R,
    "nothing at all": PLAIN,
    "without mixup": replace(R, mixup=0.0),
    "mixup 0.4": replace(R, mixup=0.4),
    "SpecAugment": replace(R, mask=0.15),
    "SpecAugment halved": replace(R, mask=0.075),
    "without equalisation": replace(R, equalise=0.0),
    "equalisation twice": replace(R, equalise=2.0),
    "without shift": replace(R, shift=False),
    "crops": replace(R, crop=0.6),
    "without smoothing": replace(R, smoothing=0.0),
    "smoothing 0.1": replace(R, smoothing=0.1),
    "without averaging": replace(R, average=0.0),
    "no balance": replace(R, balance="none"),
    "weights 0.5": replace(R, balance="weights", strength=0.5),
    "weights 0.5, SpecAugment": replace(R, balance="weights", strength=0.5, mask=0.15),  # the default before
    "full weights": replace(R, balance="weights", strength=1.0),
    "balanced sampling": replace(R, balance="sampling", strength=0.5),
    "full sampling": replace(R, balance="sampling", strength=1.0),
    "logit adjustment 0.3": replace(R, balance="logit", strength=0.3),
    "logit adjustment 1": replace(R, balance="logit", strength=1.0),
    "narrow": replace(R, width=0.5),
    "wide": replace(R, width=1.5),
    "dropout 0.5": replace(R, dropout=0.5),
    "learning rate 2e-3": replace(R, learning_rate=2e-3),
    "weight decay 0.1": replace(R, weight_decay=0.1),
    "1-s clips only": R,
    "2-s clips only": R,
}
LENGTHS = {"1-s clips only": (1,), "2-s clips only": (2,)}


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help=", ".join(VARIANTS))
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--lengths", default="1,2", help="of the clips that are learned from [s]")
    parser.add_argument("--shrink", action="store_true", help="pictures of half the size, a quarter of the time")
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("ablation.jsonl"))
    arguments = parser.parse_intermixed_args()
    clips, genres = load(arguments.dataset)
    lengths = [int(length) for length in arguments.lengths.split(",")]
    clips = {length: clips[length] for length in lengths}
    if arguments.shrink:
        clips = shrunk(clips)
    judges = held_out(clips)
    if arguments.judge:
        more = {seconds: one.with_splits(np.full(len(one), str(Split.VAL))) for seconds, one in
                load(arguments.judge, genres)[0].items()}  # fmt: skip
        judges = [*judges, shrunk(more) if arguments.shrink else more]
    form = (read_card(arguments.dataset) or {}).get("form", {})
    done = read(arguments.out)
    for seed in map(int, arguments.seeds.split(",")):
        for name in arguments.variants or VARIANTS:
            if (name, seed) not in done:
                row = {
                    "variant": name,
                    "seed": seed,
                    **trial(name, clips, judges, genres, seed, arguments.epochs, form),
                }
                with arguments.out.open("a", encoding="ascii") as file:
                    file.write(json.dumps(row) + "\n")
                print(json.dumps(row), flush=True)
    print("\n".join(table(read(arguments.out))))


def load(folder: Path, genres: list[str] | None = None) -> tuple[dict[int, ClipSet], list[str]]:
    """Return the clips by length, and the genres."""
    files = {seconds: dataset_clips(folder, seconds) for seconds in dataset_lengths(folder)}
    genres = genres or sorted({clip.label for clips in files.values() for clip in clips})
    return {seconds: gather(found, read_png, genres) for seconds, found in files.items()}, genres


def shrunk(clips: Mapping[int, ClipSet]) -> dict[int, ClipSet]:
    """Return the same clips with two bands and two frames made one."""
    found = {}
    for seconds, one in clips.items():
        rows, columns = one.shape[0] // 2, one.shape[1] // 2
        whole = one.inputs[:, : 2 * rows, : 2 * columns].reshape(len(one), rows, 2, columns, 2)
        found[seconds] = replace(one, inputs=np.rint(whole.mean(axis=(2, 4))).astype(np.uint8))
    return found


def held_out(clips: Mapping[int, ClipSet]) -> list[dict[int, ClipSet]]:
    """Return the validation clips by length, in a list; nothing of what is learned from or kept for the test."""
    found = {}
    for seconds, one in clips.items():
        held = unheard(one)
        found[seconds] = one.only(held[one.splits[held] == str(Split.VAL)])
    return [found]


def trial(
    name: str,
    clips: Mapping[int, ClipSet],
    judges: list[dict[int, ClipSet]],
    genres: list[str],
    seed: int,
    epochs: int,
    form: Mapping[str, Any],
) -> dict[str, Any]:
    """Train one variant and return its figures on validation artists."""
    heard = {seconds: clips[seconds] for seconds in LENGTHS.get(name, tuple(clips))}
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        found = learn(
            heard, genres, "cnn2d", Path(work), recipe=VARIANTS[name], seed=seed, max_epochs=epochs, form=form
        )
    if isinstance(found, int):
        raise RuntimeError("no time limit was given")
    seconds = time.monotonic() - started
    logs = {length: clip_logs(found.logits, [judge[length] for judge in judges]) for length in clips}
    own = max(heard)
    row: dict[str, Any] = {"seconds": round(seconds, 1), "epochs": found.progress.epoch}
    row |= figures(track_logs({own: logs[own]}))
    row["accuracy_1s"] = figures(track_logs({min(logs): logs[min(logs)]}))["accuracy"]
    row["accuracy_both"] = figures(track_logs(logs))["accuracy"]
    return row


Logs = tuple[np.ndarray, np.ndarray, np.ndarray]


def clip_logs(logits: Any, sets: list[ClipSet]) -> Logs:
    """Return tracks, labels and log-probabilities of clips."""
    said = np.concatenate([log_softmax(logits(one.inputs)) for one in sets])
    return np.concatenate([one.tracks for one in sets]), np.concatenate([one.labels for one in sets]), said


def track_logs(logs: Mapping[int, Logs]) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and log-probabilities of tracks, the mean over clips of all lengths."""
    tracks, labels, values = (np.concatenate(parts) for parts in zip(*logs.values(), strict=True))
    names, first, owner = np.unique(tracks, return_index=True, return_inverse=True)
    sums = np.zeros((names.size, values.shape[1]))
    np.add.at(sums, owner.reshape(-1), values)
    return labels[first], log_softmax(sums / np.bincount(owner.reshape(-1))[:, None])


def figures(found: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    """Return accuracy, accuracy balanced over genres, and loss at the best temperature."""
    labels, logs = found
    right = logs.argmax(axis=1) == labels
    balanced = np.mean([right[labels == genre].mean() for genre in np.unique(labels)])
    rows = np.arange(len(labels))
    losses = [-log_softmax(logs / t)[rows, labels].mean() for t in np.geomspace(0.3, 3, 31)]
    return {
        "accuracy": round(float(right.mean()), 4),
        "balanced": round(float(balanced), 4),
        "loss": round(float(min(losses)), 4),
        "tracks": len(labels),
    }


def read(path: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the results so far, by variant and seed."""
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    return {(row["variant"], row["seed"]): row for row in rows}


def table(rows: Mapping[tuple[str, int], Mapping[str, Any]]) -> list[str]:
    """Return a Markdown table, the mean over the seeds."""
    keys = ("accuracy", "balanced", "loss", "accuracy_1s", "accuracy_both", "epochs", "seconds")
    names = list(dict.fromkeys(name for name, _ in rows))
    lines = [f"| variant | {' | '.join(keys)} | seeds |", "| --- |" + " --- |" * (len(keys) + 1)]
    for name in names:
        own = [row for (variant, _), row in rows.items() if variant == name]
        cells = [f"{np.mean([row[key] for row in own]):.3f}".rstrip("0").rstrip(".") for key in keys]
        lines.append(f"| {name} | {' | '.join(cells)} | {len(own)} |")
    return lines


if __name__ == "__main__":
    main()
