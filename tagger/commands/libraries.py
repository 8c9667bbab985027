"""Which libraries of the index are there now. One that is not mounted is left out, not taken for empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagger.base.errors import LibraryLooksWrong

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.index.rows import LibraryRow


def mounted_libraries(session: Session) -> list[LibraryRow]:
    """Return the libraries that answer; those that do not are named in a warning.

    Raises
    ------
    LibraryLooksWrong
        If there are libraries and none answers.
    """
    from tagger.library.probe import probe

    known = session.index.libraries.all()
    there: list[LibraryRow] = []
    wrong: list[LibraryLooksWrong] = []
    for library in known:
        try:
            probe(library.root, session.settings.probe_seconds)
            there.append(library)
        except LibraryLooksWrong as error:
            wrong.append(error)
    if wrong and not there:
        raise wrong[0]
    for error in wrong:
        session.console.warn(f"left out: {error}")
    return there
