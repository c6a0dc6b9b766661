"""The classifier on frozen features against a loop written out, closed forms and scikit-learn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lth_engine.analysis import feature_transfer, linear_probe
from lth_engine.analysis.features import frozen as frozen_module
from lth_engine.analysis.features.classifier import classifier
from lth_engine.analysis.features.frozen import frozen
from lth_engine.analysis.features.second_opinion import fitted
from lth_engine.core.errors import BadInput, Cancelled
from lth_engine.core.fingerprint import fingerprint
from lth_engine.core.seeds import derive
from lth_engine.core.step import Step
from lth_engine.models.build import build
from lth_engine.specs.data import Digits, OwnImages
from lth_engine.specs.features import MOVED, PROBE, FeatureTransfer, LinearProbe
from lth_engine.specs.finding import OneShot
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training
from lth_engine.training import streamed
from lth_engine.training.material import material
from tests.data.layouts import WRITE

TRAINING = Training(length=Step(1), batch_size=64, evaluate_every=Step(0))


def run_of(model, fraction=0.5):
    ticket = FoundTicket(start=DenseTicket(model=model), training=TRAINING, search=OneShot(fraction=fraction))
    return Run(ticket=ticket, training=TRAINING)


RUN = run_of(Lenet300100(first=20, second=12))
RESNET = Run(ticket=DenseTicket(model=CifarResnet(depth=8, width=2), init_seed=3), training=TRAINING)
PROBED = LinearProbe(of=RUN, seed=4, second_opinion=False, training=PROBE.replace(length=Step(2)))


def digits(bench):
    """Normalised training and test images with labels, B x C x H x W."""
    found = material(Digits(), bench)
    return [tuple(torch.cat(part) for part in zip(*images.in_order(), strict=True))
            for images in (found.train, found.test)]


def features_by_hand(inputs, bench, run=RUN):
    """Start weights of LeNet through its layers, pruned ones 0."""
    stored = inputs[run.ticket.key]
    start, mask = stored.group("start"), stored.group("mask")
    w = {name: torch.tensor(value * mask[name] if name in mask else value) for name, value in start.items()}
    assert min(float(m.mean()) for m in mask.values()) < 1

    def through(x):
        for layer in ("fc1", "fc2"):
            x = torch.relu(x.flatten(1) @ w[f"{layer}.weight"].T + w[f"{layer}.bias"])
        return x
    return through


def test_the_classifier_is_that_of_a_loop_written_out(inputs, bench):
    """SGD with momentum and decay, in the order of a run, on features of the masked network."""
    (x, y), (test_x, test_y) = digits(bench)
    through = features_by_hand(inputs, bench)
    x, test_x = through(x), through(test_x)
    layer = classifier(12, 10, 4)
    weights = [layer.weight.detach().clone(), layer.bias.detach().clone()]
    speed = [torch.zeros_like(w) for w in weights]
    for epoch in range(2):
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(derive(4, "order", 0, epoch)))
        for part in order.split(256):
            wrong = torch.softmax(x[part] @ weights[0].T + weights[1], dim=1) - torch.eye(10)[y[part]]
            gradient = [wrong.T @ x[part] / len(part), wrong.mean(dim=0)]
            for w, v, g in zip(weights, speed, gradient, strict=True):
                v.mul_(0.9).add_(g + 1e-4 * w)
                w.sub_(0.005 * v)
    logits = test_x @ weights[0].T + weights[1]
    found = linear_probe.answer(PROBED, inputs, bench)
    assert found.summary["test_accuracy"] == pytest.approx(float((logits.argmax(1) == test_y).double().mean()))
    assert found.summary["test_loss"] == pytest.approx(
        float(torch.nn.functional.cross_entropy(logits, test_y)), rel=1e-4)
    right = (x @ weights[0].T + weights[1]).argmax(1) == y
    assert found.summary["train_accuracy"] == pytest.approx(float(right.double().mean()))
    assert found.summary["dead_features"] == int((x.amax(0) == x.amin(0)).sum())
    facts = {name: found.summary[name] for name in ("features", "train_images", "test_images", "chance")}
    assert facts == {"features": 12, "train_images": len(y), "test_images": len(test_y), "chance": 0.1}
    assert found.arrays["history/epoch"].tolist() == [0, 2]


def test_the_same_seed_gives_the_same_and_another_another(inputs, bench):
    one, same, other = (linear_probe.answer(PROBED.replace(seed=seed), inputs, bench) for seed in (1, 1, 2))
    assert one.summary == same.summary
    assert one.summary["test_loss"] != other.summary["test_loss"]


def test_the_first_weights_are_torchs_own_and_no_generator_moves():
    before = torch.get_rng_state()
    layer = classifier(50, 4, 3)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(derive(3, "classifier"))
    assert torch.equal(layer.weight, torch.nn.Linear(50, 4).weight)


def test_separable_features_are_read_as_scikit_learn_reads_them(inputs, bench):
    """Long training of the head comes close to the regression, which is scikit-learn's own pipeline."""
    long = PROBE.replace(length=Step(60), optimizer=Sgd(lr=0.05, momentum=0.9, weight_decay=0.0))
    found = linear_probe.answer(PROBED.replace(training=long, second_opinion=True), inputs, bench).summary
    (x, y), (test_x, test_y) = digits(bench)
    through = features_by_hand(inputs, bench)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(through(x).numpy(), y.numpy())
    expected = model.score(through(test_x).numpy(), test_y.numpy())
    assert expected > 0.5
    assert found["opinion_accuracy"] == pytest.approx(expected, abs=0.01)
    assert found["test_accuracy"] == pytest.approx(expected, abs=0.06)
    assert found["opinion_note"] == ""


