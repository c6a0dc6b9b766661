"""The largest eigenvalues of matrices whose eigenvalues are known: by construction, or from LAPACK and ARPACK."""

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from lth_engine.analysis.curvature import lanczos
from lth_engine.analysis.curvature.eigen_search import EigenSearch
from lth_engine.analysis.curvature.lanczos import Lanczos, gaussian
from lth_engine.core.errors import Cancelled, NonFinite


def matrix(values, seed=0):
    """A dense symmetric matrix with these eigenvalues."""
    n = len(values)
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))
    return torch.from_numpy((q * np.asarray(values)) @ q.T)


@pytest.fixture(autouse=True)
def one_thread():
    """Small matrices only lose by a second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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


BULK = np.linspace(-1, 1, 116)
SPECTRA = {
    "outliers": np.r_[237.7, 201.0, 30, 10, BULK],
    "indefinite": np.r_[-500.0, -40, 60, 59, BULK],
    "repeated": np.r_[5.0, 5, 5, 4.9, BULK],
    "repeated below the top": np.r_[9.0, 5, 5, 4.9, BULK],
    "negative": -np.arange(1.0, 121),
    "low rank": np.r_[3.0, 2, 2, 1, np.zeros(116)],
    "one value": np.full(120, 2.0),
    "no curvature": np.zeros(120),
}


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", SPECTRA)
def test_the_largest_eigenvalues_are_those_of_the_matrix(name, count):
    a = matrix(SPECTRA[name])
    found = search(a, count, seed=count)
    largest = np.abs(SPECTRA[name]).max()
    assert found.reached
    assert found.values == pytest.approx(np.sort(SPECTRA[name])[::-1][:count], abs=2e-8 * largest)
    assert (found.residuals <= 1e-8 * largest).all()
    v = found.vectors
    true = torch.linalg.vector_norm(a @ v.T - v.T * torch.from_numpy(found.values), dim=0)
    assert true.numpy() == pytest.approx(found.residuals, abs=1e-12 * max(1, largest))
    assert (v @ v.T).numpy() == pytest.approx(np.eye(count), abs=1e-10)


@pytest.mark.parametrize("seed", range(20))
def test_a_loose_tolerance_overlooks_no_repeated_eigenvalue(seed):
    values = np.r_[5.0, 5, 4.5, np.linspace(-1, 1, 57)]
    found = search(matrix(values, seed), 2, tolerance=1e-3, seed=seed)
    assert found.reached
    assert found.values == pytest.approx([5, 5], abs=5e-3)


def test_values_agree_with_arpack_where_the_matrix_is_only_a_product():
    n = 400
    diagonal = torch.linspace(-3, 3, n, dtype=torch.float64) ** 3
    u = torch.randn(n, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def product(v):
        return diagonal * v + u @ (u.T @ v) / 10

    found = EigenSearch(product, torch.zeros(n, dtype=torch.float64), 5, 1e-6, 1000, seed=0).run()
    operator = LinearOperator((n, n), lambda v: product(torch.from_numpy(v.ravel())).numpy(), dtype=np.float64)
    assert found.reached
    assert found.values == pytest.approx(eigsh(operator, 5, which="LA", tol=1e-10)[0][::-1], rel=1e-8)
    assert found.lowest[0] == pytest.approx(eigsh(operator, 1, which="SA", tol=1e-6)[0][0], rel=1e-2)


def test_a_small_basis_is_restarted_and_finds_the_same():
    a = matrix(np.r_[9.0, 8.8, 8.6, -12, np.linspace(-8, 8, 196)])
    whole, short = (search(a, 2, 1e-7, basis_bytes=b) for b in (2**30, 20 * 8 * 200))
    assert short.reached
    assert short.products > whole.products > 20
    assert short.values == pytest.approx(whole.values, abs=1e-6)
    assert short.values == pytest.approx([9, 8.8], abs=1e-6)
    assert short.lowest[0] == pytest.approx(-12, abs=1e-3)


def test_single_precision_reaches_what_it_can_and_says_so():
    values = np.r_[237.7, 201, np.linspace(-1, 30, 298)]
    found = search(matrix(values).float(), 2, tolerance=1e-4)
    assert found.reached
    assert found.values == pytest.approx([237.7, 201], rel=1e-5)
    assert found.vectors.dtype == torch.float32
    beyond = search(matrix(values).float(), 2, tolerance=1e-12, most=60)
    assert not beyond.reached
    assert 1e-12 * 237.7 < beyond.residuals.max() < 1e-3


@pytest.mark.parametrize(("most", "count", "found_count"), [(2, 1, 1), (2, 5, 1), (9, 5, 4), (12, 3, 3)])
def test_products_that_do_not_suffice_still_give_an_answer_with_its_residual(most, count, found_count):
    a = matrix(np.linspace(-1, 1, 300))
    found = search(a, count, tolerance=1e-3, most=most)
    assert not found.reached
    assert len(found.values) == len(found.residuals) == len(found.vectors) == found_count
    exact = np.linspace(-1, 1, 300)
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert np.abs(exact - value).min() <= residual, "an eigenvalue is within the residual"
    assert found.residuals.max() > 1e-3


@pytest.mark.parametrize("values", [[2.0], [2.0, -1], [0.0, 0, 0], [3.0, 3, 3, 3], [1.0, 2, 3, 4, 5]])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_tiny_matrices_give_what_there_is(values, count):
    found = search(matrix(values), count)
    assert found.reached
    assert found.values == pytest.approx(np.sort(values)[::-1][:count], abs=1e-12)
    if count == 7:  # everything was looked at
        assert found.lowest == pytest.approx(np.sort(values)[:3], abs=1e-12)


def test_a_product_that_is_not_finite_is_a_sentence():
    with pytest.raises(NonFinite, match="Products with the Hessian must be finite"):
        search(matrix([1.0, 2, 3]) * float("nan"), 1)


@pytest.mark.parametrize("stop", [1, 3, 9, 14, 20, 26, 29])
def test_a_stopped_search_goes_on_to_the_same_numbers(stop):
    a = matrix(np.r_[5.0, 5, 4, np.linspace(-1, 1, 97)])

    def fresh():
        return EigenSearch(Counted(a), torch.zeros(100, dtype=torch.float64), 2, 1e-6, 200, seed=0,
                           basis_bytes=8 * 100 * 15)

    calls = []

    def until():
        calls.append(1)
        if len(calls) == stop:
            raise Cancelled("Stopped.")

    whole, stopped, resumed = fresh(), fresh(), fresh()
    expected = whole.run()
    assert expected.products > 29
    with pytest.raises(Cancelled):
        stopped.run(until)
    resumed.resume(*stopped.state())
    found = resumed.run()
    assert found.values.tolist() == expected.values.tolist()
    assert found.residuals.tolist() == expected.residuals.tolist()
    assert torch.equal(found.vectors, expected.vectors)
    assert resumed.running == whole.running
    assert found.products == expected.products


def test_a_basis_stays_orthonormal_and_orthogonal_to_locked_vectors():
    a = matrix(np.r_[1e4, 1e3, np.linspace(-1, 1, 198)])
    locked = torch.linalg.qr(torch.randn(200, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))[0].T
    lanczos = Lanczos(lambda v: a @ v, gaussian(a[0], 0), 150, locked=locked)
    for _ in range(150):
        lanczos.step()
    q = torch.cat([locked, lanczos.basis[:151]])
    assert (q @ q.T).numpy() == pytest.approx(np.eye(154), abs=1e-12)
    inner = lanczos.basis[:150]
    assert lanczos.projected == pytest.approx((inner @ a @ inner.T).numpy(), abs=1e-9)


class Diagonal:
    """A diagonal matrix in single precision: a few large eigenvalues over a bulk near 0."""

    def __init__(self, top, n=300_000, bulk=1e-5):
        self.values = bulk * torch.randn(n, generator=torch.Generator().manual_seed(1))
        self.values[:len(top)] = torch.tensor(top)

    def __call__(self, v):
        return self.values * v


def test_in_many_dimensions_a_small_residual_is_not_taken_for_the_end():
    """A random vector is nearly mapped to 0 there, so that the check for overlooked ones seems to have converged."""
    top = [1.0, 0.4, 0.4]
    a = Diagonal(top)
    found = EigenSearch(a, a.values, len(top), 1e-3, 200, seed=0).run()
    assert found.values == pytest.approx(top, abs=2e-3)
    assert found.reached
    assert found.products < 120


def test_a_lone_eigenvalue_above_a_narrow_bulk_is_found():
    """After one product a random vector looks like an eigenvector of the bulk."""
    a = Diagonal([3.0])
    a.values[1:] = 1
    found = EigenSearch(a, a.values, 1, 1e-2, 100, seed=0).run()
    assert found.values == pytest.approx([3], abs=1e-2)
    assert found.reached


@pytest.mark.parametrize(("device", "most"), [("cpu", 2**19), ("meta", 2**26)])
def test_float64_copies_of_a_basis_are_small_on_a_processor_and_few_elsewhere(device, most):
    rows, size = 40, 11_000_000
    parts = lanczos._slices(torch.empty(1, device=device).expand(rows, size))
    assert [part.start for part in parts] == [0, *(part.stop for part in parts[:-1])]
    assert parts[-1].stop >= size
    assert rows * (parts[0].stop - parts[0].start) <= most
    assert len(parts) <= 1.1 * rows * size / most + 1
