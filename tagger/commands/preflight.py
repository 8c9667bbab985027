"""Look at the files of a plan before it is carried out: those that saving would cost something are left alone.

A file that is left alone takes no place in the night's budget, so another one is planned in its stead. What was found
is remembered as long as the file stays as it is, so that the same files are not looked at night after night.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tagger import __version__
from tagger.base.errors import FileProblem, WriteSkipped, path_text, printable
from tagger.base.records import Decision, PlanItem, Provenance
from tagger.outcome.plan import Candidate, Plan, make_plan

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.index.rows import TrackRow
    from tagger.library.loss import Loss
    from tagger.library.preflight import Preflight

REMEMBERED = "preflight"  # in the index's meta table: the files that were left alone, by track
MOST_REMEMBERED = 20_000
MOST_LOOKS = 10  # times the files that a night may write; then the writes themselves find out

log = logging.getLogger("tagger")


@dataclass(frozen=True, slots=True)
class CheckedPlan(Plan):
    """A plan whose files were looked at.

    `refused` are left alone; their `reason` says what saving would lose. `found` holds, by track id, what writing the
    others would do.
    """

    refused: tuple[PlanItem, ...] = ()
    found: Mapping[int, Preflight] = field(default_factory=dict)

    def losses(self, item: PlanItem) -> tuple[Loss, ...]:
        """Return what a write may lose, as the station allows it."""
        found = self.found.get(item.track_id or 0)
        return found.losses if found else ()

    def changes(self, item: PlanItem) -> list[str]:
        """Return what a write would change beside the genre."""
        found = self.found.get(item.track_id or 0)
        return effects(found) if found else []


def effects(found: Preflight) -> list[str]:
    """Return what a write would lose and change, in words."""
    return [*(f"loses, as allowed: {loss.text}" for loss in found.losses), *found.changes]


def checked_plan(session: Session, candidates: Callable[[], Iterable[Candidate]], again: bool) -> CheckedPlan:
    """Plan, look at the files, and plan anew without those that are to be left alone, until none is left among them.

    Parameters
    ----------
    session : Session
    candidates : callable
        Returns the tracks as `make_plan` takes them, the same each time.
    again : bool
        Fill closed tracks too.
    """
    budget = session.settings.max_writes
    first = plan = make_plan(candidates(), budget, again, refresh=True)
    looks = _Looks(session, [*plan.items, *plan.postponed])
    pool: list[Candidate] | None = None
    while looks.take_out(plan):
        if pool is None:
            planned = {item.track_id for item in (*plan.items, *plan.postponed)}
            pool = [track for track in candidates() if track.track_id in planned]
        pool = [track for track in pool if track.track_id not in looks.refused]
        plan = make_plan(pool, budget, again, refresh=True)
    looks.remember()
    refused = sorted(looks.refused.values(), key=lambda item: item.path)
    return CheckedPlan(plan.items, plan.postponed, first.left, tuple(refused), looks.found)


class _Looks:
    """What was found so far, and what earlier runs found."""

    def __init__(self, session: Session, planned: Sequence[PlanItem]) -> None:
        self.refused: dict[int, PlanItem] = {}
        self.found: dict[int, Preflight] = {}
        self._session = session
        self._allowed = frozenset(session.settings.allow_loss)
        self._seen: set[int] = set()
        self._left = MOST_LOOKS * max(1, session.settings.max_writes)
        current = session.index.models.current()
        self._model = current.model_id if current else ""
        self._others: dict[int, dict[str, Any]] = {}  # remembered of files that are not planned now
        self._known = self._still_known({item.track_id for item in planned if item.track_id is not None})
        for item in planned:
            if item.track_id in self._known:
                self._refuse(item.track_id, item, self._known[item.track_id]["text"])

    def take_out(self, plan: Plan) -> bool:
        """Look at the files of a plan that were not looked at; say whether one of the plan is to be left alone."""
        items = {item.track_id: item for item in plan.items if item.track_id is not None}
        tracks = self._session.index.select.by_ids(items.keys() - self._seen - self.refused.keys())
        with self._session.console.bar("looking at tags", len(tracks)) as bar:
            for track_id, track in sorted(tracks.items(), key=lambda pair: pair[1].path):
                bar.step()
                if self._left <= 0 or self._session.stopping() or self._session.out_of_time():
                    break
                self._seen.add(track_id)
                self._look(track, items[track_id])
        return bool(items.keys() & self.refused.keys())

    def _look(self, track: TrackRow, item: PlanItem) -> None:
        from tagger.library.original import changeable
        from tagger.library.preflight import preflight

        self._left -= 1
        try:
            changeable(track.absolute, track.root, self._session.stopping)
        except WriteSkipped as problem:
            if not problem.postponed and os.path.lexists(track.absolute):  # one that is gone is for the write to judge
                self.refused[track.track_id] = replace(item, reason=f"left alone: {problem.cause}")
            return
        if self._is_our_work(track):
            return
        name = self._session.genre_map.name(item.after or "")
        try:
            found = preflight(track.absolute, name, note_for(self._session, item, name, self._model))
        except (FileProblem, OSError) as problem:
            log.debug("not looked at, the write will tell: %s: %s", path_text(track.absolute), problem)
            return
        kinds = {loss.kind for loss in found.losses}
        if kinds <= self._allowed:
            self.found[track.track_id] = found
            return
        text = "; ".join(loss.text for loss in found.losses)
        self._known[track.track_id] = {"file": [track.size, track.mtime_ns], "kinds": sorted(kinds), "text": text}
        self._refuse(track.track_id, item, text)
        log.info("left alone: %s: saving would lose something: %s", path_text(item.path), text)

    def _is_our_work(self, track: TrackRow) -> bool:
        """Whether the file is as this system left it: then it passed before, and nobody changed it since."""
        last = self._session.index.changes.last_applied(track.track_id)
        if last is None or last.change.kind != "write" or last.status != "applied":
            return False
        return (last.facts.get("size_after"), last.facts.get("mtime_ns_after")) == (track.size, track.mtime_ns)

    def _refuse(self, track_id: int, item: PlanItem, text: str) -> None:
        self.refused[track_id] = replace(item, reason=f"left alone: saving would lose something: {text}")

    # --- memory

    def _still_known(self, track_ids: set[int]) -> dict[int, dict[str, Any]]:
        """Return the files of the plan that an earlier run left alone, are as they were, and would be still."""
        stored = self._session.index.meta.get(REMEMBERED, {})
        if stored.get("version") != __version__:
            return {}
        known = {int(key): facts for key, facts in stored["files"].items()}
        self._others = {key: facts for key, facts in known.items() if key not in track_ids}
        files = {key: facts for key, facts in known.items() if key in track_ids}
        tracks = self._session.index.select.by_ids(files)
        return {
            track_id: facts
            for track_id, facts in files.items()
            if track_id in tracks
            and facts["file"] == [tracks[track_id].size, tracks[track_id].mtime_ns]
            and not self._allowed.issuperset(facts["kinds"])
        }

    def remember(self) -> None:
        """Keep what was found, for later runs."""
        files = dict([*self._others.items(), *self._known.items()][-MOST_REMEMBERED:])
        stored = {"version": __version__, "files": {str(key): facts for key, facts in files.items()}}
        if stored != self._session.index.meta.get(REMEMBERED, {"version": __version__, "files": {}}):
            self._session.index.meta.set(REMEMBERED, stored)


def note_for(session: Session, item: PlanItem, name: str, model: str) -> Provenance | None:
    """Return the note that a planned write leaves in the file; none where a person decided."""
    if item.decision == Decision.PERSON:
        return None
    return Provenance(name, model, item.confidence or 0.0, session.run_id or "")


def change_lines(plan: CheckedPlan) -> list[str]:
    """Return what the writes of a plan change beside the genre, for those who want to know all."""
    rows = [(item, plan.changes(item)) for item in plan.items]
    return [f"  {printable(path_text(item.path))}: {'; '.join(changes)}" for item, changes in rows if changes]
