"""The comparison of model families as one HTML page in the look of the report; its pictures lie beside it."""

from __future__ import annotations

import datetime
import html
import os
import urllib.parse
from collections.abc import Iterable, Sequence

from tagger.outcome.compare import (
    LEAKY,
    METRICS,
    About,
    FamilyRow,
    best_first,
    gap,
    interval,
    leaky,
    pace,
    value,
)
from tagger.outcome.markup import duration, number, percent, section, some, table, text
from tagger.outcome.page_style import STYLE

# Pictures from beside the page, opened as a file or from a server, are all that is loaded.
POLICY = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'"

MAIN = ("track_accuracy", "clip_accuracy", "top3_accuracy", "balanced_accuracy", "macro_f1")
SURENESS = ("roc_auc", "macro_precision", "ece", "precision", "coverage")
HEADINGS = {key: heading for key, heading, _ in METRICS}


def page(rows: Iterable[FamilyRow], about: About, pictures: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page.

    Parameters
    ----------
    rows : iterable of FamilyRow
        In any order.
    about : About
        What they were measured on.
    pictures : sequence of (title, file name)
        Shown in this order; names are relative to the page.
    """
    ordered = best_first(rows)
    sections = [
        _figures_section(ordered),
        _sureness_section(ordered),
        _costs_section(ordered),
        _leaks_section(ordered),
        _pictures_section(pictures),
        _words_section(about),
    ]
    version = f"Written by tagger {text(about.version)}. " if about.version else ""
    source = f"Data set: <code>{text(about.dataset)}</code>." if about.dataset else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="referrer" content="no-referrer">
<title>{text(f"tagger, model families: {_headline(ordered, about)}")}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{_top(ordered, about)}
{"".join(part for part in sections if part)}
<footer><p>{version}{source}</p></footer>
</main>
</body>
</html>
"""


def _top(rows: Sequence[FamilyRow], about: About) -> str:
    day = f"{_day(about.started)} &middot; " if about.started else ""
    tiles = []
    if rows and about.tracks:
        best = rows[0]
        base = f"always the most common genre: {percent(about.majority)}"
        tiles.append(("Best family is right on", "filled", _share(best), f"{best.family} ({best.seconds})", base))
        if best.leaky and "track_accuracy" in best.leaky:
            claim = percent(best.leaky["track_accuracy"])
            tiles.append(("The same with leaks", "waits", claim, "no figure to expect on new artists", ""))
    measured = f"of the {about.split} part, by {some(about.groups, 'artist')} that no model heard"
    tiles.append(("Held-out tracks", "", number(about.tracks), measured, some(len(about.genres), "genre")))
    tiles.append(("Families", "", number(len(rows)), "trained and measured on one split", ""))
    cells = [
        f'<div><dt>{text(title)}</dt><dd><span class="big {kind}">{text(big)}</span></dd>'
        f'<dd class="quiet small">{text(of)}{"<br>" + text(more) if more else ""}</dd></div>'
        for title, kind, big, of, more in tiles
    ]
    return (
        f'<header>\n<p class="over">{day}<code>tagger compare</code></p>\n<h1>{text(_headline(rows, about))}</h1>\n'
        f'<dl class="figures">{"".join(cells)}</dl>\n</header>'
    )


def _headline(rows: Sequence[FamilyRow], about: About) -> str:
    if not rows:
        return "No family was trained."
    if not about.tracks:
        return "There are no held-out tracks to compare families on."
    return f"{rows[0].family} is right on {_share(rows[0])} of {some(about.tracks, 'track')} by artists it never heard."


# --- sections ---------------------------------------------------------------------------------------------------------


def _figures_section(rows: Sequence[FamilyRow]) -> str:
    lead = "The best first. Below each figure its 95% interval, for other artists than these."
    return section("How often they are right", lead, _figures(rows, MAIN)) if rows else ""


def _sureness_section(rows: Sequence[FamilyRow]) -> str:
    lead = "What a promise can be built on, and how much of a library would be written while keeping it."
    return section("How well they know it", lead, _figures(rows, SURENESS)) if rows else ""


def _figures(rows: Sequence[FamilyRow], keys: Sequence[str]) -> str:
    known = [key for key in keys if any(key in row.metrics for row in rows)]
    cells = [(text(row.family), *(_figure(row, key) for key in known)) for row in rows]
    columns = range(1, len(known) + 1)
    return table(
        ("family", *(HEADINGS[key] for key in known)), cells, numbers=columns, widths=dict.fromkeys(columns, "8.4rem")
    )


def _figure(row: FamilyRow, key: str) -> str:
    ends = interval(row, key)
    return value(row, key) + (f'<span class="sub">{ends}</span>' if ends else "")


def _costs_section(rows: Sequence[FamilyRow]) -> str:
    if not rows:
        return ""
    cells = [
        (
            text(row.family) + (f'<span class="sub">{text(row.note)}</span>' if row.note else ""),
            text(row.seconds),
            number(row.parameters) if row.parameters else "-",
            duration(row.train_seconds),
            pace(row.tracks_per_second),
        )
        for row in rows
    ]
    header = ("family", "clips of", "parameters", "training", "tracks per second")
    return section("What they cost", "On the machine that ran this.", table(header, cells, numbers=(1, 2, 3, 4)))


def _leaks_section(rows: Sequence[FamilyRow]) -> str:
    if not any(row.leaky for row in rows):
        return ""
    cells = [
        (text(row.family), value(row, "track_accuracy"), leaky(row, "track_accuracy"), gap(row),
         value(row, "clip_accuracy"), leaky(row, "clip_accuracy"))
        for row in rows
        if row.leaky
    ]  # fmt: skip
    header = ("family", "tracks right", "with leaks", "difference", "clips right", "with leaks")
    lead = f"{LEAKY}. A network then knows the artist and the recording, and that is no figure to expect on new ones."
    return section("If tracks leaked", lead, table(header, cells, numbers=range(1, 6)))


def _pictures_section(pictures: Sequence[tuple[str, str]]) -> str:
    shown = [
        f'<figure><img src="{_address(name)}" alt="{text(title)}" loading="lazy">'
        f"<figcaption><b>{text(title)}</b></figcaption></figure>"
        for title, name in pictures
    ]
    return section("Pictures", "They lie beside this page.", "\n".join(shown)) if shown else ""


def _words_section(about: About) -> str:
    body = table(("figure", "meaning"), [(text(heading), text(meaning)) for _, heading, meaning in METRICS])
    if about.genres:
        body += f"\n<h3>Genres</h3>\n<p>{', '.join(text(genre) for genre in about.genres)}</p>"
    return section("What the figures mean", "Of tracks by artists that no model heard.", body)


# --- words ------------------------------------------------------------------------------------------------------------


def _share(row: FamilyRow) -> str:
    return percent(row.metrics.get("track_accuracy", 0.0))


def _address(name: str) -> str:
    """Return a relative file name as an address; what would be a scheme or markup is spelled in percent signs."""
    return html.escape(urllib.parse.quote(os.fsencode(name)))


def _day(started: str) -> str:
    when = datetime.datetime.fromisoformat(started)
    return f"{when:%A} {when.day} {when:%B %Y}, {when:%H:%M}"
