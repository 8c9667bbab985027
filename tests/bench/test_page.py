"""The page of measurements: each bench changes its own section, and nothing of ours around it."""

from __future__ import annotations

from bench.page import circumstances, overheard, put

PAGE = "# Performance\n\nProse.\n\n## Scan\n\n<!-- scan: begin -->\nold\n<!-- scan: end -->\n\nMore prose.\n"


def test_a_section_is_exchanged_and_the_prose_stays() -> None:
    page = put(PAGE, "scan", "Scan", "| new |\n")
    assert page == PAGE.replace("\nold\n", "\n\n| new |\n\n")
    assert put(page, "scan", "Scan", "| new |") == page


def test_a_new_section_comes_last() -> None:
    page = put(PAGE, "memory", "Memory of it", "12 MB")
    assert page.startswith(PAGE.rstrip())
    assert page.endswith("## Memory of it\n\n<!-- memory: begin -->\n\n12 MB\n\n<!-- memory: end -->\n")


def test_what_is_printed_is_kept_and_printed(capsys) -> None:  # type: ignore[no-untyped-def]
    with overheard() as said:
        print("a row")
    assert said.getvalue() == capsys.readouterr().out == "a row\n"


def test_the_circumstances_name_machine_and_versions() -> None:
    line = circumstances()
    assert "cores" in line and "onnxruntime " in line and "peak memory" in line
