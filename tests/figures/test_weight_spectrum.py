"""The law of noise against eigenvalues of noise, and the ranks of thinned spectra."""

import numpy as np
import pytest

from lth_engine.figures.weight_spectrum import PowerLaw, at_least, ranks, weight_spectrum


def noise(rows, columns):
    w = np.random.default_rng(0).normal(size=(rows, columns)) * 0.3
    return np.linalg.eigvalsh(w @ w.T / columns)


@pytest.mark.parametrize(("rows", "columns"), [(300, 300), (200, 900), (50, 2000)])
def test_noise_lies_on_the_law(rows, columns):
    values = noise(rows, columns)
    x, share = at_least(rows, columns, 0.09)
    drawn = (values[None, :] >= x[:, None]).mean(axis=1)
    assert np.abs(drawn - share).max() < 3 / rows**0.5 * 0.5


def test_thinned_eigenvalues_keep_their_ranks():
    rest = np.unique(np.linspace(0, 899, 300).astype(int))
    assert ranks(400, 1000).tolist() == [*rest, *range(900, 1000)]
    assert ranks(7, 7).tolist() == list(range(7))


def test_a_fit_passes_through_the_share_of_its_tail():
    values = noise(100, 400)
    figure = weight_spectrum(values.tolist(), 100, 400, 0.09, 0.2, PowerLaw(3.0, float(values[60]), 40))
    names = [trace.name for trace in figure.data]
    assert names == ["noise of this variance", "eigenvalues of this layer", "power law, exponent 3.00"]
    assert figure.data[2].y[0] == pytest.approx(0.4)
    assert figure.data[2].y[1] == pytest.approx(0.4 * (values[-1] / values[60])**-2)
    assert figure.data[1].y[0] == 1


def test_zero_eigenvalues_are_not_on_a_log_axis():
    figure = weight_spectrum([0.0, 0.0, 1.0, 2.0], 4, 8, 0.5, 1.5)
    assert list(figure.data[1].x) == [1.0, 2.0]
    assert list(figure.data[1].y) == [0.5, 0.25]
