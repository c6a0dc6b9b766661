"""Ticket searches whose runs are recorded and trained side by side, as on a GPU, give what the CPU gives one by one.

The pretend GPU computes with the CPU's kernels in the order of the CPU, so all bits are equal, but for Adam: its fused
kernel takes the learning rate as float64 on a CPU and as a tensor of float32 where it is recorded, which moves weights
by the rounding of float32. The tolerance there is a few times the largest difference seen (6e-8 in a weight).
"""

from collections import Counter

import pytest

from lth_engine.specs.finding import Aws, Imp, OneShot
from lth_engine.specs.flatness import Nvrm, Sam
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.optimizers import Adam, Sgd
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.terms import L2Init, LearningDistance
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training
from lth_engine.training import together
from tests.pretend_gpu.agreement import assert_agree
from tests.pretend_gpu.state import STATE

TRAINING = Training(length="2ep", batch_size=500)
SEARCH = TicketSearch(model=Lenet300100(first=10, second=5), training=TRAINING, search=Imp(fraction=0.5), levels=2,
                      replicates=2, controls=("random_mask",))
ON_IMAGES = SEARCH.replace(model=CifarResnet(depth=8, width=4), levels=1, controls=())

SEARCHES = {
    "imp": SEARCH,
    "aws": SEARCH.replace(search=Aws(fraction=0.5)),
    "sam_and_term": SEARCH.replace(training=TRAINING.replace(flatness=Sam(), term=L2Init())),
}

TRAININGS = {
    "augmented": TRAINING.replace(flip=True, crop=1, label_noise=0.1, subset=0.9),
    "resized_crop": TRAINING.replace(resized_crop=True),
    "paper_form": TRAINING.replace(optimizer=Sgd(form="paper")),
    "nvrm": TRAINING.replace(flatness=Nvrm()),
    "learning_distance": TRAINING.replace(term=LearningDistance()),
    "deterministic": TRAINING.replace(deterministic=True),
    "interpolated_norms": TRAINING.replace(interpolate_norms=True),
}


def assert_searches_agree(both, search, caplog, **tolerance):
    theirs, ours = both(search)
    assert_agree(ours, theirs, **tolerance)
    for question in {q for run in search.runs().values() for q in (run, run.ticket)}:
        assert_agree(both.gpu.get(question.key), both.cpu.get(question.key), **tolerance)
    assert not caplog.records, "a step that cannot be recorded is said in the log"


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_what_it_finds_on_a_cpu(both, name, caplog):
    assert_searches_agree(both, SEARCHES[name], caplog)


def test_the_recordings_of_a_place_share_memory_and_a_stream_and_those_of_two_places_share_nothing(both):
    """1,210 images in batches of 500 leave one of 210: two recordings a place, and two replicates are two places."""
    both(SEARCH.replace(levels=1, controls=()))
    pools, lanes = [pool for pool, _ in STATE.places], [stream for _, stream in STATE.places]
    assert None not in pools + lanes
    assert sorted(Counter(pools).values()) == sorted(Counter(map(id, lanes)).values()) == [2, 2]
    assert len(set(zip(pools, map(id, lanes), strict=True))) == 2


def test_the_lanes_of_later_runs_are_those_of_the_first(gpu):
    first, more = together.streams(2), together.streams(3)
    held = list(together._STREAMS)
    assert (len(first), len(more), len(held)) == (2, 3, 3)
    together.streams(1)
    assert held == together._STREAMS


def test_a_search_with_adam_finds_what_it_finds_on_a_cpu_but_for_the_rounding_of_its_rate(both, caplog):
    search = SEARCH.replace(training=TRAINING.replace(optimizer=Adam(weight_decay=1e-2)), levels=1, replicates=1)
    assert_searches_agree(both, search, caplog, relative=1e-5, absolute=5e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAININGS)
def test_a_convolutional_network_trains_as_on_a_cpu(both, name, caplog):
    assert_searches_agree(both, ON_IMAGES.replace(training=TRAININGS[name]), caplog)


def test_how_often_a_training_waits_does_not_depend_on_its_steps(both, gpu):
    def waits(batch_size):
        training = Training(length="1ep", batch_size=batch_size, flip=True, crop=1)
        ticket = FoundTicket(start=DenseTicket(model=SEARCH.model), training=TRAINING, search=OneShot(fraction=0.5))
        gpu.waits.clear()
        both.on_gpu(Run(ticket=ticket, training=training))
        return gpu.waits.copy()
    waits(500)  # what the ticket needs
    few, many = waits(400), waits(40)  # under fifty steps: a look at the loss comes every fiftieth
    assert few == many
    assert few
