"""Settings come from flags, variables, the file and defaults, in this order, and a bad one is one clear line."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tagger.base.errors import SettingsError
from tagger.base.settings import SECTIONS, Settings, load_settings, settings_template


def test_defaults_that_outsiders_rely_on() -> None:
    settings = load_settings(None, {}, {})
    assert settings.promise == 0.90
    assert settings.promise_confidence == 0.80
    assert settings.max_writes == 500
    assert settings.max_missing == 0.20
    assert settings.settle_minutes == 10
    assert (settings.min_seconds, settings.max_seconds) == (60, 1200)
    assert (settings.retrain_growth, settings.retrain_days) == (0.10, 30)
    assert (settings.mtime, settings.station, settings.exclude) == ("bump", "plain", ())


@pytest.mark.parametrize(
    ("station", "mtime"),
    [("plain", "bump"), ("azuracast", "bump"), ("liquidsoap", "bump"), ("libretime", "preserve")],
)
def test_the_station_decides_on_mtime_unless_a_person_does(station: str, mtime: str) -> None:
    assert load_settings(None, {}, {"TAGGER_STATION": station}).mtime == mtime
    for said in ("bump", "preserve"):
        assert load_settings(None, {}, {"TAGGER_STATION": station, "TAGGER_MTIME": said}).mtime == said


def test_flag_before_variable_before_file(tmp_path: Path) -> None:
    file = tmp_path / "tagger.toml"
    file.write_text("max_writes = 1\nclips = 2\nseed = 3\n")
    settings = load_settings(file, {"max_writes": 30, "seed": None}, {"TAGGER_MAX_WRITES": "20", "TAGGER_CLIPS": "7"})
    assert (settings.max_writes, settings.clips, settings.seed) == (30, 7, 3)


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("Jingles/*,*_spot.mp3", ("Jingles/*", "*_spot.mp3")),
        ('["a, b", "c"]', ("a, b", "c")),
        ("", ()),
        ("[0-4]*.mp3", ("[0-4]*.mp3",)),
    ],
    ids=["commas", "json", "empty", "pattern"],
)
def test_lists_in_variables(text: str, patterns: tuple[str, ...]) -> None:
    assert load_settings(None, {}, {"TAGGER_EXCLUDE": text}).exclude == patterns


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"TAGGER_PROMISE": "1.5"}, "TAGGER_PROMISE in the environment is '1.5': input should be less than or equal"),
        ({"TAGGER_MTIME": "keep"}, "TAGGER_MTIME in the environment is 'keep': input should be 'bump' or 'preserve'"),
        ({"TAGGER_CLIP_SECONDS": "0"}, "one or more whole numbers from 1 to 30"),
        ({"TAGGER_EXCLUDE": '["a'}, "a list such as"),
        ({"TAGGER_MIN_SECONDS": "2000"}, "must be less than max_seconds"),
        ({"TAGGER_PROMIS": "0.99"}, "was TAGGER_PROMISE meant?"),
        ({"TAGGER_STATION": "winamp"}, "'plain', 'azuracast', 'libretime' or 'liquidsoap'"),
        ({"TAGGER_AIR_TIME": "06:00-22:00,all day"}, "'all day' is no window of hours such as 06:00-22:00"),
        ({"TAGGER_SENTINEL": "../elsewhere"}, "a path inside the library"),
        ({"TAGGER_SENTINEL": "/mnt/.mounted"}, "a path inside the library"),
    ],
    ids=[
        *("too large", "not a choice", "length", "broken list", "crossed", "misspelt"),
        *("station", "air time", "sentinel above", "sentinel absolute"),
    ],
)
def test_bad_variable_names_key_value_and_what_is_allowed(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {}, environ)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("promis = 0.9", "no such setting"), ("promise = ", "tagger.toml"), ("promise = 'x'", "promise in")],
    ids=["unknown key", "not TOML", "bad value"],
)
def test_bad_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "tagger.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file, {}, {})
    assert said in str(caught.value)
    assert "tagger.toml" in str(caught.value)


def test_template_holds_every_setting_at_its_default() -> None:
    template = settings_template()
    taken: dict[str, Any] = tomllib.loads(template)
    assert taken == {}
    uncommented = "\n".join(line[2:] for line in template.splitlines() if " = " in line)
    parsed = tomllib.loads(uncommented)
    assert Settings(**parsed) == Settings()
    assert {key for keys in SECTIONS.values() for key in keys} == set(Settings.model_fields) == set(parsed)
