"""What searches share, and that a price counts exactly what is then done."""

import numpy as np
import pytest

from lth_engine.answer import answer, plan
from lth_engine.core.errors import BadInput
from lth_engine.specs.finding import Aws, Imp, Lrr, OneShot
from lth_engine.specs.phases import Own, Same
from lth_engine.specs.questions import CONTROLS, Price, trainings
from lth_engine.specs.schedules import Cosine
from lth_engine.specs.scorers import RandomScore
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.store.store import Store
from tests.acceptance.small_searches import SHORT, SPARSE, search_of


def tickets_found(question):
    return {s for q in trainings(question) if isinstance(q, Run) for s in q.inputs() if isinstance(s, FoundTicket)}


def test_searches_that_differ_in_sparse_training_alone_share_their_tickets():
    for search in (Imp(), Imp(rewind="2it"), Lrr(), Aws(), OneShot()):
        common = {"search": search, "mask_search": Own(training=SHORT), "pretraining": Own(training=SHORT)}
        first, second = (search_of(training=SPARSE.replace(batch_size=b), **common) for b in (100, 256))
        assert [first.found(level, 0).key for level in (1, 2)] == [second.found(level, 0).key for level in (1, 2)]
        assert tickets_found(first) == tickets_found(second) != set()
        shared = set(trainings(first)) & set(trainings(second))
        assert {r.training for r in shared} == {first.mask_training} | ({SHORT} if search.rewind.count else set())
        assert len(shared) == len(trainings(first)) - 3


def test_one_dense_ticket_serves_every_search_that_starts_at_the_initialisation():
    questions = [search_of(search=search, training=training, mask_search=own)
                 for search in (Imp(), Lrr(), Aws(), OneShot()) for training in (SPARSE, SHORT)
                 for own in (Same(), Own(training=SHORT))]
    assert len({q.dense(0).key for q in questions}) == 1
    late = [search_of(search=Imp(rewind="2it"), training=t) for t in (SPARSE, SHORT)]
    assert len({q.dense(0).key for q in late}) == 2
    assert {search_of(search=Imp(rewind="2it"), training=t, pretraining=Own(training=SHORT)).dense(0).key
            for t in (SPARSE, SHORT)} == {search_of(search=Lrr(rewind="2it"), training=SHORT).dense(0).key}


@pytest.mark.parametrize("search", [Imp(), Imp(rewind="2it"), Lrr(), Lrr(rewind="2it")])
@pytest.mark.parametrize("same_by", ["same", "own"])
def test_with_the_same_settings_the_run_of_a_level_is_the_mask_searchs_own(search, same_by):
    phase = Own(training=SPARSE) if same_by == "own" else Same()
    question = search_of(search=search, mask_search=phase)
    for level in range(2):
        assert question.found(level + 1, 0).reads().key == question.run(level, 0).key
    assert len([q for q in trainings(question) if isinstance(q, Run)]) == 3


def test_a_whole_sparse_training_from_the_initialisation_is_no_other_training():
    assert search_of(whole=True).run(1, 0).key == search_of().run(1, 0).key
    late = search_of(search=Imp(rewind="2it"))
    assert late.replace(whole=True).run(1, 0).key != late.run(1, 0).key


@pytest.mark.parametrize(("whole", "steps", "first_rate"),
                         [(False, 14, 0.05 * (1 + np.cos(np.pi / 3))), (True, 21, 0.1)])
def test_sparse_training_takes_what_is_left_or_the_whole_length(whole, steps, first_rate, data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = search_of(search=Imp(rewind="1ep"), whole=whole, levels=1)
    answer(question, store, data_root=data_root)
    for level in (0, 1):
        run = store.get(question.run(level, 0).key)
        assert run.summary["steps"] == steps
        assert run.group("history")["learning_rate"][0] == pytest.approx(first_rate)
    assert store.get(question.found(1, 0).reads().key).summary["steps"] == 14


# What it costs

PRICED = {
    "imp": search_of(search=Imp(rewind="2it"), mask_search=Own(training=SHORT),
                     pretraining=Own(training=SPARSE.replace(batch_size=100)), controls=CONTROLS, whole=True),
    "imp same": search_of(search=Imp(rewind="2it"), controls=("redrawn",)),
    "lrr": search_of(search=Lrr(), mask_search=Own(training=SHORT), controls=("random_mask", "sign_transfer")),
    "lrr same": search_of(search=Lrr(rewind="2it")), "aws": search_of(search=Aws(), controls=CONTROLS),
    "one_shot": search_of(search=OneShot(), controls=("shuffled_mask",)),
    "one_shot random": search_of(search=OneShot(scorer=RandomScore()), mask_search=Own(training=SHORT)),
    "few shots": search_of(search=Imp(), training=SPARSE.replace(subset=0.1, batch_size=50, label_noise=0.3),
                           mask_search=Own(training=SHORT))}
EXPECTED = {
    # steps: dense starts, mask search (levels 0 and 1), sparse trainings
    "imp": 2 * 2 + 2 * 6 + (1 + 2 * 6) * 21,
    "imp same": 2 * 2 + (1 + 2 * 2) * 19,
    # a level's own mask search is trained through too, since sparse training starts at its end
    "lrr": 3 * 8 + (1 + 2 * 3) * 21,
    "lrr same": 2 + 3 * 19, "aws": 3 * 21 + (1 + 2 * 6) * 21, "one_shot": (1 + 2 * 2) * 21,
    "one_shot random": 3 * 21,
    "few shots": 2 * 8 + 3 * 9}


@pytest.mark.parametrize("name", PRICED)
def test_the_price_counts_exactly_the_trainings_that_are_done(name, data_root, tmp_path, monkeypatch):
    monkeypatch.setattr("lth_engine.analysis.price._TIMED_SECONDS", 0.0)
    store, question = Store(tmp_path / "store"), PRICED[name]
    wanted = [q for q in plan(question, store)
              if isinstance(q, Run) or (isinstance(q, DenseTicket) and q.rewind.count)]
    done = answer(question, store, data_root=data_root).summary
    price = answer(Price(of=question), store, data_root=data_root).summary
    spent = [store.get(q.key).summary for q in wanted]
    assert price["trainings"] == len(spent)
    assert price["steps"] == sum(s["steps"] for s in spent) == EXPECTED[name]
    assert price["epochs"] == pytest.approx(sum(s["epochs"] for s in spent))
    assert done["epochs"] == pytest.approx(price["epochs"])
    assert price["flops_dense"] == pytest.approx(done["flops_dense"], rel=0.15)


def test_a_rewind_point_past_the_end_of_any_phase_is_refused():
    for settings, rewind in (({"mask_search": Own(training=SHORT)}, "8it"),
                             ({"pretraining": Own(training=SHORT)}, "9it")):
        with pytest.raises(BadInput, match="rewind point"):
            search_of(search=Imp(rewind=rewind), **settings)
    assert search_of(search=Imp(rewind="8it"), pretraining=Own(training=SHORT)), "a pretraining may end at its aim"
    assert search_of(search=Imp(rewind="7it"), mask_search=Own(training=SHORT.replace(schedule=Cosine())))
