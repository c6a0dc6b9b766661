"""Sanity checks of a ticket: what is gathered, the words, and what is refused before any training."""

import numpy as np
import pytest

from lth_engine.analysis.sanity_checks import said
from lth_engine.answer import answer
from lth_engine.core.artifact import texts
from lth_engine.core.errors import BadInput
from lth_engine.core.step import Step
from lth_engine.core.verdict import Difference, paired_difference
from lth_engine.specs.finding import Imp, OneShot
from lth_engine.specs.mask_learners import Cts
from lth_engine.specs.models import Lenet300100, Resnet
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.sanity import CHECKS, SanityChecks
from lth_engine.specs.scorers import StartMagnitude
from lth_engine.specs.training import Training
from lth_engine.store.store import Store

OF = TicketSearch(model=Lenet300100(first=40, second=20), replicates=2, search=OneShot(scorer=StartMagnitude()),
                  training=Training(length="3ep", batch_size=128, optimizer=Sgd(lr=0.05)), levels=1)
QUESTION = SanityChecks(of=OF, level=8)


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    return store, answer(QUESTION, store, data_root=tmp_path_factory.mktemp("data"))


def test_the_table_holds_every_run(answered):
    store, artifact = answered
    table = artifact.group("table")
    assert texts(table["variant"]) == [v for _ in range(2) for v in ("dense", "ticket", *CHECKS)]
    for key, accuracy in zip(texts(table["key"]), table["test_accuracy"], strict=True):
        assert store.get(key).summary["test_accuracy"] == accuracy
    size = 64 * 40 + 40 * 20 + 20 * 10
    weights = dict(zip(texts(table["variant"]), table["weights"].tolist(), strict=True))
    assert weights["dense"] == size
    assert {weights[v] for v in CHECKS[:4]} == {weights["ticket"]} == {round(0.8**8 * size)}
    assert weights["small_dense"] == pytest.approx(weights["ticket"], rel=0.1)
    assert dict(zip(texts(table["variant"]), table["density"], strict=True))["small_dense"] == 1.0


def test_a_check_is_the_paired_difference_of_its_rows(answered):
    _, artifact = answered
    table, check = artifact.group("table"), artifact.group("check")
    variants = np.array(texts(table["variant"]))
    images = 288  # a fifth of the digits are test images
    for i, name in enumerate(texts(check["name"])):
        test = paired_difference(*(table["test_accuracy"][variants == v] for v in ("ticket", name)), 1 / images)
        assert check["difference"][i] == pytest.approx(test.mean)
        assert (check["low"][i], check["high"][i]) == pytest.approx((test.low, test.high), rel=0.05)
        assert texts(check["word"])[i] == said(test, OF.margin)
    counts = [artifact.summary[name] for name in ("passed", "failed", "undecided")]
    assert sum(counts) == len(CHECKS)
    failed = artifact.summary["failed"]
    assert artifact.summary["verdict"] == (f"fails {failed}" if failed else "undecided" if counts[2] else "passes all")
    text = artifact.summary["verdict_text"]
    assert "n = 2" in text
    assert "t-test" in text
    assert f"{100 * artifact.summary['accuracy']:.2f}%" in text


@pytest.mark.parametrize(("low", "high", "count", "word"), [
    (0.001, 0.05, 3, "passes"), (0.001, 0.005, 3, "passes"), (-0.005, 0.005, 3, "no difference"),
    (-0.005, -0.001, 3, "no difference"), (-0.05, -0.001, 3, "worse"), (-0.05, 0.05, 3, "undecided"),
    (-np.inf, np.inf, 1, "undecided")])
def test_words(low, high, count, word):
    assert said(Difference(0.0, low, high, count), 0.01) == word


def test_a_learned_ticket_and_its_inverse(tmp_path):
    of = OF.replace(search=Cts(length=Step(6, "it"), rewind=Step(2, "it")), replicates=1)
    artifact = answer(SanityChecks(of=of, level=4, checks=("inverted_mask", "redrawn")), Store(tmp_path / "store"),
                      data_root=tmp_path)
    assert texts(artifact.group("check")["word"]) == ["undecided"] * 2
    assert artifact.summary["verdict"] == "undecided"
    assert "Ask for 3 replicates" in artifact.summary["verdict_text"]


def test_a_network_that_learned_nothing_has_no_verdict(tmp_path):
    of = OF.replace(training=OF.training.replace(length="1it", optimizer=Sgd(lr=1e-9)))
    artifact = answer(SanityChecks(of=of, level=2, checks=("redrawn",)), Store(tmp_path / "store"), data_root=tmp_path)
    assert artifact.summary["verdict"] == "undecided"
    assert "train longer" in artifact.summary["verdict_text"]


@pytest.mark.parametrize(("question", "message"), [
    (QUESTION.replace(level=60), "must keep between 1"),
    (QUESTION.replace(of=OF.replace(search=Cts(batch_size=2000))), r"search\.batch_size must be at most the 1210"),
    (QUESTION.replace(of=OF.replace(training=Training(batch_size=2000))), r"training\.batch_size must be at most"),
    (QUESTION.replace(of=OF.replace(search=Imp(rewind="500it"))), "rewind point")])
def test_what_could_only_fail_is_refused_before_any_training(question, message, tmp_path):
    store = Store(tmp_path / "store")
    with pytest.raises(BadInput, match=message):
        answer(question, store, data_root=tmp_path)
    assert store.list() == []


def test_a_network_of_one_width_has_no_small_one():
    with pytest.raises(BadInput, match=r"ResNet-18 has one width.*Leave small_dense out"):
        SanityChecks(of=TicketSearch(model=Resnet()))
    assert SanityChecks(of=TicketSearch(model=Resnet()), checks=("redrawn",)).runs()
