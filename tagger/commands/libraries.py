"""Which libraries of the index are there now. One that is not mounted is left out, not taken for empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagger.base.errors import LibraryLooksWrong

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.index.rows import LibraryRow, TrackRow


def ask_whether_there(session: Session, root: bytes) -> None:
    """Make sure that a library is there and answers.

    Raises
    ------
    LibraryLooksWrong
    """
    from tagger.library.probe import probe

    probe(root, session.settings.probe_seconds, session.settings.sentinel)


def mounted_libraries(session: Session) -> list[LibraryRow]:
    """Return the libraries that answer; those that do not are named in a warning.

    Raises
    ------
    LibraryLooksWrong
        If there are libraries and none answers.
    """
    known = session.index.libraries.all()
    there: list[LibraryRow] = []
    wrong: list[LibraryLooksWrong] = []
    for library in known:
        try:
            ask_whether_there(session, library.root)
            there.append(library)
        except LibraryLooksWrong as error:
            wrong.append(error)
    if wrong and not there:
        raise wrong[0]
    for why in wrong:
        session.console.warn(f"left out: {why}")
    return there


def track_at(session: Session, path: bytes) -> TrackRow | None:
    """Return the track of an absolute path; None if the index has none there."""
    for library in session.index.libraries.all():
        prefix = library.root.rstrip(b"/") + b"/"
        if path.startswith(prefix):
            return session.index.select.at_path(library.library_id, path[len(prefix) :])
    return None
