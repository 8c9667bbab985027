"""One run at a time; the lock of a dead process does not stay."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tagger.base.errors import Locked
from tagger.base.lock import run_lock

HOLD = """
import sys, time
from pathlib import Path
from tagger.base.lock import run_lock
with run_lock(Path(sys.argv[1]), "nightly"):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_second_run_is_told_who_is_at_work_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    lock = tmp_path / "tagger.lock"
    with hold(lock) as process:
        with pytest.raises(Locked, match=f"`tagger nightly` .process {process.pid} on "), run_lock(lock, "scan"):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    with run_lock(lock, "scan"):
        pass
