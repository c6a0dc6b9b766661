"""Objectives of untrained tickets: each beside a naive computation on the same batches, with plain autograd."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lth_engine.answer import answer
from lth_engine.core.artifact import texts
from lth_engine.core.errors import BadInput, Cancelled, NonFinite
from lth_engine.core.step import Step
from lth_engine.core.workbench import Workbench
from lth_engine.models.build import build
from lth_engine.specs.comparing_methods import OBJECTIVES, ObjectiveValues
from lth_engine.specs.finding import Imp
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training.material import material, put_weights
from lth_engine.training.mixed import Mixed

OF = TicketSearch(model=Lenet300100(first=40, second=20), replicates=2, search=Imp(rewind=Step(5, "it")),
                  training=Training(length="1ep", batch_size=128, optimizer=Sgd(lr=0.05)))
QUESTION = ObjectiveValues(of=OF, methods=("random", "imp", "lrr"), first_level=1, last_level=3, every=2, images=500,
                           batch_size=200)


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    store, data_root = Store(tmp_path_factory.mktemp("store")), tmp_path_factory.mktemp("data")
    return store, data_root, answer(QUESTION, store, data_root=data_root)


def naive(question, ticket, store, data_root):
    """Objectives of a mask over its dense network, from two models whose weights are set by hand."""
    facts = material(OF.data, Workbench(data_root)).facts
    student, teacher = (build(OF.model, facts.channels, facts.height, facts.width, facts.num_classes, 0)
                        for _ in range(2))
    start, mask = store.get(ticket.dense.key).group("start"), store.get(ticket.key).group("mask")
    put_weights(teacher, start)
    put_weights(student, {n: np.where(mask[n], v, 0) if n in mask else v for n, v in start.items()})
    train = material(OF.data, Workbench(data_root)).train
    order = Mixed(train, 500).index
    sums = np.zeros(4)
    for part in order.tensor_split(3):
        (x, y), = train.in_parts([part])
        loss, dense = F.cross_entropy(student(x), y), F.cross_entropy(teacher(x), y)
        student.zero_grad()
        loss.backward()
        norm = torch.sqrt(sum((dict(student.named_parameters())[n].grad[torch.tensor(kept)] ** 2).sum()
                              for n, kept in mask.items()))
        ours, theirs = F.log_softmax(student(x), 1), F.log_softmax(teacher(x), 1)
        divergence = F.kl_div(theirs, ours, log_target=True, reduction="batchmean")
        sums += len(y) * np.array([v.item() for v in (loss, (loss / dense - 1).abs(), -norm, divergence)])
    return sums / 500


def test_values_are_those_of_a_naive_computation(answered):
    store, data_root, artifact = answered
    table, tickets = artifact.group("table"), QUESTION.tickets()
    rows = list(zip(texts(table["method"]), table["level"].tolist(), table["replicate"].tolist(), strict=True))
    assert rows == list(tickets)
    assert len(rows) == 2 * (1 + 3 * 2)
    for i, cell in enumerate(rows):
        if cell[2] == 0:
            expected = naive(QUESTION, tickets[cell], store, data_root)
            found = [table[n][i] for n in ("task_loss", "loss_change", "gradient_norm", "reverse_kl")]
            assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)
    density = dict(zip(rows, table["density"], strict=True))
    assert density["dense", 0, 0] == 1
    assert density["imp", 3, 1] == pytest.approx(0.8**3, abs=1e-3)


def test_the_dense_network_differs_from_itself_in_nothing(answered):
    _, _, artifact = answered
    table = artifact.group("table")
    dense = np.array(texts(table["method"])) == "dense"
    for name in ("loss_change", "reverse_kl", "feature_matching", "gradient_matching"):
        assert table[name][dense] == pytest.approx([0, 0], abs=1e-6)
        assert (table[name][~dense] > 0).all()
    assert artifact.summary["images"] == 500
    assert artifact.summary["objectives"] == ", ".join(OBJECTIVES)


@pytest.mark.parametrize("statistics", ["batch", "running"])
def test_networks_with_batch_normalisation(statistics, tmp_path):
    of = OF.replace(model=CifarResnet(depth=8, width=4), replicates=1)
    question = ObjectiveValues(of=of, methods=("random",), first_level=4, last_level=4, images=64, batch_size=32,
                               norm_statistics=statistics)
    table = answer(question, Store(tmp_path / "store"), data_root=tmp_path).group("table")
    assert all(np.isfinite(table[name]).all() for name in OBJECTIVES)
    assert table["reverse_kl"][1] > table["reverse_kl"][0] == pytest.approx(0, abs=1e-6)


def test_it_can_be_stopped(answered, monkeypatch):
    store, data_root, _ = answered
    monkeypatch.setattr("lth_engine.core.meter.REPORT_SECONDS", -1)

    def stop(progress):
        if "level 3" in progress.message:
            raise Cancelled("Stopped.")
    with pytest.raises(Cancelled):
        answer(QUESTION.replace(images=400), store, data_root=data_root, report=stop)


def test_an_objective_that_is_not_finite_is_named_with_its_ticket(answered, monkeypatch):
    store, data_root, _ = answered
    monkeypatch.setattr("lth_engine.analysis.objective_values.measured",
                        lambda spec, compared: torch.tensor(np.nan if spec.name == "loss_change" else 0.0))
    with pytest.raises(NonFinite, match=r"loss_change of the ticket of dense at level 0 .* Leave it out"):
        answer(QUESTION.replace(images=300), store, data_root=data_root)


@pytest.mark.parametrize(("question", "message"), [
    (QUESTION.replace(last_level=60, every=1), "method random cannot be compared here: .*must keep between 1"),
    (QUESTION.replace(images=100), r"at most the 100 images that are shown\. Got 200")])
def test_what_could_only_fail_is_refused_before_any_training(question, message, tmp_path):
    store = Store(tmp_path / "store")
    with pytest.raises(BadInput, match=message):
        answer(question, store, data_root=tmp_path)
    assert store.list() == []
