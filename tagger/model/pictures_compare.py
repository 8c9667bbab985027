"""Pictures of model families side by side, as PNG files.

Families are told apart by place, never by colour: each has a panel of its own, blue on the pale curves of the others,
so sixteen are as readable as two, for whoever sees no difference between red and green as well.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.records import NONE
from tagger.model.figures import Floats, area_under_risk, reliability, risk_coverage, roc_curve
from tagger.model.heldout import Heldout
from tagger.model.pictures import (
    BLUE,
    FAINT,
    GREY,
    INK,
    ORANGE,
    SMALL,
    as_label,
    caption,
    heat_map,
    new_figure,
    panel_grid,
    plain_axes,
    save_figure,
    small_axes,
)

FEW_TRACKS = 10  # the risk of fewer is noise, and not drawn
FEW_PANELS = 6  # of confusion matrices: with more of them, numbers in the cells are too small to read
HOLLOW: dict[str, Any] = {"ms": 7, "markerfacecolor": "white", "markeredgecolor": ORANGE, "markeredgewidth": 1.8}
PERCENT = range(0, 101, 20)


def bars_picture(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw the track accuracy of each family with its 95% interval, the best on top.

    Parameters
    ----------
    path : Path
        Where to.
    rows : sequence of mappings
        One per family, with `family`, `metrics`, `intervals` and `leaky` (None, or the metrics of a leaky split).
    """
    ordered = sorted(rows, key=lambda row: (-row["metrics"]["track_accuracy"], row["family"]))
    figure = new_figure(8.5, 1.6 + 0.36 * max(1, len(ordered)))
    axes = figure.add_subplot()
    for at, row in enumerate(ordered):
        share = 100 * row["metrics"]["track_accuracy"]
        low, high = (100 * end for end in row["intervals"].get("track_accuracy", (share / 100, share / 100)))
        axes.barh(at, share, 0.62, color=BLUE, label="right, with 95% interval" if not at else None)
        axes.plot([low, high], [at, at], "|-", color=INK, linewidth=1.4, markersize=7, markeredgewidth=1.4)
        if row["leaky"] and "track_accuracy" in row["leaky"]:
            claim = 100 * row["leaky"]["track_accuracy"]
            axes.plot(claim, at, "D", clip_on=False, zorder=4, **HOLLOW)
        axes.text(1.2, at, f"{share:.1f}%", va="center", fontsize=SMALL, color="white" if share > 9 else INK)
    if any(row["leaky"] for row in ordered):
        axes.plot([], [], "D", label="with clips of one track on both sides", **HOLLOW)
    base = max((100 * row["metrics"].get("majority_baseline", 0.0) for row in ordered), default=0.0)
    axes.axvline(base, color=INK, linewidth=1.2, linestyle="--", label=f"always the most common genre: {base:.1f}%")
    axes.set_yticks(range(len(ordered)), [as_label(row["family"]) for row in ordered])
    axes.set_ylim(max(1, len(ordered)) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xticks(PERCENT, [f"{step}%" for step in PERCENT])
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    plain_axes(axes)
    figure.suptitle("Tracks right, by artists never heard", color=INK, x=0.01, ha="left", fontsize=12)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=SMALL, labelcolor=INK)
    save_figure(path, figure)


def roc_picture(path: Path, curves: Mapping[str, Heldout]) -> None:
    """Draw the ROC curve of each family, all genres together, the largest area first.

    Parameters
    ----------
    path : Path
        Where to.
    curves : mapping of str to Heldout
        By family.
    """
    found = {family: roc_curve(heldout) for family, heldout in curves.items()}
    areas = {family: float(np.trapezoid(true, false)) for family, (false, true) in found.items()}
    ordered = sorted(found, key=lambda family: (-areas[family], family))
    titles = {family: f"area {areas[family]:.3f}" for family in ordered}
    figure, panels = _curve_panels({family: found[family] for family in ordered}, titles)
    for axes in panels:
        axes.plot([0, 100], [0, 100], color=GREY, linewidth=1, linestyle="--", zorder=1)
        axes.set_ylim(0, 100)
        axes.set_yticks(PERCENT, [f"{step}%" for step in PERCENT])
    title = "ROC, every pair of a track and a genre (micro-average); dashed: guessing"
    caption(figure, title, "wrong genres called right", "right genres called right")
    save_figure(path, figure)


