"""The rooms and their walls: who imports whom, where each heavy package lives, what stays quick."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tagger
from tagger.cli import COMMANDS

PACKAGE = Path(tagger.__file__).parent
STAGES = {"library", "genres", "audio", "model", "index", "outcome", "review", "demo"}
HOMES = {
    "mutagen": {"library"},
    "av": {"audio"},
    "librosa": {"audio"},
    "soxr": {"audio"},
    "tensorflow": {"model"},
    "keras": {"model"},
    "onnxruntime": {"model"},
    "sklearn": {"model"},
    "matplotlib": {"model"},
    "sqlalchemy": {"index"},
    "alembic": {"index"},
    "pydantic": {"base"},
    "filelock": {"base"},
    "platformdirs": {"base"},
    "skops": {"model"},
    "threadpoolctl": {"model"},
    "yaml": {"genres"},
    "tqdm": {"commands"},
}


def imports_of(path: Path) -> set[str]:
    """Return the absolute module names that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(node.module or "")
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_keep_to_the_walls(path: Path) -> None:
    parts = path.relative_to(PACKAGE).parts
    room = parts[0] if len(parts) > 1 else "top"
    for module in imports_of(path):
        top, _, rest = module.partition(".")
        if top == "tagger" and rest:
            other = rest.split(".")[0]
            if room == "base":
                assert other == "base", f"base imports {module}"
            elif room in STAGES:
                assert other in {room, "base"}, f"{room} imports {module}"
            elif room == "commands":
                assert other not in {"cli"}, f"a command imports {module}"
        elif top in HOMES:
            assert room in HOMES[top], f"{top} lives in {HOMES[top]}, not in {room}"


def modules_after(*arguments: str) -> set[str]:
    """Return the top-level modules that a fresh process has loaded after running the command line."""
    code = (
        "import sys\nfrom tagger.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sorted({name.split('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


HEAVY = {"tensorflow", "keras", "librosa", "numba", "sklearn", "matplotlib", "scipy"}


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert not modules_after(*arguments) & (HEAVY | {"sqlalchemy", "mutagen", "av"})


def test_scan_loads_neither_tensorflow_nor_librosa(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "notes.mp3").write_text("not music")
    loaded = modules_after("--home", str(tmp_path / "home"), "scan", str(library))
    assert "sqlalchemy" in loaded
    assert not loaded & (HEAVY | {"mutagen", "av"}), "tags are read in helping processes"
