"""Which runs are trained side by side, and what happens to those that find no room; a GPU is played on a CPU."""

from types import SimpleNamespace

import pytest
import torch

from lth_engine import answer as module
from lth_engine.answer import answer, needed, next_group, plan
from lth_engine.core.workbench import Workbench
from lth_engine.finders import found as found_module
from lth_engine.specs.finding import Imp
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.phases import Own
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.stability import FirstStablePoint
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training import room as room_module
from lth_engine.training import run as run_module
from lth_engine.training import workplace
from lth_engine.training.fitting import DoesNotFit
from lth_engine.training.material import Facts

SEARCH = TicketSearch(training=Training(length="4it", batch_size=200), search=Imp(fraction=0.5), levels=2,
                      replicates=3, controls=("random_mask",))


def groups(question, store, together):
    """The groups in which an empty store would be filled."""
    pending = plan(question, store)
    needs = needed(pending, store) if together else None
    while pending:
        group = next_group(pending, needs)
        yield group
        pending = [q for q in pending if q not in group]


def test_alone_the_order_is_that_of_the_plan(tmp_path):
    store = Store(tmp_path)
    assert [q for group in groups(SEARCH, store, False) for q in group] == plan(SEARCH, store)


@pytest.mark.parametrize("search", [SEARCH, SEARCH.replace(mask_search=Own(training=Training(length="2it")))])
def test_replicates_and_controls_of_a_level_train_together_after_their_inputs(search, tmp_path):
    done = set()
    sizes = []
    for group in groups(search, Store(tmp_path), True):
        for q in group:
            assert {i.key for i in q.inputs()} <= done
            assert group[0] is q or (isinstance(q, Run) and group[0].joins(q))
        done |= {q.key for q in group}
        sizes.append(len(group))
    assert done == {q.key for q in plan(search, Store(tmp_path))}
    assert max(sizes) >= 3


def side_by_side(monkeypatch):
    """Let a CPU train runs in turn."""
    monkeypatch.setattr(module, "side_by_side", lambda device: True)
    monkeypatch.setattr(module, "room", lambda question, bench: 4)


def test_runs_trained_together_are_those_trained_alone(tmp_path, monkeypatch):
    alone = answer(SEARCH, Store(tmp_path / "alone"), data_root=tmp_path / "data")
    side_by_side(monkeypatch)
    store = Store(tmp_path / "together")
    beside = answer(SEARCH, store, data_root=tmp_path / "data")
    for run in SEARCH.runs().values():
        ours, theirs = store.get(run.key), Store(tmp_path / "alone").get(run.key)
        for name in ours.arrays:
            assert ours.arrays[name].tobytes() == theirs.arrays[name].tobytes(), name
    assert beside.summary["verdict_text"] == alone.summary["verdict_text"]


def test_questions_that_turn_out_to_be_needed_go_first(tmp_path, monkeypatch):
    start = DenseTicket(model=Lenet300100(first=16, second=12), training=Training(length="3ep", batch_size=64))
    question = FirstStablePoint(start=start, points=3, training_images=False, resamples=0)
    alone = answer(question, Store(tmp_path / "alone"), data_root=tmp_path / "data")
    side_by_side(monkeypatch)
    calls = iter(range(200))

    def counted(pending, needs):
        next(calls)  # without an end it would go round and round
        return next_group(pending, needs)
    monkeypatch.setattr(module, "next_group", counted)
    beside = answer(question, Store(tmp_path / "together"), data_root=tmp_path / "data")
    assert beside.content_sha256 == alone.content_sha256


def test_a_run_without_room_beside_the_others_is_trained_alone(tmp_path, monkeypatch):
    side_by_side(monkeypatch)
    together = run_module.run_together

    def crowded(sessions, lanes):
        found = together(sessions[:1], lanes[:1])
        return found + [DoesNotFit("The GPU is full.")] * (len(sessions) - 1)
    monkeypatch.setattr(run_module, "run_together", crowded)
    store = Store(tmp_path)
    answer(SEARCH, store, data_root=tmp_path / "data")
    assert store.has([run.key for run in SEARCH.runs().values()]) == {run.key for run in SEARCH.runs().values()}


@pytest.mark.parametrize("full", [DoesNotFit("The GPU is full."), torch.OutOfMemoryError("CUDA out of memory.")])
def test_an_answer_without_room_beside_trainings_that_are_over_is_computed_again(full, tmp_path, monkeypatch):
    """The places of trainings that are over hold memory; once they are let go, what did not fit may fit."""
    monkeypatch.setitem(workplace._PLACES, (0, ("another kind",)), None)
    tries, true = [], found_module.answer

    def tight(question, inputs, bench):
        tries.append(len(workplace._PLACES))
        if workplace._PLACES:
            raise full
        return true(question, inputs, bench)
    monkeypatch.setattr(found_module, "answer", tight)
    question = SEARCH.replace(levels=1, replicates=1, controls=())
    assert answer(question, Store(tmp_path), data_root=tmp_path / "data").summary["runs"] == 2
    assert tries == [1, 0]


def test_an_answer_that_does_not_fit_on_an_empty_device_is_tried_once(tmp_path, monkeypatch):
    tries = []

    def full(question, inputs, bench):
        tries.append(question)
        raise DoesNotFit("The GPU is full.")
    monkeypatch.setattr(found_module, "answer", full)
    with pytest.raises(DoesNotFit):
        answer(SEARCH.replace(levels=1, replicates=1, controls=()), Store(tmp_path), data_root=tmp_path / "data")
    assert len(tries) == 1


def test_an_answer_that_does_not_fit_alone_says_so_by_the_name_of_its_setting(tmp_path, monkeypatch):
    def full(question, inputs, bench):
        if question.training == short:
            raise DoesNotFit("Full with training.batch_size 9. Lower training.batch_size to 5.")
        return true(question, inputs, bench)
    short, true = Training(length="2it", batch_size=9), run_module.answer
    monkeypatch.setattr(run_module, "answer", full)
    question = SEARCH.replace(levels=1, replicates=1, controls=(), mask_search=Own(training=short))
    with pytest.raises(DoesNotFit, match=r"with mask_search\.training\.batch_size 9\. Lower mask_search\.training\.b"):
        answer(question, Store(tmp_path), data_root=tmp_path / "data")


def test_what_a_training_asks_of_all_operations_ends_with_it(tmp_path, monkeypatch):
    seen, true = [], found_module.answer

    def watched(question, inputs, bench):
        seen.append(torch.are_deterministic_algorithms_enabled())
        return true(question, inputs, bench)
    monkeypatch.setattr(found_module, "answer", watched)
    training = SEARCH.training.replace(deterministic=True)
    question = SEARCH.replace(levels=1, replicates=1, controls=(), training=training)
    answer(question, Store(tmp_path), data_root=tmp_path / "data")
    assert seen == [False]


@pytest.mark.parametrize(("batch", "runs"), [(512, 8), (1024, 4), (128, 8), (65536, 1)])
def test_eight_of_the_papers_resnet_20_are_trained_side_by_side(batch, runs, monkeypatch):
    """A forward pass costs 81,626,368 operations an image."""
    facts = Facts(3, 32, 32, 10, (0.0,) * 3, (1.0,) * 3)
    monkeypatch.setattr(room_module, "material", lambda data, bench: SimpleNamespace(train=None, facts=facts))
    question = Run(ticket=DenseTicket(model=CifarResnet(depth=20)), training=Training(batch_size=batch))
    assert room_module.room(question, Workbench(None, "cuda")) == runs