def risk_coverage_picture(path: Path, heldouts: Mapping[str, Heldout], promise: float) -> None:
    """Draw which share is wrong when only the surest tracks are answered, the smallest area first.

    Parameters
    ----------
    path : Path
        Where to.
    heldouts : mapping of str to Heldout
        By family.
    promise : float
        The precision that is promised of what is written; 0 or less: none is.
    """
    found = {}
    for family in sorted(heldouts, key=lambda family: (area_under_risk(heldouts[family]), family)):
        coverage, risk = risk_coverage(heldouts[family])
        start = min(FEW_TRACKS, max(1, coverage.size)) - 1
        found[family] = (coverage[start:], risk[start:])
    titles = {family: f"area {area_under_risk(heldouts[family]):.3f}" for family in found}
    figure, panels = _curve_panels(found, titles)
    most = max((100 * float(risk.max()) for _, risk in found.values() if risk.size), default=100.0)
    for axes in panels:
        if promise > 0:
            axes.axhline(100 * (1 - promise), color=ORANGE, linewidth=1.2, linestyle="--", zorder=1)
        axes.set_ylim(0, min(100, 5 * max(1, math.ceil(1.05 * most / 5))))
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.set_major_formatter("{x:.0f}%")
    line = f"; dashed: the promise, {100 * (1 - promise):.0f}% wrong" if promise > 0 else ""
    title = f"Wrong among the surest tracks (from {FEW_TRACKS} tracks on){line}"
    caption(figure, title, "answered, the surest tracks first", "wrong among those")
    save_figure(path, figure)


