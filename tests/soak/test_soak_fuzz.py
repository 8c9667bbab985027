"""A sample of the fuzz: damaged files of every kind neither crash nor hang anything, and are never altered."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from soak import fuzz
from soak.fuzz_mutate import with_ogg_checksums
from soak.fuzz_parts import parts_of
from soak.fuzz_pool import Child, store_seeds
from soak.fuzz_scan import scan_mutants
from soak.fuzz_seeds import kinds, make_seeds
from soak.fuzz_trial import try_file
from soak.fuzz_worker import Seeds, mutant

SEED = 20_260_101
FILES, SCANNED = 600, 150
KIND = "musepack"  # the smallest files


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Seeds:
    return make_seeds(tmp_path_factory.mktemp("seeds"))


def test_seeds_are_the_same_every_time(seeds: Seeds, tmp_path: Path) -> None:
    assert make_seeds(tmp_path) == seeds
    assert set(seeds) == set(kinds())


@pytest.mark.parametrize("kind", kinds())
def test_whole_files_are_read_written_and_undone(kind: str, seeds: Seeds, tmp_path: Path) -> None:
    for content in seeds[kind]:
        trial = try_file(tmp_path / f"whole.{kinds()[kind]}", content)
        assert (trial.readable, trial.decoded, trial.written, trial.flaws) == (True, True, True, []), trial


@pytest.mark.parametrize("kind", kinds())
def test_damage_finds_the_parts_of_every_kind(kind: str, seeds: Seeds) -> None:
    parts = parts_of(seeds[kind][-1])
    assert len(parts) > 2
    assert all(0 <= part.start <= part.end <= len(seeds[kind][-1]) for part in parts)


def test_a_mutant_is_the_same_every_time(seeds: Seeds) -> None:
    assert mutant(seeds, KIND, 7, SEED) == mutant(seeds, KIND, 7, SEED)
    assert mutant(seeds, KIND, 7, SEED) != mutant(seeds, KIND, 7, SEED + 1)
    assert mutant(seeds, KIND, 0, SEED) == (seeds[KIND][0], [])


@pytest.mark.parametrize("kind", ["ogg", "opus", "oggflac"])
def test_checksums_of_whole_ogg_files_are_right_already(kind: str, seeds: Seeds) -> None:
    for content in seeds[kind]:
        assert with_ogg_checksums(content) == content


@pytest.mark.slow
def test_nothing_is_lost_to_damaged_files() -> None:
    report = fuzz.fuzz(FILES, SEED, workers=len(os.sched_getaffinity(0)))
    assert report.flaws == []
    assert sum(row.files for row in report.rows.values()) == FILES
    for name, row in report.rows.items():
        assert row.written + row.refused == row.files, name
        assert 0 < row.readable < row.files or row.written, name
    print(report.table())


@pytest.mark.slow
def test_a_scan_of_damaged_files_accounts_for_all() -> None:
    scanned = scan_mutants(SCANNED, SEED)
    assert scanned.flaws == []
    assert scanned.counts["files"] == SCANNED
    assert 0 < scanned.counts["unreadable"] < SCANNED


# --- what the fuzz must notice --------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store_seeds(tmp_path)
    return tmp_path


@pytest.fixture
def child(folder: Path) -> Iterator[Child]:
    child = Child(folder, 0, SEED)
    yield child
    child.end()


def test_a_process_that_dies_is_a_crash_and_the_next_file_is_tried(child: Child) -> None:
    assert child.ask((KIND, 0)).flaws == []
    process = child.process
    assert process is not None
    os.kill(process.pid, signal.SIGSEGV)
    process.wait()
    (flaw,) = child.ask((KIND, 1)).flaws
    assert flaw.startswith("crash: the process ended with SIGSEGV")
    assert child.ask((KIND, 0)).written


def test_a_file_that_takes_too_long_is_a_hang(folder: Path) -> None:
    child = Child(folder, 0, SEED, hang=0.001)
    (flaw,) = child.ask(("flac", 0)).flaws
    child.end()
    assert flaw == "hang: more than 0.001 CPU seconds"


def test_replay(capsys: pytest.CaptureFixture[str], tmp_path: Path, seeds: Seeds) -> None:
    kept = tmp_path / "kept"
    assert fuzz.main(["--replay", f"{KIND}:5", "--seed", str(SEED), "--keep", str(kept)]) == 0
    content, damage = mutant(seeds, KIND, 5, SEED)
    assert kept.read_bytes() == content
    assert f"{KIND}:5, {len(content)} bytes: {', '.join(damage)}" in capsys.readouterr().out


def test_a_replay_of_no_kind_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fuzz.main(["--replay", "mp5:1"])
    assert "mp5:1 is not KIND:NUMBER" in capsys.readouterr().err
