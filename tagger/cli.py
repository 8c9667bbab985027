"""The command line: parse, call, print, and turn every error into one line and an exit code.

Only the chosen command is imported, so `tagger --help` and `tagger scan` stay quick.
"""

from __future__ import annotations

import argparse
import errno
import gc
import importlib
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from tagger import __version__
from tagger.base.errors import EXIT_FAILED, EXIT_STOPPED, EXIT_USAGE, FileProblem, Stopped, TaggerError, printable

# Name of the command, module in tagger.commands, one line of help; in the order of a station's evening.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "make a home: a commented tagger.toml and a copy of the genre map"),
    "scan": ("scan", "bring the index up to date with one or more libraries"),
    "genres": ("genres", "every genre tag, how often it occurs and what it maps to"),
    "dataset": ("dataset", "cut the labelled tracks into spectrogram clips, a folder per class"),
    "train": ("train", "train a model, evaluate it on held-out artists, promote it if it is not worse"),
    "compare": ("compare", "families of models side by side, trained and measured on the same artists"),
    "evaluate": ("evaluate", "the current model on the held-out artists: table, confusion matrix, curves"),
    "classify": ("classify", "predict the genre of the tracks that have no label"),
    "write": ("write", "the plan of tag changes; with --apply, carry it out"),
    "undo": ("undo", "put the tags that a run changed back as they were"),
    "audit": ("audit", "unmapped, missing, conflicting and suspicious genre tags, worst first"),
    "nightly": ("nightly", "the whole night, for cron: scan, classify, write, audit, report, train when due"),
    "guess": ("guess", "the likeliest genres of any audio files, without touching them"),
    "inspect": ("inspect", "what is inside a model file, a dataset folder or an audio file"),
    "export": ("export", "the index as CSV, JSON lines or M3U playlists"),
    "review": ("review", "uncertain and suspicious tracks out to a CSV file, a person's decisions in"),
    "trunk": ("trunk", "pretrained networks that a model can build on: install, list, remove"),
    "status": ("status", "what the index, the model and the last run look like"),
    "demo": ("demo", "make a small library of synthetic music and run a whole night over it"),
}

# Between two looks for garbage that hangs together in circles; start and scan make next to none, and with Python's 700
# looking for it takes a tenth of an unchanged scan (bench/scan.py).
ALLOCATIONS = 50_000


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        raise BadUsage(f"{self.prog}: {message} (see {self.prog} --help)")


class BadUsage(TaggerError):
    """The command line does not parse."""

    exit_code = EXIT_USAGE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        The exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    started = time.monotonic()
    gc.set_threshold(ALLOCATIONS)
    command = next((word for word in arguments if word in COMMANDS), None)
    try:
        parsed = _parser(arguments).parse_args(arguments)
        command = parsed.command
        from tagger.commands.session import Session

        module = importlib.import_module(f"tagger.commands.{COMMANDS[command][0]}")
        with Session.from_arguments(parsed) as session:
            try:
                outcome = module.run(session, parsed)
            except (Stopped, KeyboardInterrupt):
                return session.stopped()
            return session.finish(outcome)
    except TaggerError as error:
        return _complain(arguments, command, str(error), error.exit_code, started)
    except FileProblem as error:  # of a file that the command cannot do without
        return _complain(arguments, command, str(error), EXIT_FAILED, started)
    except KeyboardInterrupt:
        return _complain(arguments, command, "stopped", EXIT_STOPPED, started)
    except OSError as error:
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        advice = "; make room and run again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        return _complain(arguments, command, f"{where}{error.strerror or error}{advice}", EXIT_FAILED, started)


def _common() -> Parser:
    """Options that stand before or after the command; a default here would undo what stood before it."""
    common = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("options of every command")
    group.add_argument("--home", metavar="DIR", help="the folder that holds the station's state")
    group.add_argument("--index", metavar="URL", help="the index: a file or a database URL (default: in the home)")
    group.add_argument("--json", action="store_true", help="one JSON object on standard output, nothing else there")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="always print the summary, and log more")
    loudness.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
    return common


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    common = _common()
    parser = Parser(
        prog="tagger",
        description="Genre tags for large music libraries: reads what people typed, learns from it, fills what is "
        "missing where it is sure, and can undo all of it.",
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"tagger {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name, (module, summary) in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:], parents=[common])
        if name in arguments:
            importlib.import_module(f"tagger.commands.{module}").add_arguments(sub)
    return parser


def _home_named(arguments: Sequence[str]) -> str | None:
    """Return the home that the command line means, also where it does not parse."""
    from tagger.base.home import find_home

    named = None
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == "--home":
            named = following
        elif word.startswith("--home="):
            named = word.removeprefix("--home=")
    return str(find_home(named).folder)


def _complain(arguments: Sequence[str], command: str | None, message: str, code: int, started: float) -> int:
    line = printable(message if message.startswith("tagger") else f"tagger: {message}")
    print(line, file=sys.stderr)
    if "--json" in arguments:
        from tagger.commands.console import print_json

        facts: dict[str, Any] = {"command": command, "run_id": None, "seconds": round(time.monotonic() - started, 3)}
        facts |= {"counts": {}, "errors": [{"path": None, "error": message.removeprefix("tagger: ")}]}
        print_json({**facts, "home": _home_named(arguments)})
    return code
