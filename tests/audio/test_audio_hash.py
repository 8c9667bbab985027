"""The audio hash is about the sound alone: no tag write of any container changes it, a change of the sound does."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import mutagen
import mutagen.aiff
import mutagen.apev2
import mutagen.id3
import mutagen.wave
import pytest

from tagger.audio.encode import ENCODABLE
from tagger.audio.extent import audio_extent
from tagger.audio.hash import audio_hash
from tagger.base.errors import UnreadableAudio

FIXTURES = Path(__file__).parent.parent / "fixtures"
CONTAINERS = [*ENCODABLE, "ape", "mpc"]
WITH_APEV2 = ["mp3", "aac", "wavpack", "ape", "mpc"]
WITH_ID3 = ["mp3", "aac", "flac", "ape", "mpc"]


@pytest.fixture
def sound(tmp_path: Path, make_audio: Callable[..., Path]) -> Callable[..., Path]:
    def make(container: str, **options: object) -> Path:
        path = tmp_path / f"sound.{container}"
        if container in ("ape", "mpc"):
            return Path(shutil.copy(FIXTURES / f"full.{container}", path))
        return make_audio(path, container, seconds=1.5, **options)

    return make


def write_native_tags(path: Path, text: str) -> None:
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, mutagen.id3.ID3):
        file.tags.add(mutagen.id3.TCON(encoding=3, text=[text]))
    elif type(file).__module__ == "mutagen.mp4":
        file.tags["\xa9gen"] = [text]
    else:
        file.tags["Genre"] = text
    file.save()


def write_id3(path: Path, text: str, **options: object) -> None:
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.TCON(encoding=3, text=[text]))
    tags.save(path, **options)


def write_apev2(path: Path, text: str) -> None:
    tags = mutagen.apev2.APEv2()
    tags["Genre"] = text
    tags.save(path)


@pytest.mark.parametrize("container", [name for name in CONTAINERS if name != "aac"])
@pytest.mark.parametrize("length", [4, 100_000], ids=["short", "long"])
def test_native_tags_do_not_matter(sound: Callable[..., Path], container: str, length: int) -> None:
    path = sound(container)
    before, size = audio_hash(bytes(path)), path.stat().st_size
    write_native_tags(path, "x" * length)
    assert path.stat().st_size != size or length == 4
    assert audio_hash(bytes(path)) == before
    write_native_tags(path, "y")
    assert audio_hash(bytes(path)) == before


@pytest.mark.parametrize("container", WITH_ID3)
def test_id3_before_and_behind_does_not_matter(sound: Callable[..., Path], container: str) -> None:
    path = sound(container)
    before = audio_hash(bytes(path))
    write_id3(path, "Rock" * 3000, v1=2)
    assert path.read_bytes()[-128:-125] == b"TAG"
    assert audio_hash(bytes(path)) == before
    write_id3(path, "Jazz", v2_version=3, v1=0)
    assert audio_hash(bytes(path)) == before


@pytest.mark.parametrize("container", WITH_APEV2)
def test_apev2_does_not_matter_with_or_without_id3(sound: Callable[..., Path], container: str) -> None:
    path = sound(container)
    before = audio_hash(bytes(path))
    write_apev2(path, "Funk" * 1000)
    assert b"APETAGEX" in path.read_bytes()
    assert audio_hash(bytes(path)) == before
    with path.open("ab") as file:
        file.write(b"TAG" + bytes(124) + b"\x11")
    assert audio_hash(bytes(path)) == before
    mutagen.apev2.delete(path)
    assert audio_hash(bytes(path)) == before


@pytest.mark.parametrize("container", ENCODABLE)
def test_other_sound_has_another_hash(sound: Callable[..., Path], container: str) -> None:
    first = audio_hash(bytes(sound(container)))
    assert first == audio_hash(bytes(sound(container)))
    assert first != audio_hash(bytes(sound(container, seed=2)))


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("place", [0.5, 0.9], ids=["middle", "end"])
def test_a_single_byte_of_sound_matters(sound: Callable[..., Path], container: str, place: float) -> None:
    path = sound(container)
    before = audio_hash(bytes(path))
    content = bytearray(path.read_bytes())
    with path.open("rb") as file:
        start, end = audio_extent(file)
    content[int(start + (end - start) * place)] ^= 0x55
    path.write_bytes(content)
    try:
        after = audio_hash(bytes(path))
    except UnreadableAudio:
        return  # a container with checksums of its own: as good as another hash
    assert after != before


def test_a_name_that_is_not_utf8(sound: Callable[..., Path], tmp_path: Path) -> None:
    path = sound("mp3")
    before = audio_hash(bytes(path))
    odd = bytes(tmp_path) + b"/caf\xe9.mp3"
    path.rename(odd.decode("utf-8", "surrogateescape"))
    assert audio_hash(odd) == before


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"", "empty"), (b"This is a shopping list.\n" * 50, "audio"), (b"ID3\x03\0\0\0\0\0\x0a" + bytes(10), "audio")],
    ids=["empty", "text", "tag-only"],
)
def test_what_has_no_sound_has_no_hash(tmp_path: Path, content: bytes, cause: str) -> None:
    (tmp_path / "a.mp3").write_bytes(content)
    with pytest.raises(UnreadableAudio, match=cause):
        audio_hash(bytes(tmp_path / "a.mp3"))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio, match="No such file"):
        audio_hash(bytes(tmp_path / "a.mp3"))


def test_tags_that_are_not_utf8_do_not_matter(sound: Callable[..., Path]) -> None:
    path = sound("flac")
    file = mutagen.File(path)
    file["title"] = "Zqueen"
    file.save()
    before = audio_hash(bytes(path))
    content = path.read_bytes()
    assert b"Zqueen" in content
    path.write_bytes(content.replace(b"Zqueen", b"\xff\xfequee"))
    assert audio_hash(bytes(path)) == before