def test_a_regression_that_does_not_converge_says_so(monkeypatch):
    monkeypatch.setattr("lth_engine.analysis.features.second_opinion.ITERATIONS", 2)
    monkeypatch.setattr("lth_engine.analysis.features.second_opinion.AT_ONCE", 1)
    draw, told = np.random.default_rng(0), []
    _, notes = fitted(draw.normal(size=(60, 9)), draw.integers(0, 3, 60), told.append)
    assert notes == ["not converged after 2 iterations"]
    assert told == [0, 1]


def test_of_many_images_a_balanced_draw_is_fitted(inputs, bench, monkeypatch):
    monkeypatch.setattr("lth_engine.analysis.features.second_opinion.MOST", 200)
    found = linear_probe.answer(PROBED.replace(second_opinion=True), inputs, bench).summary
    assert found["opinion_note"].startswith("fitted to ")
    assert 0.3 < found["opinion_accuracy"] < 1


def test_a_dead_network_guesses(inputs, bench):
    """All features constant: no crash, every one counted, and no more right than the commonest class."""
    stored = inputs[RUN.ticket.key]
    nothing = {name: np.zeros_like(value) if name.startswith("start/") else value
               for name, value in stored.arrays.items()}
    dead = {RUN.ticket.key: dataclasses.replace(stored, arrays=nothing)}
    found = linear_probe.answer(PROBED.replace(second_opinion=True), dead, bench).summary
    assert (found["dead_features"], found["features"]) == (12, 12)
    assert found["test_accuracy"] < 0.15
    assert found["opinion_accuracy"] < 0.15


def test_the_end_of_a_run_reads_better_than_its_start(inputs, bench):
    start, end = (linear_probe.answer(PROBED.replace(at=at, second_opinion=True), inputs, bench).summary
                  for at in ("start", "end"))
    assert end["opinion_accuracy"] > start["opinion_accuracy"]


class Starts(dict):
    """Answers of dense networks as they are drawn."""

    def __missing__(self, key):
        dense = RESNET.ticket
        model = build(dense.model, 1, 8, 8, 10, dense.init_seed)
        arrays = {f"start/{name}": value.numpy() for name, value in model.state_dict().items()}
        arrays |= {f"mask/{name}": np.ones(p.shape, bool) for name, p in model.named_parameters() if p.ndim > 1}

        class Found:
            @staticmethod
            def group(prefix):
                return {n.split("/", 1)[1]: a for n, a in arrays.items() if n.startswith(prefix + "/")}
        return Found


def features_of(bench, **changed):
    found = frozen(PROBED.replace(of=RESNET, **changed), Starts(), bench)
    return torch.cat([x for x, _ in found.train.in_order()])


def test_statistics_of_normalisation_are_a_choice(bench):
    """At initialisation the running ones say nothing; the recalibrated ones make the last normalisation standard."""
    found = {name: features_of(bench, norm_statistics=name) for name in ("recalibrated", "running", "batch")}
    assert not torch.allclose(found["recalibrated"], found["running"], rtol=0.1)
    assert not torch.allclose(found["batch"], found["running"], rtol=0.1)
    torch.testing.assert_close(found["batch"], found["recalibrated"], rtol=0.3, atol=0.3)


def test_recalibration_sees_the_images_of_the_classifier_alone(bench):
    tenth = PROBED.training.replace(subset=0.3)
    assert len(features_of(bench, training=tenth)) < len(features_of(bench)) / 3
    assert not torch.allclose(features_of(bench, training=tenth).mean(), features_of(bench).mean(), rtol=1e-5)


