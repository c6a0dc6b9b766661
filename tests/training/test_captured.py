"""The recorded step and sessions side by side, with a recorder that a CPU can do: replaying does the work again.

What a CUDA graph adds is tested where there is a GPU; what surrounds it (fixed memory, restoring after the warm-up,
taking over another ticket in place) is tested here.
"""

import contextlib
import gc
import time
import weakref

import numpy as np
import pytest
import torch

from lth_engine.core.errors import Cancelled, NonFinite
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.masking.applied import AppliedMask
from lth_engine.masking.prunable import prunable
from lth_engine.specs.data import Digits
from lth_engine.specs.flatness import Nvrm, Sam
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.optimizers import Adam, Sgd
from lth_engine.specs.terms import L2Init
from lth_engine.specs.training import Training
from lth_engine.training import session as session_module
from lth_engine.training.batches import Batches
from lth_engine.training.captured import WARM_UP, Captured
from lth_engine.training.loop import train
from lth_engine.training.material import material, network, put_weights, take_weights
from lth_engine.training.session import Session
from lth_engine.training.stepper import Stepper
from lth_engine.training.together import Meter, run_together
from tests.training.test_loop import Shelf
from tests.waits import waits

SPEC = CifarResnet(depth=8, width=4)

TRAININGS = {
    "sgd": Training(batch_size=300), "paper": Training(batch_size=300, optimizer=Sgd(form="paper")),
    "adam": Training(batch_size=300, optimizer=Adam(weight_decay=1e-2)),
    "sam": Training(batch_size=300, flatness=Sam()), "nvrm": Training(batch_size=300, flatness=Nvrm()),
    "aws": Training(batch_size=300, interpolate_norms=True), "l2_init": Training(batch_size=300, term=L2Init()),
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return material(Digits(), Workbench(tmp_path_factory.mktemp("data")))


def again(work):
    """Warm up and record as a GPU would: nothing that happens before the first replay may leave a trace."""
    for _ in range(WARM_UP + 1):
        work()
    return work


def ticket(images, seed):
    model = network(SPEC, images.facts, seed, "cpu")
    rng = np.random.default_rng(seed)
    mask = Mask({n: rng.random(tuple(p.shape)) < 0.4 for n, p in prunable(model).items()})
    return Ticket(mask, take_weights(model), 1)


def stepper(images, training, found, device="cpu"):
    model = network(SPEC, images.facts, 9, device)
    put_weights(model, found.start)
    return Stepper(model, AppliedMask(model, found.mask, every_layer=True), training, 5, found.start)


def trained(step, images, training, steps=9):
    for _ in train(step, Batches(images.train, training, 0, 0), start=0, stop=steps, total=20):
        assert step.mask.count_nonzero() == 0
    with step.flatness.clean():
        return take_weights(step.model)


@pytest.mark.parametrize("name", TRAININGS)
def test_a_recorded_step_is_the_step(images, name):
    """Nine steps are two epochs, whose last batches are smaller: two recordings."""
    training, found = TRAININGS[name], ticket(images, 0)
    plain = trained(stepper(images, training, found), images, training)
    captured = Captured(stepper(images, training, found), again)
    weights = trained(captured, images, training)
    assert len(captured.recordings) == 2
    for n in plain:
        np.testing.assert_allclose(weights[n], plain[n], atol=1e-6, err_msg=n)


@pytest.mark.parametrize("name", TRAININGS)
def test_another_ticket_takes_over_in_place_and_records_nothing(images, name):
    training, first, second = TRAININGS[name], ticket(images, 0), ticket(images, 1)
    captured = Captured(stepper(images, training, first), again)
    trained(captured, images, training)
    before = dict(captured.recordings)
    put_weights(captured.model, second.start)
    captured.mask.put(second.mask)
    captured.restart(5, second.start)
    weights = trained(captured, images, training)
    assert captured.recordings == before
    fresh = trained(Captured(stepper(images, training, second), again), images, training)
    for n in fresh:
        np.testing.assert_array_equal(weights[n], fresh[n], err_msg=n)


@pytest.mark.parametrize("name", TRAININGS)
def test_nothing_in_a_step_waits(images, name):
    """A GPU refuses to record a step that reads a number, and would do it kernel by kernel."""
    found = []

    def watched(work):
        work()  # the first step makes the optimizer's state
        with waits() as seen:
            work()
        found.append(seen)
        return work
    training = TRAININGS[name]
    trained(Captured(stepper(images, training, ticket(images, 0)), watched), images, training, steps=1)
    assert found == [[]]


def session(images, training, seed, bench):
    batches = Batches(images.train, training, seed, 0)
    total = training.length.iterations(batches.steps_per_epoch)
    return Session(stepper(images, training, ticket(images, seed)), images, batches, 0, total, total, bench, "test")


def test_sessions_side_by_side_end_as_they_would_alone(images):
    training = Training(length="2ep", batch_size=300)
    alone = [session(images, training, seed, Workbench(None)) for seed in range(3)]
    for one in alone:
        one.run()
    beside = [session(images, training, seed, Workbench(None)) for seed in range(3)]
    assert run_together(beside, [contextlib.nullcontext] * 3) == [None] * 3
    for a, b in zip(alone, beside, strict=True):
        first, second = take_weights(a.model), take_weights(b.model)
        assert all(first[n].tobytes() == second[n].tobytes() for n in first)
        assert np.array_equal(a.history()["test_loss"], b.history()["test_loss"])


def test_the_share_of_the_time_adds_up_to_the_time_that_passed(images):
    training = Training(length="2ep", batch_size=300)
    beside = [session(images, training, seed, Workbench(None)) for seed in range(3)]
    for one in beside:
        one.lanes = 3
    began = time.perf_counter()
    run_together(beside, [contextlib.nullcontext] * 3)
    passed = time.perf_counter() - began
    assert sum(one.train_seconds for one in beside) < passed
    rate = sum(one.trained_images for one in beside) / sum(one.train_seconds for one in beside)
    reported = []
    meter = Meter(3)
    lanes = [meter.lane(i, reported.append) for i in range(3)]
    for lane, one in zip(lanes, beside, strict=True):
        lane(Progress(2, 2, "test", one.images_per_second))
    assert reported[-1].images_per_second == pytest.approx(rate, rel=0.2)
    assert (reported[-1].done, reported[-1].total) == (6, 6)


@pytest.mark.parametrize("lanes", [1, 3])
def test_evaluation_is_nobodys_training(images, monkeypatch, lanes):
    """A second of it in all, by one session or by its neighbours, in the middle of everybody's steps."""
    def slow(model, shown):
        time.sleep(1 / (2 * 3 * lanes))  # two parts, before the first step and after each epoch
        return evaluate(model, shown)
    evaluate = session_module.evaluate
    monkeypatch.setattr(session_module, "evaluate", slow)
    training = Training(length="2ep", batch_size=300, evaluate_every="1ep")
    beside = [session(images, training, seed, Workbench(None)) for seed in range(lanes)]
    for one in beside:
        one.lanes = lanes
    began = time.perf_counter()
    run_together(beside, [contextlib.nullcontext] * lanes)
    passed = time.perf_counter() - began
    assert 0 < sum(one.train_seconds for one in beside) < passed - 0.99


def test_one_that_explodes_does_not_stop_the_others(images):
    good, bad = Training(length="2ep", batch_size=300), Training(length="2ep", batch_size=300, optimizer=Sgd(lr=999.0))
    sessions = [session(images, t, 0, Workbench(None)) for t in (good, bad, good)]
    stopped = run_together(sessions, [contextlib.nullcontext] * 3)
    assert stopped[0] is stopped[2] is None
    assert isinstance(stopped[1], NonFinite)
    assert sessions[0].step == sessions[0].stop


def test_what_stopped_a_run_does_not_keep_its_network_alive(images):
    """Its memory is wanted for the same run, alone."""
    bad = Training(length="2ep", batch_size=300, optimizer=Sgd(lr=999.0))
    sessions = [session(images, bad, 0, Workbench(None))]
    network_of = weakref.ref(sessions[0].model)
    (stopped,) = run_together(sessions, [contextlib.nullcontext])
    assert isinstance(stopped, NonFinite)
    del sessions
    gc.collect()
    assert network_of() is None


def test_stopping_one_saves_all(images):
    training, shelves = Training(length="2ep", batch_size=300), [Shelf(), Shelf()]
    sessions = [session(images, training, seed, Workbench(None, checkpoint=shelf))
                for seed, shelf in enumerate(shelves)]

    def stop(progress):
        if sessions[1].step >= 3:
            raise Cancelled("Stopped.")
    object.__setattr__(sessions[1].bench, "report", stop)
    sessions[1].report_every = 0.0
    lanes = []

    @contextlib.contextmanager
    def lane(number):
        lanes.append(number)
        yield
    with pytest.raises(Cancelled):
        run_together(sessions, [lambda: lane(0), lambda: lane(1)])
    assert lanes[-1] == 0, "the other one is saved on its own lane"
    assert [shelf.scalars["step"] for shelf in shelves] == [3, 3]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", TRAININGS)
def test_a_cuda_graph_is_the_step(images, tmp_path, name, caplog):
    training, found = TRAININGS[name], ticket(images, 0)
    there = material(Digits(), Workbench(tmp_path, "cuda"))
    plain = trained(stepper(there, training, found, "cuda"), there, training)
    weights = trained(Captured(stepper(there, training, found, "cuda")), there, training)
    assert not caplog.records, "a step that cannot be recorded is done all the same, and is said in the log"
    for n in plain:
        np.testing.assert_allclose(weights[n], plain[n], atol=1e-3, err_msg=n)
