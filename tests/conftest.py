"""What all tests share: audio files of every container, made on the spot, and no skipping where all is installed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

RATE = 44100
POSTGRES = "TAGGER_TEST_POSTGRES"


@pytest.fixture(autouse=True)
def _no_station_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests must not leak into them."""
    for name in list(os.environ):
        if name.startswith("TAGGER_") and not name.startswith("TAGGER_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture
def make_audio() -> Callable[..., Path]:
    """Return a function that encodes a few seconds of noise and tone; another `seed` is other audio."""
    from tagger.audio.encode import encode

    def make(
        path: Path, container: str, seconds: float = 3.0, seed: int = 1, channels: int = 2, **options: object
    ) -> Path:
        random = np.random.default_rng(seed)
        time = np.arange(int(seconds * RATE)) / RATE
        tone = 0.3 * np.sin(2 * np.pi * (220 + 30 * seed) * time)
        samples = tone[:, None] + 0.05 * random.standard_normal((time.size, channels))
        encode(path, samples.astype(np.float32), RATE, container, **options)
        return path

    return make


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A URL whose tables lie in a schema of their own."""
    from sqlalchemy import create_engine, make_url, text

    server = os.environ.get(POSTGRES)
    if not server:
        pytest.skip(f"no PostgreSQL: {POSTGRES} is not set")
    schema = f"test_{secrets.token_hex(4)}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    url = make_url(server).update_query_dict({"options": f"-csearch_path={schema}"})
    yield url.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture(scope="session")
def musicnn_wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published wheel of the pretrained trunks, got with pip once and kept in pytest's cache."""
    from tagger.base.errors import TaggerError
    from tagger.model import trunk_wheel

    cache = getattr(request.config, "cache", None)
    folder = cache.mkdir("musicnn") if cache else tmp_path_factory.mktemp("musicnn")
    with FileLock(folder / "lock"):  # the tests run in several processes
        kept = next(iter(folder.glob("*.whl")), None)
        try:
            wheel = kept or trunk_wheel.fetch(folder, lambda: None)
            with trunk_wheel.opened(wheel):
                return wheel
        except TaggerError as error:
            if kept:
                kept.unlink()  # a run that was killed left half of it: the next one gets it again
            pytest.skip(f"no wheel of musicnn: {error}")


@pytest.fixture(scope="session")
def installed_trunks(musicnn_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of trunks with musicnn in it, for reading; loads TensorFlow."""
    from tagger.model import trunks

    folder = tmp_path_factory.mktemp("trunks")
    trunks.install(folder, musicnn_wheel, lambda: None)
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.skipped and os.environ.get("TAGGER_TEST_NO_SKIPS") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report
