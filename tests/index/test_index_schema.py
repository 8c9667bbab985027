"""Opening an index: made, upgraded after a copy, or refused with one clear line."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, inspect, make_url, text

from tagger.base.errors import IndexUnusable
from tagger.index import database, schema, tables
from tagger.index.store import open_index

NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{number}", "{before}"
def upgrade():
    with op.batch_alter_table("tracks") as tracks:
        tracks.add_column(sa.Column("mood_{number}", sa.Text()))
        tracks.alter_column("container", nullable=True)
    {more}
"""

NOW = tables.HEAD  # before a test makes a next version arrive


def columns(place: str) -> set[str]:
    with closing(database.open_database(place, True, print)) as opened, opened.read() as connection:
        return {column["name"] for column in inspect(connection).get_columns("tracks")}


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that makes this the next version of tagger, with one more migration."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema.migrations_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))

    def arrive(more: str = "") -> None:
        before = tables.HEAD
        number = f"{int(before) + 1:04d}"
        (folder / "versions" / f"{number}_mood.py").write_text(NEXT.format(number=number, before=before, more=more))
        monkeypatch.setattr(schema, "migrations_folder", lambda: folder)
        monkeypatch.setattr(tables, "HEAD", number)

    return arrive


def filled(place: str) -> None:
    """Make an index that holds something that foreign keys hang on."""
    with open_index(place) as index:
        index.runs.start("run-1", "scan")
        library = index.libraries.get(b"/music", create=True)
        assert library is not None
        with index._database.write() as connection:
            for statement in (
                "INSERT INTO tracks (id, library_id, path, path_text, size, mtime_ns, container, genre_blocks, "
                "compilation, closed, label_due) VALUES (7, 1, :path, 'a', 1, 1, 'mp3', '[]', false, false, false)",
                "INSERT INTO models VALUES ('m1', 'cnn2d', '', '{}', '2026-01-01 00:00:00', false)",
                "INSERT INTO predictions VALUES (7, 'm1', '{}', 'rock', 1, 'accept', '', '2026-01-01 00:00:00', NULL, "
                "NULL)",
            ):
                connection.execute(text(statement), {"path": b"a"} if ":path" in statement else {})


def contents(place: str) -> tuple[int, int]:
    with open_index(place) as index:
        library = index.libraries.get(b"/music")
        assert library is not None
        tracks = len(list(index.tracks.known_files(library.library_id)))
        return tracks, len(list(index.predictions.of_model("m1")))


def test_the_migrations_make_the_tables_that_the_queries_expect(place: str) -> None:
    with open_index(place) as index, index._database.read() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata) == []


def test_the_newest_migration_is_the_one_that_this_version_expects() -> None:
    assert ScriptDirectory(str(schema.migrations_folder())).get_heads() == [tables.HEAD]


def test_an_installed_package_has_the_migrations_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "tagger" / "index"
    (package / "migrations").mkdir(parents=True)
    monkeypatch.setattr(schema, "__file__", str(package / "schema.py"))
    assert schema.migrations_folder() == package / "migrations"


