"""What the players of the hard library play, by the names in `bench.hard_genres.HABITS`.

Drum patterns and chord rhythms have one character per sixteenth of a bar: ``X`` loud, ``x`` normal, ``o`` soft, ``.``
nothing, ``-`` held on. Bass: ``R`` root, ``F`` fifth, ``O`` octave, ``S`` seventh, ``T`` third.
"""

from __future__ import annotations

from collections.abc import Mapping

Groove = Mapping[str, str]

# fmt: off
BEATS: Mapping[str, tuple[Groove, ...]] = {
    "backbeat": (
        {"kick": "X.......X.x.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "X.....x.X.......", "snare": "....X.......X...", "hat": "xoxoxoxoxoxoxoxo"},
    ),
    "driving": (
        {"kick": "X.x...x.X.x...x.", "snare": "....X.......X...", "hat": "X.x.X.x.X.x.X.x."},
        {"kick": "X...x.x.X...x.x.", "snare": "..X...X...X...X.", "open": "x...x...x...x..."},
    ),
    "four": (
        {"kick": "X...X...X...X...", "clap": "....X.......X...", "open": "..x...x...x...x."},
        {"kick": "X...X...X...X...", "hat": "xoxoxoxoxoxoxoxo", "clap": "............X..."},
    ),
    "broken": (
        {"kick": "X.........X.....", "snare": "....X..o.o..X...", "hat": "x.xxx.xxx.xxx.xx"},
        {"kick": "X..X......X..X..", "snare": "....X.......X...", "shaker": "xoxoxoxoxoxoxoxo"},
    ),
    "half": (
        {"kick": "X.........x.....", "snare": "........X.......", "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "X..x............", "rim": "........X.......", "hat": "xoxoxoxoxoxoxoxo"},
    ),
    "trap": (
        {"kick": "X......x..X.....", "snap": "........X.......", "hat": "xxxxxxxxxxxxxxxx"},
        {"kick": "X..X.......x..x.", "clap": "........X.......", "hat": "x.x.xxx.x.x.xxxx"},
    ),
    "boombap": (
        {"kick": "X......x.Xx.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
        {"kick": "X.x....x..X....x", "snare": "....X.......X...", "hat": "x.xox.x.x.xox.x."},
    ),
    "train": (
        {"kick": "X.......X.......", "brush": "oxXooxXooxXooxXo"},
        {"kick": "X...X...X...X...", "brush": "xoXoxoXoxoXoxoXo"},
    ),
    "funk": (
        {"kick": "X.x....x..x..x..", "snare": "....X..o.o..X..o", "hat": "xxxxxxxxxxxxxxxx"},
        {"kick": "X..x..x...xx....", "snare": "....X..o.o.oX...", "hat": "x.xxx.x.x.xxx.x."},
    ),
    "ride": (
        {"ride": "x...x.x.x...x.x.", "hat": "....x.......x...", "kick": "o...o...o...o..."},
        {"ride": "x...x.x.x...x.x.", "brush": "....x.o.....x.o.", "kick": "o.....o........."},
    ),
    "none": ({}, {"timpani": "x..............."}, {"shaker": "o...o...o...o..."}),
}

BASS: Mapping[str, tuple[str, ...]] = {
    "eighths": ("R-R-R-R-R-R-R-R-", "R-R-R-R-R-R-F-F-"),
    "halves": ("R-------R-------", "R---------R-....", "R-------F-------"),
    "fifths": ("R---....F---....", "R---R...F---F..."),
    "offbeat": ("..R-..R-..R-..R-", "..R-..R-..RR..O-"),
    "sixteenths": ("RRRRRRRRRRRRRRRR", "R.RRR.RRR.RRR.RO"),
    "syncopated": ("R..R..O...R.S.O.", "R.R..O.R..F.S.O.", "R-....R.O..R....", "R..R..R-..R..O-."),
    "walking": ("R---T---F---S---", "R---F---O---F---", "R---T---F---T---"),
    "drop": ("R---------......", "R------...R---..", "R-------------..", "R..R------......"),
    "none": ("................",),
}

COMPING: Mapping[str, tuple[str, ...]] = {
    "held": ("X---------------", "x-------x-------"),
    "eighths": ("X-x-x-x-X-x-x-x-", "X-X-x-x-X-x-x-X-"),
    "strummed": ("X---x-x---x-x-x-", "X---X-xxx-x-X-xx"),
    "boomchick": ("....X.......X...", "..X...Xx..X...Xx"),
    "arpeggio": ("x-x-x-x-x-x-x-x-", "xxxxxxxxxxxxxxxx"),  # one note after the other
    "stabs": ("x..x..x...x..x..", "..X...X...X...X.", "X..X..X.X..X..X."),
    "scratch": ("xoXxoxxXoxXoxxXo", "..x.Xox...x.Xox."),
    "charleston": ("x-----x---------", "....x-....x-....", "......x-....x-.."),
    "once": ("X---............", "......X-........", "X--x............"),
}

# Roots of four bars [semitones above the key] with the quality over major and minor keys: M, m, or d for dominant.
CHANGES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "axis": (("0M 7M 9m 5M", "0m 8M 3M 10M"), ("9m 5M 0M 7M", "8M 10M 0m 3M")),
    "three": (("0M 0M 5M 7M", "0m 0m 5m 7m"), ("0M 5M 7M 0M", "0m 5m 7M 0m")),
    "modal": (("0M 10M 5M 0M", "0m 10M 8M 10M"), ("0M 3M 5M 10M", "0m 3M 10M 5M")),
    "static": (("0d 0d 0d 0d", "0m 0m 0m 0m"), ("0d 0d 5d 0d", "0m 0m 1M 0m")),
    "twofive": (("2m 7d 0M 9d", "2m 7d 0m 8M"), ("4m 9d 2m 7d", "5m 10d 3M 7d")),
    "cadence": (("0M 5M 7d 0M", "0m 5m 7d 0m"), ("0M 9m 2m 7d", "0m 8M 5m 7d")),
    "descent": (("0M 11m 9m 7M", "0m 10M 8M 7M"), ("5M 4m 2m 0M", "5m 3M 1M 0m")),
}

# Intervals [semitones] by how far chords are extended: fifths, triads, sevenths, ninths.
CHORDS: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "M": ((0, 7, 12), (0, 4, 7), (0, 4, 7, 11), (0, 4, 11, 14)),
    "m": ((0, 7, 12), (0, 3, 7), (0, 3, 7, 10), (0, 3, 10, 14)),
    "d": ((0, 7, 12), (0, 4, 7), (0, 4, 7, 10), (0, 4, 10, 14)),
}

SCALES = ((0, 2, 4, 7, 9), (0, 3, 5, 7, 10))  # of the lead, over major and minor
# fmt: on
