"""Questions that turn out to be needed: the first stable point of training, asked end to end."""

from __future__ import annotations

import numpy as np
import pytest

from lth_engine.answer import answer, plan
from lth_engine.core.artifact import texts
from lth_engine.core.connected import connected
from lth_engine.core.errors import BadInput, Cancelled
from lth_engine.specs.connecting import Siblings
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.stability import FirstStablePoint
from lth_engine.specs.tickets import DenseTicket
from lth_engine.specs.training import Training
from lth_engine.store.store import Store

START = DenseTicket(model=Lenet300100(first=16, second=12), training=Training(
    length="6ep", batch_size=32, optimizer=Sgd(lr=0.5, momentum=0.9), evaluate_every="0ep"))
QUESTION = FirstStablePoint(start=START, points=5, training_images=False, norm_statistics="interpolated",
                            threshold=1e-9)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    return store, tmp_path_factory.mktemp("data")


def barrier_at(store, point):
    return store.head(QUESTION.at(point).key).summary["barrier_test"]


def test_the_point_is_what_a_bisection_by_hand_finds(lab):
    store, data = lab
    for threshold in (1e-9, 0.01, 0.02, 0.05, 0.9):
        question = QUESTION.replace(threshold=threshold, contradictions=False)
        found = answer(question, store, data_root=data)
        low, high, tried = 0, 6, []
        while low < high:
            middle = (low + high) // 2
            tried.append(middle)
            low, high = (low, middle) if barrier_at(store, middle) < threshold else (middle + 1, high)
        assert found.summary["point"] == low
        assert found.arrays["trail/point"].tolist() == tried
        assert found.summary["tries"] == len(tried) <= found.summary["most_tries"] == 3
        assert found.summary["share"] == low / 6


def test_the_trail_names_the_lines_that_were_measured_and_they_are_its_parents(lab):
    store, data = lab
    found = answer(QUESTION, store, data_root=data)
    keys = texts(found.arrays["trail/key"])
    assert set(found.parents) == set(keys)
    assert [store.head(key).summary["barrier_test"] for key in keys] == found.arrays["trail/barrier"].tolist()
    assert plan(QUESTION, store) == []
    said = [store.head(key).summary for key in keys]
    assert found.arrays["trail/low"].tolist() == [summary["barrier_test_low"] for summary in said]
    assert found.arrays["trail/high"].tolist() == [summary["barrier_test_high"] for summary in said]
    held = [s["barrier_test_low"] < QUESTION.threshold <= s["barrier_test_high"] for s in said]
    assert found.summary["undecided"] == sum(held)


def test_contradictions_are_tried_and_told(lab):
    store, data = lab
    found = answer(QUESTION.replace(threshold=0.9), store, data_root=data)
    assert found.summary["point"] == 0
    assert found.summary["monotone"] is True
    assert len(found.arrays["trail/point"]) == found.summary["tries"] + 1  # the nearest one that was left out
    never = answer(QUESTION, store, data_root=data)
    tried = dict(zip(never.arrays["trail/point"].tolist(), never.arrays["trail/stable"].tolist(), strict=True))
    wrong = [p for p, stable in tried.items() if stable != (p >= never.summary["point"])]
    assert never.summary["contradictions"] == ", ".join(map(str, sorted(wrong)))


def test_progress_grows_while_further_questions_appear_and_a_stop_keeps_what_is_done(tmp_path):
    store = Store(tmp_path / "store")
    totals = []

    def report(progress):
        totals.append((progress.done, progress.total))
        if len(store.list("connectivity")) == 2:
            raise Cancelled("stop")
    with pytest.raises(Cancelled):
        answer(QUESTION, store, data_root=tmp_path, report=report)
    assert len(store.list("connectivity")) == 2
    assert all(done <= total for done, total in totals)
    whole = [total for _, total in totals]
    assert whole[0] < whole[-1] < 3 * whole[0], "it counts the tries that must follow"
    assert whole == sorted(whole)
    found = answer(QUESTION, store, data_root=tmp_path, report=lambda p: whole.append(p.total))
    tries = len(found.arrays["trail/point"])
    spent = sum(q.epochs for point in found.arrays["trail/point"].tolist()
                for q in (QUESTION.at(point), QUESTION.at(point).first, QUESTION.at(point).second))
    assert tries >= 2
    assert 2 * QUESTION.try_epochs <= spent
    assert QUESTION.ahead(store.summary) == 0
    assert QUESTION.ahead(lambda key: None) == QUESTION.try_epochs == 6 + QUESTION.at(0).epochs


def test_siblings_are_compared_pairwise(lab):
    store, data = lab
    question = Siblings(of=QUESTION.at(0).first, count=3, points=5, training_images=False)
    found = answer(question, store, data_root=data)
    assert len({run.key for run in question.siblings()}) == 3
    assert {run.replace(order_seed=0) for run in question.siblings()} == {question.of.replace(order_seed=0)}
    barriers = [store.head(line.key).summary["barrier_test"] for line in question.lines()]
    assert found.arrays["pair/barrier_test"].tolist() == barriers
    assert found.summary["barrier_mean"] == pytest.approx(np.mean(barriers))
    assert found.summary["barrier_std"] == pytest.approx(np.std(barriers, ddof=1))
    assert found.summary["verdict"] == connected(np.mean(barriers), None, None)
    alone = answer(question.replace(count=2), store, data_root=data).summary
    line = store.head(question.replace(count=2).lines()[0].key).summary
    assert (alone["verdict"], alone["barrier_std"]) == (line["verdict"], None)
    assert list(zip(found.arrays["pair/first"], found.arrays["pair/second"], strict=True)) == [(0, 1), (0, 2), (1, 2)]


def test_the_points_are_chosen_by_the_search():
    with pytest.raises(BadInput, match="must be the initialisation"):
        FirstStablePoint(start=START.replace(rewind="1ep"))
    with pytest.raises(BadInput, match="training_images is off"):
        FirstStablePoint(start=START, judged_on="train", training_images=False)
