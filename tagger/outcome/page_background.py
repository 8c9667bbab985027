"""The rest of the report's page: the library, how far to trust the model, the audit, troubles, the run itself."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from tagger.outcome.audit import Kind
from tagger.outcome.markup import bar, duration, number, percent, section, shown_path, some, table, text
from tagger.outcome.report import ModelFacts, Report

SHOWN_FINDINGS = 40

STATES = (  # key in the scan's counts, colour, words
    ("labelled", "s1", "have a genre from a person"),
    ("machine", "s2", "have a genre from an earlier run"),
    ("untagged", "s3", "had no genre, or one that says nothing"),
    ("unmapped", "s4", "have a tag that the genre map does not know"),
    ("ambiguous", "s5", "have a tag that means several genres"),
    ("skipped", "s6", "have a tag that is left alone on purpose"),
    ("unreadable", "s7", "cannot be read"),
)

KINDS = {
    Kind.CONFLICTING: "copies of the same audio have different genres",
    Kind.SUSPICIOUS: "sounds like another genre, or differs from the artist's other tracks",
    Kind.STRAY: "differs from the rest of its album",
    Kind.ID3V1: "the old ID3v1 number says another genre",
    Kind.AMBIGUOUS: "means several genres",
    Kind.UNMAPPED: "not in the genre map",
    Kind.PLACEHOLDER: "says nothing about the music",
    Kind.MISSING: "no genre tag",
}

METRICS = (  # key in the model's card, words
    ("track_accuracy", "tracks right"),
    ("majority_baseline", "tracks right by always saying the most common genre"),
    ("top3_accuracy", "right genre among the first three"),
    ("balanced_accuracy", "tracks right, every genre counting the same"),
    ("macro_f1", "F1, mean over genres"),
    ("clip_accuracy", "single clips right"),
    ("precision", "of tracks sure enough to be written, right"),
    ("coverage", "of all tracks, sure enough to be written"),
    ("ece", "calibration error: how far confidence is from how often it is right"),
)


def library_section(report: Report) -> str:
    """What the scan found, as parts of a whole."""
    files = sum(report.found.get(key, 0) for key, _, _ in STATES)
    if not files:
        return ""
    parts = [(report.found.get(key, 0), colour, words) for key, colour, words in STATES]
    shown = [part for part in parts if part[0]]
    stack = "".join(
        f'<span class="{colour}" style="flex:{count}" title="{number(count)} {text(words)}"></span>'
        for count, colour, words in shown
    )
    rows = [
        (f'<span class="key {colour}"></span>{text(words)}', number(count), percent(count / files))
        for count, colour, words in shown
    ]
    body = f'<div class="stack" aria-hidden="true">{stack}</div>\n'
    body += table(("tracks that", "number", f"of {number(files)}"), rows, numbers=(1, 2))
    if report.left:
        body += "\n<h3>Why tracks were left as they are</h3>\n"
        body += table(("the track", "tracks"), [(text(why), number(count)) for why, count in report.left], numbers=(1,))
    news = [
        f"{number(report.found[key])} {key}" for key in ("new", "changed", "moved", "missing") if key in report.found
    ]
    lead = f"{some(files, 'file')}, before anything was written. {text(', '.join(news))}{'.' if news else ''}"
    return section("The library", lead, body)


# --- the model ------------------------------------------------------------------------------------------------------


def model_section(report: Report) -> str:
    """How often the model is right on artists that it never heard, and what follows from it for each genre."""
    model = report.model
    if model is None:
        why = report.no_model or "no model has been trained yet"
        return section("The model", "", f"<p>There is none: {text(why.rstrip('.'))}.</p>")
    parts = [_accuracy(model), _metrics(model), _genres(report, model)]
    parts += [
        f'<figure><img src="data:image/png;base64,{base64.b64encode(picture.png).decode("ascii")}" '
        f'alt="{text(picture.title)}: {text(picture.caption)}"><figcaption><b>{text(picture.title)}.</b> '
        f"{text(picture.caption)}</figcaption></figure>"
        for picture in report.pictures
    ]
    lead = (
        f"Measured on {some(model.tracks, 'track')} by {some(model.groups, 'artist')} that it never heard "
        f"({text(model.split)} part of the split).<br><br><code>{text(model.id)}</code>, {text(model.family)}."
    )
    return section(
        "How far to trust the model", lead + (f"<br>{text(model.note)}" if model.note else ""), "\n".join(parts)
    )


def _accuracy(model: ModelFacts) -> str:
    """A line from 0 to 100% with the accuracy, its interval, and what guessing would get."""
    accuracy, base = model.metrics.get("track_accuracy"), model.metrics.get("majority_baseline")
    if accuracy is None or base is None:
        return ""
    right = round(accuracy * model.tracks)
    said = f"<p><b>{percent(accuracy)} right</b> ({number(right)} of {some(model.tracks, 'track')})"
    low, high = model.intervals.get("track_accuracy", (accuracy, accuracy))
    if high > low:
        said += f", for other artists likely between {percent(low)} and {percent(high)} (95% interval, by artist)"
    said += f". Always saying the most common genre would be right on {percent(base)}.</p>"
    return (
        f'{said}<div class="scale" aria-hidden="true">'
        f'<i class="range" style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
        f'<i class="dot" style="left:{100 * accuracy:.1f}%"></i><i class="base" style="left:{100 * base:.1f}%"></i>'
        f'<i class="say waits" style="{_at(base)};bottom:1.6rem">most common genre {percent(base)}</i>'
        f'<i class="say filled" style="{_at(accuracy)};bottom:3rem">the model {percent(accuracy)}</i>'
        f'<i class="end" style="left:0">0%</i><i class="end" style="right:0">100%</i></div>'
    )


def _at(share: float) -> str:
    """Return where a label begins, or ends, so that it stays on the line."""
    return f"left:{100 * share:.1f}%" if share < 0.5 else f"right:{100 - 100 * share:.1f}%"


def _metrics(model: ModelFacts) -> str:
    rows = []
    for key, words in METRICS:
        if key not in model.metrics:
            continue
        value = model.metrics[key]
        low, high = model.intervals.get(key, (value, value))
        rows.append((text(words), f"{value:.3f}", f"{low:.3f} to {high:.3f}" if high > low else ""))
    table_of = table(("measure", "value", "95% interval"), rows, numbers=(1, 2))
    clips = f" ({some(model.clips, 'clip')})" if model.clips else ""
    return f"<h3>In numbers{clips}</h3>\n{table_of}" if rows else ""


def _genres(report: Report, model: ModelFacts) -> str:
    rows = []
    for score in sorted(model.genres, key=lambda row: (-row.f1, row.genre)):
        if not score.measured:
            written = "never: too few held-out artists"
        elif score.threshold is None:
            written = "never: not right often enough"
        else:
            written = f"from {score.threshold:.2f}" if score.threshold > 0 else "always"
        name = report.genre_names.get(score.genre, score.genre)
        held = f"{number(score.tracks)} by {number(score.groups)}"
        rows.append((text(name), held, f"{score.precision:.2f}", f"{score.recall:.2f}", bar(score.f1), text(written)))
    if not rows:
        return ""
    header = ("genre", "held-out tracks by artists", "precision", "recall", "F1", "written from confidence")
    promise = (
        f"A genre is written without a person only from the confidence at which {percent(model.promise)} of such "
        f"tracks by artists it never heard were right, with {percent(model.promise_confidence)} certainty."
    )
    if model.promise <= 0:
        promise = "The promise is set to 0: whatever the model says is written."
    return f"<h3>By genre</h3>\n<p>{promise}</p>\n" + table(
        header, rows, numbers=(1, 2, 3), narrow_off=(4,), widths={4: "24%"}
    )


# --- audit, troubles, the run -----------------------------------------------------------------------------------------


def audit_section(report: Report) -> str:
    """Genre tags that are worth a look."""
    if not report.findings:
        return ""
    counted = [(text(words), number(report.finding_counts.get(kind, 0))) for kind, words in KINDS.items()]
    rows = []
    for group in report.findings[:SHOWN_FINDINGS]:
        example = shown_path(group.example, report.libraries)
        where = (
            example if group.tracks == 1 else f'{some(group.tracks, "track")}<span class="sub">such as {example}</span>'
        )
        tag = text(group.genre_tag) or '<span class="quiet">none</span>'
        suggested = report.genre_names.get(group.suggested or "", group.suggested)
        where += f'<span class="sub narrow-on">{text(group.detail)}</span>'
        rows.append((where, tag, text(group.detail), text(suggested)))
    body = table(("what", "tracks"), [row for row in counted if row[1] != "0"], numbers=(1,))
    body += f"\n<h3>The worst {min(len(report.findings), SHOWN_FINDINGS)}, tracks of one tag together</h3>\n"
    body += table(("track", "genre tag", "why", "perhaps"), rows, narrow_off=(2,), widths={1: "9rem", 2: "15rem"})
    lead = "For somebody to look at. tagger never changes a genre that a person gave. All: <code>tagger audit</code>"
    return section("Worth a look", lead, body)


def trouble_section(report: Report) -> str:
    """Files that could not be read or written, each with its reason."""
    parts = []
    for title, problems in (
        ("Could not be read", report.errors),
        ("Not written, and why", report.skipped),
        ("Failed the checks after writing; the files are as they were", report.failed),
    ):
        if problems:
            rows = [(shown_path(problem.path, report.libraries), text(problem.error)) for problem in problems]
            parts.append(f"<h3>{text(title)} ({number(len(problems))})</h3>\n{table(('file', 'why'), rows)}")
    if not parts:
        return ""
    return section("Files with trouble", "They are left exactly as they are.", "\n".join(parts))


def engine_section(report: Report) -> str:
    """The run: stages, times, where things lie, how to undo."""
    rows = [(text(stage.name), duration(stage.seconds), _counted(stage.counts)) for stage in report.stages]
    body = table(("stage", "time", "counted"), rows, numbers=(1,)) if rows else ""
    facts = [
        ("run", f"<code>{text(report.run_id)}</code>"),
        ("took", duration(report.seconds)),
        ("home", f"<code>{text(report.home)}</code>"),
    ]
    if report.undo:
        facts.append(("how to undo", f"<code>{text(report.undo)}</code> (with <code>--home</code> as this run had it)"))
    body += "\n<h3>Where and how</h3>\n" + table(("what", "value"), facts)
    return section("The run", "For the engineer.", body)


def _counted(counts: Mapping[str, int]) -> str:
    return text(", ".join(f"{number(count)} {name}" for name, count in counts.items() if count)) or "nothing"
