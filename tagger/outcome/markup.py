"""Text, numbers and tables as HTML. Whatever comes from files goes through `text`, so a tag can never be markup."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Mapping, Sequence

from tagger.base.errors import path_text, printable

MAX_ROWS = 500  # of one table: a page with more is slow to open and nobody reads it


def text(value: str | None) -> str:
    """Return text escaped for HTML, on one line; control and direction characters are spelled out."""
    return html.escape(printable(" ".join((value or "").split())))


def number(value: int) -> str:
    """Return a whole number with commas between thousands."""
    return f"{value:,}"


def some(count: int, one: str, many: str | None = None) -> str:
    """Return "1 track", "3 tracks"."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """Return a share in percent; what is not all or nothing never reads as if it was."""
    if 0 < share < 0.01 or 0.99 < share < 1:
        return "under 0.1%" if share < 0.001 else "over 99.9%" if share > 0.999 else f"{share:.1%}"
    return f"{share:.0%}"


def duration(seconds: float) -> str:
    """Return seconds as people say them: "48 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def shown_path(path: str | bytes, libraries: Sequence[bytes]) -> str:
    """Return a path escaped for HTML, without the library that it lies in."""
    raw = os.fsencode(path)
    for root in libraries:
        folder = root.rstrip(b"/") + b"/"
        if raw.startswith(folder):
            raw = raw[len(folder) :]
            break
    return f'<span class="path">{html.escape(printable(path_text(raw)))}</span>'


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int] = (),
    narrow_off: Sequence[int] = (),
    widths: Mapping[int, str] | None = None,
) -> str:
    """Return a table of at most `MAX_ROWS` rows; the first cell of each row is its heading.

    Parameters
    ----------
    header : sequence of str
        Plain text.
    rows : iterable of sequences of str
        Cells that are HTML already.
    numbers, narrow_off : sequence of int
        Columns that are aligned to the right, and left out on narrow screens.
    widths : mapping of int to str, optional
        CSS widths of columns, so that several tables below each other line up.
    """
    kinds = {"n": numbers, "narrow-off": narrow_off}
    names = [" ".join(kind for kind, columns in kinds.items() if i in columns) for i in range(len(header))]
    classes = [f' class="{name}"' if name else "" for name in names]
    all_rows = list(rows)
    lines = ['<div class="scroll"><table><thead><tr>']
    sizes = {i: f' style="width:{width}"' for i, width in (widths or {}).items()}
    lines += [f'<th scope="col"{classes[i]}{sizes.get(i, "")}>{text(cell)}</th>' for i, cell in enumerate(header)]
    lines.append("</tr></thead><tbody>")
    for row in all_rows[:MAX_ROWS]:
        cells = [f'<th scope="row"{classes[0]}>{row[0]}</th>']
        cells += [f"<td{classes[i]}>{cell}</td>" for i, cell in enumerate(row) if i]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    lines.append("</tbody></table></div>")
    if len(all_rows) > MAX_ROWS:
        lines.append(f'<p class="quiet small">and {number(len(all_rows) - MAX_ROWS)} more, in report.json</p>')
    return "\n".join(lines)


def bar(share: float) -> str:
    """Return a bar whose length is a share of the room that it has."""
    return f'<span class="bar" style="width:{100 * min(max(share, 0.0), 1.0):.1f}%"></span>'


def section(title: str, lead: str, body: str) -> str:
    """Return a section: what it is about at the side (`lead` is HTML), the thing itself beside it."""
    side = f"<p>{lead}</p>" if lead else ""
    return f"<section>\n<header><h2>{text(title)}</h2>{side}</header>\n<div>\n{body}\n</div>\n</section>"
