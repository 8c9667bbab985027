"""The one door to mutagen: every call goes through it, with the action and the file named.

mutagen raises `MutagenError` for a file that it cannot read. Anything else that leaves it is a slip on damaged input;
the file is reported either way, since one odd file among a million must not end a run, but the two read differently
in the report.
"""

from __future__ import annotations

import contextlib
import logging
import struct
import traceback
import zlib
from collections.abc import Iterator

from mutagen import MutagenError

from tagger.base.errors import FileProblem, UnreadableTags

log = logging.getLogger("tagger.library")

# What damaged content makes a parser raise, be it mutagen's or one of this room's.
DAMAGE = (ArithmeticError, EOFError, LookupError, MemoryError, ValueError, struct.error, zlib.error)
# What it makes mutagen raise besides. From this room's own code these are bugs, and are let through.
SLIPS = (AssertionError, AttributeError, NotImplementedError, RecursionError, TypeError)


@contextlib.contextmanager
def through_mutagen(action: str, path: bytes) -> Iterator[None]:
    """Turn what mutagen raises into a problem of this file.

    Parameters
    ----------
    action : str
        What is being done, such as "reading the ID3v2 tag".
    path : bytes
        The file.

    Raises
    ------
    UnreadableTags
    """
    try:
        yield
    except FileProblem:
        raise
    except MutagenError as error:
        cause: object = error.args[0] if error.args else error
        if isinstance(cause, OSError):
            raise UnreadableTags.because(path, cause, action) from error
        raise UnreadableTags(path, f"{action}: {_short(cause) or type(error).__name__}") from error
    except OSError as error:
        raise UnreadableTags.because(path, error, action) from error
    except (*DAMAGE, *SLIPS) as error:
        in_mutagen = _is_within_mutagen(error)
        if isinstance(error, SLIPS) and not in_mutagen:
            raise
        log.debug("%s: %r", action, path, exc_info=True)
        what = f"mutagen failed with {type(error).__name__}: {_short(error)}" if in_mutagen else _short(error)
        raise UnreadableTags(path, f"{action}: {what}") from error


def _is_within_mutagen(error: BaseException) -> bool:
    """Whether the error was raised by mutagen's code."""
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(modules) and modules[-1].split(".")[0] == "mutagen"


def _short(cause: object) -> str:
    return " ".join(str(cause).split())[:200]
