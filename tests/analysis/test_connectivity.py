"""The curve between two runs, against a plain loop over copies of the networks in double precision."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lth_engine.analysis import connectivity
from lth_engine.answer import StoredInputs, answer
from lth_engine.core.errors import BadInput, Cancelled
from lth_engine.core.workbench import Workbench
from lth_engine.data.image_set import load
from lth_engine.models.build import build
from lth_engine.specs.connecting import Connectivity
from lth_engine.specs.controls import RandomMask
from lth_engine.specs.data import Digits
from lth_engine.specs.finding import OneShot
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training.batches import Images
from tests.data.layouts import write_imagenet100

HOW = ("recalibrated", "interpolated", "batch")
TRAINING = Training(length="3ep", batch_size=64)


def pair(model):
    """Two runs with different masks and a question about them."""
    ticket = FoundTicket(start=DenseTicket(model=model), training=TRAINING, search=OneShot(fraction=0.5))
    return Connectivity(first=Run(ticket=ticket, training=TRAINING),
                        second=Run(ticket=RandomMask(of=ticket), training=TRAINING, order_seed=1), points=5)


PAIRS = {"lenet": pair(Lenet300100(first=30, second=20)), "resnet": pair(CifarResnet(depth=8, width=4))}
CASES = [("lenet", "recalibrated")] + [("resnet", how) for how in HOW]


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, data_root):
    store = Store(tmp_path_factory.mktemp("store"))
    for question in PAIRS.values():
        for run in question.inputs():
            answer(run, store, data_root=data_root)
    return StoredInputs(store)


@pytest.fixture
def one_batch(monkeypatch):
    """All images at once, so that no statistic depends on how they are cut into batches."""
    monkeypatch.setattr(Images, "evaluation_batch", 1_000_000)


class Changed:
    """Inputs of which some arrays are replaced."""

    def __init__(self, inputs, key, change):
        self.inputs, self.key, self.change = inputs, key, change

    def __getitem__(self, key):
        artifact = self.inputs[key]
        if key != self.key:
            return artifact
        return dataclasses.replace(artifact, arrays={n: self.change(n, a) for n, a in artifact.arrays.items()})


def images_of(data_root):
    """Normalised images and labels of each part, in double precision."""
    found = load(Digits(), data_root)
    mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (found.mean, found.std))
    return {part: ((getattr(found, f"{part}_x").double() / 255 - mean) / std, getattr(found, f"{part}_y"))
            for part in ("train", "test")}


def networks(question, inputs):
    """The two networks of a question in double precision, masks laid over their weights here."""
    for run in (question.first, question.second):
        artifact = inputs[run.key]
        model = build(run.ticket.dense.model, 1, 8, 8, 10, 0)
        weights, mask = artifact.group("final"), artifact.group("mask")
        model.load_state_dict({n: torch.tensor(w * mask[n] if n in mask else w) for n, w in weights.items()})
        yield model.double()


@torch.no_grad()
def evaluated(model, how, images):
    """Error and loss on test and training images, all in one batch."""
    if how == "recalibrated":
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        model.train()(images["train"][0])
    row = []
    for part in ("test", "train"):
        x, y = images[part]
        logits = model.train(how == "batch")(x)
        row += [(logits.argmax(1) != y).double().mean().item(), F.cross_entropy(logits, y).item()]
    return row


def naive(question, inputs, images):
    """The curve by deep copies and a loop over their weights: points x (test error, loss, train error, loss)."""
    first, second = networks(question, inputs)
    rows = []
    for i in range(question.points):
        alpha = i / (question.points - 1)
        between, ends = copy.deepcopy(first), (first.state_dict(), second.state_dict())
        between.load_state_dict({n: (1 - alpha) * ends[0][n] + alpha * ends[1][n] for n in ends[0]})
        rows.append(evaluated(between, question.norm_statistics, images))
    return np.array(rows)


def curves(found):
    return np.stack([found.arrays[n] for n in ("test_error", "test_loss", "train_error", "train_loss")], axis=1)


def solve(question, inputs, data_root, **bench):
    return connectivity.answer(question, inputs, Workbench(data_root, **bench))


@pytest.mark.parametrize(("model", "how"), CASES)
def test_the_curve_is_that_of_a_plain_loop(model, how, inputs, data_root, one_batch):
    question = PAIRS[model].replace(norm_statistics=how)
    found = solve(question, inputs, data_root)
    expected = naive(question, inputs, images_of(data_root))
    assert found.arrays["alpha"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curves(found) == pytest.approx(expected, rel=1e-4, abs=1e-9)
    for part, column in (("test", 0), ("train", 2)):
        errors = expected[:, column]
        assert found.summary[f"barrier_{part}"] == pytest.approx(errors.max() - (errors[0] + errors[-1]) / 2)
    assert found.summary["barrier_alpha"] == found.arrays["alpha"][expected[:, 0].argmax()]
    assert found.summary["density_first"] == found.summary["density_second"] == 0.5
    assert 0.7 < found.summary["density_line"] < 0.8


@pytest.mark.parametrize(("model", "how"), CASES)
def test_T12_the_ends_are_the_networks_under_the_protocol_of_the_line(model, how, inputs, data_root, one_batch):
    question = PAIRS[model].replace(norm_statistics=how, points=2)
    found, images = solve(question, inputs, data_root), images_of(data_root)
    for row, network, end in zip(curves(found), networks(question, inputs), ("first", "second"), strict=True):
        assert row == pytest.approx(evaluated(network, how, images), rel=1e-4, abs=1e-9)
        assert row.tolist() == [found.summary[f"{end}_{n}"]
                                for n in ("test_error", "test_loss", "train_error", "train_loss")]


def test_T12_with_interpolated_statistics_the_ends_are_what_the_runs_measured(inputs, data_root):
    for question in PAIRS.values():
        found = solve(question.replace(norm_statistics="interpolated"), inputs, data_root)
        for run, end in ((question.first, "first"), (question.second, "second")):
            measured = inputs.summary(run.key)
            assert found.summary[f"{end}_test_error"] == pytest.approx(1 - measured["test_accuracy"], abs=1e-12)
            assert found.summary[f"{end}_test_loss"] == pytest.approx(measured["test_loss"], rel=1e-6)


def spoil(name, array):
    """Running statistics that no training left behind."""
    return array + 3 if name.endswith(("running_mean", "running_var")) else array


def test_T12_no_stored_statistic_reaches_the_ends_unless_it_is_asked_for(inputs, data_root):
    question = PAIRS["resnet"]
    spoiled = Changed(inputs, question.first.key, spoil)
    for how in HOW:
        asked = question.replace(norm_statistics=how)
        clean, dirty = (curves(solve(asked, given, data_root)) for given in (inputs, spoiled))
        assert (clean[0] == dirty[0]).all() == (how != "interpolated")
        assert (clean[:-1] == dirty[:-1]).all() == (how != "interpolated")
        assert (clean[-1] == dirty[-1]).all()


@pytest.mark.parametrize(("model", "how"), CASES)
def test_T11_identical_networks_have_barrier_zero(model, how, inputs, data_root):
    question = PAIRS[model].replace(second=PAIRS[model].first, norm_statistics=how, points=7)
    assert question.inputs() == (question.first,)
    found = solve(question, inputs, data_root)
    assert found.summary["barrier_test"] == found.summary["barrier_train"] == 0
    assert found.summary["loss_barrier_test"] == found.summary["loss_barrier_train"] == 0
    assert found.summary["stable"] is True
    assert found.summary["mask_overlap"] == 1


@pytest.mark.parametrize(("model", "how"), CASES)
def test_T11_swapped_networks_have_the_mirrored_curve(model, how, inputs, data_root):
    question = PAIRS[model].replace(norm_statistics=how, points=7)
    swapped = question.replace(first=question.second, second=question.first)
    one, other = solve(question, inputs, data_root), solve(swapped, inputs, data_root)
    assert np.array_equal(curves(one), curves(other)[::-1])
    assert len(np.unique(curves(one)[:, 1])) == 7, "a curve that could tell the two directions apart"
    for name in ("barrier_test", "barrier_train", "loss_barrier_test", "loss_barrier_train", "stable"):
        assert one.summary[name] == other.summary[name]


def test_T11_there_are_101_places_with_both_ends(inputs, data_root):
    assert Connectivity().points == 101
    found = solve(PAIRS["lenet"].replace(points=101, training_images=False), inputs, data_root)
    assert found.arrays["alpha"].tolist() == [i / 100 for i in range(101)]
    assert sorted(found.arrays) == ["alpha", "test_error", "test_loss"]
    assert "barrier_train" not in found.summary
    ends = found.summary["first_test_error"], found.summary["second_test_error"]
    assert found.summary["barrier_test"] >= abs(ends[0] - ends[1]) / 2
    assert found.summary["stable"] == (found.summary["barrier_test"] < 0.02)


class Memory:
    """A checkpoint that stays here."""

    saved = None

    def load(self):
        return self.saved

    def save(self, arrays, scalars):
        self.saved = ({n: a.copy() for n, a in arrays.items()}, dict(scalars))


def test_a_stopped_curve_goes_on_where_it_was(inputs, data_root, monkeypatch):
    monkeypatch.setattr(connectivity, "REPORT_SECONDS", 0)
    question, memory, reports = PAIRS["resnet"], Memory(), []

    def until(limit):
        def report(progress):
            reports.append(progress)
            if limit is not None and progress.done > limit * progress.total:
                raise Cancelled("Stopped.")
        return report

    whole = solve(question, inputs, data_root)
    with pytest.raises(Cancelled):
        solve(question, inputs, data_root, report=until(0.5), checkpoint=memory)
    assert memory.saved[1]["done"] == 2
    del reports[:]
    resumed = solve(question, inputs, data_root, report=until(None), checkpoint=memory)
    assert np.array_equal(curves(resumed), curves(whole))
    assert [p.done for p in reports] == sorted({p.done for p in reports})
    assert 0.4 <= reports[0].done / reports[0].total < 0.5
    assert 0.9 < reports[-1].done / reports[-1].total < 1


def test_two_networks_or_two_image_sets_have_no_line_between_them():
    run = Run()
    for other, what in ((DenseTicket(model=Conv()), r"network, .* model \(lenet_300_100 and conv\)"),
                        (DenseTicket(model=Lenet300100(first=7)), r"network, .* lenet_300_100\.first \(300 and 7\)"),
                        (DenseTicket(data=Digits(split_seed=3)), r"image set, .* digits\.split_seed \(0 and 3\)")):
        with pytest.raises(BadInput, match=rf"the same {what}\. Choose another run"):
            Connectivity(first=run, second=Run(ticket=other))
    assert Connectivity(first=run, second=Run(ticket=DenseTicket(init_seed=9))).inputs()[0] == run


def test_images_that_stay_files_have_a_line_too(tmp_path, monkeypatch):
    data = write_imagenet100(tmp_path, monkeypatch).spec
    start = DenseTicket(model=CifarResnet(depth=8, width=4), data=data)
    one = Run(ticket=start, training=Training(length="1ep", batch_size=4))
    question, store = Connectivity(first=one, second=one.replace(order_seed=1), points=3), Store(tmp_path / "store")
    found = answer(question, store, data_root=tmp_path)
    same = answer(question.replace(second=one), store, data_root=tmp_path)
    assert found.arrays["test_loss"][0] == same.arrays["test_loss"][0] != found.arrays["test_loss"][-1]
    assert same.summary["barrier_test"] == same.summary["loss_barrier_train"] == 0
