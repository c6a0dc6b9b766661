"""Learning rates at the points where they are known in closed form."""

from __future__ import annotations

import math

import pytest

from lth_engine.core.errors import BadInput
from lth_engine.core.step import Step
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.schedules import Constant, Cosine, MultiStep
from lth_engine.specs.training import Training


def test_cosine_passes_its_known_points() -> None:
    training = Training(optimizer=Sgd(lr=0.4), schedule=Cosine(floor=0.0))
    assert training.learning_rate(0, 120, 10) == 0.4
    assert training.learning_rate(60, 120, 10) == pytest.approx(0.2)
    assert training.learning_rate(40, 120, 10) == pytest.approx(0.4 * (1 + math.sqrt(1 / 4)) / 2)
    assert Training(schedule=Cosine(floor=0.1)).learning_rate(119, 120, 10) > 0.01


def test_multistep_drops_at_its_milestones() -> None:
    training = Training(optimizer=Sgd(lr=1.0), schedule=MultiStep(milestones=(Step(2), Step(30, "it")), gamma=0.1))
    rates = [training.learning_rate(step, 100, 10) for step in (0, 19, 20, 29, 30, 99)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_constant_and_warmup() -> None:
    training = Training(optimizer=Sgd(lr=1.0), schedule=Constant(), warmup=Step(4, "it"))
    assert [training.learning_rate(step, 100, 10) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]


def test_combinations_that_make_no_sense() -> None:
    with pytest.raises(BadInput, match="at least"):
        Training(length=Step(0))
    with pytest.raises(BadInput, match="longer than"):
        Training(length=Step(2), warmup=Step(3))
    with pytest.raises(BadInput, match="nesterov needs"):
        Sgd(nesterov=True, momentum=0)
