"""Ask a library whether it is there, without getting stuck when its server does not answer.

A process that touches a hung mount can wait for ever, and cannot even be killed. So a child does the touching.
"""

from __future__ import annotations

import subprocess
import sys

from tagger.base.errors import LibraryLooksWrong, path_text, printable
from tagger.base.patience import PAUSES, wait
from tagger.library.walk import LEFT_OUT

# What the child runs; it answers on stdout with one word, and the system's reason if there is one.
LOOK = """
import os, stat, sys
root, sentinel, *names = map(os.fsencode, sys.argv[1:])
left_out = set(names)
try:
    if not stat.S_ISDIR(os.stat(root).st_mode):
        print("file")
        sys.exit()
    if sentinel:
        try:
            os.lstat(os.path.join(root, sentinel))
        except (FileNotFoundError, NotADirectoryError):
            print("unmarked")
            sys.exit()
    with os.scandir(root) as entries:
        for entry in entries:
            if not entry.name.startswith(b".") and entry.name.lower() not in left_out:
                entry.stat(follow_symlinks=False)  # a list of names may be remembered by this machine; this is not
                print("good")
                sys.exit()
    print("empty")
except (FileNotFoundError, NotADirectoryError):
    print("absent")
except PermissionError as error:
    print("forbidden", error.strerror)
except OSError as error:
    print("broken", error.strerror or error)
"""

WRONG = {
    "absent": "is not there; check the path, or mount it",
    "file": "is not a folder; name the folder that holds the music",
    "empty": "is empty; if it is a mount point, mount it",
    "forbidden": "cannot be listed ({reason}); let the user who runs this read it",
    "unmarked": "lacks its sentinel {reason}; is everything mounted?",
    "broken": "cannot be listed ({reason}); check the mount and its server",
}

_stuck: list[subprocess.Popen[bytes]] = []  # children that not even a kill ends; held on to until they do


def probe(root: bytes, seconds: float = 20.0, sentinel: str = "") -> None:
    """Make sure that a library is there, answers, and holds something. An error that may pass is waited for.

    Parameters
    ----------
    root : bytes
        The folder.
    seconds : float
        How long it may take to answer.
    sentinel : str
        Relative path of what is there whenever the library is mounted; empty: nothing special.

    Raises
    ------
    LibraryLooksWrong
        With one line that says what is wrong and what to do.
    """
    shown = f"the library {printable(path_text(root))}"
    answer = _look(root, seconds, sentinel)
    for pause in PAUSES:
        if answer is None or not answer.startswith("broken") or not wait(pause):
            break
        answer = _look(root, seconds, sentinel)
    if answer is None:
        raise LibraryLooksWrong(f"{shown} did not answer within {seconds:g} s; check the mount and its server")
    word, _, reason = answer.partition(" ")
    if word == "good":
        return
    reason = sentinel if word == "unmarked" else reason
    wrong = WRONG.get(word, "could not be looked at ({reason}); check the mount and its server")
    raise LibraryLooksWrong(f"{shown} {wrong.format(reason=reason or 'the check ended early')}")


def _look(root: bytes, seconds: float, sentinel: str) -> str | None:
    """Return the child's answer; None if it takes too long."""
    command: list[str | bytes] = [sys.executable, "-I", "-S", "-c", LOOK, root, sentinel, *sorted(LEFT_OUT)]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        answer, _ = child.communicate(timeout=seconds)
        return answer.decode("utf-8", "replace").strip()
    except subprocess.TimeoutExpired:
        return None
    finally:
        _dismiss(child)


def _dismiss(child: subprocess.Popen[bytes]) -> None:
    """End the child, also when the wait for it was interrupted; never wait for one that cannot end."""
    if child.poll() is not None:
        return
    child.kill()
    try:
        child.wait(timeout=1)
    except subprocess.TimeoutExpired:
        _stuck.append(child)
    if child.stdout is not None:
        child.stdout.close()