def test_an_index_that_is_up_to_date_opens_without_alembic(tmp_path: Path) -> None:
    code = (
        "import sys; from tagger.index.store import open_index; open_index(sys.argv[1]).close(); "
        "print('alembic' in sys.modules)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "index.db")], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert said == ["True\n", "False\n"]


def test_an_older_index_is_upgraded_and_keeps_what_it_holds(place: str, next_version: Callable[..., None]) -> None:
    filled(place)
    next_version()
    warnings: list[str] = []
    open_index(place, warn=warnings.append).close()
    assert f"mood_{tables.HEAD}" in columns(place)
    assert contents(place) == (1, 1)
    (warning,) = warnings
    assert f"is upgraded from {NOW} to {tables.HEAD}" in warning


def test_a_file_is_copied_before_it_is_upgraded(tmp_path: Path, next_version: Callable[..., None]) -> None:
    file = tmp_path / "index.db"
    filled(str(file))
    next_version()
    open_index(file).close()
    (copy,) = (tmp_path / "backups").iterdir()
    assert copy.name.startswith(f"index-{NOW}-")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (NOW,)
        assert connection.execute("SELECT count(*) FROM predictions").fetchone() == (1,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_old_copies_are_deleted(tmp_path: Path, next_version: Callable[..., None]) -> None:
    file = tmp_path / "index.db"
    filled(str(file))
    (tmp_path / "backups").mkdir()
    old = [tmp_path / "backups" / f"index-{NOW}-2020010{day}T000000.db" for day in range(1, 7)]
    other = tmp_path / "backups" / "mine.db"
    for path in (*old, other):
        path.touch()
    next_version()
    open_index(file).close()
    assert [path.exists() for path in old] == [False, False, True, True, True, True]
    assert other.exists()
    assert len(list((tmp_path / "backups").glob("index-*.db"))) == schema.BACKUPS_KEPT


def test_in_postgresql_the_copy_is_a_schema(postgres_url: str, next_version: Callable[..., None]) -> None:
    filled(postgres_url)
    next_version()
    warnings: list[str] = []
    open_index(postgres_url, warn=warnings.append).close()
    copy = warnings[0].split()[-1]
    with closing(database.open_database(postgres_url, True, print)) as opened, opened.write() as connection:
        assert connection.execute(text(f"SELECT version_num FROM {copy}.alembic_version")).scalar() == NOW
        assert connection.execute(text(f"SELECT count(*) FROM {copy}.predictions")).scalar() == 1
        connection.execute(text(f"DROP SCHEMA {copy} CASCADE"))


def test_an_upgrade_that_fails_leaves_the_index_as_it_was(place: str, next_version: Callable[..., None]) -> None:
    filled(place)
    before = columns(place)
    next_version(more="raise RuntimeError('power cut')")
    with pytest.raises(RuntimeError, match="power cut"):
        open_index(place)
    assert columns(place) == before


def test_an_upgrade_that_breaks_references_is_taken_back(tmp_path: Path, next_version: Callable[..., None]) -> None:
    file = str(tmp_path / "index.db")
    filled(file)
    before = columns(file)
    next_version(more="op.execute('DELETE FROM models')")
    with pytest.raises(IndexUnusable, match="1 of its rows point nowhere; it is as it was"):
        open_index(file)
    assert columns(file) == before


def test_no_upgrade_without_a_copy(tmp_path: Path, next_version: Callable[..., None]) -> None:
    file = tmp_path / "index.db"
    filled(str(file))
    before = columns(str(file))
    (tmp_path / "backups").write_text("in the way")
    next_version()
    with pytest.raises(IndexUnusable, match=r"must be upgraded, but cannot be copied to .*backups first"):
        open_index(file)
    assert columns(str(file)) == before


def test_foreign_keys_are_looked_after_also_after_an_upgrade(place: str, next_version: Callable[..., None]) -> None:
    filled(place)
    next_version()
    with open_index(place) as index:
        index.models.forget("m1")
    assert contents(place) == (1, 0)


def test_a_newer_index_is_refused_and_not_touched(place: str) -> None:
    open_index(place).close()
    with closing(database.open_database(place, True, print)) as opened, opened.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(IndexUnusable, match=r"made by a newer version of tagger .*0999.*; update tagger") as caught:
        open_index(place)
    assert "\n" not in str(caught.value)


def test_a_database_of_something_else_is_refused(place: str) -> None:
    with closing(database.open_database(place, True, print)) as opened, opened.write() as connection:
        connection.execute(text("CREATE TABLE invoices (id INTEGER)"))
    with pytest.raises(IndexUnusable, match=r"holds other tables \(invoices\)"):
        open_index(place)


def text_file(path: Path) -> None:
    path.write_text("these are notes, not a database")


def damaged_file(path: Path) -> None:
    open_index(path).close()
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xa5" * 3996
    path.write_bytes(content)


def cut_off_file(path: Path) -> None:
    open_index(path).close()
    path.write_bytes(path.read_bytes()[:5000])


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(text_file, "is damaged .*not a database.*; put back a copy from the folder backups", id="text"),
        pytest.param(damaged_file, "is damaged .*malformed.*; put back a copy from the folder backups", id="damaged"),
        pytest.param(cut_off_file, "is damaged .*malformed.*; put back a copy from the folder backups", id="cut off"),
        pytest.param(folder, "cannot be opened: Is a directory", id="a folder"),
    ],
)
def test_what_is_no_index_is_one_clear_line(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "index.db"
    make(path)
    with pytest.raises(IndexUnusable, match=said) as caught:
        open_index(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("where", "create", "said"),
    [
        pytest.param("none.db", False, "is not there", id="not there"),
        pytest.param("no/folder/index.db", True, "there is no folder", id="no folder"),
        pytest.param("mysql://host/name", True, "an index in mysql is not supported", id="another database"),
        pytest.param("sqlite://", True, "must be kept in a file", id="in memory"),
        pytest.param("post gres://x", True, "cannot be understood", id="no URL"),
    ],
)
def test_a_place_that_cannot_hold_an_index_is_refused(tmp_path: Path, where: str, create: bool, said: str) -> None:
    target = where if "://" in where else tmp_path / where
    with pytest.raises(IndexUnusable, match=said):
        open_index(target, create=create)


def test_an_empty_file_becomes_an_index(tmp_path: Path) -> None:
    (tmp_path / "index.db").touch()
    with open_index(f"sqlite:///{tmp_path}/index.db", create=False) as index:
        assert index.libraries.all() == []


def test_a_server_that_does_not_answer_is_one_clear_line_without_the_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(IndexUnusable, match="cannot be used") as caught:
        open_index("postgresql://tagger:secret@127.0.0.1:1/nothing")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_driver_may_be_left_out_of_the_url(postgres_url: str) -> None:
    url = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with open_index(url) as index:
        assert index.libraries.all() == []


def pragmas(file: Path) -> tuple[str, int]:
    with open_index(file) as index, index._database.read() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        return str(mode), connection.exec_driver_sql("PRAGMA foreign_keys").scalar() or 0


def test_a_local_file_uses_a_write_ahead_log_and_a_network_drive_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "index.db"
    assert pragmas(file) == ("wal", 1)
    monkeypatch.setattr(database, "is_on_network", lambda path: path == tmp_path)
    warnings: list[str] = []
    open_index(file, warn=warnings.append).close()
    assert "lies on a network drive" in warnings[0]
    assert pragmas(file) == ("delete", 1)


def test_another_program_that_writes_for_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "index.db"
    open_index(file).close()
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with open_index(file) as index:
            assert index.libraries.all() == []  # reading goes on
            with pytest.raises(IndexUnusable, match="in use by another program"):
                index.meta.set("a", 1)


def test_a_full_disk_is_one_clear_line_and_changes_nothing(tmp_path: Path) -> None:
    with open_index(tmp_path / "index.db") as index:
        index.meta.set("small", 1)
        index._database.close()

        @event.listens_for(index._database.engine, "connect")
        def limit(connection: sqlite3.Connection, _: object) -> None:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(IndexUnusable, match="cannot grow: the disk is full"):
            index.meta.set("large", "x" * 100_000)
        assert (index.meta.get("small"), index.meta.get("large")) == (1, None)


def test_many_may_open_a_new_index_at_once(place: str) -> None:
    code = "import sys; from tagger.index.store import open_index; open_index(sys.argv[1]).close()"
    processes = [subprocess.Popen([sys.executable, "-c", code, place], stderr=subprocess.PIPE) for _ in range(3)]
    said = [process.communicate()[1] for process in processes]
    assert said == [b"", b"", b""]
    with open_index(place) as index:
        assert index.libraries.all() == []
