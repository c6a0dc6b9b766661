"""Methods compared: costs, tests, layers and overlaps against what the store holds."""

import numpy as np
import pytest

from lth_engine.answer import answer
from lth_engine.core.artifact import texts
from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask
from lth_engine.core.step import Step
from lth_engine.core.verdict import paired_difference
from lth_engine.specs.comparing_methods import MethodComparison
from lth_engine.specs.finding import Imp
from lth_engine.specs.methods import with_method
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.training import Training
from lth_engine.store.store import Store

OF = TicketSearch(model=Lenet300100(first=40, second=20), replicates=2, search=Imp(rewind=Step(5, "it")),
                  training=Training(length="8ep", batch_size=128, optimizer=Sgd(lr=0.05)))
QUESTION = MethodComparison(of=OF, level=3, methods=("random", "imp", "magnitude", "quick_cts"))
NAMES = ["random", "imp", "magnitude", "quick_cts", "dense"]


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    return store, answer(QUESTION, store, data_root=tmp_path_factory.mktemp("data"))


def test_costs_from_nothing(answered):
    _, artifact = answered
    epochs = dict(zip(texts(artifact.group("method")["name"]), artifact.group("method")["epochs"], strict=True))
    rewind = 5 / 10
    assert epochs == pytest.approx({"random": 8, "dense": 8, "magnitude": 8, "imp": rewind + 4 * (8 - rewind),
                                    "quick_cts": rewind + 1 + 8 - rewind})
    assert artifact.group("method")["published_epochs"] == pytest.approx([epochs[name] for name in NAMES])
    table = artifact.group("table")
    assert (table["total_flops_dense"] > 0).all()
    assert (table["total_train_seconds"] > 0).all()


def test_the_first_method_is_the_reference_of_a_paired_test(answered):
    store, artifact = answered
    table, method = artifact.group("table"), artifact.group("method")
    assert texts(method["name"]) == NAMES
    assert texts(method["word"])[0] == "reference"
    of = np.array(texts(table["method"]))
    images = store.get(texts(table["key"])[0]).summary["test_images"]
    for i, name in enumerate(NAMES[1:], start=1):
        both = (table["test_accuracy"][of == one] for one in (name, "random"))
        test = paired_difference(*both, 1 / images)
        assert (method["difference"][i], method["low"][i], method["high"][i]) == pytest.approx(
            (test.mean, test.low, test.high))
        assert texts(method["word"])[i] in ("better", "worse", "equivalent", "undecided")
    best = artifact.summary["best"]
    assert artifact.summary["best_accuracy"] == method["accuracy"][NAMES.index(best)] == method["accuracy"][:-1].max()
    assert artifact.summary["dense_accuracy"] == method["accuracy"][-1]


def test_layers_and_overlaps_are_those_of_the_masks(answered):
    store, artifact = answered
    runs = QUESTION.runs()
    masks = {cell: Mask(store.get(run.key).group("mask")) for cell, run in runs.items()}
    layers, overlap = artifact.group("layers"), artifact.group("overlap")
    assert texts(layers["name"]) == ["fc1.weight", "fc2.weight", "fc.weight"]
    assert layers["size"].tolist() == [64 * 40, 40 * 20, 20 * 10]
    for i, name in enumerate(NAMES):
        mean = [np.mean([masks[name, r][layer].mean() for r in (0, 1)]) for layer in texts(layers["name"])]
        assert layers["density"][i] == pytest.approx(mean)
        for j, other in enumerate(NAMES):
            one, two = masks[name, 0], masks[other, 0]
            assert overlap["both"][i, j] == sum(int((one[n] & two[n]).sum()) for n in one)
            assert overlap["expected"][i, j] == pytest.approx(
                sum(one[n].sum() * two[n].sum() / one[n].size for n in one))
            assert overlap["low"][i, j] <= overlap["expected"][i, j] <= overlap["high"][i, j]
    assert overlap["kept"].tolist() == [masks[name, 0].kept for name in NAMES]


def test_methods_that_guess_are_not_equivalent(tmp_path):
    training = OF.training.replace(length="1it", optimizer=Sgd(lr=1e-9))
    question = MethodComparison(of=OF.replace(training=training, margin=0.5, search=Imp()), level=2,
                                methods=("random", "magnitude"))
    method = answer(question, Store(tmp_path / "store"), data_root=tmp_path).group("method")
    assert -0.5 < method["low"][1] <= method["high"][1] < 0.5
    assert texts(method["word"]) == ["reference", "undecided", "undecided"]


def test_costs_that_have_gone_are_not_known(tmp_path):
    store = Store(tmp_path / "store")
    of = OF.replace(training=OF.training.replace(length="2ep"), replicates=1)
    question = MethodComparison(of=of, level=2, methods=("random", "quick_cts"))
    answer(question, store, data_root=tmp_path)
    store.remove(question.run("quick_cts", 0).ticket.learned().key)
    turned = answer(question.replace(methods=("quick_cts", "random")), store, data_root=tmp_path).group("method")
    assert np.isnan(turned["epochs"]).tolist() == [True, False, False]
    assert np.isnan(turned["seconds"]).tolist() == [True, False, False]
    assert np.isfinite(turned["accuracy"]).all()


def test_a_search_whose_costs_have_gone_is_answered_too(tmp_path):
    store = Store(tmp_path / "store")
    search = with_method("quick_cts", OF.replace(replicates=1, levels=1, training=OF.training.replace(length="2ep")))
    whole = answer(search, store, data_root=tmp_path)
    for key in (search.key, search.ticket(1, 0).learned().key):
        store.remove(key)
    again = answer(search, store, data_root=tmp_path)
    assert np.isfinite(whole.summary["epochs"])
    assert np.isnan(again.summary["epochs"])
    assert np.isnan(again.group("table")["total_epochs"]).tolist() == [False, True]
    assert again.summary["verdict"] == whole.summary["verdict"]


@pytest.mark.parametrize(("question", "message"), [
    (QUESTION.replace(level=60), "method random cannot be compared here: .*must keep between 1"),
    (QUESTION.replace(of=OF.replace(training=Training(batch_size=2000))), r"training\.batch_size must be at most")])
def test_what_could_only_fail_is_refused_before_any_training(question, message, tmp_path):
    store = Store(tmp_path / "store")
    with pytest.raises(BadInput, match=message):
        answer(question, store, data_root=tmp_path)
    assert store.list() == []
