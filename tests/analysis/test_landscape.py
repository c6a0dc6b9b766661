"""Landscapes against a plain loop over moved copies of the network, and against the Hessian's eigenvalues."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lth_engine.analysis import hessian_eigenpairs, landscape
from lth_engine.analysis.landscapes.directions import length, orthogonal, scaled
from lth_engine.analysis.shown_again import shown_again
from lth_engine.answer import answer
from lth_engine.core.artifact import Artifact
from lth_engine.core.errors import BadInput, Cancelled, NonFinite
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Workbench
from lth_engine.specs.finding import OneShot
from lth_engine.specs.landscapes import Landscape
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training.batches import Images
from lth_engine.training.evaluate import evaluate
from tests.analysis.toy_network import dense, free, toy
from tests.waits import waits


def solve(monkeypatch, tmp_path, made=None, inputs=None, memory=None, report=None, **knobs):
    made = made or toy()
    monkeypatch.setattr(landscape, "network_at", lambda question, inputs, bench: made)
    more = {"checkpoint": memory} if memory else {}
    bench = Workbench(tmp_path, report=report or (lambda progress: None), **more)
    return landscape.answer(Landscape(**knobs), inputs or {}, bench)


def directions_of(monkeypatch, tmp_path, made, inputs=None, **knobs):
    """The directions that an answer walked along, one flat vector each."""
    seen = []

    class Watched(landscape.Plane):
        def __init__(self, parameters, directions):
            seen.extend(directions)
            self.names = [n for q in parameters for n, p in made[0].named_parameters() if p is q]
            seen.append(self.names)
            super().__init__(parameters, directions)

    monkeypatch.setattr(landscape, "Plane", Watched)
    found = solve(monkeypatch, tmp_path, made, inputs, **knobs)
    *directions, names = seen
    return found, [dict(zip(names, d, strict=True)) for d in directions]


@torch.no_grad()
def naive(made, directions, axis):
    """Loss and error on the grid by deep copies of the network, in double precision; index [y, x]."""
    model, _, images = made
    x, y = next(iter(images.in_order()))
    rows = []
    for place in ([(a,) for a in axis] if len(directions) == 1 else [(a, b) for b in axis for a in axis]):
        moved = copy.deepcopy(model)
        for name, p in moved.named_parameters():
            for at, direction in zip(place, directions, strict=True):
                p += at * direction.get(name, torch.zeros(()))
        logits = moved(x)
        rows.append((F.cross_entropy(logits, y).item(), (logits.argmax(1) != y).double().mean().item()))
    return np.array(rows).T.reshape(2, *[len(axis)] * len(directions))


@pytest.mark.parametrize("knobs", [{}, {"dimensions": 1}, {"scale": "unit", "radius": 3.0},
                                   {"weights": "all", "scale": "unit"}, {"layer": "out.weight"}], ids=str)
def test_the_grid_is_that_of_a_plain_loop(monkeypatch, tmp_path, knobs):
    made = toy()
    found, directions = directions_of(monkeypatch, tmp_path, made, points=5, **knobs)
    radius, dimensions = knobs.get("radius", 1.0), knobs.get("dimensions", 2)
    axis = radius * np.array([-1, -0.5, 0, 0.5, 1])
    assert found.arrays["x"].tolist() == axis.tolist()
    assert ("y" in found.arrays) == (dimensions == 2)
    expected = naive(made, directions, axis)
    assert found.arrays["loss"] == pytest.approx(expected[0], rel=1e-5)
    assert (found.arrays["error"] == expected[1]).all()
    assert found.arrays["loss"].std() > 0.01
    middle = (2,) * dimensions
    assert found.arrays["loss"][middle] == found.summary["loss_middle"] == evaluate(made[0], made[2]).loss
    assert found.arrays["error"][middle] == found.summary["error_middle"] == evaluate(made[0], made[2]).error
    assert found.summary["loss_highest"] == found.arrays["loss"].max()
    assert found.summary["error_highest"] == found.arrays["error"].max()
    assert (found.summary["points"], found.summary["images"]) == (5**dimensions, 23)
    assert found.summary["length"] == pytest.approx(
        sum((d.double() ** 2).sum().item() for d in directions[0].values()) ** 0.5)


@pytest.mark.parametrize("weights", ["kept", "all"])
def test_every_filter_of_a_direction_has_the_length_of_the_networks(monkeypatch, tmp_path, weights):
    model, mask, _ = made = toy()
    found, directions = directions_of(monkeypatch, tmp_path, made, points=3, weights=weights)
    for direction in directions:
        for name, p in model.named_parameters():
            if p.ndim == 1:
                assert (direction[name] == 0).all(), "biases stay with filter normalisation"
            else:
                assert direction[name].norm(dim=1).tolist() == pytest.approx(p.norm(dim=1).tolist(), rel=1e-6)
                assert (direction[name][torch.tensor(~mask[name])] == 0).all() == (weights == "kept")
    whole = sum((p.detach() ** 2).sum().item() for p in model.parameters() if p.ndim > 1) ** 0.5
    assert found.summary["length"] == pytest.approx(whole)
    inner = sum((directions[0][n] * directions[1][n]).sum().item() for n in directions[0])
    assert abs(inner) <= 1e-6 * whole**2


def test_a_unit_direction_has_length_one_and_moves_biases_unless_they_stay(monkeypatch, tmp_path):
    made = toy()
    for biases in (True, False):
        found, directions = directions_of(monkeypatch, tmp_path, made, points=3, scale="unit", biases=biases)
        one, other = (torch.cat([d.flatten() for d in direction.values()]) for direction in directions)
        assert [found.summary["length"], one.norm().item(), other.norm().item()] == pytest.approx([1, 1, 1])
        assert abs((one @ other).item()) < 1e-6
        assert ("hidden.bias" in directions[0]) == biases
        assert found.summary["size"] == free(*made[:2]).sum() - (0 if biases else 18)
    assert not torch.equal(directions_of(monkeypatch, tmp_path, made, points=3, seed=1)[1][0]["out.weight"],
                           directions_of(monkeypatch, tmp_path, made, points=3, seed=2)[1][0]["out.weight"])


def test_a_filter_of_zeros_stays_and_convolutions_count_by_output():
    weight, direction = torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2)
    weight[1], direction[2] = 0, 0
    found = scaled([direction], [weight], "filter")[0]
    lengths = weight.flatten(1).norm(dim=1)
    lengths[2] = 0
    assert found.flatten(1).norm(dim=1).tolist() == pytest.approx(lengths.tolist())
    assert torch.isfinite(found).all()


def eigenpairs(monkeypatch, tmp_path, made, question):
    """Inputs that hold the answer of the question's eigenpairs."""
    monkeypatch.setattr(hessian_eigenpairs, "network_at", lambda *given: made)
    asked = question.eigenpairs().replace(tolerance=1e-7)
    found = hessian_eigenpairs.answer(asked, {}, Workbench(tmp_path))
    return {question.eigenpairs().key: Artifact("", "", {}, found.summary, found.arrays, {}, None, "")}


