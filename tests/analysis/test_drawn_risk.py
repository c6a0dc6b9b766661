"""The risk of drawn networks: against a plain loop, and its limit against a risk that is known."""

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import binom
from torch.utils._python_dispatch import TorchDispatchMode

from lth_engine.analysis.bounds.bound_formulas import kl_inverse
from lth_engine.analysis.bounds.drawn_risk import DrawnRisk
from lth_engine.analysis.bounds.notes import Notes
from lth_engine.analysis.bounds.posterior import Posterior
from lth_engine.analysis.trained_images import TrainedImages
from lth_engine.core.errors import Cancelled
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Workbench
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.training import Training
from lth_engine.training.batches import Images


@pytest.fixture(scope="module")
def posterior():
    model = build(Lenet300100(first=12, second=9), 1, 8, 8, 10, 0)
    mask = Mask({n: np.ones(tuple(p.shape), np.bool_) for n, p in prunable(model).items()})
    return Posterior(model, mask, True, 0.0)


@pytest.fixture(scope="module")
def images():
    x = torch.randint(0, 256, (230, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return TrainedImages(Images(x, torch.arange(230) % 10, (0.5,), (0.3,), "cpu"), Training())


def notes():
    return Notes(Workbench(Path()), "toy")


def measured(posterior, images, samples, networks, seed=0):
    return DrawnRisk("toy", posterior, images, samples, networks, seed).measure(notes(), lambda share: None)


@pytest.mark.parametrize("batch", [1000, 50])
def test_each_of_a_few_networks_sees_all_images(posterior, images, batch, monkeypatch):
    monkeypatch.setattr(Images, "evaluation_batch", batch)
    found = measured(posterior, images, 4, 4)
    (x, y), = images.in_parts([torch.arange(230)])
    errors = []
    for i in range(4):
        posterior.put(posterior.sigma(), 0, "toy", i)
        errors.append((copy.deepcopy(posterior.model)(x).argmax(1) != y).double().mean().item())
    posterior.put_mean()
    assert found.errors == pytest.approx(errors, abs=1e-12)
    assert len(set(errors)) > 1
    assert found.risk == pytest.approx(np.mean(errors))
    assert found.stderr == pytest.approx(np.std(errors, ddof=1) / 2)


def test_many_networks_share_the_images(posterior, images):
    seen = []

    class Watching(TrainedImages):
        def in_parts(self, parts):
            seen.extend(parts)
            return super().in_parts(parts)

    watched = Watching(images.images, Training())
    found = measured(posterior, watched, 3, 100)
    assert found.networks == 100 == len(seen)
    assert torch.bincount(torch.cat(seen)).tolist() == [3] * 230
    assert sorted(set(found.counts)) == [6, 7]
    assert found.risk == found.wrong.sum() / 690
    few = measured(posterior, images, 200, 200, seed=1)
    many = measured(posterior, images, 10, 2300, seed=2)
    assert abs(few.risk - many.risk) < 4 * math.hypot(few.stderr, many.stderr)
    assert measured(posterior, images, 1, 10**6).networks == 230, "no more networks than images are shown"
    assert measured(posterior, images, 1, 1).stderr is None


class HostReads(TorchDispatchMode):
    """Counts how often a number is fetched from the device."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


def test_the_device_is_not_waited_for_after_each_network(posterior, images):
    reads = []
    for networks in (20, 100):
        with HostReads() as mode:
            measured(posterior, images, 3, networks)
        reads.append(mode.count)
    with HostReads() as mode:
        int(torch.ones(()))
    assert mode.count == 1
    assert reads[0] == reads[1] < 5


def test_the_model_has_its_trained_weights_again(posterior, images):
    measured(posterior, images, 2, 5)
    assert torch.equal(posterior.flat.values, posterior.mean)


def test_a_stopped_count_goes_on_where_it_was(posterior, images, monkeypatch):
    monkeypatch.setattr("lth_engine.core.meter.REPORT_SECONDS", 0)
    whole = measured(posterior, images, 3, 20)
    saved, shares = notes(), []

    def stop(share):
        if share >= 0.4:
            raise Cancelled("Stopped.")

    risk = DrawnRisk("toy", posterior, images, 3, 20, 0)
    with pytest.raises(Cancelled):
        risk.measure(saved, stop)
    assert torch.equal(posterior.flat.values, posterior.mean)
    assert saved.scalars["toy/done"] == 8
    again = DrawnRisk("toy", posterior, images, 3, 20, 0).measure(saved, shares.append)
    assert np.array_equal(again.wrong, whole.wrong)
    assert shares[0] == 0.4
    assert saved.scalars["toy/done"] == 20
    more = DrawnRisk("toy", posterior, images, 3, 20, 0).measure(saved, shares.append)
    assert np.array_equal(more.wrong, whole.wrong), "what is done is not done again"


def drawn(posterior, images, networks, wrong):
    """A risk whose networks got so many wrong."""
    risk = DrawnRisk("toy", posterior, images, 1, networks, 0)
    risk.wrong = wrong
    return risk


@pytest.mark.parametrize("truth", [0.02, 0.3])
@pytest.mark.parametrize("networks", [23, 100, 230])
def test_the_limit_holds_as_often_as_it_says(posterior, images, truth, networks):
    """Worst case: a network gets all or nothing of its images right. 2,000 times; delta 10%."""
    rng, counts = np.random.default_rng(networks), DrawnRisk("toy", posterior, images, 1, networks, 0).counts
    above = [drawn(posterior, images, networks, counts * (rng.random(networks) < truth)).highest(0.1) >= truth
             for _ in range(2000)]
    assert sum(above) >= binom.ppf(0.001, 2000, 0.9)


def test_networks_that_see_more_images_weigh_more(posterior, images):
    """As if all saw 3 images, those that see 2 being given one that everybody gets right."""
    risk = drawn(posterior, images, 100, np.tile([2, 0], 50))
    assert sorted(set(risk.counts)) == [2, 3]
    padded = kl_inverse(100 / 300, math.log(2 / 0.05) / 100)
    assert risk.highest(0.05) == pytest.approx(padded * 300 / 230, rel=1e-9)


def test_the_limit_narrows_with_the_number_of_networks(posterior, images):
    limits = [drawn(posterior, images, n, np.rint(0.1 * DrawnRisk("toy", posterior, images, 1, n, 0).counts)).highest(
        0.005) for n in (23,)] + [measured(posterior, images, 40, n).highest(0.005) for n in (40, 400, 1150)]
    assert limits[1] > limits[2] > limits[3] > measured(posterior, images, 40, 1150).risk
    assert limits[0] < 1
    assert drawn(posterior, images, 230, np.ones(230, np.int64)).highest(0.01) == 1
