"""The page of measurements: each bench changes its own section, and nothing of ours around it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import __main__ as command
from bench.page import circumstances, put
from bench.watch import overheard

PAGE = "# Performance\n\nProse.\n\n## Scan\n\n<!-- scan: begin -->\nold\n<!-- scan: end -->\n\nMore prose.\n"


def test_a_section_is_exchanged_and_the_prose_stays() -> None:
    page = put(PAGE, "scan", "Scan", "| new |\n")
    assert page == PAGE.replace("\nold\n", "\n\n| new |\n\n")
    assert put(page, "scan", "Scan", "| new |") == page


def test_a_new_section_comes_last() -> None:
    page = put(PAGE, "memory", "Memory of it", "12 MB")
    assert page.startswith(PAGE.rstrip())
    assert page.endswith("## Memory of it\n\n<!-- memory: begin -->\n\n12 MB\n\n<!-- memory: end -->\n")


def test_what_is_printed_is_kept_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    said, _, _ = overheard((sys.executable, "-c", "print('a row')"))
    assert said == capsys.readouterr().out == "a row\n"


def test_the_peak_of_a_bench_is_not_that_of_what_started_it() -> None:
    here = bytearray(300 << 20)
    grow = "import subprocess, sys, time; subprocess.run([sys.executable, '-c', {!r}]); time.sleep(1)"
    _, own, largest = overheard((sys.executable, "-c", grow.format("import time; b'x' * (100 << 20); time.sleep(1)")))
    assert own < len(here) / 1024 / 2
    assert own + (50 << 10) < largest < len(here) / 1024


def test_a_bench_that_fails_is_no_result() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        overheard((sys.executable, "-c", "raise SystemExit(3)"))


def test_the_circumstances_name_machine_versions_and_memory() -> None:
    line = circumstances(2048, 4096)
    assert "cores" in line and "onnxruntime " in line
    assert "of the bench 2 MiB" in line and "it started 4 MiB" in line


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        pytest.param(["training"], True, id="speed"),
        pytest.param(["training", "--no-page"], False, id="not the page"),
        pytest.param(["genres"], False, id="accuracy"),
    ],
)
def test_only_benches_about_speed_change_the_page(
    words: list[str], changed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "performance.md"
    page.write_text(PAGE, encoding="utf-8")
    monkeypatch.setattr(command, "PAGE", page)
    monkeypatch.setattr(command, "overheard", lambda _: ("| fast |\n", 1024, 2048))
    assert command.main(words) == 0
    assert ("| fast |" in page.read_text(encoding="utf-8")) == changed
