"""Monkey's Audio, WavPack and Musepack: APEv2 behind the audio; ID3 blocks around it where other programs left some."""

from __future__ import annotations

from typing import BinaryIO

from mutagen import MutagenError
from mutagen.monkeysaudio import MonkeysAudio
from mutagen.musepack import Musepack
from mutagen.wavpack import WavPack

from tagger.library import apev2_block, id3, id3v1, mp3
from tagger.library.door import DAMAGE, SLIPS, through_mutagen
from tagger.library.family import Entry, TagView, Wanted, best_of
from tagger.library.loss import Permit


def read(path: bytes) -> TagView:
    """Read the tags; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        block = apev2_block.find(file)
        own = [apev2_block.view(block)] if block else []
        old = id3v1.find(file)
        last = [id3v1.view(old)] if old else []
        return best_of(*own, *mp3.outer_views(file, path), *last, TagView((), duration=_duration(file)))


def _duration(file: BinaryIO) -> float | None:
    for kind in (WavPack, MonkeysAudio, Musepack):
        file.seek(0)
        try:
            seconds = kind(file).info.length
        except (MutagenError, *DAMAGE, *SLIPS):
            continue
        if seconds > 0:
            return seconds
    return None


def save(path: bytes, wanted: Wanted, note: str | None, permit: Permit) -> None:
    """Set genre and note in place; see `family.Family`."""
    with through_mutagen("writing", path), open(path, "r+b") as file:
        block = apev2_block.find(file)
        mp3.look_for_seconds(file, len(id3.head_block(file)), block, permit)
        apev2_block.save(file, block, wanted(apev2_block.BLOCK), note, path, permit)
        mp3.save_outer(file, wanted, path, permit)
        id3v1.patch(file, wanted(id3v1.BLOCK))


def entries(path: bytes) -> list[Entry]:
    """List all other tags; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        return mp3.tag_entries(file, path)
