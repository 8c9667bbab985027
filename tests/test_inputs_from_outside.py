"""What comes from outside is data: nothing that is read can make this system run code or a shell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tagger

PACKAGE = Path(tagger.__file__).parent
FILES = sorted([*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "migrations").rglob("*.py")])

# Modules that turn bytes into objects or code, or talk to the network.
FORBIDDEN_MODULES = {
    *("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "code", "pty"),
    *("socketserver", "http", "ftplib", "telnetlib", "smtplib", "requests", "xmlrpc", "imp"),
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_ATTRIBUTES = {
    ("os", "system"),
    ("os", "popen"),
    ("yaml", "load"),
    ("yaml", "unsafe_load"),
    ("yaml", "full_load"),
    ("subprocess", "getoutput"),
    ("subprocess", "getstatusoutput"),
}


def calls_of(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def dotted(node: ast.expr) -> tuple[str, ...]:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return tuple(reversed([*parts, node.id])) if isinstance(node, ast.Name) else ()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE.parent)))
def test_no_file_is_turned_into_code_and_no_text_into_a_command(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        assert not {name.split(".")[0] for name in names} & FORBIDDEN_MODULES, f"{path}:{node.lineno}"
        assert "urllib.request" not in names, f"{path}:{node.lineno}"
    for call in calls_of(tree):
        where = f"{path}:{call.lineno}"
        name = dotted(call.func)
        assert not (len(name) == 1 and name[0] in FORBIDDEN_CALLS), where
        assert name[-2:] not in FORBIDDEN_ATTRIBUTES, where
        options = {keyword.arg: keyword.value for keyword in call.keywords}
        assert "shell" not in options, where
        if name[-1:] == ("load_model",):
            assert isinstance(options["safe_mode"], ast.Constant) and options["safe_mode"].value is True, where
        if name[-2:] == ("np", "load"):
            assert isinstance(options["allow_pickle"], ast.Constant) and options["allow_pickle"].value is False, where
        if name[:1] == ("yaml",) and "Loader" in options:
            assert dotted(options["Loader"])[-1] == "_LOADER", where


def test_the_map_is_read_by_a_safe_loader() -> None:
    import yaml

    from tagger.genres import map as genre_map

    assert issubclass(genre_map._LOADER, (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