def test_along_eigenvectors_the_loss_is_the_parabola_of_their_eigenvalues(monkeypatch, tmp_path):
    model, mask, images = made = toy()
    knobs = {"directions": "eigenvectors", "scale": "unit", "radius": 0.02, "points": 3}
    inputs = eigenpairs(monkeypatch, tmp_path, made, Landscape(**knobs))
    found, directions = directions_of(monkeypatch, tmp_path, made, inputs, **knobs)
    moves = free(model, mask)
    whole, slope, loss = dense(model, images)
    values, vectors = torch.linalg.eigh(whole[moves][:, moves])
    flat = [torch.cat([d[n].flatten() for n, _ in model.named_parameters()])[moves] for d in directions]
    assert [abs((vectors[:, -1] @ flat[0]).item()), abs((vectors[:, -2] @ flat[1]).item())] == pytest.approx([1, 1])
    grid = naive(made, directions, [-0.02, 0, 0.02])[0]
    for line, value, vector in ((grid[1], values[-1], flat[0]), (grid[:, 1], values[-2], flat[1])):
        assert line[0] + line[2] - 2 * line[1] == pytest.approx(value.item() * 0.02**2, rel=1e-3)
        assert (line[2] - line[0]) / 0.04 == pytest.approx((slope[moves] @ vector).item(), rel=1e-2, abs=1e-5)
    assert found.arrays["loss"] == pytest.approx(grid, rel=1e-6)
    assert found.summary["loss_middle"] == pytest.approx(loss.item(), rel=1e-6)


