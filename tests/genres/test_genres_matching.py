"""What the default map makes of the ways in which stations write genres."""

from __future__ import annotations

import pytest

from tagger.base.records import GenreMatch, GenreTagState
from tagger.genres.map import GenreMap

SKIP = "skipped"
AMBIGUOUS = "ambiguous"
UNMAPPED = "unmapped"
FILLABLE = "fillable"
FULL = "not fillable"


def said(match: GenreMatch) -> str:
    """Return a genre id, or what else the match is."""
    if match.state is GenreTagState.PLACEHOLDER:
        return FILLABLE if match.fillable else FULL
    return match.genre or match.state.value


SPELLINGS = {
    "alt": [
        *("Alternative", "ALTERNATIVE", "alternative music", "Alternativ", "Alternativa", "Altenative", "Indie"),
        *("Indie / Alternative", "Indie/ Alternative", "Indie Rock", "indie-rock", "IndieRock", "Canadian Indie Rock"),
        *("Indie Pop/Folk", "Folk", "Singer & Songwriter", "Singer/Songwriter", "singer-songwriter", "Post-Punk"),
        *("Shoegaze", "Alternative & Punk", "Christian Alternative", "(131)Indie", "Инди", "インディー"),
    ],
    "classical": [
        *("Classical", "Classical Music", "Música Clásica", "MÃºsica ClÃ¡sica", "Musique classique", "Klassik"),
        *("Klassische Musik", "Clasical", "Modern Classical", "Neo-Classical", "Opera", "Chamber Music", "Baroque"),
        *("String Quartet", "Piano Concerto", "Классика", "クラシック", "古典"),
    ],
    "country": [
        *("Country", "Country & Western", "Country and Western", "C&W", "Contemporary Country", "Bluegrass"),
        *("Alt-Country", "Alt. Country", "Honky Tonk", "Americana", "Country Pop", "Coutnry", "Кантри"),
    ],
    "edm": [
        *("EDM", "Electronic", "Electronica & Dance", "Electronica/Dance", "Dance/Electronic", "Dance", "Electro"),
        *("House", "Deep House", "deephouse", "Tech-House", "Techno/House", "Drum & Bass", "Drum'n'Bass", "DnB", "D&B"),
        *("drum and bass", "Dubstep", "Trance", "Breakbeat / Electro", "Electro / Dance", "Chill Out/Trip-Hop/Lounge"),
        *("Dance-pop", "Eletronica", "Elektronische Musik", "Música electrónica", "UK Garage", "Electronic > House"),
        *("Techno (Peak Time / Driving)", "Электронная музыка", "テクノ", "Progressive House; Trance"),
    ],
    "funk&soul": [
        *("Funk & Soul", "Soul & Funk", "Soul and Funk", "Soul/Funk", "Soul, Funk", "Soul &amp; Funk", "Soul", "Funk"),
        *("Disco", "Motown", "Northern Soul", "Neo-Soul", "Contemporary Soul", "Soul and R&B", "Soul And R&B"),
        *("Jazz / Soul & Funk", "Nu-Funk", "funk&soul", "Фанк"),
    ],
    "hip hop": [
        *("Hip Hop", "Hip-Hop", "hiphop", "HIP HOP", "hip_hop", "hip.hop", "Hip%20Hop", "Hip Hop/Rap", "hip hop/rap"),
        *("Rap/Hip Hop", "Hip-Hop & Rap", "Rap", "Gangsta Rap", "Contemporary Hip Hop", "Rap/Hip Hop / Pop", "G-Funk"),
        *("Rap Français", "Deutschrap", "UK Hip Hop", "Old School Hip Hop", "Christian Rap", "Trap", "Хип-хоп"),
        *("ヒップ・ホップ", "힙합", "嘻哈"),
    ],
    "jazz": [
        *("Jazz", "jazz music", "Jazz / Instrumental Jazz", "Acid Jazz", "Jazz+Funk", "Smooth Jazz", "Bebop", "Swing"),
        *("Big Band", "Jazz Fusion", "Latin Jazz", "Vocal Jazz", "Jazz, Vocal", "(8)Acid Jazz", "Soul Jazz", "Джаз"),
    ],
    "pop": [
        *("Pop", "Pop Music", "Synth Pop", "Synthpop", "Retrospective Pop", "International Pop", "Indie Pop", "K-Pop"),
        *("J-Pop", "Europop", "Top 40", "HOT 100", "Latin Pop", "Deutschpop", "80's Pop", "Pop '90", "流行", "Поп"),
    ],
    "r&b": [
        *("R&B", "r&b", "R & B", "R and B", "R n B", "RnB", "R'n'B", "R&amp;B", "R&amp;amp;B", "R+B", "R.&B."),
        *("Rhythm and Blues", "Rhythm & Blues", "Rhythm 'n' Blues", "Rythm & Blues", "R&B/Soul", "Contemporary R&B"),
        *("Blues", "Delta Blues", "Slow Jam", "(0)", "(0)Blues"),
    ],
    "rock": [
        *(
            "Rock",
            "ROCK",
            " rock ",
            "Rock Music",
            "Rock;",
            "[Rock]",
            "\uff32\uff4f\uff43\uff4b",
            "\ufeffRock",
            "Ro\u200bck",
            "Rock!",
        ),
        *("17", "(17)", " 17 ", "017", "(17)Rock", "(17) Rock", "17;17", "17/79", "Rock (17)", "(17)Prog Rock"),
        *("Pop/Rock", "Pop / Rock", "Rock/Pop", "Pop Rock", "Pop & Rock", "Alt. Rock", "Alternative Rock", "Hard Rock"),
        *(
            "Rock & Roll",
            "Rock'n'Roll",
            "Rock 'n' Roll",
            "rock n roll",
            "RocknRoll",
            "Rock &amp; Roll",
            "Rock &#38; Roll",
        ),
        *("Rock & Roll/Rockabilly", "Metal & Hard Rock", "Melodic Death Metal", "Rock|Hard Rock", "Rock\0Hard Rock"),
        *("Punk", "Ska Punk", "Blues Rock", "Country Rock", "Rap Metal", "Rock Opera", "Rock Français", "90s Rock"),
        *("Genre: Rock", "Rock, 2004", "Rock; 80s", "Rock; Soundtrack", "Other; Rock", "Rock www.example.com"),
        *("Progresive Rock", "Indie Rock/Rock Pop", "Рок", "ロック", "摇滚"),
    ],
    SKIP: [
        *("Soundtrack", "Original Soundtrack", "Film Scores", "Films/Games / Film Scores / TV Soundtracks", "OST"),
        *("Video Game Music", "Comedy", "Stand-Up Comedy", "Spoken Word", "Speech", "Kids", "Children's Music"),
        *("Children&#39;s Music", "World", "World Music", "Latin", "Latin Music", "Salsa", "Reggae", "Lovers Rock"),
        *("Rocksteady", "Dancehall", "New Age", "Jingle", "Station ID", "Audiobook", "Hörbuch", "Podcast", "Christmas"),
        *("Christmas Rock", "Weihnachten", "Navidad", "Folk, World, & Country", "Indian Classical", "New Wave"),
        *("80s", "80's", "Celtic", "Irish Folk", "Gospel", "Easy Listening", "Soundtrack; Unheard Of", "French Song"),
    ],
    AMBIGUOUS: [
        *("Rock; Pop", "Rock;Pop", "Rock, Pop", "Rock | Pop", "Rock\0Pop", "Rock\nPop", "Jazz/Rock", "Rock\\Jazz"),
        *("(4)(17)Rock", "(4)(17)", "4/17", "(17)Jazz", "Jazz & Blues", "R&B / Hip Hop", "Rap & R&B", "Country/Rock"),
        "Rock (Jazz)",
    ],
    UNMAPPED: [
        *("Glimmerstep", "Bedrock", "Popcorn", "Rapture", "Trapeze", "Warehouse", "Rocket", "Jazzercise Plan"),
        *("Soap Opera", "Soulless", "Countryside", "Housewife"),
    ],
    FILLABLE: [
        *("", " ", "\0", "-", "???", "Unknown", "Unknown genre", "<Unknown>", "(unknown)", "[UNKNOWN]", "unknown; "),
        *(
            "Genre",
            "None",
            "n/a",
            "N/A",
            "null",
            "No Genre",
            "Unclassifiable",
            "0",
            "00",
            "255",
            "(255)",
            "192",
            "1999",
            "-1",
        ),
        *("http://example.com/a?b=c", "HTTPS://EXAMPLE.COM", "www.example.com", "example.com", "me@example.org"),
        *("Unknown; www.example.com", "Unbekannt", "Desconocido", "Неизвестно"),
    ],
    FULL: ["Other", "other", "Misc", "Misc.", "Miscellaneous", "12", "(12)", "(12)Other", "Other; Unknown"],
}


