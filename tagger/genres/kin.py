"""Which tracks belong together: by the same artist, by the same album artist, on the same album.

Who counts as an artist and what folder is an album is as for the split (`tagger.genres.split`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from tagger.base.records import ALBUM, ALBUM_ARTIST, ARTIST, Kin, KinKeys
from tagger.genres.matching import GenreMap
from tagger.genres.split import album_folder, album_name, artist_key, named_after_genre

MANY = "\0"  # stands for several different names in one folder

_artist = lru_cache(1 << 16)(artist_key)  # thousands of tracks share a name
_album = lru_cache(1 << 16)(album_name)


class Kinship:
    """Says by which keys a track hangs together with others.

    Parameters
    ----------
    rows : iterable of Kin
        Every readable track: what is in a folder decides whether it is an album.
    genre_map : GenreMap
        The station's map, to tell folders named after genres.
    """

    def __init__(self, rows: Iterable[Kin], genre_map: GenreMap) -> None:
        self._genre_map = genre_map
        self._albums: dict[tuple[int, bytes], str] = {}
        self._artists: dict[tuple[int, bytes], str] = {}
        for row in rows:
            if row.library is not None:
                place = row.library, album_folder(row.folder)
                _note(self._albums, place, _album(row.album))
                _note(self._artists, place, _artist(row.album_artist) or _artist(row.artist))

    def keys(self, row: Kin) -> KinKeys:
        """Return the keys of a track, each with its kind, the one that says least of its genre first.

        By one artist: the album artist, the artist where he is another, the album. On a compilation, or by "Various
        Artists", there is no album artist, and its artist says more of a track than the album does.

        An album is its name with its owner, or with its folder where nobody owns it. Where no name is given, the folder
        is an album if it is not the top of a library, not named after a genre, and holds neither several albums nor
        several artists.
        """
        artist, album_artist = _artist(row.artist), _artist(row.album_artist)
        mixed = row.compilation or bool((row.album_artist or "").strip() and not album_artist)
        owner = "" if mixed else album_artist or artist
        album = self._album_key(row, owner)
        names = [(ALBUM_ARTIST, owner)] if owner and artist and owner != artist else []
        names += [(ARTIST, artist or owner)] if artist or owner else []
        albums = [(ALBUM, album)] if album else []
        return tuple([*albums, *names] if mixed else [*names, *albums])

    def _album_key(self, row: Kin, owner: str) -> str:
        name, folder = _album(row.album), album_folder(row.folder)
        here = "" if row.library is None else f"{row.library}/{folder.hex()}"
        if not name and row.library is not None and self._is_album(row.library, folder):
            name = self._albums[row.library, folder]
            owner = owner or self._artists[row.library, folder]
            if not name:
                return here
        whose = owner or here
        return f"{whose}\0{name}" if name and whose else ""

    def _is_album(self, library: int, folder: bytes) -> bool:
        names = (self._albums.get((library, folder), MANY), self._artists.get((library, folder), MANY))
        return bool(folder) and MANY not in names and not named_after_genre(folder, self._genre_map)


def _note(found: dict[tuple[int, bytes], str], place: tuple[int, bytes], name: str) -> None:
    """Note a name in a folder; tracks without one are of whatever the others are of."""
    known = found.setdefault(place, name)
    if name and known and known != name:
        found[place] = MANY
    elif not known:
        found[place] = name
