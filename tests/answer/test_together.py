"""Which runs are trained side by side, and what happens to those that find no room; a GPU is played on a CPU."""

import pytest

from lth_engine import answer as module
from lth_engine.answer import answer, next_group, plan
from lth_engine.specs.finding import Imp
from lth_engine.specs.phases import Own
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training import run as run_module
from lth_engine.training.fitting import DoesNotFit

SEARCH = TicketSearch(training=Training(length="4it", batch_size=200), search=Imp(fraction=0.5), levels=2,
                      replicates=3, controls=("random_mask",))


def needs_of(pending):
    """Keys of the inputs of each question."""
    return {q.key: {i.key for i in q.inputs()} for q in pending}


def groups(question, store, together):
    """The groups in which an empty store would be filled."""
    pending = plan(question, store)
    needs = needs_of(pending) if together else None
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
    monkeypatch.setattr(module, "next_group", lambda pending, needs: next_group(pending, needs_of(pending)))
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
