"""Sanity checks of a ticket: what is gathered, the words, and what is refused before any training."""

import numpy as np
import pytest

from lth_engine.analysis import sanity_checks, ticket_search
from lth_engine.analysis.sanity_checks import CONTINUES, said
from lth_engine.answer import answer
from lth_engine.core.artifact import texts
from lth_engine.core.errors import BadInput
from lth_engine.core.step import Step
from lth_engine.core.verdict import Difference, paired_difference
from lth_engine.core.workbench import Workbench
from lth_engine.specs.finding import Aws, Imp, Lrr, OneShot
from lth_engine.specs.mask_learners import Cts
from lth_engine.specs.models import Lenet300100, Resnet
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.sanity import CHECKS, SanityChecks
from lth_engine.specs.scorers import StartMagnitude
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training.material import material, network

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


class Told:
    """Summaries by key."""

    def __init__(self, summaries):
        self.summary = summaries.__getitem__


def told(question, ticket=0.8, check=0.6, dense=0.9, dead=0):
    """What a question says of invented accuracies."""
    means = {"ticket": ticket, "dense": dense}
    return sanity_checks.answer(question, Told({run.key: {
        "test_accuracy": means.get(variant, check) + 0.001 * r, "test_images": 400, "chance": 0.1, "density": 0.2,
        "kept": 1_234 if variant == "small_dense" else 1_300, "dead_layers": dead, "thinnest_layer": "fc2.weight"}
        for (variant, r), run in question.runs().items()}), None)


@pytest.mark.parametrize(("ticket", "dense", "says"), [(0.1, 0.9, "The ticket did not learn more than guessing"),
                                                       (0.1, 0.1, "The dense network did not learn")])
def test_nothing_is_concluded_of_a_ticket_that_guesses(ticket, dense, says):
    found = told(QUESTION, ticket, 0.1, dense, dead=1)
    assert set(texts(found.arrays["check/word"])) == {"undecided"}
    text = found.summary["verdict_text"]
    assert found.summary["verdict"] == "undecided"
    assert says in text
    assert "does not matter" not in text
    assert "2 of the 2 tickets keep no weight in a layer (fc2.weight)" in text
    assert "keep no weight" not in told(QUESTION).summary["verdict_text"]


@pytest.mark.parametrize(("search", "checks", "said_so"), [
    (Lrr(), CHECKS, True), (Aws(), ("shuffled_mask",), True), (Imp(), CHECKS, False),
    (Lrr(), ("small_dense",), False)])
def test_checks_of_a_search_that_goes_on_say_what_they_lose(search, checks, said_so):
    text = told(SanityChecks(of=OF.replace(search=search), checks=checks)).summary["verdict_text"]
    assert (CONTINUES in text) is said_so


def test_the_small_network_is_told_with_its_weights():
    assert "a small dense network of 1,234 weights (the ticket keeps 1,300)" in told(QUESTION).summary["verdict_text"]


def test_the_small_network_has_the_weights_of_layers_that_stay_dense():
    of = OF.replace(search=Imp(ignore=("fc1.weight",)))
    small = SanityChecks(of=of, level=30).small_dense(0).ticket.model
    assert 64 * small.first + small.first * small.second + 10 * small.second == pytest.approx(64 * 40 + 1, rel=0.05)


def test_what_is_refused_is_tried_on_the_cpu_whatever_the_device(tmp_path, monkeypatch):
    """Images and networks of a device are only there for what is computed on it."""
    devices = []

    def recorded(*args):
        devices.append(args[-1])
        return network(*args)
    monkeypatch.setattr(ticket_search, "network", recorded)
    monkeypatch.setattr(ticket_search, "material", lambda data, bench: material(data, Workbench(tmp_path)))
    ticket_search.require_askable(OF, 1, Workbench(tmp_path, device="cuda"))
    assert devices == ["cpu"]


def test_a_network_of_one_width_has_no_small_one():
    with pytest.raises(BadInput, match=r"ResNet-18 has one width.*Leave small_dense out"):
        SanityChecks(of=TicketSearch(model=Resnet()))
    assert SanityChecks(of=TicketSearch(model=Resnet()), checks=("redrawn",)).runs()
