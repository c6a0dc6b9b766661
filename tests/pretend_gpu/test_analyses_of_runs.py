"""Analyses on the pretend GPU, of runs that were trained on the CPU, are those of the CPU, bit for bit."""

import pytest

from lth_engine.answer import answer
from lth_engine.core.step import Step
from lth_engine.specs.bounds import PacBayes
from lth_engine.specs.connecting import Connectivity
from lth_engine.specs.curvature import HessianEigenpairs, HessianTrace, PyhessianOpinion, SpectralDensity
from lth_engine.specs.features import PROBE, LinearProbe
from lth_engine.specs.finding import OneShot
from lth_engine.specs.landscapes import Landscape
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from tests.pretend_gpu.agreement import assert_agree

TRAINING = Training(length="2ep", batch_size=500)


def run_of(model):
    ticket = FoundTicket(start=DenseTicket(model=model), training=TRAINING, search=OneShot(fraction=0.5))
    return Run(ticket=ticket, training=TRAINING)


def analyses(run):
    """Small ones, by name."""
    second = run.replace(order_seed=1)
    lines = Connectivity(first=run, second=second, points=5, resamples=200)
    trace = HessianTrace(of=run, images=200, most_products=20)
    bound = PacBayes(of=run, length=2, samples=2, networks=10)
    found = {"line": lines, "line_of_batch_statistics": lines.replace(norm_statistics="batch"),
             "matched_line": lines.replace(matching="weights")}
    found |= {f"trace_{name}": trace.replace(estimator=name)
              for name in ("krylov", "hutchinson", "hutchpp", "xtrace", "gauss_newton")}
    found |= {f"bound_{name}": bound.replace(prior=name)
              for name in ("gaussian_zero", "gaussian_init", "spike_and_slab")}
    return found | {
        "eigenpairs": HessianEigenpairs(of=run, images=200, count=2, most_products=30),
        "density": SpectralDensity(of=run, images=200, vectors=2, lanczos_steps=8),
        "pyhessian": PyhessianOpinion(of=run, images=200, most_products=3),
        "landscape": Landscape(of=run, images=200, points=5),
        "probe": LinearProbe(of=run, second_opinion=True, training=PROBE.replace(length=Step(2)))}


SMALL, CONVOLUTIONAL = run_of(Lenet300100(first=10, second=5)), run_of(CifarResnet(depth=8, width=4))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function: the store with a run and its sibling, of the CPU."""
    stores = {}

    def inner(run):
        if run not in stores:
            folder = tmp_path_factory.mktemp("trained")
            stores[run] = Store(folder / "store")
            for question in (run, run.replace(order_seed=1)):
                answer(question, stores[run], data_root=folder / "data", device="cpu")
        return stores[run]
    return inner


@pytest.mark.parametrize("name", analyses(SMALL))
def test_an_analysis_is_that_of_the_cpu(both, trained, name):
    both.begin_with(trained(SMALL))
    theirs, ours = both(analyses(SMALL)[name])
    assert_agree(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("name", analyses(CONVOLUTIONAL))
def test_an_analysis_of_a_convolutional_network_is_that_of_the_cpu(both, trained, name):
    both.begin_with(trained(CONVOLUTIONAL))
    theirs, ours = both(analyses(CONVOLUTIONAL)[name])
    assert_agree(ours, theirs)