@pytest.mark.parametrize("changed", [{}, {"subset": 0.4}, {"label_noise": 0.5}])
def test_features_computed_in_each_pass_give_the_same_classifier(inputs, bench, monkeypatch, changed):
    asked = PROBED.replace(training=PROBED.training.replace(**changed))
    kept = linear_probe.answer(asked, inputs, bench).summary
    monkeypatch.setattr(frozen_module, "BUDGET", 0)
    computed = linear_probe.answer(asked.replace(second_opinion=True), inputs, bench).summary
    assert computed["test_loss"] == pytest.approx(kept["test_loss"], rel=1e-5)
    assert computed["test_accuracy"] == pytest.approx(kept["test_accuracy"], abs=0.003)
    assert computed["dead_features"] == kept["dead_features"]


def test_augmented_images_have_features_of_their_own(inputs, bench):
    plain = linear_probe.answer(PROBED, inputs, bench).summary
    shifted = linear_probe.answer(PROBED.replace(training=PROBED.training.replace(crop=2)), inputs, bench).summary
    assert plain["test_loss"] != pytest.approx(shifted["test_loss"], rel=1e-3)


class Kept:
    """A checkpoint in memory."""

    saved = None

    def load(self):
        return self.saved

    def save(self, arrays, scalars):
        self.saved = dict(arrays), dict(scalars)


def test_a_classifier_that_is_stopped_goes_on_exactly(inputs, bench):
    asked = PROBED.replace(training=PROBED.training.replace(length=Step(8), evaluate_every=Step(1)))
    whole = linear_probe.answer(asked, inputs, bench)
    kept, reports = Kept(), []

    def stop(progress):
        reports.append(progress)
        if progress.message.startswith("training") and progress.done > 0.6:
            raise Cancelled("stop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lth_engine.analysis.features.classifier.Session", _eager())
        with pytest.raises(Cancelled):
            linear_probe.answer(asked, inputs, dataclasses.replace(bench, report=stop, checkpoint=kept))
    assert 0 < kept.saved[1]["step"] < kept.saved[1]["stop"]
    again = linear_probe.answer(asked, inputs, dataclasses.replace(bench, checkpoint=kept))
    assert again.summary == whole.summary
    assert all(np.array_equal(again.arrays[name], values, equal_nan=True) for name, values in whole.arrays.items())


def _eager():
    from lth_engine.training.session import Session

    def made(*given):
        session = Session(*given)
        session.report_every = 0.0
        return session
    return made


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10", "cub200"])
def test_features_serve_on_other_images(name, inputs, tmp_path, monkeypatch, bench):
    """Gray of another size, colour, and photographs that are streamed, under a network for 8 x 8 gray digits."""
    monkeypatch.setattr(streamed, "_workers", lambda device: 0)
    target = WRITE[name](tmp_path, monkeypatch).spec
    asked = FeatureTransfer(of=RUN, target=target, training=MOVED.replace(batch_size=4, length=Step(2)))
    here = dataclasses.replace(bench, data_root=tmp_path)
    feature_transfer.before(asked, here)
    found = feature_transfer.answer(asked, inputs, here).summary
    assert found["features"] == 12
    assert found["chance"] == pytest.approx(1 / 3 if name == "cub200" else 0.1)
    assert 0 <= found["test_accuracy"] <= 1


def test_colour_photographs_of_three_colours_are_told_apart(inputs, tmp_path, monkeypatch, bench):
    """By a network for gray digits: their luma differs."""
    target = WRITE["own_images"](tmp_path, monkeypatch).spec
    training = MOVED.replace(batch_size=8, length=Step(30), optimizer=Sgd(lr=0.05))
    found = feature_transfer.answer(FeatureTransfer(of=RUN, target=target, training=training), inputs,
                                    dataclasses.replace(bench, data_root=tmp_path)).summary
    assert found["test_accuracy"] == 1.0


def test_a_batch_larger_than_the_subset_is_refused_before_anything_is_computed(bench):
    small = PROBED.replace(training=PROBED.training.replace(subset=0.05))
    with pytest.raises(BadInput, match=r"training.batch_size must be at most the \d+ training images. Got 256. Lower"):
        linear_probe.before(small, bench)


def test_a_target_of_one_class_is_refused(tmp_path, bench):
    path = tmp_path / "one.npz"
    np.savez(path, x=np.zeros((40, 8, 8, 3), np.uint8), y=np.zeros(40, int))
    with pytest.raises(BadInput, match="at least two classes"):
        feature_transfer.before(FeatureTransfer(
            of=RUN, target=OwnImages(path=str(path), fingerprint=fingerprint(path))), bench)


def test_a_question_needs_the_ticket_or_the_run_alone():
    assert [q.key for q in PROBED.inputs()] == [RUN.ticket.key]
    assert [q.key for q in PROBED.replace(at="end").inputs()] == [RUN.key]
