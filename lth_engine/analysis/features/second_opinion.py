"""Another view of the same features: logistic regression of scikit-learn, fitted to convergence."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from lth_engine.analysis.features.kept import Features
from lth_engine.core.artifact import Array
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.data.subset import balanced_subset

MOST = 10_000
"""Training images at most: the fit takes time in proportion, and its accuracy changes little."""

ITERATIONS, AT_ONCE = 300, 25
"""Iterations of L-BFGS at most, and between two looks at whether the user asked to stop."""


def second_opinion(train: Features, test: Features, bench: Workbench) -> tuple[float, str]:
    """Accuracy on the test images, and what must be said about it ("" if nothing).

    Multinomial, with an L2 penalty of C = 1 on standardised features, on at most :data:`MOST` training images: the
    same balanced draw each time.

    Raises:
        Cancelled: the user asked to stop.
    """
    labels = train.y.cpu().numpy()
    rows = _drawn(labels)
    notes = [f"fitted to {len(rows):,} of {len(labels):,} images"] if len(rows) < len(labels) else []
    x, y = train.of(torch.from_numpy(rows).to(train.y.device)).cpu().numpy(), labels[rows]
    if len(np.unique(y)) < 2:
        return float(np.mean(test.y.cpu().numpy() == y[0])), "all images have one label, which is the answer to all"
    scale = StandardScaler().fit(x)
    model, said = fitted(scale.transform(x), y, lambda done: bench.report(
        Progress(1.0, 1.0, f"logistic regression, {done} of at most {ITERATIONS} iterations")))
    right = sum(int((model.predict(scale.transform(part.cpu().numpy())) == wanted.cpu().numpy()).sum())
                for part, wanted in test.in_order())
    return right / len(test), "; ".join([*notes, *said])


def fitted(x: Array, y: Array, report: Callable[[int], None]) -> tuple[LogisticRegression, list[str]]:
    """The regression, and what it warned of.

    Args:
        x: N x F standardised features.
        y: N labels, two or more different ones.
        report: told the iterations done, now and then; may raise Cancelled.
    """
    model = LogisticRegression(max_iter=AT_ONCE, warm_start=True)
    for done in range(0, ITERATIONS, AT_ONCE):
        report(done)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(x, y)
        others = [str(w.message).partition("\n")[0] for w in caught if not issubclass(w.category, ConvergenceWarning)]
        if not any(issubclass(w.category, ConvergenceWarning) for w in caught):
            return model, others
    return model, [*others, f"not converged after {ITERATIONS} iterations"]


def _drawn(labels: Array) -> Array:
    """Rows of at most MOST images, the same fraction of every class."""
    fraction = min(1.0, MOST / max(1, len(labels)))
    return balanced_subset(labels, fraction, 0)[:MOST]
