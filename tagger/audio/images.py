"""Pictures on disk: 8-bit grayscale PNG files."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from tagger.audio.spectrogram import Picture
from tagger.base.errors import FileProblem

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class UnreadableImage(FileProblem):
    """An image of a data set cannot be read."""


def part_name(name: str) -> str:
    """Return the name under which a picture is written before it gets its own."""
    return f".{name}.part"


def write_png(path: Path, picture: Picture) -> None:
    """Replace `path` with a picture, whole; not synced, since it can be made again.

    Parameters
    ----------
    path : Path
        In a folder that exists.
    picture : np.ndarray [shape=(rows, columns)], uint8
        Becomes 8-bit grayscale.
    """
    part = path.with_name(part_name(path.name))
    Image.fromarray(picture).save(part, format="PNG")
    os.replace(part, path)


def read_png(path: Path) -> Picture:
    """Return a picture; colours become shades of gray.

    Parameters
    ----------
    path : Path
        Any image file that Pillow knows.

    Returns
    -------
    np.ndarray [shape=(rows, columns)], uint8
        The picture.

    Raises
    ------
    UnreadableImage
        If it is missing or damaged.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("L"), dtype=np.uint8)
    except UnidentifiedImageError as error:
        raise UnreadableImage(str(path), "not an image") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImage(str(path), "far too large for a spectrogram") from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow makes of damaged PNG files
        raise UnreadableImage(str(path), getattr(error, "strerror", None) or "damaged image") from error


def png_size(path: Path) -> tuple[int, int]:
    """Return the (rows, columns) that a PNG's header states, after checking that the file is whole.

    Raises
    ------
    UnreadableImage
        If it is no PNG, or cut short.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableImage(str(path), error.strerror or str(error)) from error
    if not content.startswith(_SIGNATURE) or content[12:16] != b"IHDR":
        raise UnreadableImage(str(path), "not a PNG image")
    if b"IEND" not in content[-12:]:
        raise UnreadableImage(str(path), "image cut short")
    columns, rows = struct.unpack(">II", content[16:24])
    return rows, columns
