"""SIGINT and SIGTERM: the run stops between two files, and also where a call to a dead server does not return."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from tagger.base.errors import EXIT_STOPPED

ASKED = (signal.SIGINT, signal.SIGTERM)
STATUS = Path("/proc/self/status")  # has the signals that wait for this process, proc(5)
LOOK = 1.0  # [s] between looks at it
GRACE = 30.0  # [s] for the file at hand; then the process ends as if it had been killed, which the next run settles
STUCK = "tagger: stopped, though a call to the file system has not returned; the next run settles what it left\n"


class StopSignals:
    """Notes that a signal asked to stop; a second one raises KeyboardInterrupt.

    A process that waits for a file server runs no Python code, so no handler either. A thread of its own sees to it
    that such a process ends too; that is safe at any moment, since the next run settles what was begun.

    Parameters
    ----------
    on_first : callable
        Called when the first signal comes.
    """

    def __init__(self, on_first: Callable[[], None]) -> None:
        self.received = False
        self._on_first = on_first
        self._before: list[tuple[int, object]] = []

    def __enter__(self) -> StopSignals:
        for number in ASKED:
            self._before.append((number, signal.signal(number, self._note)))
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        self._wakeup_before = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        self._watch = threading.Thread(target=_watch, args=(self._receiver,), daemon=True, name="stop-watch")
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before:
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._sender.close()  # which ends the watch
        self._watch.join()
        self._receiver.close()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = True
        self._on_first()


def _watch(receiver: socket.socket) -> None:
    """Wait for a signal, and then for the end of the run; end the process if that does not come."""
    since: float | None = None
    while since is None or time.monotonic() - since < GRACE:
        if select.select([receiver], [], [], LOOK)[0]:
            number = receiver.recv(1)
            if not number:
                return  # the run is over
            asked = number[0] in ASKED
        else:
            asked = since is None and _waits()
        if asked and since is None:
            since = time.monotonic()
    sys.stderr.write(STUCK)
    sys.stderr.flush()
    os._exit(EXIT_STOPPED)


def _waits() -> bool:
    """Say whether a signal to stop has arrived that the process, waiting in a call, does not get to notice."""
    try:
        lines = STATUS.read_text("ascii", "replace").splitlines()
    except OSError:  # not Linux
        return False
    pending = next((int(line.split()[1], 16) for line in lines if line.startswith("ShdPnd:")), 0)
    return any(pending >> (number - 1) & 1 for number in ASKED)