@pytest.mark.parametrize(
    ("tag", "meaning"), [(tag, meaning) for meaning, tags in SPELLINGS.items() for tag in tags], ids=repr
)
def test_spellings(default_map: GenreMap, tag: str, meaning: str) -> None:
    assert said(default_map.match(tag)) == meaning


def test_every_name_and_id_is_itself(default_map: GenreMap) -> None:
    ids = ["alt", "classical", "country", "edm", "funk&soul", "hip hop", "jazz", "pop", "r&b", "rock"]
    assert [genre.id for genre in default_map.genres] == ids
    for genre in default_map.genres:
        assert default_map.match(genre.id).genre == genre.id
        assert default_map.match(genre.name).genre == genre.id
        assert default_map.name(genre.id) == genre.name
        assert default_map.id_of_name(genre.name) == genre.id
    assert default_map.id_of_name("Polka") is None
    with pytest.raises(KeyError):
        default_map.name("polka")


@pytest.mark.parametrize(
    ("values", "meaning"),
    [
        pytest.param([], FILLABLE, id="none"),
        pytest.param(["", " "], FILLABLE, id="blanks"),
        pytest.param(["Rock"], "rock", id="one"),
        pytest.param(["Rock", "Hard Rock", ""], "rock", id="one genre"),
        pytest.param(["Rock", "Glimmerstep"], "rock", id="one unknown"),
        pytest.param(["Pop", "Rock"], AMBIGUOUS, id="two genres, though Pop/Rock is one"),
        pytest.param(["Rock; Jazz", "Rock"], AMBIGUOUS, id="two within"),
        pytest.param(["Soundtrack", "Glimmerstep"], SKIP, id="skipped and unknown"),
        pytest.param(["Other", "Unknown"], FULL, id="one may not be filled"),
        pytest.param(["Glimmerstep", "Other"], UNMAPPED, id="unknown and placeholder"),
    ],
)
def test_several_values(default_map: GenreMap, values: list[str], meaning: str) -> None:
    assert said(default_map.match_all(values)) == meaning


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Rock", "(17)", True),
        ("Rock", "17", True),
        ("Hip Hop", "HIP-HOP", True),
        ("R&B", "R&amp;B", True),
        ("Rock", "Hard Rock", False),
        ("Rock", "Rock; Pop", False),
        ("Rock", "", False),
    ],
)
def test_same_genre_text(default_map: GenreMap, one: str, other: str, same: bool) -> None:
    assert default_map.same(one, other) is same
    assert default_map.same(other, one) is same


def test_a_text_that_strayed_into_the_genre_takes_no_time(default_map: GenreMap) -> None:
    assert default_map.match("la la rock house jazz " * 10_000).state is GenreTagState.UNMAPPED
    assert default_map.match(" " * 10_000).fillable


@pytest.mark.parametrize(
    "tag", ["\ud800", "(" * 500, "&" * 500, "\0" * 500, "&#9999999;", "%ZZ%41", "((4)", "(4", "4)"]
)
def test_odd_tags_have_a_meaning(default_map: GenreMap, tag: str) -> None:
    assert default_map.match(tag).state in set(GenreTagState)
