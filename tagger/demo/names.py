"""Names for the demo's artists, albums and titles, and genre tags as people write them."""

from __future__ import annotations

import numpy as np

# The ways in which a genre is written in real libraries: most come from a college radio station's library, the numbers
# are ID3v1's. Each entry is what one tag block holds: one value or several. The first is the most frequent.
SPELLINGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "alt": (
        *(("Alternative",), ("Indie / Alternative",), ("Indie Rock",), ("alternative",), ("Indie Pop/Folk",)),
        *(("ALTERNATIVE",), ("Indie/ Alternative",), ("(20)",), ("Alternative", "Indie Rock")),
    ),
    "classical": (("Classical",), ("classical",), ("CLASSICAL",), ("(32)",), ("Classical ",), ("32",)),
    "country": (("Country",), ("country",), ("Contemporary Country",), ("Bluegrass",), ("COUNTRY",), ("(2)",)),
    "edm": (
        *(("Dance",), ("Electro",), ("Techno/House",), ("Drum & Bass",), ("Trance",), ("House",), ("dance",)),
        *(("Breakbeat / Electro",), ("Electro / Dance",), ("(3)",), ("Electro", "Dance")),
    ),
    "funk&soul": (
        *(("Soul & Funk",), ("Disco",), ("Contemporary Soul",), ("Soul and R&B",), ("Funk",), ("Soul And R&B",)),
        *(("Soul &amp; Funk",), ("soul",), ("(5)",), ("Soul", "Funk")),
    ),
    "hip hop": (
        *(("Rap/Hip Hop",), ("Hip-Hop",), ("Hip Hop",), ("HipHop",), ("Contemporary Hip Hop",), ("hip hop",)),
        *(("(7)",), ("Rap", "Hip Hop")),
    ),
    "jazz": (
        *(("Jazz",), ("jazz",), ("Instrumental Jazz",), ("Jazz / Instrumental Jazz",), ("JAZZ",), ("(8)",)),
        ("Jazz", "Instrumental Jazz"),
    ),
    "pop": (
        *(("Pop",), ("pop",), ("Contemporary Pop",), ("Retrospective Pop",), ("Synth Pop",), ("Indie Pop",)),
        *(("International Pop",), ("POP",), ("(13)",)),
    ),
    "r&b": (("R&B",), ("Contemporary R&B",), ("R & B",), ("R&amp;B",), ("r&b",), ("RnB",), ("(14)",)),
    "rock": (
        *(("Rock",), ("Punk",), ("Metal & Hard Rock",), ("Hard Rock",), ("Classic Rock",), ("rock",)),
        *(("Rock & Roll/Rockabilly",), ("Mainstream Rock",), ("(17)",), ("17",), ("Rock", "Hard Rock")),
    ),
}

# What stands in the genre tag of a track that has no genre: mostly nothing at all.
BLANKS: tuple[tuple[str, ...], ...] = (
    *((), (), (), (), (), ()),
    *(("",), (" ",), ("Unknown genre",), ("Unknown",), ("http://www.tunes.example",)),
)

# Genre tags that say nothing about the ten genres, or too much.
UNCLEAR: tuple[tuple[str, ...], ...] = (("Soundtrack",), ("Jazz", "Rock"), ("Miscellaneous",), ("Glimmerstep",))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ADJECTIVES = _words(
    "Amber Brittle Broken Burning Cobalt Copper Crooked Distant Electric Empty Faded Feral Frozen Gentle Gilded Golden "
    "Hidden Hollow Idle Lonesome Lucky Midnight Northern Paper Pale Quiet Restless Rusty Sacred Second Silent Silver "
    "Slow Southern Spare Tender Velvet Wandering Wild Winter"
)
_NOUNS = _words(
    "Anchor Arrow Avenue Beacon Canyon Cathedral Comet Coyote Daylight Engine Ember Falcon Garden Harbor Horizon "
    "Island Junction Lantern Letter Magnolia Meridian Mirror Motel Orchard Parade Pioneer River Saint Satellite "
    "Sparrow Station Summer Tiger Tower Valley Window Raven Wire"
)
_FIRST = _words(
    "Ada Amadou Astrid Bea Bruno Carmen Chloë Clyde Dolores Edda Elias Femi Greta Håkon Ida Inès Jonah Kofi Lena Luz "
    "Mara Milo Nadia Nils Odette Otis Petra Quinn Rosa Ruben Sól Tariq Tilda Uma Viktor Wanda Ximena Yusuf Zoë Zadie"
)
_LAST = _words(
    "Abara Bergström Calloway Dunmore Eastwick Faulk Garrick Hollis Ibarra Jarrow Kessler Lindqvist Marlowe Nakata "
    "Okafor Pell Quintero Rademaker Sorel Thorne Ueda Vasquez Whitlock Yarrow Zeller"
)
_TITLES = (
    *("{a} {n}", "{n} Song", "{a} {n} Blues", "The {n}", "{n} & {m}", "Under the {n}", "Back to the {n}"),
    *("{n} at Night", "No More {n}", "{a} Again", "When the {n} Comes", "One {a} {n}", "{n} (Part 2)", "Only {a}"),
    *("Dear {f}", "{f}'s {n}", "Leaving the {n}", "{a}, {b}"),
)


class Names:
    """Draws names; the same kind of name never comes twice."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._taken: set[str] = set()

    def artist(self) -> str:
        """Return the name of a band or a singer."""
        return self._fresh(("The {a} {n}s", "{f} {l}", "{f} {l}", "{n} {m}", "{f} & the {n}s", "{a} {n}"))

    def album(self) -> str:
        """Return the title of an album."""
        return self._fresh(("{a} {n}", "The {n}", "{n} & {m}", "{a} {n}, {b} {m}", "Live at the {n}", "{n} Sessions"))

    def title(self) -> str:
        """Return the title of a track."""
        return self._fresh(_TITLES)

    def _fresh(self, forms: tuple[str, ...]) -> str:
        tries = 0
        while True:
            name = str(self._rng.choice(forms)).format(
                a=self._rng.choice(_ADJECTIVES),
                b=self._rng.choice(_ADJECTIVES),
                n=self._rng.choice(_NOUNS),
                m=self._rng.choice(_NOUNS),
                f=self._rng.choice(_FIRST),
                l=self._rng.choice(_LAST),
            )
            tries += 1
            if tries > 20:  # a large library uses the words up
                name = f"{name} {len(self._taken)}"
            if name.casefold() not in self._taken:
                self._taken.add(name.casefold())
                return name
