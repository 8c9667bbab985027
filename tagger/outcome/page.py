"""The report as one HTML page: first what happened and how to take it back, then what waits, then why to believe it."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Sequence

from tagger.base.errors import path_text
from tagger.outcome.markup import bar, number, percent, section, shown_path, some, table, text
from tagger.outcome.page_background import (
    audit_section,
    engine_section,
    library_section,
    model_section,
    trouble_section,
)
from tagger.outcome.page_style import STYLE
from tagger.outcome.report import Abstained, Change, Report

OPEN_ROWS = 40  # up to this many changes the lists stand open
CLOSEST = 15  # abstained tracks shown one by one
CHANGE_HEADER = ("track", "before", "confidence", "why")
CHANGE_WIDTHS = {1: "7.5rem", 2: "6.5rem", 3: "14rem"}

# Nothing is loaded from anywhere and nothing runs, whatever a tag tries to smuggle in.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render(report: Report) -> str:
    """Return the report as a page that needs no other file and no network."""
    sections = [
        _changes_section(report),
        _waiting_section(report),
        library_section(report),
        model_section(report),
        audit_section(report),
        trouble_section(report),
        engine_section(report),
    ]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="referrer" content="no-referrer">
<title>{text(f"tagger, {_day(report.started)}: {_headline(report)}")}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{_top(report)}
{"".join(part for part in sections if part)}
<footer><p>Written by tagger {text(report.version)}, run <code>{text(report.run_id)}</code>. The same facts for
programs: <code>report.json</code>, beside this file. Paths are below {_libraries(report)}.</p></footer>
</main>
</body>
</html>
"""


# --- the top --------------------------------------------------------------------------------------------------------


def _top(report: Report) -> str:
    lines = [
        "<header>",
        f'<p class="over">{text(_day(report.started))} &middot; {_libraries(report)} &middot; '
        f"<code>tagger {text(report.command)}</code>{'' if report.applied else ', a dry run'}</p>",
        f"<h1>{text(_headline(report))}</h1>",
    ]
    lines += [f'<p class="note">{text(note)}</p>' for note in report.notes]
    lines.append(_what_to_do(report))
    lines.append(_figures(report))
    lines.append("</header>")
    return "\n".join(line for line in lines if line)


def _headline(report: Report) -> str:
    filled, empty = _filled(report), report.found.get("untagged", 0)
    waiting = len(report.abstained)
    got = "got" if report.applied else "would get"
    of = f"of {some(empty, 'track')} without a genre"
    if report.changes:
        said = "" if report.applied else "Nothing was changed."
        if len(filled) > empty:  # the counts are not of the same moment, so no share is claimed
            said += f" {some(len(filled), 'track')} {got} a genre."
        elif filled:
            said += f" {number(len(filled))} {of} {got} one."
    elif report.model is None:
        said = "There is no model yet, so nothing was written."
    elif empty:
        said = f"Nothing was written to the {some(empty, 'track')} without a genre."
        if waiting:
            said = f"Nothing was written: the model is not sure enough about {number(waiting)} {of}."
    else:
        said = "No track lacks a genre tag; nothing was written."
    replaced = sum(change.replaced for change in report.changes)
    if replaced:
        said += f" {some(replaced, 'genre')} of earlier runs {'gave' if report.applied else 'would give'} way."
    decided = _decided(report)
    if decided:
        said += f" {some(decided, 'decision')} of yours {'was' if report.applied else 'would be'} carried out."
    if waiting:
        said += f" {number(waiting)} {'track waits' if waiting == 1 else 'tracks wait'} for you."
    return said.strip()


def _what_to_do(report: Report) -> str:
    points = []
    if report.undo:
        points.append(f"<b>To take all of it back:</b> <code>{text(report.undo)}</code>")
    elif report.changes:
        points.append("<b>To carry out a plan:</b> <code>tagger write --apply</code>")
    if report.abstained:
        points.append("<b>To decide what waits:</b> <code>tagger review export review.csv</code>")
    return f'<ul class="do">{"".join(f"<li>{point}</li>" for point in points)}</ul>' if points else ""


def _figures(report: Report) -> str:
    found, model = report.found, report.model
    empty, files = found.get("untagged", 0), found.get("files", 0)
    done = "Genres written" if report.applied else "Genres to be written"
    postponed = f"{number(report.postponed)} more on later nights" if report.postponed else ""
    filled = len(_filled(report))
    what = f"{number(filled)} to the {some(empty, 'track')} without one"
    if _decided(report):
        what += f", {number(_decided(report))} that a person decided"
    if replaced := sum(change.replaced for change in report.changes):
        what += f", {number(replaced)} in place of earlier ones"
    rows = [
        (done, "filled", number(len(report.changes)), what, postponed),
        ("Waiting for a person", "waits", number(len(report.abstained)), f"of {some(empty, 'track')} without one", ""),
    ]
    if model and {"track_accuracy", "majority_baseline"} <= set(model.metrics):
        measured = f"of {some(model.tracks, 'track')} by {some(model.groups, 'artist')} it never heard"
        base = f"always the most common genre: {percent(model.metrics['majority_baseline'])}"
        rows.append(("Model is right on", "", percent(model.metrics["track_accuracy"]), measured, base))
    unread = found.get("unreadable", len(report.errors))
    rows.append(("Not readable", "wrong" if unread else "", number(unread), f"of {some(files, 'file')}", ""))
    cells = [
        f'<div><dt>{text(title)}</dt><dd><span class="big {kind}">{text(big)}</span></dd>'
        f'<dd class="quiet small">{text(of)}{"<br>" + text(more) if more else ""}</dd></div>'
        for title, kind, big, of, more in rows
    ]
    return f'<dl class="figures">{"".join(cells)}</dl>'


