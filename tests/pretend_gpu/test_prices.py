"""The price of a search on the pretend GPU: what it counts, and what it leaves out of the seconds it times."""

import pytest

from lth_engine.analysis import price as module
from lth_engine.analysis.mask_price import WARM_UP
from lth_engine.cli.compute import price_text
from lth_engine.core.step import Step
from lth_engine.specs.finding import Imp
from lth_engine.specs.mask_learners import Cts
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.questions import Price, TicketSearch
from lth_engine.specs.training import Training
from tests.pretend_gpu.agreement import assert_agree

SEARCH = TicketSearch(model=Lenet300100(first=10, second=5), training=Training(length="2ep", batch_size=300),
                      search=Imp(fraction=0.5), levels=2, replicates=1)


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(module, "_TIMED_SECONDS", 0.1)


@pytest.mark.parametrize("search", [SEARCH.search, Cts(fraction=0.5, length=Step(1), batch_size=300)],
                         ids=lambda search: search.name)
def test_a_price_counts_what_it_counts_on_a_cpu_and_says_that_a_gpu_trains_side_by_side(both, search):
    theirs, ours = both(Price(of=SEARCH.replace(search=search)))
    assert_agree(ours, theirs)
    assert "side by side" in price_text(ours)
    assert "side by side" not in price_text(theirs)


def test_steps_of_every_size_are_recorded_before_the_clock_starts(both, gpu, monkeypatch):
    recorded, train = [], module.train

    def watched(step, *args, **kwargs):
        for done in train(step, *args, **kwargs):
            recorded.append((done.images, len(step.recordings)))
            yield done
    monkeypatch.setattr(module, "train", watched)
    both.on_gpu(Price(of=SEARCH))
    sizes = {images for images, _ in recorded}
    assert len(sizes) == 2, "the last batch of an epoch is smaller"
    assert [count for _, count in recorded] == [1, *[2] * (len(recorded) - 1)]
    assert {images for images, _ in recorded[:WARM_UP]} == sizes
