"""The training loop against a bare rewrite, and what it must never do."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lth_engine.core.errors import Cancelled, NonFinite
from lth_engine.core.mask import Mask
from lth_engine.core.step import Step
from lth_engine.core.workbench import Workbench
from lth_engine.masking.applied import AppliedMask
from lth_engine.masking.prunable import prunable
from lth_engine.specs.data import Digits
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.schedules import Constant, Cosine, MultiStep
from lth_engine.specs.training import Training
from lth_engine.training import session as session_module
from lth_engine.training.batches import Batches
from lth_engine.training.loop import train
from lth_engine.training.material import material, network, take_weights
from lth_engine.training.session import Session
from lth_engine.training.stepper import Stepper


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return material(Digits(), Workbench(tmp_path_factory.mktemp("data")))


def random_mask(model, density, seed=0):
    rng = np.random.default_rng(seed)
    return Mask({n: rng.random(tuple(p.shape)) < density for n, p in prunable(model).items()})


def naive_training(model, mask, batches, training, steps, total):
    """Plain tensors, the update written out from its definition, the mask applied to gradients and weights."""
    o = training.optimizer
    names = dict(model.named_parameters())
    factors = {n: torch.tensor(mask[n]).float() if n in mask else torch.ones_like(p) for n, p in names.items()}
    velocity = {n: torch.zeros_like(p) for n, p in names.items()}
    with torch.no_grad():
        for n, p in names.items():
            p.mul_(factors[n])
    epoch, step = 0, 0
    while step < steps:
        for x, y in batches.epoch(epoch):
            if step == steps:
                return
            rate = o.lr * 0.5 * (1 + math.cos(math.pi * step / total))
            model.zero_grad()
            F.cross_entropy(model(x), y).backward()
            with torch.no_grad():
                for n, p in names.items():
                    g = p.grad + o.weight_decay * p
                    velocity[n] = o.momentum * velocity[n] + g
                    direction = g + o.momentum * velocity[n] if o.nesterov else velocity[n]
                    p.sub_(rate * direction).mul_(factors[n])
            step += 1
        epoch += 1


@pytest.mark.parametrize("optimizer", [Sgd(lr=0.1), Sgd(lr=0.1, momentum=0.0, weight_decay=0.0),
                                       Sgd(lr=0.05, nesterov=True, weight_decay=1e-3)])
@pytest.mark.parametrize("density", [0.2, 1.0])
def test_training_is_the_update_written_out(images, optimizer, density):
    training = Training(length="3ep", batch_size=64, optimizer=optimizer)
    models = [network(Lenet300100(), images.facts, 0, "cpu") for _ in range(2)]
    mask = random_mask(models[0], density)
    batches = Batches(images.train, training, 0, 0)
    total = 3 * batches.steps_per_epoch
    stepper = Stepper(models[0], AppliedMask(models[0], mask), training)
    for _ in train(stepper, batches, start=0, stop=30, total=total):
        pass
    naive_training(models[1], mask, batches, training, 30, total)
    for (name, ours), theirs in zip(models[0].named_parameters(), models[1].parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=2e-5), name


@pytest.mark.parametrize("spec", [Lenet300100(), CifarResnet(depth=8)])
def test_pruned_weights_are_zero_after_every_step(images, spec):
    model = network(spec, images.facts, 0, "cpu")
    mask = AppliedMask(model, random_mask(model, 0.3))
    training = Training(batch_size=64, optimizer=Sgd(lr=0.1, momentum=0.9, weight_decay=1e-2))
    batches = Batches(images.train, training, 0, 0)
    for _ in train(Stepper(model, mask, training), batches, start=0, stop=8, total=8):
        assert mask.count_nonzero() == 0


def test_schedules_against_torch():
    steps, per_epoch = 60, 10
    parameter = torch.nn.Parameter(torch.zeros(1))
    for schedule, theirs in [
        (Cosine(), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, steps)),
        (MultiStep(milestones=("2ep", "45it"), gamma=0.1),
         lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [20, 45], 0.1)),
        (Constant(), lambda o: torch.optim.lr_scheduler.ConstantLR(o, factor=1.0)),
    ]:
        optimizer = torch.optim.SGD([parameter], lr=0.4)
        scheduler = theirs(optimizer)
        training = Training(optimizer=Sgd(lr=0.4), schedule=schedule)
        for step in range(steps):
            assert training.learning_rate(step, steps, per_epoch) == pytest.approx(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()


def test_warmup_rises_linearly_to_the_schedule():
    training = Training(optimizer=Sgd(lr=1.0), schedule=Constant(), warmup=Step(4, "it"))
    assert [training.learning_rate(s, 100, 10) for s in range(6)] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])


def test_a_loss_that_explodes_stops_within_a_step_and_names_the_layer(images):
    model = network(Lenet300100(), images.facts, 0, "cpu")
    training = Training(batch_size=64)
    batches = Batches(images.train, training, 0, 0)
    stepper = Stepper(model, AppliedMask(model, random_mask(model, 1.0)), training)
    steps = train(stepper, batches, start=0, stop=100, total=100)
    assert [next(steps).step for _ in range(5)] == [1, 2, 3, 4, 5]
    with torch.no_grad():
        model.fc2.weight[3, 3] = float("nan")
    with pytest.raises(NonFinite, match=r"step 6 of 100, first in the parameter fc2\.weight"):
        next(steps)


def test_a_real_explosion_keeps_finite_weights_in_the_checkpoint(images):
    training = Training(length="5ep", batch_size=64, optimizer=Sgd(lr=900.0), schedule=Constant())
    shelf = Shelf()
    session = new_session(images, training, Workbench(None, checkpoint=shelf))
    with pytest.raises(NonFinite, match=r"Lower the learning rate of this training \(it was 900\)"):
        session.run()
    assert shelf.scalars["step"] == session.step < session.stop
    assert all(np.isfinite(a).all() for n, a in shelf.arrays.items() if n.startswith(("model/", "optimizer/")))


def test_a_weight_that_explodes_in_the_last_step_is_named_and_the_last_good_state_is_kept(images):
    training = Training(length="2ep", batch_size=64)
    shelf = Shelf()
    session = new_session(images, training, Workbench(None, checkpoint=shelf, checkpoint_seconds=0.0))
    session.report_every = 0.0

    def poison(progress):
        if session.step == session.stop - 1:
            with torch.no_grad():
                session.model.fc1.bias[3] = float("inf")
    object.__setattr__(session.bench, "report", poison)
    with pytest.raises(NonFinite):
        session.run()
    assert shelf.scalars["step"] < session.stop - 1
    assert all(np.isfinite(a).all() for n, a in shelf.arrays.items() if n.startswith("model/"))


def half_trained(images, training, spec=None):
    """The checkpoint of a training that was stopped after its third step, at another learning rate than `training`."""
    shelf = Shelf()
    session = new_session(images, training.replace(optimizer=Sgd(lr=0.5)),
                          Workbench(None, checkpoint=shelf, checkpoint_seconds=0.0), spec)
    for _ in itertools.islice(session.steps(), 3):
        pass
    assert shelf.scalars["step"] == 3
    return shelf


def ended(images, training, shelf=None):
    """Final weights and history, as bytes, of a training that finds the checkpoint in `shelf`."""
    session = new_session(images, training, Workbench(None, checkpoint=shelf or Shelf()))
    session.run()
    return {n: a.tobytes() for n, a in (take_weights(session.model) | session.history()).items()}


@pytest.mark.parametrize("change", [{"format": 1}, {"format": None}, {"start": 1}, {"stop": 6}])
def test_a_checkpoint_of_another_format_start_or_stop_is_not_continued(images, change):
    training = Training(length="1ep", batch_size=200)
    anew, shelf = ended(images, training), half_trained(images, training)
    assert ended(images, training, shelf) != anew, "a fitting one is continued, and ends elsewhere"
    shelf = half_trained(images, training)
    shelf.scalars = {name: value for name, value in (shelf.scalars | change).items() if value is not None}
    assert ended(images, training, shelf) == anew


def test_a_checkpoint_of_another_network_is_not_continued(images):
    training = Training(length="1ep", batch_size=200)
    shelf = half_trained(images, training, CifarResnet(depth=8, width=4))
    assert ended(images, training, shelf) == ended(images, training)


def test_a_resumed_training_takes_over_the_number_of_threads(images, monkeypatch):
    """Sums are added in another order on another number of threads, so the bits would change."""
    before, training, shelf, seen = torch.get_num_threads(), Training(length="1ep", batch_size=200), Shelf(), []

    def trained(steps):
        session = new_session(images, training, Workbench(None, checkpoint=shelf, checkpoint_seconds=0.0))
        session.model.register_forward_pre_hook(
            lambda model, _: seen.append(torch.get_num_threads()) if model.training else None)
        for _ in itertools.islice(session.steps(), steps):
            pass
    try:
        with monkeypatch.context() as another_machine:
            another_machine.setattr(session_module, "use_threads", lambda *_: torch.set_num_threads(3))
            trained(3)
        trained(2)
        shelf = Shelf()
        trained(2)
        assert seen == [3, 3, 3, 3, 3, 1, 1], "without a checkpoint it is the machine's own choice"
    finally:
        torch.set_num_threads(before)


@pytest.fixture
def _any_algorithm():
    """Torch may choose its algorithms before and after."""
    cudnn = torch.backends.cudnn
    torch.use_deterministic_algorithms(False)
    before = cudnn.deterministic, cudnn.benchmark
    yield
    torch.use_deterministic_algorithms(False)
    cudnn.deterministic, cudnn.benchmark = before


@pytest.mark.usefixtures("_any_algorithm")
def test_a_deterministic_training_says_so_to_torch_while_it_steps_and_gives_the_same_bits_on_a_cpu(images):
    ends = []
    for wanted in (False, True):
        training = Training(length="1ep", batch_size=200, flip=True, crop=1, deterministic=wanted)
        session = new_session(images, training, Workbench(None), CifarResnet(depth=8, width=4))
        seen, gradient = [], session.stepper.gradient

        def observed(x, y, seen=seen, gradient=gradient):
            loss = gradient(x, y)
            cudnn = torch.backends.cudnn
            seen.append((torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark))
            return loss
        session.stepper.gradient = observed
        session.run()
        assert seen == [(wanted, wanted, not wanted)] * session.stop
        ends.append({n: a.tobytes() for n, a in (take_weights(session.model) | session.history()).items()})
    assert ends[0] == ends[1]


class Shelf:
    """A checkpoint in memory, through copies."""

    def __init__(self):
        self.arrays = self.scalars = None

    def load(self):
        return None if self.arrays is None else ({n: a.copy() for n, a in self.arrays.items()}, dict(self.scalars))

    def save(self, arrays, scalars):
        self.arrays, self.scalars = {n: np.array(a) for n, a in arrays.items()}, dict(scalars)


def new_session(images, training, bench, spec=None):
    model = network(spec or Lenet300100(), images.facts, 0, "cpu")
    batches = Batches(images.train, training, 1, 2)
    total = training.length.iterations(batches.steps_per_epoch)
    stepper = Stepper(model, AppliedMask(model, random_mask(model, 0.3)), training)
    return Session(stepper, images, batches, 0, total, total, bench, "test")


@pytest.mark.parametrize("spec", [Lenet300100(), CifarResnet(depth=8, width=4)])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_stopping_anywhere_and_resuming_gives_the_same_bits(images, spec, momentum):
    training = Training(length="3ep", batch_size=200, optimizer=Sgd(lr=0.05, momentum=momentum), flip=True, crop=1)
    whole = new_session(images, training, Workbench(None), spec)
    whole.run()
    shelf, stops = Shelf(), iter([1, 4, 5, 9, 10_000])
    torch.manual_seed(77)
    while True:
        limit = next(stops)
        session = new_session(images, training, Workbench(None, checkpoint=shelf), spec)

        def stop_at(progress, session=session, limit=limit):
            if session.step >= limit:
                raise Cancelled("Stopped.")
        object.__setattr__(session.bench, "report", stop_at)
        session.report_every = 0.0
        try:
            session.run()
        except Cancelled:
            torch.rand(3)
            continue
        break
    first, second = take_weights(whole.model), take_weights(session.model)
    assert all(first[n].tobytes() == second[n].tobytes() for n in first)
    ours, theirs = whole.history(), session.history()
    assert all(np.array_equal(ours[c], theirs[c], equal_nan=True) for c in ours)
    assert session.trained_images == whole.trained_images
