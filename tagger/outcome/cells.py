"""Cells of CSV files that a spreadsheet shows as they are and never runs as formulas.

`tagger.review` reads and writes the same spelling.
"""

from __future__ import annotations

import os

# What spreadsheets take for the start of a formula (OWASP, "CSV Injection"), with the full-width forms that Excel
# takes for the same.
FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def guarded(text: str) -> str:
    """Return text with an apostrophe before it if it could start a formula (or looks as if it was guarded already)."""
    return "'" + text if text.lstrip("'").startswith(FORMULA_STARTS) else text


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
