"""Learning from the labels: clips, training, promotion. Used by `train`, `compare` and `nightly`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tagger.base.errors import NoModel, UsageError
from tagger.base.records import NONE, ClipSource, Split, TrackState
from tagger.commands.clips import Material, material_of, prepare, relabelled
from tagger.commands.conclusions import Conclusion
from tagger.commands.sources import Sources, clip_sources, labelled_tracks
from tagger.commands.transfer import all_genres, cold_start, family_wanted, taught_material, trunk_access

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.model.recipe import Recipe
    from tagger.model.train import Epoch, TrainResult, Watch

LAST_TRAINING = "last_training"  # key in the index's meta table: when, on how many labels, of which genres, what kind
POSTPONED = "training_postponed"
TRUNK_TOLD = "trunk_told"
NO_TRUNK = (
    "It started from nothing; with `tagger trunk install musicnn` (30 MB, once) it would know music before it hears "
    "the first label."
)
# What the same labels and seed give again; the sums of several threads differ in their last bits.
FIXED = ("split", "clips", "first weights", "order of clips", "changes of clips")


@dataclass
class Learned:
    """What came of an attempt to learn; `text` is one line for people."""

    text: str
    counts: dict[str, int] = field(default_factory=dict)
    model_id: str | None = None
    promoted: bool = False
    card: dict[str, Any] = field(default_factory=dict)


# --- training -------------------------------------------------------------------------------------------------------


def train_on(
    session: Session,
    material: Material,
    family: str,
    deterministic: bool = False,
    recipe: Recipe | None = None,
    facts: dict[str, Any] | None = None,
) -> Learned:
    """Train on clips, and promote the model if it is not worse than the current one."""
    from tagger.model.clips import TooFewLabels
    from tagger.model.families import needs_trunk
    from tagger.model.train import train

    settings = session.settings
    try:
        with session.console.bar("training", settings.epochs, "epochs") as bar:
            result = train(
                material.clips,
                material.genres,
                family,
                session.home.models,
                session.home.cache / f"training-{family}",
                recipe=recipe,
                seed=settings.seed,
                deterministic=deterministic,
                max_epochs=settings.epochs,
                promise=settings.promise,
                promise_confidence=settings.promise_confidence,
                form=material.form,
                facts={
                    "map_hash": session.genre_map.hash,
                    "split_seed": settings.seed,
                    "clips": settings.clips,
                    "leaks": material.leaks,
                    "fixed": FIXED + (("order of sums (one thread)",) if deterministic else ()),
                    **(facts or {}),
                },
                watch=watch_of(session, bar),
                trunk=trunk_access(session) if needs_trunk(family) else None,
            )
    except TooFewLabels as error:
        return Learned(f"Not trained: {error}")
    if result.postponed:
        session.index.meta.set(POSTPONED, True)
        return Learned(f"Training is not finished after {result.epochs} epochs; it goes on in the next run.")
    return _take_in(session, result, material)


def watch_of(session: Session, bar: Any) -> Watch:
    """Return who tells a training of the time and of signals, and shows its epochs."""
    from tagger.model.train import Watch

    def show(epoch: Epoch) -> None:
        bar.step()
        bar.note("" if epoch.val_accuracy is None else f"{epoch.val_accuracy:.0%} of val clips right")

    return Watch(session.time_left, session.stopping, show)


def _take_in(session: Session, result: TrainResult, material: Material) -> Learned:
    """Register a finished model, and let it take the current one's place if it is not worse."""
    from tagger.commands.model import current_classifier, model_in_use
    from tagger.model.promote import judge

    index, card = session.index, result.card
    model_id = result.model_id or ""
    index.models.add(model_id, card["family"], result.folder or "", card)
    index.meta.set(POSTPONED, False)
    known = {genre.id for genre in session.genre_map.genres}
    metrics = card["metrics"]
    text = (
        f"Trained {model_id}: {metrics['track_accuracy']:.0%} of {card['measured_tracks']} held-out tracks right "
        f"(always the most frequent genre: {metrics['majority_baseline']:.0%})"
    )
    if not material.form or not set(material.genres) <= known | {NONE}:
        why = "its pictures have no card" if not material.form else "its classes are not the genre map's"
        return Learned(f"{text}; not used for tagging, since {why}.", _counts(card), model_id, False, card)
    old, lost = None, ""
    if model_in_use(session):
        try:
            old = current_classifier(session)
        except NoModel as problem:
            lost = f": the one before is of no use ({problem})"
    # Hearing every held-out track again through a trunk would take hours: what the old model said of them will do.
    heard = {} if "musicnn" in (material.form.get("name"), old and old.form_card.get("name")) else material.clips
    verdict = judge(result.heldout, old, heard, material.genres) if result.heldout is not None else None
    promoted = verdict is None or verdict.promote
    if promoted:
        index.models.promote(model_id)
    retire(session)
    words = "is used from now on" if promoted else "the old one stays"
    why = lost or (f": {verdict.reason}" if verdict else "")
    return Learned(f"{text}; {words}{why}.", _counts(card), model_id, promoted, card)


def _counts(card: dict[str, Any]) -> dict[str, int]:
    parts = [card["counts"][split.value] for split in Split]
    return {"tracks": sum(part["tracks"] for part in parts), "clips": sum(part["clips"] for part in parts)}