# --- what was written, what waits -------------------------------------------------------------------------------------


def _changes_section(report: Report) -> str:
    if not report.changes:
        return ""
    by_genre: dict[str, list[Change]] = defaultdict(list)
    for change in report.changes:
        by_genre[change.after or ""].append(change)
    most = max(len(rows) for rows in by_genre.values())
    unfold = " open" if len(report.changes) <= OPEN_ROWS else ""
    parts = []
    for genre, rows in sorted(by_genre.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        rows.sort(key=lambda change: (2.0 if change.confidence is None else change.confidence, change.path))
        cells = [_change_cells(report, change) for change in rows]
        parts.append(
            f'<details{unfold}><summary><b>{_genre(report, genre)}</b><span class="n">{number(len(rows))}</span>'
            f"{bar(len(rows) / most)}</summary>\n"
            f"{table(CHANGE_HEADER, cells, numbers=(2,), narrow_off=(3,), widths=CHANGE_WIDTHS)}</details>"
        )
    lead = "By genre, the least sure first: that is where a mistake would be."
    if report.undo:
        lead += f"<br><br>How to undo:<br><code>{text(report.undo)}</code>"
    return section("What was written" if report.applied else "What would be written", lead, "\n".join(parts))


def _others(report: Report, track: Abstained) -> str:
    """Return the next likely genres, small, below the likeliest."""
    named = ", ".join(f"{_genre(report, genre)} {chance:.2f}" for genre, chance in track.others)
    return f'<span class="sub">or {named}</span>' if named else ""


def _clips(report: Report, track: Abstained) -> str:
    """Return which clips spoke for what, where they did not agree."""
    if len(track.clips) < 2:
        return ""
    named = ", ".join(f"{number(count)} {_genre(report, genre)}" for genre, count in track.clips.items())
    return f'<span class="sub">clips: {named}</span>'


def _change_cells(report: Report, change: Change) -> Sequence[str]:
    where = shown_path(change.path, report.libraries)
    sure = "yours" if change.confidence is None else f"{change.confidence:.2f}"
    before = text(change.before) or '<span class="quiet">none</span>'
    return _track(change.artist, change.title, where), before, sure, text(change.reason)


def _track(artist: str | None, title: str | None, where: str) -> str:
    name = " \u2013 ".join(text(part) for part in (artist, title) if part and part.strip())
    return f'{name}<span class="sub">{where}</span>' if name else where


def _waiting_section(report: Report) -> str:
    if not report.abstained:
        return ""
    by_genre: dict[str, list[Abstained]] = defaultdict(list)
    for track in report.abstained:
        by_genre[track.genre].append(track)
    needs = {row.genre: row for row in report.model.genres} if report.model else {}
    rows = []
    for genre, tracks in sorted(by_genre.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        score = needs.get(genre)
        if score is None:
            need = "not known"
        elif not score.measured:
            need = f"never: not measured, only {some(score.groups, 'held-out artist')}"
        elif score.threshold is None:
            need = "never: not right often enough"
        else:
            need = f"{score.threshold:.2f}"
        surest = max(track.confidence for track in tracks)
        rows.append((_genre(report, genre), number(len(tracks)), f"{surest:.2f}", text(need)))
    closest = sorted(report.abstained, key=lambda track: (-track.confidence, track.path))[:CLOSEST]
    singles = [
        (
            _track(track.artist, track.title, shown_path(track.path, report.libraries))
            + f'<span class="sub narrow-on">{text(track.reason)}</span>',
            _genre(report, track.genre) + _others(report, track),
            f"{track.confidence:.2f}",
            text(track.reason) + _clips(report, track),
        )
        for track in closest
    ]
    body = table(("probably", "tracks", "surest", "needed to be written"), rows, numbers=(1, 2))
    body += f"\n<h3>The {len(closest)} surest of {number(len(report.abstained))}</h3>\n"
    body += table(
        ("track", "probably", "confidence", "why it waits"), singles, numbers=(2,), narrow_off=(3,), widths={3: "17rem"}
    )
    lead = (
        "The model has a guess but does not keep its promise with it. <code>tagger review export review.csv</code>, "
        "fill in the column <i>decision</i> (accept, reject or a genre), <code>tagger review import review.csv</code>."
    )
    return section("What waits for you", lead, body)


# --- words ----------------------------------------------------------------------------------------------------------


def _filled(report: Report) -> list[Change]:
    return [change for change in report.changes if change.decision != "person" and not change.replaced]


def _decided(report: Report) -> int:
    return sum(change.decision == "person" for change in report.changes)


def _genre(report: Report, genre: str) -> str:
    return text(report.genre_names.get(genre, genre)) or '<span class="quiet">no genre</span>'


def _libraries(report: Report) -> str:
    return ", ".join(f"<code>{text(path_text(root))}</code>" for root in report.libraries)


def _day(started: str) -> str:
    when = datetime.datetime.fromisoformat(started)
    return f"{when:%A} {when.day} {when:%B %Y}, {when:%H:%M}"
