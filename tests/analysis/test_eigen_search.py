"""The largest eigenvalues of matrices whose eigenvalues are known: by construction, or from LAPACK and ARPACK."""

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from lth_engine.analysis.eigen_search import EigenSearch
from lth_engine.analysis.lanczos import Lanczos, gaussian
from lth_engine.core.errors import Cancelled, NonFinite


def matrix(values, seed=0):
    """A dense symmetric matrix with these eigenvalues."""
    n = len(values)
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))
    return torch.from_numpy((q * np.asarray(values)) @ q.T)


class Counted:
    """Products with a matrix, counted."""

    def __init__(self, a):
        self.a, self.calls = a, 0

    def __call__(self, v):
        self.calls += 1
        return self.a @ v


def search(a, count, tolerance=1e-8, most=2000, **more):
    product = Counted(a)
    found = EigenSearch(product, torch.zeros(len(a), dtype=a.dtype), count, tolerance, most, seed=more.pop("seed", 0),
                        **more).run()
    assert product.calls == found.products <= most
    return found


BULK = np.linspace(-1, 1, 296)
SPECTRA = {
    "outliers": np.r_[237.7, 201.0, 30, 10, BULK],
    "indefinite": np.r_[-500.0, -40, 60, 59, BULK],
    "repeated": np.r_[5.0, 5, 5, 4.9, BULK],
    "repeated below the top": np.r_[9.0, 5, 5, 4.9, BULK],
    "negative": -np.arange(1.0, 301),
    "low rank": np.r_[3.0, 2, 2, 1, np.zeros(296)],
    "one value": np.full(300, 2.0),
    "no curvature": np.zeros(300),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("name", SPECTRA)
def test_the_largest_eigenvalues_are_those_of_the_matrix(name, count, seed):
    a = matrix(SPECTRA[name])
    found = search(a, count, seed=seed)
    largest = np.abs(SPECTRA[name]).max()
    assert found.reached
    assert found.values == pytest.approx(np.sort(SPECTRA[name])[::-1][:count], abs=2e-8 * largest)
    assert (found.residuals <= 1e-8 * largest).all()
    v = found.vectors
    assert torch.linalg.vector_norm(a @ v.T - v.T * torch.from_numpy(found.values), dim=0).numpy() == pytest.approx(
        found.residuals, abs=1e-12 * max(1, largest))
    assert (v @ v.T).numpy() == pytest.approx(np.eye(count), abs=1e-10)
