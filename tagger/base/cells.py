"""Cells of CSV files that a spreadsheet never runs as formulas, and the way back."""

from __future__ import annotations

import os
import re

# What spreadsheets take for the start of a formula (OWASP, "CSV Injection"), with the full-width forms that Excel
# takes for the same.
FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")

_SPELLED = re.compile(r"\\x([0-9a-fA-F]{2})")


def guarded(text: str) -> str:
    """Return text with an apostrophe before it if it could start a formula (or looks as if it was guarded already)."""
    return "'" + text if text.lstrip("'").startswith(FORMULA_STARTS) else text


def unguarded(text: str) -> str:
    """Take the apostrophe that `guarded` put there away."""
    return text[1:] if text.startswith("'") and guarded(text) != text else text


def text_cell(text: str | None) -> str:
    """Return text on one line, guarded. What cannot be encoded is spelled out; None is empty."""
    shown = (text or "").encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", " ")
    return guarded(" ".join(shown.splitlines()).strip())


def path_cell(path: bytes) -> str:
    r"""Return a path as a cell: bytes that are not UTF-8, control characters and backslashes are spelled ``\xNN``."""
    shown = []
    for character in os.fsdecode(path):
        if "\udc80" <= character <= "\udcff":
            shown.append(f"\\x{ord(character) - 0xDC00:02x}")
        elif character == "\\" or not character.isprintable():
            shown.append("".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape")))
        else:
            shown.append(character)
    return guarded("".join(shown))


def cell_path(cell: str) -> bytes:
    """Return the path that `path_cell` made a cell of."""
    plain = unguarded(cell)
    parts = _SPELLED.split(plain)  # text, two digits, text, two digits, ..., text
    return b"".join(
        bytes.fromhex(part) if number % 2 else part.encode("utf-8", "surrogateescape")
        for number, part in enumerate(parts)
    )