def retire(session: Session) -> None:
    """Let the oldest models go, but never the current one."""
    from tagger.model.folder import remove_models

    models, kept = session.index.models.all(), session.settings.keep_models
    session.index.predictions.keep_only([model.model_id for model in models if model.current])
    old = [model.model_id for model in models if not model.current][kept - 1 :]
    for model_id in old:
        session.index.models.forget(model_id)
    remove_models(session.home.models, old, [model.model_id for model in models], kept)


# --- nightly --------------------------------------------------------------------------------------------------------


def why_due(session: Session) -> str | None:
    """Return why it is time to train, in words; None if it is not."""
    from tagger.commands.model import model_in_use

    index, settings = session.index, session.settings
    if index.meta.get(POSTPONED):
        return "the last training is not finished"
    model = model_in_use(session)
    if model is None:
        return "there is no model that this version can use yet"
    if model.card.get("cold_start"):
        if model.card.get("map_hash") != session.genre_map.hash:
            return "the genre map is another"
        return "there are labels to learn from now" if len({t.label for t in labelled_tracks(session)}) > 1 else None
    last = index.meta.get(LAST_TRAINING)
    if last is None:
        return "nobody knows when it was trained last"
    if set(last["genres"]) != {genre.id for genre in session.genre_map.genres}:
        return "the genres of the map are others"
    if last.get("family", wanted := family_wanted(session)) != wanted:
        return f"another kind of model is wanted ({wanted})"
    age = datetime.now(UTC) - datetime.fromisoformat(last["at"])
    if age.total_seconds() > settings.retrain_days * 86_400:
        return f"the last training was {age.days} days ago"
    enough = last["labels"] * (1 + settings.retrain_growth)
    # Labelled files are at least as many as tracks to learn from, and quickly counted.
    if index.select.counts().states[TrackState.LABELLED] > enough and (labels := _labels(session)) > enough:
        return f"the labels grew from {last['labels']:,} to {labels:,}"
    return None


def _labels(session: Session) -> int:
    """Return how many tracks there are to learn from."""
    known = Conclusion(session, "labels", [session.settings.min_seconds, session.settings.max_seconds])
    labels = known.recall()
    if labels is None:
        labels = len(labelled_tracks(session))
        known.remember(labels)
    return int(labels)


def learn(
    session: Session,
    due: str,
    train_with: Callable[[Material], Learned] | None = None,
    family: str | None = None,
) -> Learned:
    """Bring the clips up to date and train on them, with the settings unless `train_with` knows better.

    Without a `family`, the one is trained that the settings and the installed trunk call for.
    """
    session.console.say(f"training, since {due}")
    family = family or family_wanted(session)
    sources = clip_sources(session)
    reason = too_few(sources.labelled)
    if reason:
        learned = _without_labels(session, reason)
    else:
        material = material_for(session, family, sources)
        if material is None:
            session.index.meta.set(POSTPONED, True)
            return Learned("The data set is not finished; it goes on in the next run.")
        learned = train_with(material) if train_with else train_on(session, material, family)
    if learned.model_id:
        genres = [genre.id for genre in session.genre_map.genres]
        # The kind that was wanted, not the one that was trained: who trains another one once does not want it undone.
        wanted = family_wanted(session)
        now = {"at": datetime.now(UTC).isoformat(), "labels": sources.labels, "genres": genres, "family": wanted}
        session.index.meta.set(LAST_TRAINING, now)
        if family == "cnn2d" and trunk_access(session) is None and not session.index.meta.get(TRUNK_TOLD):
            session.index.meta.set(TRUNK_TOLD, True)
            learned.text += f" {NO_TRUNK}"
    return learned


def material_for(session: Session, family: str, sources: Sources, every_genre: bool = True) -> Material | None:
    """Bring what a family learns from up to date, and read it; None when the time was out.

    Families that stand on the trunk know something of `every_genre`, also of those without a label.
    """
    from tagger.model.families import Network, Transfer, family_named, needs_trunk
    from tagger.model.train import Watch
    from tagger.model.transfer import MISSING

    kind = family_named(family)
    if needs_trunk(family) and trunk_access(session) is None:
        raise UsageError(f"{family}: {MISSING}")
    if isinstance(kind, Network) and kind.taught:
        watch = Watch(session.time_left, session.stopping)
        material = taught_material(session, sources, watch, every_genre)
    elif not prepare(session, family, sources):
        material = None
    else:
        material = material_of(session, family)
        if isinstance(kind, Transfer) and every_genre:
            material = relabelled(material, all_genres(session, material))
    return None if material is None else replace(material, leaks=sources.leaks)


def _without_labels(session: Session, reason: str) -> Learned:
    """Say why nothing was trained; where nothing was ever learned and a trunk is installed, let its tags speak."""
    from tagger.commands.model import model_in_use

    old = model_in_use(session)
    outdated = old is None or (old.card.get("cold_start") and old.card.get("map_hash") != session.genre_map.hash)
    model = cold_start(session) if outdated else None
    if model is None:
        return Learned(reason)
    told = f"Until then the pretrained trunk's tags speak (model {model.model_id}), for review only."
    return Learned(f"{reason} {told}", model_id=model.model_id, promoted=True)


def too_few(sources: Sequence[ClipSource]) -> str | None:
    """Say why there is too little to learn from, before any clip is cut."""
    genres = {source.label for source in sources if source.split == Split.TRAIN}
    if len(genres) >= 2:
        return None
    have = f"only {next(iter(genres))}" if genres else "none"
    return (
        f"Not trained: at least two genres need labelled tracks by several artists, there are {have}. Tracks outside "
        "min_seconds and max_seconds do not count; `tagger genres` shows what the genre tags map to."
    )
