"""Curvature at a network from a file against the exact Hessian of torch.func."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call, jacrev

from lth_engine.core.errors import BadInput
from lth_engine.diagnosis.batch_file import Batch
from lth_engine.diagnosis.brought import Brought
from lth_engine.diagnosis.curvature_at import curvature
from lth_engine.specs.curvature import HessianEigenpairs, HessianTrace
from lth_engine.specs.models import CifarResnet
from tests.diagnosis.brought import LENET, come, images, parameters


def exact(network: Brought, batch: Batch, kept: bool = False) -> np.ndarray:
    """The Hessian of the mean loss by all parameters, or by those that are kept, in float64."""
    model = network.model.double()
    known = {name: p.double() for name, p in parameters(model).items()}
    sizes = [p.numel() for p in known.values()]
    flat = torch.cat([p.reshape(-1) for p in known.values()])
    x, y = batch.x.double(), batch.y

    def loss(vector: torch.Tensor) -> torch.Tensor:
        parts = {name: part.view(p.shape) for (name, p), part in zip(known.items(), vector.split(sizes), strict=True)}
        return F.cross_entropy(functional_call(model, parts, (x,)), y)
    found = jacrev(jacrev(loss))(flat).detach().numpy()
    model.float()
    if not kept:
        return found
    free = np.concatenate([np.asarray(network.allowed.get(name, torch.ones_like(p, dtype=torch.bool))).reshape(-1)
                           for name, p in known.items()])
    return found[np.ix_(free, free)]


@pytest.mark.parametrize("weights", ["all", "kept"])
def test_trace_and_eigenvalues_are_those_of_the_exact_hessian(weights: str) -> None:
    network, batch = come(LENET, 1, density=0.5), images(60, 1)
    wanted = exact(network, batch, weights == "kept")
    found = curvature(network, batch, HessianTrace(weights=weights, error=0.01),
                      HessianEigenpairs(weights=weights, count=4))
    trace, top = found["trace"], np.linalg.eigvalsh(wanted)[::-1][:4]
    assert abs(trace["value"] - np.trace(wanted)) <= 4 * trace["stderr"]
    assert 0 < trace["stderr"] <= 0.011 * abs(trace["value"])
    assert trace["low"] < trace["value"] < trace["high"]
    assert trace["num_samples"] > 0
    np.testing.assert_allclose(found["eigenvalues"], top, rtol=1e-4)
    assert found["coordinates"] == len(wanted)
    assert max(found["residuals"]) <= 0.0011 * top[0]


def test_the_exact_estimator() -> None:
    network, batch = come(LENET, 1), images(60, 1)
    found = curvature(network, batch, HessianTrace(weights="all", estimator="gauss_newton"), HessianEigenpairs())
    assert found["trace"]["exact"]
    assert found["trace"]["value"] == pytest.approx(np.trace(exact(network, batch)), rel=1e-4)


def test_evaluation_mode_and_batch_statistics() -> None:
    spec = CifarResnet(depth=8, width=1)
    batch = images(24, 3)
    running = exact(come(spec, 3), batch)
    found = curvature(come(spec, 3), batch, HessianTrace(weights="all", error=0.02), HessianEigenpairs(weights="all"))
    assert abs(found["trace"]["value"] - np.trace(running)) <= 4 * found["trace"]["stderr"]
    assert found["eigenvalues"][0] == pytest.approx(np.linalg.eigvalsh(running)[-1], rel=1e-3)
    other = curvature(come(spec, 3), batch, HessianTrace(weights="all", norm_statistics="batch"),
                      HessianEigenpairs(weights="all", norm_statistics="batch"))
    assert other["eigenvalues"][0] != pytest.approx(found["eigenvalues"][0], rel=0.05)


def test_images_that_do_not_fit() -> None:
    with pytest.raises(BadInput, match="takes images of 1 channel"):
        curvature(come(LENET, 1), images(4, 3), HessianTrace(), HessianEigenpairs())
    with pytest.raises(BadInput, match="at least 2 images"):
        curvature(come(CifarResnet(depth=8, width=1), 3), images(1, 3), HessianTrace(norm_statistics="batch"),
                  HessianEigenpairs(norm_statistics="batch"))
