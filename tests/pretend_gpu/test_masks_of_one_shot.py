"""Scores and learned masks on the pretend GPU are those of the CPU, bit for bit: the kernels and their order are."""

import pytest

from lth_engine.core.step import Step
from lth_engine.specs.controls import ShuffledMask
from lth_engine.specs.finding import OneShot
from lth_engine.specs.mask_learners import ContinuousSparsification, Cts, EdgePopup, GemMiner
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.objectives import FeatureMatching, GradientMatching, GradientNorm, LossChange
from lth_engine.specs.scorers import Grasp, Saliency, Snip, Synflow
from lth_engine.specs.tickets import DenseTicket, FoundTicket
from lth_engine.specs.training import Training
from tests.pretend_gpu.agreement import assert_agree

TRAINING = Training(length="2ep", batch_size=500)
SCORERS = (Snip(images=4), Grasp(images=4), Synflow(rounds=3), Saliency(images=4))
LEARNERS = (Cts, EdgePopup, GemMiner, ContinuousSparsification)
OBJECTIVES = (FeatureMatching(), GradientMatching(), GradientNorm(), LossChange())


def ticket(search, model=None):
    model = model or Lenet300100(first=10, second=5)
    return FoundTicket(start=DenseTicket(model=model), training=TRAINING, search=search)


def learned(kind, **settings):
    return kind(fraction=0.5, length=Step(2, "ep"), batch_size=300, **settings)


def assert_same(both, question):
    theirs, ours = both(question)
    assert_agree(ours, theirs)


@pytest.mark.parametrize("scorer", SCORERS, ids=lambda scorer: scorer.name)
def test_a_score_is_that_of_the_cpu(both, scorer):
    assert_same(both, ticket(OneShot(fraction=0.5, scorer=scorer)))


def test_a_shuffled_mask_is_that_of_the_cpu(both):
    assert_same(both, ShuffledMask(of=ticket(OneShot(fraction=0.5, scorer=Snip(images=4)))))


@pytest.mark.parametrize("kind", LEARNERS, ids=lambda kind: kind.name)
def test_a_learned_mask_is_that_of_the_cpu(both, kind):
    assert_same(both, ticket(learned(kind)))


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)
def test_a_mask_that_is_learned_for_an_objective_is_that_of_the_cpu(both, objective):
    assert_same(both, ticket(learned(Cts, objective=objective), CifarResnet(depth=8, width=4)))


@pytest.mark.slow
@pytest.mark.parametrize("scorer", SCORERS, ids=lambda scorer: scorer.name)
def test_a_score_of_a_convolutional_network_is_that_of_the_cpu(both, scorer):
    assert_same(both, ticket(OneShot(fraction=0.5, scorer=scorer), CifarResnet(depth=8, width=4)))