def learning_curves_picture(path: Path, histories: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Draw loss and accuracy by epoch of each family; those that learn without epochs are left out.

    Parameters
    ----------
    path : Path
        Where to.
    histories : mapping of str to sequence of mappings
        By family; one mapping per epoch, as in `curves_picture`.
    """
    drawn = {family: history for family, history in histories.items() if history}
    columns, rows = panel_grid(len(drawn))
    figure = new_figure(max(5.4, 0.9 + 2.5 * columns), 1.1 + 2.9 * rows)
    panels = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=(1.3, 1) * rows)
    places = itertools.zip_longest(panels[0::2].ravel(), panels[1::2].ravel(), drawn)
    for number, (loss, accuracy, family) in enumerate(places):
        if family is None:
            loss.set_axis_off()
            accuracy.set_axis_off()
            continue
        _learning_panel(loss, accuracy, drawn[family])
        loss.set_title(as_label(family), color=INK, loc="left", fontsize=10)
        if number % columns == 0:
            loss.set_ylabel("loss", color=INK, fontsize=SMALL)
            accuracy.set_ylabel("clips right", color=INK, fontsize=SMALL)
        if number + columns >= len(drawn):
            accuracy.set_xlabel("epoch", color=INK, fontsize=SMALL)
    caption(figure, "Loss and accuracy while learning" if drawn else "No family learns in epochs", "", "")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=SMALL, labelcolor=INK)
    save_figure(path, figure)


def _learning_panel(loss: Any, accuracy: Any, history: Sequence[Mapping[str, float]]) -> None:
    """Draw one family: losses above, accuracy on validation clips below."""
    epochs = [row["epoch"] for row in history]
    loss.plot(epochs, [row["loss"] for row in history], color=GREY, linewidth=1.3, label="training")
    checked = [row for row in history if "val_loss" in row]
    seen = [row["epoch"] for row in checked]
    loss.plot(seen, [row["val_loss"] for row in checked], color=BLUE, linewidth=1.5, label="validation artists")
    accuracy.plot(seen, [100 * row["val_accuracy"] for row in checked], color=BLUE, linewidth=1.5)
    best = sorted(checked, key=lambda row: row["val_loss"])[:1]
    at = [row["epoch"] for row in best]
    loss.plot(at, [row["val_loss"] for row in best], "o", color=ORANGE, markersize=5, label="least validation loss")
    accuracy.plot(at, [100 * row["val_accuracy"] for row in best], "o", color=ORANGE, markersize=5)
    loss.set_ylim(bottom=0)
    loss.tick_params(labelbottom=False)
    accuracy.set_ylim(0, 100)
    accuracy.set_yticks((0, 50, 100), ("0%", "50%", "100%"))
    for axes in (loss, accuracy):
        small_axes(axes)
        axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True, nbins=5)


def confusions_picture(path: Path, confusions: Mapping[str, NDArray[np.int64]], genres: Sequence[str]) -> None:
    """Draw who is taken for whom by each family: rows are what people say, columns what the model says; best first.

    Parameters
    ----------
    path : Path
        Where to.
    confusions : mapping of str to int array of shape (genres, genres)
        Tracks, by family.
    genres : sequence of str
        Ids, in order.
    """
    columns, rows = panel_grid(len(confusions))
    size, names = len(genres), [as_label(genre) for genre in genres]
    inside = np.array([genre != NONE for genre in genres])  # as in `measure`: accuracy is of tracks of a genre
    right = {
        name: np.trace(table[inside][:, inside]) / max(1, table[inside].sum()) for name, table in confusions.items()
    }
    ordered = sorted(confusions, key=lambda family: (-right[family], family))
    side = max(2.3, (0.34 if len(confusions) <= FEW_PANELS else 0.22) * size)
    figure = new_figure(2.2 + side * columns, 2.0 + (side + 0.3) * rows)
    panels = figure.subplots(rows, columns, squeeze=False)
    image = None
    for number, (axes, family) in enumerate(itertools.zip_longest(panels.ravel(), ordered)):
        if family is None:
            axes.set_axis_off()
            continue
        image = heat_map(axes, confusions[family], 6 if len(confusions) <= FEW_PANELS else 0)
        axes.set_title(f"{as_label(family)}: {right[family]:.1%}", color=INK, loc="left", fontsize=10)
        lowest = number + columns >= len(ordered)
        axes.set_xticks(range(size), names if lowest else [""] * size, rotation=90, fontsize=SMALL)
        axes.set_yticks(range(size), names if number % columns == 0 else [""] * size, fontsize=SMALL)
    caption(figure, "Who is taken for whom, and tracks right", "what the model says", "what people say")
    if image is not None:
        height = min(1.0, 2.2 / rows / side + 0.2)
        bar = figure.colorbar(image, ax=panels, shrink=height, ticks=[0, 0.5, 1], format="{x:.0%}")
        bar.set_label("share of the row", color=INK, fontsize=SMALL)
        bar.outline.set_visible(False)
    save_figure(path, figure)


def reliability_picture(path: Path, heldout: Heldout, title: str) -> None:
    """Draw how often tracks are right beside how sure the model is, and how many tracks are how sure.

    Parameters
    ----------
    path : Path
        Where to.
    heldout : Heldout
        Calibrated.
    title : str
        Such as the family.
    """
    bins = reliability(heldout)
    figure = new_figure(5.6, 6.0)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1))
    above.plot([0, 100], [0, 100], color=GREY, linewidth=1, linestyle="--", label="right as often as it is sure")
    for row in (row for row in bins if row.tracks):
        above.plot([100 * row.confidence] * 2, [100 * row.confidence, 100 * row.accuracy], color=ORANGE, linewidth=1.4)
        above.plot(100 * row.confidence, 100 * row.accuracy, "o", color=BLUE, clip_on=False, zorder=4)
    above.plot([], [], "o", color=BLUE, label="how often it is right")
    above.plot([], [], color=ORANGE, linewidth=1.4, label="how far off")
    above.set_ylim(0, 100)
    above.set_yticks(PERCENT, [f"{step}%" for step in PERCENT])
    above.set_ylabel("right", color=INK)
    most = max(row.tracks for row in bins)
    for row in bins:
        centre = 50 * (row.low + row.high)
        below.bar(centre, row.tracks, 92 * (row.high - row.low), color=BLUE)
        below.text(centre, row.tracks + 0.03 * most, f"{row.tracks:,}", ha="center", fontsize=SMALL, color=INK)
    below.set_ylim(0, 1.2 * max(1, most))
    below.set_ylabel("tracks", color=INK)
    below.set_xlabel("how sure the model is", color=INK)
    below.set_xlim(0, 100)
    below.set_xticks(PERCENT, [f"{step}%" for step in PERCENT])
    for axes in (above, below):
        plain_axes(axes)
        axes.grid(color=FAINT, linewidth=0.6)
        axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=SMALL, labelcolor=INK)
    figure.suptitle(as_label(title), color=INK, x=0.02, ha="left", fontsize=12)
    save_figure(path, figure)


# --- panels -----------------------------------------------------------------------------------------------------------


def _curve_panels(curves: Mapping[str, tuple[Floats, Floats]], titles: Mapping[str, str]) -> tuple[Any, list[Any]]:
    """Draw each family's curve of two shares in a panel of its own, over those of all others."""
    columns, rows = panel_grid(len(curves))
    side = 2.2 if len(curves) > 1 else 4.4
    figure = new_figure(0.9 + side * columns, 0.9 + (side + 0.3) * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, family in itertools.zip_longest(panels, curves):
        if family is None:
            axes.set_axis_off()
            continue
        for x, y in curves.values():
            axes.plot(100 * x, 100 * y, color=FAINT, linewidth=1, zorder=2)
        x, y = curves[family]
        axes.plot(100 * x, 100 * y, color=BLUE, linewidth=1.8, zorder=3)
        small_axes(axes)
        axes.set_xlim(0, 100)
        axes.set_xticks((0, 50, 100), ("0", "50%", "100%"))
        axes.set_title(f"{as_label(family)}\n{titles[family]}", color=INK, loc="left", fontsize=9)
    return figure, list(panels[: len(curves)])
