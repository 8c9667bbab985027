"""Pictures of a training and of an evaluation, as PNG files."""

from __future__ import annotations

import io
import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.files import write_bytes

DPI = 110
INK = "#1f2933"
FAINT = "#d5dbe1"
BLUE = "#2b6cb0"
ORANGE = "#dd6b20"
GREY = "#9aa5b1"
SMALL = 8  # points: text in panels
PANEL_COLUMNS = 4


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of this size in inches. No pyplot: it keeps every figure alive and wants a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_figure(path: Path, figure: Any) -> None:
    """Write a figure as a PNG that is the same whenever it is drawn."""
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    write_bytes(path, content.getvalue())


def plain_axes(axes: Any) -> None:
    """Take the frame and the ticks away from axes."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.tick_params(colors=INK, length=0)


def as_label(name: str) -> str:
    """Return a genre id, or any name, as a label; `$` would start a formula."""
    return name.replace("$", r"\$")


def panel_grid(count: int) -> tuple[int, int]:
    """Return columns and rows of panels for this many families; at least one."""
    columns = min(PANEL_COLUMNS, max(1, count)) if count != PANEL_COLUMNS + 1 else 3
    return columns, max(1, math.ceil(count / columns))


def small_axes(axes: Any) -> None:
    """Make axes fit for a panel among many."""
    plain_axes(axes)
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL)


def caption(figure: Any, title: str, x: str, y: str) -> None:
    """Say once, for all panels, what is drawn."""
    title = textwrap.fill(title, int(12 * figure.get_figwidth()))  # 12 characters of 11 points on an inch
    figure.suptitle(title, color=INK, x=0.01, ha="left", fontsize=11)
    figure.supxlabel(x, color=INK, fontsize=9)
    figure.supylabel(y, color=INK, fontsize=9)


def heat_map(axes: Any, confusion: NDArray[np.int64], fontsize: float) -> Any:
    """Draw a confusion matrix, int (genres, genres), as shares of its rows, with the numbers in points; 0: none."""
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(confusion) if fontsize else ():
        colour = "white" if share[row, column] > 0.55 else INK
        weight = "bold" if row == column else "normal"
        axes.text(column, row, str(confusion[row, column]), ha="center", va="center", color=colour,
                  fontsize=fontsize, fontweight=weight)  # fmt: skip
    axes.set_xticks(np.arange(len(confusion) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(confusion) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2 if fontsize > SMALL else 1)
    axes.tick_params(which="both", length=0, colors=INK)
    for side in axes.spines.values():
        side.set_visible(False)
    return image


def confusion_picture(path: Path, confusion: NDArray[np.int64], genres: Sequence[str], split: str) -> None:
    """Draw who is taken for whom: rows are what people say, columns what the model says.

    Parameters
    ----------
    path : Path
        Where to.
    confusion : int array of shape (genres, genres)
        Tracks.
    genres : sequence of str
        Ids, in order.
    split : str
        Where it was measured.
    """
    size = len(genres)
    figure = new_figure(2.6 + 0.62 * size, 1.9 + 0.55 * size)
    axes = figure.add_subplot()
    totals = confusion.sum(axis=1)
    image = heat_map(axes, confusion, 9)
    axes.set_xticks(range(size), [as_label(genre) for genre in genres], rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(size), [f"{as_label(genre)} ({totals[i]})" for i, genre in enumerate(genres)])
    axes.set_xlabel("what the model says", color=INK)
    axes.set_ylabel("what people say (tracks)", color=INK)
    right = int(np.trace(confusion))
    axes.set_title(f"{right} of {int(confusion.sum())} {split} tracks right", color=INK, loc="left", fontsize=12)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, ticks=[0, 0.5, 1], label="share of the row")
    bar.ax.set_yticklabels(["0%", "50%", "100%"])
    bar.outline.set_visible(False)
    save_figure(path, figure)


def curves_picture(path: Path, history: Sequence[Mapping[str, float]], best_epoch: int) -> None:
    """Draw loss and accuracy by epoch, and mark the epoch that was kept.

    Parameters
    ----------
    path : Path
        Where to.
    history : sequence of mappings
        One per epoch, with `epoch loss learning_rate` and, where there is validation, `val_loss val_accuracy`.
    best_epoch : int
        From 1.
    """
    figure = new_figure(9.5, 3.8)
    epochs = [row["epoch"] for row in history]
    left, right = figure.subplots(1, 2)
    left.plot(epochs, [row["loss"] for row in history], color=GREY, label="training (clips changed at random)")
    checked = [row for row in history if "val_loss" in row]
    if checked:
        seen = [row["epoch"] for row in checked]
        left.plot(seen, [row["val_loss"] for row in checked], color=BLUE, label="validation artists")
        right.plot(seen, [100 * row["val_accuracy"] for row in checked], color=BLUE)
    else:
        right.text(0.5, 0.5, "no artists set aside\nfor validation", ha="center", va="center", color=GREY,
                   transform=right.transAxes)  # fmt: skip
    right.set_ylim(0, 100)
    right.set_title("Clips right, validation artists", color=INK, loc="left", fontsize=11)
    right.set_ylabel("%", color=INK)
    left.set_title("Loss", color=INK, loc="left", fontsize=11)
    left.set_ylim(bottom=0)
    for axes in (left, right):
        plain_axes(axes)
        axes.grid(color=FAINT, linewidth=0.6)
        axes.set_xlabel("epoch", color=INK)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.axvline(best_epoch, color=ORANGE, linewidth=1, linestyle="--", label=f"kept: epoch {best_epoch}")
        for before, after in itertools.pairwise(history):
            if after["learning_rate"] < before["learning_rate"]:
                axes.axvline(after["epoch"], color=GREY, linewidth=1, linestyle=":")
    left.plot([], [], color=GREY, linestyle=":", label="learning rate lowered")
    left.legend(facecolor="white", edgecolor="none", framealpha=1, fontsize=8, labelcolor=INK, loc="upper right")
    save_figure(path, figure)


def genres_picture(path: Path, rows: Sequence[Mapping[str, Any]], split: str) -> None:
    """Draw precision and recall of each genre; genres with too few artists to measure are pale.

    Parameters
    ----------
    path : Path
        Where to.
    rows : sequence of mappings
        One per genre, as in `Measures.genres`.
    split : str
        Where it was measured.
    """
    figure = new_figure(8.5, 1.5 + 0.46 * len(rows))
    axes = figure.add_subplot()
    place = np.arange(len(rows))
    for offset, key, colour in ((-0.19, "precision", BLUE), (0.19, "recall", ORANGE)):
        for at, row in zip(place, rows, strict=True):
            value = 100 * float(row[key])
            axes.barh(at + offset, value, 0.36, color=colour, alpha=1.0 if row["measured"] else 0.3)
            axes.text(value + 1, at + offset, f"{value:.0f}", va="center", fontsize=8, color=INK)
        axes.barh(0, 0, color=colour, label=key)
    names = [
        f"{as_label(str(row['genre']))}\n{row['tracks']} tracks, {row['groups']} artists"
        + ("" if row["measured"] else ": too few")
        for row in rows
    ]
    axes.set_yticks(place, names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 108)
    axes.set_xticks(range(0, 101, 20), [f"{step}%" for step in range(0, 101, 20)])
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    plain_axes(axes)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower right", bbox_to_anchor=(1, 1), ncols=2,
                borderaxespad=0)  # fmt: skip
    axes.set_title(f"Genres on {split} tracks", color=INK, loc="left", fontsize=12)
    save_figure(path, figure)
