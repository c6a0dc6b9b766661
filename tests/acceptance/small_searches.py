"""Small searches on digits, and how to look at their answers."""

import numpy as np

from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.schedules import Constant
from lth_engine.specs.training import Training
from tests.acceptance.toys import LENET

SPARSE = Training(length="3ep", batch_size=200, optimizer=Sgd(lr=0.1), evaluate_every="3it")
PER_EPOCH = 7
SHORT = Training(length="8it", batch_size=200, optimizer=Sgd(lr=0.1, momentum=0.5), schedule=Constant())


def search_of(**settings):
    small = {"model": LENET, "training": SPARSE, "levels": 2, "replicates": 1, "controls": ()}
    return TicketSearch(**small | settings)


def effective(artifact, group):
    """Weights of an answer, pruned ones zero."""
    mask = artifact.group("mask")
    return {n: np.where(mask[n], v, 0) if n in mask else v for n, v in artifact.group(group).items()}


def same(first, second):
    return first.keys() == second.keys() and all(first[n].tobytes() == second[n].tobytes() for n in first)