def test_filter_scaled_eigenvectors_have_the_filters_lengths(monkeypatch, tmp_path):
    made = toy()
    knobs = {"directions": "eigenvectors", "points": 3, "dimensions": 1}
    inputs = eigenpairs(monkeypatch, tmp_path, made, Landscape(**knobs))
    _, (direction,) = directions_of(monkeypatch, tmp_path, made, inputs, **knobs)
    weight = dict(made[0].named_parameters())["out.weight"]
    assert direction["out.weight"].norm(dim=1).tolist() == pytest.approx(weight.norm(dim=1).tolist())


@pytest.mark.parametrize("stop", [0, 1, 7, 24])
def test_a_stopped_grid_goes_on_where_it_was_and_the_network_is_untouched(monkeypatch, tmp_path, stop):
    monkeypatch.setattr("lth_engine.core.meter.REPORT_SECONDS", -1)
    made = toy()
    before = {n: v.clone() for n, v in made[0].state_dict().items()}
    checkpoint = Store(tmp_path / "store").checkpoint(Landscape(points=5).key)
    reports = []

    def until(progress):
        reports.append(progress)
        if len(reports) > 1 and progress.done == stop:
            raise Cancelled("Stopped.")

    whole = solve(monkeypatch, tmp_path, made, points=5)
    with pytest.raises(Cancelled):
        solve(monkeypatch, tmp_path, made, memory=checkpoint, report=until, points=5)
    assert all(torch.equal(v, before[n]) for n, v in made[0].state_dict().items())
    saved, scalars = checkpoint.load()
    assert scalars["done"] == stop
    assert np.isfinite(saved["loss"]).sum() == stop
    del reports[:]
    resumed = solve(monkeypatch, tmp_path, made, memory=checkpoint, report=reports.append, points=5)
    assert resumed.summary == whole.summary
    assert all(np.array_equal(resumed.arrays[n], a) for n, a in whole.arrays.items())
    assert {p.done for p in reports} == set(range(stop, 25)) - ({12} if stop != 12 else set())
    assert all(torch.equal(v, before[n]) for n, v in made[0].state_dict().items())


def test_far_points_may_be_infinite_but_the_middle_may_not(monkeypatch, tmp_path):
    model, mask, images = toy()
    model.out.float()
    model.forward = lambda x: model.out(torch.relu(model.hidden(x.double().flatten(1))).float().exp())
    found = solve(monkeypatch, tmp_path, (model, mask, images), points=3, radius=1000.0)
    assert found.summary["not_finite"] == (~np.isfinite(found.arrays["loss"])).sum() > 0
    assert np.isfinite([found.summary["loss_highest"], found.summary["loss_middle"]]).all()
    assert found.summary["loss_highest"] == found.arrays["loss"][np.isfinite(found.arrays["loss"])].max()
    with torch.no_grad():
        model.out.bias[0] = float("inf")
    with pytest.raises(NonFinite, match="A landscape needs a network with a finite loss in its middle"):
        solve(monkeypatch, tmp_path, (model, mask, images), points=3)


