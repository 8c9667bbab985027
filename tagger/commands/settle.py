"""What an earlier run left in the middle is settled before a new one begins."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tagger.commands.session import Session

log = logging.getLogger("tagger")


def settle(session: Session) -> None:
    """Take in the journal, and bring every tag change that was cut off to an end, in the records and on the disk."""
    session.index.sync_journal(session.journal)
    unfinished = session.index.changes.unfinished()
    if not unfinished:
        return
    from tagger.library.write import settle as settle_write

    for row in unfinished:
        stage, facts = settle_write(row.change.absolute, dict(row.facts))
        if stage == row.status:  # its folder cannot be seen now: another run will
            continue
        session.index.changes.record(session.journal, row.change, stage, facts)
        log.warning("settled a write that run %s left in the middle: %s %s", row.change.run_id, row.change.path, stage)
