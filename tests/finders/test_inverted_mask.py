"""The inverse of tickets of trained weights: the lowest scores of the dense network, against a plain sort."""

import numpy as np
import pytest

from lth_engine.answer import answer
from lth_engine.core.mask import Mask
from lth_engine.specs.controls import InvertedMask
from lth_engine.specs.finding import Imp, Lrr, OneShot
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.questions import TicketSearch, in_order
from lth_engine.specs.scorers import Snip
from lth_engine.specs.tickets import Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store

OF = TicketSearch(model=Lenet300100(first=30, second=20), replicates=1, levels=3,
                  training=Training(length="4ep", batch_size=128, optimizer=Sgd(lr=0.1)))
SEARCHES = {"imp": Imp(fraction=0.5), "lrr": Lrr(fraction=0.5), "layerwise": Imp(fraction=0.5, scope="layerwise"),
            "erk": Imp(fraction=0.5, scope="erk"), "ignored": Imp(fraction=0.5, ignore=("fc.weight",)),
            "aws": Imp(fraction=0.36, rule="aws"), "one_shot": OneShot(fraction=0.5)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.mark.parametrize("name", SEARCHES)
def test_the_inverse_ranks_all_weights_and_not_what_a_level_has_left(name, root):
    store, search = Store(root / "store"), SEARCHES[name]
    of = OF.replace(search=search)
    question = InvertedMask(of=of.found(3, 0))
    found = answer(question, store, data_root=root)
    inverse, ticket = Mask(found.group("mask")), Mask(store.get(question.of.key).group("mask"))
    assert inverse.kept == ticket.kept
    assert of.run(0, 0) in question.inputs()
    trained = {n: np.abs(w) for n, w in store.get(of.run(0, 0).key).group("final").items() if n in ticket}
    groups = [list(ticket)] if search.scope == "global" else [[n] for n in ticket]
    for names in ([n for n in names if n not in search.ignore] for names in groups):
        values = np.concatenate([trained[n].ravel() for n in names]) if names else np.empty(0)
        lowest = np.sort(values)[:sum(int(ticket[n].sum()) for n in names)]
        kept = np.concatenate([trained[n][inverse[n]] for n in names]) if names else values
        np.testing.assert_array_equal(np.sort(kept), lowest)
    free = [n for n in ticket if n not in search.ignore]
    both = sum(int((inverse[n] & ticket[n]).sum()) for n in free)
    by_chance = sum(int(inverse[n].sum()) * int(ticket[n].sum()) / ticket[n].size for n in free)
    assert both < 0.6 * by_chance
    start = store.get(of.dense(0).key).group("start")
    assert all(found.group("start")[n][inverse[n]].tobytes() == start[n][inverse[n]].tobytes() for n in ticket)


def test_the_inverse_of_a_ticket_that_reads_no_training_needs_none():
    of = TicketSearch(search=OneShot(scorer=Snip())).found(2, 0)
    assert not any(isinstance(q, Run) for q in in_order(InvertedMask(of=of)))
