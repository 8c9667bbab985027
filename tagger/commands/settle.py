"""What an earlier run left in the middle is settled before a new one begins."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from tagger.base.home import Home

if TYPE_CHECKING:
    from tagger.commands.session import Session

PART = ".part"  # end of the hidden names under which files and folders of the home are written

log = logging.getLogger("tagger")


def settle(session: Session) -> None:
    """Take in the journal, and bring every tag change that was cut off to an end, in the records and on the disk."""
    clear_away(session.home)
    session.index.sync_journal(session.journal)
    unfinished = session.index.changes.unfinished()
    if not unfinished:
        return
    from tagger.commands.write import take_in
    from tagger.index.rows import Stage
    from tagger.library.write import settle as settle_write

    tracks = session.index.select.by_ids(row.change.track_id for row in unfinished if row.change.track_id is not None)
    for row in unfinished:
        track = tracks.get(row.change.track_id or -1)
        path = track.absolute if track else row.change.absolute  # it may have been moved since, and scanned there
        stage, facts = settle_write(path, dict(row.facts))
        if stage == row.status:  # its folder cannot be seen now: another run will
            continue
        session.index.changes.record(session.journal, row.change, stage, facts)
        if track and stage == Stage.APPLIED:
            take_in(session, track)
        log.warning("settled a write that run %s left in the middle: %s %s", row.change.run_id, row.change.path, stage)


def clear_away(home: Home) -> None:
    """Remove what killed runs left half-written in the home, where only the holder of the lock writes.

    Not the data set: whoever builds it knows what belongs there. Not the pictures of `evaluate`: it takes no lock.
    """
    left = [*home.folder.glob(f".*.lock.holder.*{PART}")]
    left += [*home.cache.glob(f"*/.*{PART}"), *home.reports.glob(f"[0-9]*/.*{PART}")]
    left += [*home.models.glob(f".*{PART}"), *(home.folder / "backups").glob(f".*{PART}*")]
    for path in left:
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as error:
            log.warning("%s is left from a killed run and cannot be removed: %s", path, error.strerror)
