"""What makes each genre of the demo: tempo, groove, harmony, instruments, sound. `score` has the notation."""

from __future__ import annotations

from tagger.demo.score import Part, Style

# fmt: off
STYLES: dict[str, Style] = {
    "alt": Style(
        tempo=(98, 148),
        grooves=(
            {"kick": "X.....x.X.......", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "X..x..x...x.....", "snare": "....X.......X..o", "hat": "xoxoxoxoxoxoxoxo"},
            {"kick": "X...X...X...X...", "snare": "....X.......X...", "shaker": "xoxoxoxoxoxoxoxo",
             "tom": "......x......x.."},
        ),
        bass=Part(("fingered", "picked"), ("R.R.R.R.R.R.R.R.", "R---..R-R---..F-", "R.....R.O.....R."), 40, -5),
        chords=Part(
            ("jangle", "clean", "acoustic", "crunch"),
            ("x.x.x.xxx.x.x.xx", "xxxxxxxxxxxxxxxx", "X---..x---x.x---"),
            60, -7, "arp", 0.4,
        ),
        lead=Part(
            ("singer", "crooner"), ("x---x-x---..x-x-", "....x-x-x---x---", "x-------x-x-----"), 62, -4, "line", 0.35,
        ),
        colour=Part(("jangle", "pad", "bell", "solo"), ("x-------x-------", "x-----x---x-----"), 69, -13, "line", 0.6),
        major=("I iii IV I", "I V IV IV", "vi IV I iii", "I ii vi IV"),
        minor=("i bVII bVI bVII", "i bIII bVII iv"),
        minor_share=0.45, scales=("major", "minor"), neighbours=("rock", "pop"),
        room=(0.7, 1.6), brightness=(-0.15, 0.15), loudness=(1.0, 1.8), swell=0.2,
    ),
    "classical": Style(
        tempo=(58, 124), steps=(16, 12),
        grooves=({"timpani": "X..............."}, {"timpani": "........x.x.X..."}, {}),
        bass=Part(
            ("contrabass", "cello"), ("R---------------", "R-------F-------", "R---T---F---T---"), 43, -5, wet=0.5,
        ),
        chords=Part(
            ("strings", "piano", "harp"), ("X---------------", "x.x.x.x.x.x.x.x.", "x-x-x-x-x-x-x-x-"),
            60, -5, "arp", 0.6,
        ),
        lead=Part(
            ("violin", "flute", "clarinet", "piano"), ("x---x-x-x---x---", "x-----x-x-x-x-x-", "x-------x---x-x-"),
            74, -4, "line", 0.6,
        ),
        colour=Part(("strings", "cello", "clarinet"), ("x-------x-------", "....x-------x---"), 62, -9, "line", 0.6),
        major=("I IV V7 I", "I vi ii V7", "I V7 vi IV", "I ii6 V7 I"),
        minor=("i iv V7 i", "i bVI iv V7", "i V7 i V7"),
        minor_share=0.45, scales=("major", "harmonic"), neighbours=("jazz",),
        drum_level=-8, fills=0, room=(1.4, 2.4), brightness=(-0.25, 0.05), loudness=(0.4, 0.8),
        dust=(-66, -52), swell=0.6,
    ),
    "country": Style(
        tempo=(88, 150),
        grooves=(
            {"kick": "X.......X.......", "brush": "o.o.X.o.o.o.X.oo"},
            {"kick": "X.......X.....x.", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "X...X...X...X...", "brush": "xoXoxoXoxoXoxoXo"},
        ),
        bass=Part(("fingered", "upright"), ("R-------F-------", "R-------F---R-A-", "R---..R-F---..A-"), 41, -5),
        chords=Part(
            ("acoustic", "acoustic", "clean"), ("..X...Xx..X...Xx", "x.X.x.Xxx.X.x.Xx", "x.xxx.xxx.xxx.xx"),
            60, -5, "strum", 0.15,
        ),
        lead=Part(
            ("singer", "shouter", "fiddle"),
            ("x-x-x---x-x-..x-", "..x-x-x-x---....", "x---x-x-x-----x-"), 62, -4, "line",
        ),
        colour=Part(
            ("steel", "fiddle", "banjo", "clean"), ("x-------x---x---", "x.xxx.xxx.xxx.xx", "....x---x-x-x---"),
            71, -8, "line", 0.3,
        ),
        major=("I IV V I", "I I IV V", "I V IV I", "I IV I V7", "I vi IV V"),
        minor=("vi IV I V",),
        minor_share=0.1, scales=("pentatonic", "minor pentatonic"), neighbours=("rock", "alt"),
        swing_eighths=(0.0, 0.5), drum_level=-4, sharpness=(0.2, 0.5), weight=(0.0, 0.3),
        room=(0.3, 0.7), brightness=(-0.05, 0.25), loudness=(0.8, 1.5),
    ),
    "edm": Style(
        tempo=(122, 142),
        grooves=(
            {"kick": "X...X...X...X...", "clap": "....X.......X...", "open": "..X...X...X...X.",
             "hat": "xoxoxoxoxoxoxoxo"},
            {"kick": "X...X...X...X...", "hat": "..x...x...x...xx", "shaker": "xoxoxoxoxoxoxoxo"},
            {"kick": "X.....X...X.....", "snare": "....X.......X...", "hat": "x.xxx.xxx.xxx.xx"},
        ),
        bass=Part(
            ("sawbass", "growl", "sub"), ("..R...R...R...R.", "..RR..RO..RR..RO", "RRR.RRR.RRR.ROR."), 36, -4, wet=0.0,
        ),
        chords=Part(
            ("supersaw", "pluck", "supersaw", "synth"), ("x..x..x.x..x..x.", "X.X.X.XXX.X.X.XX", "..X...X...X...X."),
            66, -6, "block", 0.3,
        ),
        lead=Part(
            ("lead", "supersaw", "pluck"),
            ("x.xx.xx.x.xx.x.x", "x-.x-.x-.x-.x-x-", "xxx.xxx.xxx.x.x."), 76, -6, "line", 0.35,
        ),
        colour=Part(("pluck", "bell", "lead"), ("x.xxx.xxx.xxx.xx", "xxxxxxxxxxxxxxxx"), 79, -12, "line", 0.4),
        major=("vi IV I V", "IV V vi I", "I V vi IV"),
        minor=("i bVI bIII bVII", "i i bVI bVII", "i iv i v"),
        minor_share=0.75, scales=("pentatonic", "minor"), neighbours=("pop", "hip hop"),
        sway=(0.0, 2.0), drum_level=2, sharpness=(0.7, 1.0), weight=(0.5, 0.9), room=(0.4, 1.2), brightness=(0.15, 0.5),
        loudness=(1.9, 3.0), pump=(0.3, 0.8), swell=0.0,
    ),
    "funk&soul": Style(
        tempo=(92, 124),
        grooves=(
            {"kick": "X..x..x...x..x..", "snare": "....X..o.o..X..o", "hat": "xoxoxoxoxoxoxoxo"},
            {"kick": "X.x.......xx....", "snare": "....X..o.o.oX...", "hat": "x.x.x.xxx.x.x.x.",
             "open": "..............X."},
            {"kick": "X...X...X...X...", "snare": "....X.......X...", "open": "..x...x...x...x.",
             "shaker": "xoxoxoxoxoxoxoxo"},
        ),
        bass=Part(
            ("slap", "fingered", "picked"), ("R..rO.R...S.O..A", "R.R..rO..F.S.rA.", "RR.O..RO..RR.O.A"),
            38, -2, wet=0.0,
        ),
        chords=Part(
            ("muted", "clavinet", "clean", "organ"), ("xxoXxoxxXoxxoXxo", "..X..X..x.X..x..", "x.oXx.o.x.oXxox."),
            66, -6, "strum", 0.1,
        ),
        lead=Part(
            ("shouter", "singer", "sax"), ("x.x---..x-x.x-..", "....x.x-x---..x.", "x-x-..x-..x-x---"), 64, -4, "line",
        ),
        colour=Part(
            ("horns", "horns", "trumpet"),
            ("X..X............", "......x.X-......", "X...........x.X-"), 70, -4, "block", 0.2,
        ),
        major=("I9 I9 IV9 I9", "I7 IV7 I7 V7", "Imaj7 ii7 IV9 V7"),
        minor=("i7 i7 i7 IV9", "i7 IV9 i7 bVII9", "i9 iv7 i9 v7"),
        minor_share=0.6, scales=("blues", "dorian"), neighbours=("r&b", "jazz"),
        swing_sixteenths=(0.05, 0.25), drum_level=0, sharpness=(0.4, 0.7), weight=(0.1, 0.35),
        room=(0.2, 0.5), brightness=(0.0, 0.25), loudness=(1.1, 1.8),
    ),
    "hip hop": Style(
        tempo=(72, 100),
        grooves=(
            {"kick": "X......x..X.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "X.....X...x..x..", "clap": "....X.......X...", "hat": "xxxoxxxoxxXxxxxx"},
            {"kick": "X..X......X.....", "snare": "....X..o....X...", "hat": "x.xox.xox.xox.xo",
             "rim": "..........x....."},
        ),
        bass=Part(
            ("boom", "sub", "boom"), ("R-----------R---", "R-----R-..R-----", "R-------..R-..R-"), 33, 0, wet=0.0,
        ),
        chords=Part(
            ("sample", "piano", "rhodes", "bell"), ("X-------x-------", "x---x---x---x---", "X-----x---------"),
            62, -9, "arp", 0.25,
        ),
        lead=Part(("rapper",), ("xxxxx.xxxxxx.xx.", "x.xxxxx.x.xxxxx.", "xxx.xxx.xxxxxxx."), 48, -2, "speech", 0.08),
        colour=Part(
            ("sample", "flute", "strings", "bell"), ("x-----x-x-------", "x---------x-x---"), 72, -13, "line", 0.35,
        ),
        major=("Imaj7 vi7 ii7 V7", "I I IV IV"),
        minor=("i i bVI bVII", "i7 i7 iv7 iv7", "i bVI i V7"),
        minor_share=0.85, scales=("pentatonic", "minor"), neighbours=("r&b", "edm"),
        swing_sixteenths=(0.0, 0.35), drum_level=2, sharpness=(0.4, 0.9), weight=(0.5, 1.0), fills=0.1,
        room=(0.2, 0.6), brightness=(-0.3, 0.15), loudness=(1.3, 2.2), dust=(-62, -46), swell=0.0,
    ),
    "jazz": Style(
        tempo=(96, 208),
        grooves=(
            {"ride": "X...x.x.X...x.x.", "hat": "....x.......x...", "kick": "o.......o......."},
            {"brush": "o...X.o.o...X.o.", "hat": "....x.......x..."},
            {"ride": "X...x.x.X...x.x.", "rim": "......x.....x...", "snare": ".......o......o.",
             "hat": "....x.......x..."},
        ),
        bass=Part(("upright",), ("R---T---F---A---", "R---F---O---A---", "R---S---F---A---"), 40, -2, wet=0.12),
        chords=Part(
            ("piano", "clean", "rhodes", "piano"), ("..x...x.......x-", "x-....x-........", "......x-....x-.."),
            61, -7, "block", 0.25,
        ),
        lead=Part(
            ("sax", "trumpet", "piano", "clean"), ("x-x-x-x-x-x-x---", "..x-x-x-....x-x-", "x---x-x-..x-x-x-"),
            67, -3, "line", 0.3,
        ),
        colour=Part(("trumpet", "sax", "clarinet"), ("........x-----..", "..x-....x---...."), 69, -12, "line", 0.3),
        major=("ii9 V13 Imaj9 vi9", "Imaj9 vi9 ii9 V13", "iii9 vi9 ii9 V13"),
        minor=("ii7 V7 i9 i9", "i9 iv9 bVII13 bIIImaj9"),
        minor_share=0.35, scales=("bebop", "dorian"), neighbours=("funk&soul", "classical"),
        swing_eighths=(0.9, 1.35), drum_level=-4, sharpness=(0.1, 0.45), weight=(0.0, 0.2), fills=0.3,
        room=(0.4, 0.9), brightness=(-0.2, 0.1), loudness=(0.6, 1.1), dust=(-66, -50), swell=0.3,
    ),
    "pop": Style(
        tempo=(96, 128),
        grooves=(
            {"kick": "X...X...X...X...", "clap": "....X.......X...", "hat": "..x...x...x...x."},
            {"kick": "X.....x.X...x...", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x.",
             "shaker": "xoxoxoxoxoxoxoxo"},
            {"kick": "X..x..x.X..x....", "clap": "....X.......X...", "hat": "xxx.xxx.xxx.xxx."},
        ),
        bass=Part(
            ("sawbass", "fingered", "sub"),
            ("R.R.R.R.R.R.R.R.", "R--R--R-R--R--R-", "R-------R---R-R-"), 38, -4, wet=0.0,
        ),
        chords=Part(
            ("synth", "piano", "pluck", "acoustic"), ("X---x---x---x---", "x..x..x.x..x..x.", "X---------x-x---"),
            64, -7, "block", 0.2,
        ),
        lead=Part(("singer",), ("x-x-x-x-x---..x-", "x.x.x-x-x.x.x---", "..x-x-x-x-x-x---"), 67, -1, "line", 0.25),
        colour=Part(
            ("bell", "pluck", "strings", "lead"), ("x-x-..x-x-x-..x-", "x---x---x-x-x---"), 77, -11, "line", 0.3,
        ),
        major=("I V vi IV", "vi IV I V", "I IV vi V", "IV I V vi"),
        minor=("i bVI bIII bVII",),
        minor_share=0.2, scales=("pentatonic", "minor pentatonic"), neighbours=("edm", "r&b", "alt"),
        drum_level=0, sharpness=(0.6, 0.95), weight=(0.3, 0.7), room=(0.3, 0.9), brightness=(0.1, 0.4),
        loudness=(1.5, 2.4), pump=(0.0, 0.3),
    ),
    "r&b": Style(
        tempo=(62, 90),
        grooves=(
            {"kick": "X.....x..x......", "snap": "....X.......X...", "hat": "x.xxx.x.x.xxx.xo"},
            {"kick": "X..x......x.....", "rim": "....X.......X..o", "shaker": "xoxoxoxoxoxoxoxo"},
            {"kick": "X......x.x......", "snare": "....X.......X...", "hat": "xoxoxoxoxoxoxxxx",
             "open": "......x........."},
        ),
        bass=Part(
            ("sub", "fingered", "sub"), ("R------.R-..F-A-", "R-----O-..R-----", "R---------S-F-..",), 36, -1, wet=0.0,
        ),
        chords=Part(
            ("rhodes", "rhodes", "pad", "clean"), ("X---------x-----", "X-------..x-x---", "..X-----..X-----"),
            63, -5, "strum", 0.35,
        ),
        lead=Part(
            ("crooner", "singer", "crooner"), ("x-x-xxx---..x-x-", "..x---x-xxx-----", "x-----x-x-x-xx--"),
            65, -2, "line", 0.35,
        ),
        colour=Part(
            ("pad", "strings", "harp", "clean"), ("x---------------", "..x.x.x-----...."), 70, -12, "line", 0.5,
        ),
        major=("Imaj9 vi9 ii9 V13", "IVmaj9 iii7 vi9 vi9", "Imaj9 IVmaj9 Imaj9 IVmaj9"),
        minor=("i9 iv9 bVImaj7 v7", "i9 bVImaj7 iv9 v7"),
        minor_share=0.5, scales=("pentatonic", "dorian"), neighbours=("hip hop", "funk&soul", "pop"),
        swing_sixteenths=(0.1, 0.4), drum_level=-2, sharpness=(0.3, 0.7), weight=(0.4, 0.8), fills=0.2,
        room=(0.5, 1.3), brightness=(-0.25, 0.1), loudness=(1.0, 1.7),
    ),
    "rock": Style(
        tempo=(104, 172),
        grooves=(
            {"kick": "X.....x.X.x.....", "snare": "....X.......X...", "hat": "X.x.X.x.X.x.X.x."},
            {"kick": "X.x...x.X.x...x.", "snare": "....X.......X...", "open": "X...X...X...X..."},
            {"kick": "X.......X.x.....", "snare": "....X.......X...", "ride": "X.x.X.x.X.x.X.x.",
             "crash": "X..............."},
        ),
        bass=Part(("picked", "growl", "picked"), ("RRRRRRRRRRRRRRRR", "R.R.R.R.R.R.R.R.", "R.RRR.RRR.RRR.RR"), 38, -5),
        chords=Part(
            ("fuzz", "crunch", "fuzz"),
            ("X.xxX.xxX.xxX.xx", "X-----X-X---X-x-", "xxxxxxxxxxxxXxXx", "X---------X-X-X-"),
            52, -3, "block", 0.12,
        ),
        lead=Part(
            ("shouter", "solo", "shouter"),
            ("x---x-x-x---....", "x-x-x---..x-x-x-", "..x-x-x-x-----x-"), 65, -5, "line", 0.2,
        ),
        colour=Part(("solo", "organ", "crunch"), ("x-x-x-x-x---x---", "x-------x-x-x-x-"), 72, -11, "line", 0.3),
        major=("I5 bVII5 IV5 I5", "I5 IV5 V5 IV5", "I5 V5 IV5 I5", "I5 I5 IV5 V5"),
        minor=("i5 bVI5 bVII5 i5", "i5 bVII5 bVI5 bVII5", "i5 i5 iv5 v5"),
        minor_share=0.5, scales=("pentatonic", "blues"), neighbours=("alt", "country"),
        drum_level=1, sharpness=(0.5, 0.9), weight=(0.1, 0.4), fills=0.7, room=(0.3, 0.8), brightness=(0.0, 0.35),
        loudness=(1.6, 2.8),
    ),
}
# fmt: on

GENRES = tuple(STYLES)

GENRES = tuple(STYLES)