def test_what_cannot_be_moved_is_a_sentence(monkeypatch, tmp_path):
    model, mask, images = toy()
    nothing = Mask({n: np.zeros_like(mask[n]) for n in mask})
    with pytest.raises(BadInput, match="zero everywhere here: the filters that may move are pruned or zero"):
        solve(monkeypatch, tmp_path, (model, nothing, images), points=3)
    with pytest.raises(BadInput, match="No coordinate of the network may move"):
        solve(monkeypatch, tmp_path, (model, nothing, images), points=3, biases=False)
    single = {n: np.zeros_like(mask[n]) for n in mask}
    single["out.weight"].flat[np.flatnonzero(mask["out.weight"])[0]] = True
    for scale in ("filter", "unit"):
        with pytest.raises(BadInput, match=r"A surface needs two directions, .* choose dimensions = 1"):
            solve(monkeypatch, tmp_path, (model, Mask(single), images), points=3, biases=False, scale=scale)
    knobs = {"directions": "eigenvectors", "points": 3, "biases": False}
    inputs = eigenpairs(monkeypatch, tmp_path, (model, Mask(single), images), Landscape(**knobs))
    with pytest.raises(BadInput, match=r"along 2 eigenvectors need as many weights .* Got 1: choose dimensions = 1"):
        solve(monkeypatch, tmp_path, (model, Mask(single), images), inputs, **knobs)


def test_orthogonal_directions_keep_their_scale_in_small_filters():
    torch.manual_seed(0)
    weights = [torch.randn(6, 2, dtype=torch.float64), torch.randn(40, 3, dtype=torch.float64)]
    first = scaled([torch.randn_like(w) for w in weights], weights, "filter")
    second = orthogonal([f + 0.1 * torch.randn_like(f) for f in first], first, weights, "filter")
    for s, w in zip(second, weights, strict=True):
        assert s.norm(dim=1).tolist() == pytest.approx(w.norm(dim=1).tolist())
    inner = sum((a * b).sum().item() for a, b in zip(first, second, strict=True))
    assert abs(inner) <= 1e-6 * length(first) * length(second)


@pytest.mark.parametrize("budget", [0, 2**20])
def test_images_are_the_same_whether_their_batches_are_kept(monkeypatch, budget):
    monkeypatch.setattr(Images, "evaluation_batch", 10)
    images, counts = toy()[2], []
    shown, = shown_again([images], counts.append, budget)
    assert shown.keep == bool(budget)
    expected = list(images.in_order())
    for _ in range(3):
        for (x, y), (u, v) in zip(shown.in_order(), expected, strict=True):
            assert torch.equal(x, u)
            assert torch.equal(y, v)
    assert counts == 3 * [len(y) for _, y in expected]
    assert len(shown) == 23


@pytest.mark.parametrize("norm_statistics", ["evaluation", "batch"])
def test_a_run_of_the_store_has_a_landscape(tmp_path, norm_statistics):
    training = Training(length="1ep", batch_size=64)
    ticket = FoundTicket(start=DenseTicket(model=CifarResnet(depth=8, width=4)), training=training,
                         search=OneShot(fraction=0.5))
    question = Landscape(of=Run(ticket=ticket, training=training), images=60, points=3, directions="eigenvectors",
                         norm_statistics=norm_statistics, radius=0.1)
    store = Store(tmp_path / "store")
    found = answer(question, store, data_root=tmp_path)
    pairs = store.head(question.eigenpairs().key).summary
    assert found.arrays["loss"].shape == (3, 3)
    assert found.summary["loss_middle"] == pytest.approx(pairs["loss"], rel=1e-5)
    assert found.summary["loss_highest"] > found.summary["loss_middle"]


def test_a_length_over_many_parameters_waits_once():
    direction = [torch.full((2, 3), float(i)) for i in range(40)]
    with waits() as seen:
        assert length(direction) == (6 * sum(i**2 for i in range(40)))**0.5
    assert len(seen) == 1
