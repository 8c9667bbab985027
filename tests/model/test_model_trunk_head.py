"""What labels teach the head: as much as artists that were not learned from bear out, and the map where they cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import check_grad

from tagger.model import trunk_head
from tagger.model.trunk_head import HOLDS, TrackFeatures, known_groups, teach
from tagger.model.trunk_model import Head

GENRES, SIZE = 4, 12
USUAL, SPREAD = np.linspace(-1, 1, SIZE), np.linspace(0.5, 2, SIZE)


def world(seed: int = 0) -> np.ndarray:
    """Return where the embeddings of each genre lie."""
    return np.random.default_rng(1000 + seed).standard_normal((GENRES, SIZE))


def music(
    artists: int, tracks: int = 3, informative: float = 1.0, mapped: float = 1.5, seed: int = 0, first: int = 0
) -> TrackFeatures:
    """Return tracks of so many artists of each genre: what is heard is the genre's, the artist's and the track's.

    `informative` is how much of the genre is in the embeddings, `mapped` how much of it the map's scores tell.
    """
    where = world(seed)
    embeddings, scores, labels, groups = [], [], [], []
    for genre in range(GENRES):
        for artist in range(first, first + artists):
            own = np.random.default_rng((seed, genre, artist))
            sound, leaning = own.standard_normal(SIZE), own.standard_normal(GENRES)
            for _ in range(tracks):
                said = informative * where[genre] + sound + 0.5 * own.standard_normal(SIZE)
                embeddings.append(USUAL + SPREAD * said)
                scores.append(mapped * np.eye(GENRES)[genre] + leaning + 0.5 * own.standard_normal(GENRES))
                labels.append(genre)
                groups.append(f"artist {genre}-{artist}")
    return TrackFeatures(np.array(embeddings), np.array(scores), np.array(labels), np.array(groups))


def right(tracks: TrackFeatures, head: Head | None = None) -> np.ndarray:
    """Return which tracks a head gets right, or the map alone."""
    logits = tracks.scores
    if head is not None:
        logits = tracks.embeddings @ head.kernel + head.bias + head.scale * tracks.scores
    return logits.argmax(axis=1) == tracks.labels


# --- how strongly it is held ----------------------------------------------------------------------------------------


def lonely(tracks: TrackFeatures) -> TrackFeatures:
    """Return the same tracks, of whose artists nobody knows one."""
    nobody = [True] * len(tracks)
    return replace(tracks, groups=known_groups(tracks.groups.tolist(), tracks.labels.astype(str).tolist(), nobody))


@pytest.mark.parametrize(
    "tracks",
    [
        pytest.param(music(1, tracks=8), id="one artist a genre"),
        pytest.param(lonely(music(8)), id="nobody knows the artists"),
        pytest.param(music(2, tracks=8).only(np.arange(64) < 8), id="one artist in all"),
    ],
)
def test_where_no_other_artist_can_judge_the_map_is_hardly_left(tracks: TrackFeatures) -> None:
    head, chosen = teach(tracks, USUAL, SPREAD)
    assert chosen["hold"] == HOLDS[-1]
    moved = (tracks.embeddings - USUAL) @ head.kernel
    assert np.abs(moved).max() < 0.2, "less than the map tells genres apart by"
    others = music(10, first=100)
    assert abs(right(others, head).mean() - right(others).mean()) < 0.1


def test_many_artists_teach_what_the_map_does_not_know() -> None:
    others = music(20, first=100)
    head, chosen = teach(music(16), USUAL, SPREAD)
    assert chosen["hold"] < HOLDS[-1]
    assert right(others).mean() < 0.75
    assert right(others, head).mean() > right(others).mean() + 0.1


def test_embeddings_that_tell_nothing_teach_nothing() -> None:
    head, chosen = teach(music(12, informative=0.0), USUAL, SPREAD)
    others = music(20, informative=0.0, first=100)
    assert chosen["hold"] >= 10
    assert right(others, head).mean() > right(others).mean() - 0.05


@pytest.mark.parametrize("informative", [0.0, 0.6])
@pytest.mark.parametrize("artists", [1, 3, 10])
def test_labels_never_make_it_worse_than_the_map_beyond_chance(artists: int, informative: float) -> None:
    gained = []
    for seed in range(4):
        others = music(25, tracks=1, informative=informative, seed=seed, first=100)
        head, _ = teach(music(artists, tracks=2, informative=informative, seed=seed), USUAL, SPREAD)
        gained.append(right(others, head).astype(float) - right(others))
    every = np.concatenate(gained)
    assert every.mean() > -2 * every.std() / np.sqrt(every.size) - 0.01


def test_a_genre_without_labels_keeps_what_the_map_says_of_it() -> None:
    tracks = music(10)
    head, _ = teach(tracks.only(tracks.labels != 2), USUAL, SPREAD)
    unheard = music(20, first=100)
    unheard = unheard.only(unheard.labels == 2)
    assert right(unheard, head).mean() > 0.3, "a quarter would be chance, none at all a head that forgot it"


# --- how it is learned ----------------------------------------------------------------------------------------------


def test_nothing_teaches_nothing() -> None:
    head, chosen = teach(music(1).only(np.zeros(12, np.bool_)), USUAL, SPREAD)
    assert not head.kernel.any() and not head.bias.any()
    assert (head.scale, chosen["hold"]) == (1.0, HOLDS[-1])


@pytest.mark.parametrize("hold", [HOLDS[0], 3.0, HOLDS[-1]], ids=str)
def test_the_slope_of_the_cost_is_its_slope(hold: float, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = []

    def noted(cost: object, start: np.ndarray, **_: object) -> object:
        costs.append((cost, start))
        raise StopIteration

    monkeypatch.setattr(trunk_head, "minimize", noted)
    tracks = music(3)
    with pytest.raises(StopIteration):
        trunk_head._fit(replace(tracks, embeddings=(tracks.embeddings - USUAL) / SPREAD), hold)
    ((cost, start),) = costs
    for seed in range(3):
        point = 0.3 * np.random.default_rng(seed).standard_normal(start.size)
        slope = cost(point)[1]
        wrong = check_grad(lambda at: cost(at)[0], lambda at: cost(at)[1], point)
        assert wrong < 1e-4 * max(1, np.linalg.norm(slope))


def test_folds_are_of_whole_artists() -> None:
    tracks = music(7)
    folds = trunk_head._folds(tracks.groups, seed=1)
    assert set(folds) == set(range(trunk_head.FOLDS))
    for artist in np.unique(tracks.groups):
        assert np.unique(folds[tracks.groups == artist]).size == 1
    artists = [np.unique(tracks.groups[folds == fold]).size for fold in range(trunk_head.FOLDS)]
    assert max(artists) - min(artists) <= 1
    assert not np.array_equal(folds, trunk_head._folds(tracks.groups, seed=2))


def test_no_track_is_judged_by_what_learned_from_its_artist(monkeypatch: pytest.MonkeyPatch) -> None:
    tracks = music(6)
    fit, learned = trunk_head._fit, []

    def noted(some: TrackFeatures, hold: float) -> object:
        learned.append(set(some.groups.tolist()))
        return fit(some, hold)

    monkeypatch.setattr(trunk_head, "_fit", noted)
    teach(tracks, USUAL, SPREAD)
    *judged, last = learned
    assert last == set(tracks.groups.tolist())
    assert all(len(groups) < len(last) for groups in judged)
    assert len(judged) == len(HOLDS) * trunk_head.FOLDS


def test_the_same_tracks_teach_the_same() -> None:
    tracks = music(8)
    one, other = teach(tracks, USUAL, SPREAD, seed=3), teach(tracks, USUAL, SPREAD, seed=3)
    assert np.array_equal(one[0].kernel, other[0].kernel) and np.array_equal(one[0].bias, other[0].bias)
    assert (one[0].scale, one[1]) == (other[0].scale, other[1])


def test_the_head_takes_embeddings_as_the_trunk_gives_them() -> None:
    """What was learned on scaled embeddings is put back into the trunk's own units."""
    tracks = music(10)
    shift, stretch = 5.0, 3.0
    head, _ = teach(tracks, USUAL, SPREAD)
    moved = replace(tracks, embeddings=shift + stretch * tracks.embeddings)
    same, _ = teach(moved, shift + stretch * USUAL, stretch * (SPREAD + trunk_head.UNSTEADY) - trunk_head.UNSTEADY)
    logits = tracks.embeddings @ head.kernel + head.bias
    assert moved.embeddings @ same.kernel + same.bias == pytest.approx(logits, abs=0.02)


def test_tracks_of_unknown_artists_count_as_one_for_each_genre() -> None:
    found = known_groups(["a", "track 1", "track 2", "track 3"], ["0", "0", "0", "1"], [False, True, True, True])
    assert found.tolist() == ["a", "?/0", "?/0", "?/1"]
