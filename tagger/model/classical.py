"""Classical models of scikit-learn: how they are built, what they say as logits, how they are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import NoModel

MOST_CLIPS = 60_000  # learned from: 12,000 tracks of five clips; with more, trees and neighbours outgrow the memory
MOST_SVM_CLIPS = 8_000  # a kernel's time grows with the square of the clips: a minute or two
AT_ONCE = 4096  # clips asked about in one call
# Nobody of five neighbours says jazz: that is no proof. Without a floor one such clip would outvote all others, since
# a track's answer is the mean of logarithms. Chosen on GTZAN-like clips: 1/100 to 1/500 do alike.
LEAST = 1 / 200

# Types outside scikit-learn's plain objects that a kept model may consist of; skops refuses all others.
TRUSTED = ["sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]


def knn(seed: int, neighbours: int) -> Any:
    """Return k nearest neighbours, the nearer the weightier, on standardised numbers."""
    from sklearn.neighbors import KNeighborsClassifier

    # By brute force, as scikit-learn does by itself for as many numbers: a search tree is not among what `load` trusts.
    return _standardised(KNeighborsClassifier(neighbours, weights="distance", algorithm="brute"))


def logreg(seed: int, strength: float) -> Any:
    """Return logistic regression; `strength` is scikit-learn's C."""
    from sklearn.linear_model import LogisticRegression

    return _standardised(LogisticRegression(C=strength, max_iter=500))


def svm(seed: int, penalty: float) -> Any:
    """Return a support vector machine with a Gaussian kernel; `penalty` is scikit-learn's C."""
    from sklearn.svm import SVC

    return _standardised(SVC(C=penalty, random_state=seed))


def forest(seed: int, least_leaf: int) -> Any:
    """Return a random forest of 200 trees."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(200, min_samples_leaf=least_leaf, n_jobs=-1, random_state=seed)


def boosting(seed: int, learning_rate: float) -> Any:
    """Return gradient-boosted trees, one for each genre and round."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=learning_rate, max_iter=120, max_leaf_nodes=15, l2_regularization=1.0, random_state=seed
    )


def _standardised(model: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), model)


def grid(options: Any) -> Iterator[dict[str, Any]]:
    """Yield every row of a grid."""
    from sklearn.model_selection import ParameterGrid

    yield from ParameterGrid({key: list(values) for key, values in options.items()})


def table(inputs: NDArray[Any]) -> NDArray[np.float32]:
    """Return inputs, (n, ...), as rows of numbers; 16-bit samples as shares of full scale."""
    scale = 1 / 32768 if inputs.dtype == np.int16 else 1.0
    return inputs.reshape(len(inputs), -1).astype(np.float32) * np.float32(scale)


def logits_of(model: Any, genres: int) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Return a function from inputs, (n, ...), to logits, float32 (n, genres).

    Logarithms of probabilities, or what the machine's decision function says. A genre that was not learned gets the
    logarithm of nearly nothing.
    """

    def logits(inputs: NDArray[Any]) -> NDArray[np.float32]:
        found = np.full((len(inputs), genres), np.log(LEAST**2), np.float32)
        for start in range(0, len(inputs), AT_ONCE):
            rows = table(inputs[start : start + AT_ONCE])
            found[start : start + len(rows), model.classes_] = _said(model, rows)
        return found

    return logits


def _said(model: Any, rows: NDArray[np.float32]) -> NDArray[Any]:
    if hasattr(model, "predict_proba"):
        return np.log(np.maximum(model.predict_proba(rows), LEAST))
    scores = model.decision_function(rows)
    return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores


def fit(model: Any, rows: NDArray[np.float32], labels: NDArray[np.int64]) -> Any:
    """Fit a model to rows of numbers, with no more neighbours than there are rows, and return it.

    One thread: those of OpenMP spin while they wait for each other, and on a machine with other work a fit of boosted
    trees took seventeen times as long with two.
    """
    from threadpoolctl import threadpool_limits

    wanted = {name: value for name, value in model.get_params().items() if name.endswith("__n_neighbors")}
    model.set_params(**{name: min(value, len(rows)) for name, value in wanted.items()})
    with threadpool_limits(1, user_api="openmp"):
        return model.fit(rows, labels)


def parameters(model: Any) -> int:
    """Return how many numbers a model has learned or, as neighbours do, kept."""
    last = model[-1] if hasattr(model, "steps") else model
    if hasattr(last, "estimators_"):
        return int(sum(5 * tree.tree_.node_count for tree in last.estimators_))  # split, threshold, children, value
    if hasattr(last, "_predictors"):
        return int(sum(5 * len(tree.nodes) for stage in last._predictors for tree in stage))
    names = ("coef_", "intercept_", "support_vectors_", "dual_coef_", "_fit_X")
    return int(sum(np.size(getattr(last, name)) for name in names if _there(last, name)))


def _there(model: Any, name: str) -> bool:
    """Say whether a model has an attribute; a machine with a kernel has no coefficients, and says so by an error."""
    try:
        return getattr(model, name, None) is not None
    except AttributeError:
        return False


def dump(model: Any, path: Path) -> None:
    """Write a model in a form that cannot hold code."""
    import skops.io

    skops.io.dump(model, path)


def load(path: Path) -> Any:
    """Read a model; nothing in the file is run.

    Raises
    ------
    NoModel
        If it is damaged, or holds anything but the models of this module.
    """
    import zipfile

    import skops.io
    from sklearn.base import ClassifierMixin
    from sklearn.pipeline import Pipeline
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        model = skops.io.load(path, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise NoModel(f"{path} holds something else than a model: {error}; train a new one") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, zipfile.BadZipFile) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise NoModel(f"{path} cannot be loaded: {first}; train a new model") from error
    if not (isinstance(model, ClassifierMixin | Pipeline) and hasattr(model, "classes_")):
        raise NoModel(f"{path} holds something else than a model that has learned; train a new one")
    return model


def some(positions: Sequence[int] | NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """Return at most `most` of these positions, drawn without regard to anything, in order."""
    chosen = np.asarray(positions, np.int64)
    if chosen.size <= most:
        return chosen
    return np.sort(np.random.default_rng(seed).choice(chosen, most, replace=False))
