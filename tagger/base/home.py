"""The home: the one folder that holds a station's state."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tagger.base.errors import UsageError

SETTINGS_NAME = "tagger.toml"


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything of one station lies."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / SETTINGS_NAME

    @property
    def genre_map(self) -> Path:
        """The station's own map; optional, overrides the default."""
        return self.folder / "genre_map.yaml"

    @property
    def index(self) -> Path:
        return self.folder / "index.db"

    @property
    def journal(self) -> Path:
        return self.folder / "journal.jsonl"

    @property
    def lock(self) -> Path:
        return self.folder / "tagger.lock"

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def trunks(self) -> Path:
        """Pretrained networks; made when the first is installed."""
        return self.folder / "trunks"

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def create(self) -> None:
        """Make the folder and those inside it that every run writes to."""
        try:
            for folder in (self.folder, self.cache, self.models, self.reports, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"the home {self.folder} cannot be made: {error.strerror}") from error
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise UsageError(f"the home {self.folder} cannot be written to; choose another with --home")


def find_home(asked: str | None, making: bool = False) -> Home:
    """Return the home: `--home`, else `$TAGGER_HOME`, else the current folder if it has a `tagger.toml`, else the
    user's data folder.

    Parameters
    ----------
    asked : str or None
        The value of `--home`.
    making : bool
        A home is about to be made: the current folder will do although it has no `tagger.toml` yet.
    """
    named = asked or os.environ.get("TAGGER_HOME")
    if named:
        return Home(Path(named).expanduser().absolute())
    here = Path.cwd()
    if making or (here / SETTINGS_NAME).is_file():
        return Home(here)
    import platformdirs  # only needed here, and not free to import

    return Home(Path(platformdirs.user_data_dir("tagger", appauthor=False)))
