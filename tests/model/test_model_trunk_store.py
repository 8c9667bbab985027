"""The store of pretrained trunks: whole or not there, whatever stops an installation, and damage is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tagger.base.errors import NoModel, Stopped, TaggerError, UsageError
from tagger.model import trunk_check, trunk_wheel, trunks

pytestmark = pytest.mark.slow


def _nothing() -> None:
    """Never stop."""


@pytest.fixture
def store(installed_trunks: Path, tmp_path: Path) -> Path:
    """An installed trunk of one's own."""
    return shutil.copytree(installed_trunks, tmp_path / "trunks")


@pytest.fixture
def one_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a quarter, in a quarter of the time."""
    monkeypatch.setattr(trunks, "CHECKPOINTS", ("MTT_vgg",))


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_what_is_installed(installed_trunks: Path) -> None:
    files = ["LICENSE.md", "MSD_musicnn.npz", "MSD_vgg.npz", "MTT_musicnn.npz", "MTT_vgg.npz", "card.json"]
    assert names(installed_trunks) == ["musicnn", *(f"musicnn/{name}" for name in files)]
    stored = trunks.look(installed_trunks)
    assert stored.whole and trunks.installed(installed_trunks)
    assert (stored.card["version"], stored.card["wheel_sha256"]) == ("0.1.0", trunk_wheel.WHEEL_SHA256)
    assert 0 < stored.card["check"] < 1e-4
    assert stored.size == sum((installed_trunks / "musicnn" / name).stat().st_size for name in files[:-1])
    licence = (installed_trunks / "musicnn" / "LICENSE.md").read_text(encoding="utf-8")
    assert "Permission to use, copy, modify" in licence


@pytest.mark.usefixtures("one_checkpoint")
def test_the_same_wheel_gives_the_same_weights(musicnn_wheel: Path, installed_trunks: Path, tmp_path: Path) -> None:
    trunks.install(tmp_path / "trunks", musicnn_wheel, _nothing)
    again, first = (
        trunks.look(folder).card["variables"]["MTT_vgg"] for folder in (tmp_path / "trunks", installed_trunks)
    )
    assert again == first
    assert trunks.trunk_digest(tmp_path / "trunks") == trunks.trunk_digest(installed_trunks)


def test_the_digest_tells_other_weights(store: Path) -> None:
    before = trunks.trunk_digest(store)
    card = json.loads((store / "musicnn" / "card.json").read_text())
    card["variables"]["MSD_vgg"] = "0" * 64
    (store / "musicnn" / "card.json").write_text(json.dumps(card))
    assert trunks.trunk_digest(store) != before


def test_nothing_installed_is_said(tmp_path: Path) -> None:
    assert not trunks.installed(tmp_path)
    assert not trunks.look(tmp_path).whole
    for ask in (lambda: trunks.trunk_digest(tmp_path), lambda: trunks.load_trunk(tmp_path, "MSD_vgg")):
        with pytest.raises(NoModel, match=r"not installed.*run `tagger trunk install musicnn`"):
            ask()


def test_damaged_weights_are_refused(store: Path) -> None:
    path = store / "musicnn" / "MSD_vgg.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(NoModel, match=r"MSD_vgg.npz is damaged.*run `tagger trunk install musicnn` again"):
        trunks.load_trunk(store, "MSD_vgg")
    assert trunks.look(store).damaged == (path,)
    trunks.load_trunk(store, "MTT_vgg")


@pytest.mark.parametrize("name", ["MSD_vgg.npz", "LICENSE.md"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_file_that_is_gone_or_cut_counts_as_not_installed(store: Path, name: str, damage: str) -> None:
    path = store / "musicnn" / name
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[:-1])
    assert not trunks.installed(store)
    assert trunks.look(store).damaged == (path,)
    if name.endswith(".npz"):
        with pytest.raises(NoModel, match=r"run `tagger trunk install musicnn` again"):
            trunks.load_trunk(store, "MSD_vgg")


@pytest.mark.parametrize("text", [None, "", "[]", '{"format": 1}', '{"format": 2, "files": {}}', "\x00"])
def test_a_card_that_cannot_be_used_is_said(store: Path, text: str | None) -> None:
    card = store / "musicnn" / "card.json"
    card.unlink()
    if text is not None:
        card.write_text(text)
    assert not trunks.installed(store)
    assert trunks.look(store).damaged == (card,)
    with pytest.raises(NoModel, match=r"card.json is missing, damaged.*tagger trunk install musicnn"):
        trunks.load_trunk(store, "MSD_vgg")


@pytest.mark.usefixtures("one_checkpoint")
def test_a_kill_at_the_last_step_leaves_nothing(
    musicnn_wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        trunks.install(tmp_path / "trunks", musicnn_wheel, _nothing)
    assert names(tmp_path) == []


@pytest.mark.usefixtures("one_checkpoint")
def test_what_a_kill_left_is_no_trunk_and_goes(musicnn_wheel: Path, tmp_path: Path) -> None:
    for left in (".musicnn.part", ".musicnn.old.part", ".wheel-abc.part"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "card.json").write_text("{}")
    assert not trunks.installed(tmp_path) and trunks.look(tmp_path).damaged == ()
    trunks.install(tmp_path, musicnn_wheel, _nothing)
    assert [path.name for path in tmp_path.iterdir()] == ["musicnn"]


def test_a_signal_stops_it_and_leaves_nothing(musicnn_wheel: Path, tmp_path: Path) -> None:
    def stop() -> None:
        raise Stopped("stopped by a signal")

    with pytest.raises(Stopped):
        trunks.install(tmp_path / "trunks", musicnn_wheel, stop)
    assert names(tmp_path) == []


@pytest.mark.usefixtures("one_checkpoint")
def test_outputs_that_differ_leave_nothing(
    musicnn_wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk_check, "TOLERANCE", 0.0)
    with pytest.raises(TaggerError, match="MTT_vgg does not compute what the published code does"):
        trunks.install(tmp_path / "trunks", musicnn_wheel, _nothing)
    assert names(tmp_path) == []


def test_a_wrong_wheel_leaves_what_there_is(store: Path, tmp_path: Path) -> None:
    before = names(store)
    (tmp_path / "other.whl").write_bytes(b"not a wheel")
    with pytest.raises(UsageError, match="is not the wheel"):
        trunks.install(store, tmp_path / "other.whl", _nothing)
    assert names(store) == before and trunks.look(store).whole


def test_remove(store: Path) -> None:
    assert trunks.remove(store)
    assert not store.exists()
    assert not trunks.remove(store)


def test_remove_finishes_what_a_kill_began(store: Path) -> None:
    shutil.copytree(store / "musicnn", store / ".musicnn.old.part")
    assert trunks.remove(store)
    assert not store.exists()
