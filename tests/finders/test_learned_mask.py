"""What holds of every learned mask: exact resumption, seeds, an untouched start, and tickets of the exact density."""

import time

import numpy as np
import pytest
import torch

from lth_engine.answer import answer
from lth_engine.core.errors import BadInput, Cancelled, NonFinite
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Workbench
from lth_engine.finders import learned_mask
from lth_engine.specs.mask_learners import ContinuousSparsification, EdgePopup, GemMiner
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import DenseTicket, LearnedMask
from lth_engine.specs.training import Training
from lth_engine.store.store import Store

LENET, RESNET = Lenet300100(first=20, second=10), CifarResnet(depth=8, width=4)
SEARCHES = {
    "edge_popup": EdgePopup(length="3ep", batch_size=300, fraction=0.6),
    "gem_miner": GemMiner(length="3ep", period="2it", batch_size=300, fraction=0.6),
    "continuous_sparsification": ContinuousSparsification(length="6it", rounds=3, batch_size=300, fraction=0.6,
                                                          begin=-0.01, hardness=50.0),
}
STEPS = {"edge_popup": 15, "gem_miner": 15, "continuous_sparsification": 18}


class Kept:
    """A checkpoint in memory."""

    last = None

    def load(self):
        return self.last

    def save(self, arrays, scalars):
        self.last = {name: np.array(value) for name, value in arrays.items()}, dict(scalars)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def searching(store, root, monkeypatch):
    """question, what the bench has -> its search; every step reports, so that it can be stopped anywhere."""
    monkeypatch.setattr("lth_engine.core.meter.REPORT_SECONDS", -1.0)

    def begun(question, **bench):
        inputs = {question.start.key: answer(question.start, store, data_root=root, device="cpu")}
        return learned_mask.Search(question, inputs, Workbench(root, **bench))
    return begun


def question(name, model=LENET, **more):
    return LearnedMask(start=DenseTicket(model=model), search=SEARCHES[name], at_level=2, **more)


def scores(found):
    return {n: value.tobytes() for n, value in found.arrays.items() if n.startswith("score/")}


def stopped(searching, asked, kept, stop):
    def report(progress):
        if search.done >= stop:
            raise Cancelled
    search = searching(asked, checkpoint=kept, report=report)
    search.run()


@pytest.mark.parametrize(("name", "model"), [*((name, LENET) for name in SEARCHES),
                                             ("continuous_sparsification", RESNET)])
def test_stopped_anywhere_and_gone_on_with_ends_with_the_same_bits(name, model, searching):
    asked = question(name, model)
    whole = searching(asked).run()
    assert whole.summary["steps"] == STEPS[name]
    kept = Kept()
    for stop in (1, 7, STEPS[name]):
        with pytest.raises(Cancelled):
            stopped(searching, asked, kept, stop)
        assert kept.last[1]["done"] == stop
        assert len(kept.last[0]["history/loss"]) == stop
        assert kept.last[0]["histogram/count"].sum() == whole.summary["prunable"]
    resumed = searching(asked, checkpoint=kept).run()
    assert set(resumed.arrays) == set(whole.arrays)
    for path, value in whole.arrays.items():
        assert resumed.arrays[path].tobytes() == value.tobytes(), path
    assert {k: v for k, v in resumed.summary.items() if k != "train_seconds"} == {
        k: v for k, v in whole.summary.items() if k != "train_seconds"}


@pytest.mark.parametrize("name", SEARCHES)
def test_equal_seeds_agree_and_others_differ(name, searching):
    once, again, other = (scores(searching(question(name, seed=seed)).run()) for seed in (3, 3, 4))
    assert once == again
    assert set(once) == set(other)
    assert all(once[n] != other[n] for n in once)


@pytest.mark.parametrize("name", SEARCHES)
def test_the_network_at_the_start_stays_as_it_is(name, searching):
    search = searching(question(name, RESNET))
    before = {n: v.numpy().tobytes() for n, v in search.model.state_dict().items()}
    search.run()
    assert {n: v.numpy().tobytes() for n, v in search.model.state_dict().items()} == before
    assert not search.model.training


@pytest.mark.parametrize("name", SEARCHES)
def test_density_and_probabilities_lie_between_0_and_1_and_rows_count_all_rounds(name, searching):
    found = searching(question(name)).run()
    history = {n.removeprefix("history/"): v for n, v in found.arrays.items() if n.startswith("history/")}
    assert history["step"].tolist() == list(range(1, STEPS[name] + 1))
    assert history["epoch"].tolist() == pytest.approx(history["step"] / 5)
    assert 0 < history["density"].min() <= history["density"].max() <= 1
    assert found.arrays["histogram/count"].sum() == found.summary["prunable"]
    assert found.summary["epochs"] == STEPS[name] / 5
    assert found.summary["train_seconds"] > 0


def test_a_search_that_is_cut_at_all_densities_says_none_of_its_own(searching):
    found = searching(question("continuous_sparsification")).run()
    assert "wanted_density" not in found.summary
    assert found.summary["remark"] == ""
    assert searching(question("edge_popup")).run().summary["wanted_density"] == pytest.approx(0.16)


def test_time_between_steps_counts_but_not_reports(searching):
    search = searching(question("edge_popup"), report=lambda progress: time.sleep(0.05))
    assert 0 < search.run().summary["train_seconds"] < 15 * 0.05


@pytest.mark.parametrize("name", SEARCHES)
def test_what_is_not_finite_is_said_with_the_remedy(name, searching):
    asked = question(name)
    search = searching(asked.replace(search=asked.search.replace(lr=1000.0)))
    getattr(search.learner, "weights", search.learner.network.flat).detach().fill_(float("nan"))
    with pytest.raises(NonFinite, match=r"^The loss of the search became NaN or infinite by step 1 of \d+\. Lower "
                                        r"search\.lr \(it is 1000\)\.$"):
        search.run()


def test_scores_that_are_not_finite_are_no_answer(searching):
    search = searching(question("edge_popup"))
    search.done = search.steps - 1
    search.learner.descent.lr = float("inf")  # the loss of the last step is that before it
    with pytest.raises(NonFinite):
        search.run()


@pytest.mark.parametrize("name", SEARCHES)
def test_no_checkpoint_holds_what_is_not_finite(name, searching, monkeypatch):
    """Step 5 leaves a value that is not finite, while all that it says of itself still is."""
    monkeypatch.setattr("lth_engine.core.saving.SHARE", 1e9)
    kept = Kept()
    search = searching(question(name), checkpoint=kept, checkpoint_seconds=0.0)
    step = search.learner.step

    def diverging(x, y, done):
        values = step(x, y, done)
        if done == 4:
            next(iter(search.learner.descent.learned.values())).detach()[0] = float("nan")
        return values
    monkeypatch.setattr(search.learner, "step", diverging)
    with pytest.raises(NonFinite, match="The state of the search became NaN or infinite by step 5 of"):
        search.run()
    arrays, scalars = kept.last
    assert scalars["done"] == 4
    assert all(np.isfinite(value).all() for value in arrays.values())
    assert searching(question(name), checkpoint=kept).run().summary["steps"] == STEPS[name]


def test_a_ticket_of_shares_keeps_nothing_that_was_frozen_out(store, root):
    """The search freezes out by the same shares as the final cut has."""
    search = GemMiner(length="8it", period="2it", batch_size=100, scope="smart_ratio")
    asked = TicketSearch(model=RESNET, search=search, levels=8, replicates=1).ticket(8, 0)
    mask = Mask(answer(asked, store, data_root=root, device="cpu").group("mask"))
    score = store.get(asked.learned().key).group("score")
    for name, kept in mask.items():
        assert kept.any()
        assert (score[name][kept] >= 0).all(), name
        assert (score[name][~kept] < 0).all(), name


def test_refused_before_it_begins(root, store):
    def before(search, level=2):
        learned_mask.before(LearnedMask(start=DenseTicket(model=LENET), search=search, at_level=level),
                            Workbench(root))
    with pytest.raises(BadInput, match="freezes weights out after every 3ep, but the search of 3ep"):
        before(SEARCHES["gem_miner"].replace(period="3ep"))
    with pytest.raises(BadInput, match=r"^search\.batch_size must be at most"):
        before(SEARCHES["edge_popup"].replace(batch_size=5000))
    with pytest.raises(BadInput, match=r"keeps .* which is none"):
        before(SEARCHES["edge_popup"].replace(scope="global"), level=40)
    with pytest.raises(BadInput, match=r"between 1 and 200 weights\. Got 0"):  # the second layer, 20 x 10
        before(SEARCHES["edge_popup"], level=7)
    before(SEARCHES["edge_popup"].replace(scope="global"), level=7)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_ticket_has_the_exact_density_and_the_weights_of_the_start(name, store, root):
    asked = TicketSearch(model=LENET, search=SEARCHES[name], levels=2, replicates=1, controls=("inverted_mask",),
                         training=Training(length="2it", batch_size=200))
    answer(asked, store, data_root=root, device="cpu")
    dense = store.get(asked.ticket(0, 0).key).group("start")
    for level in (1, 2):
        ticket = store.get(asked.ticket(level, 0).key)
        mask, start = Mask(ticket.group("mask")), ticket.group("start")
        sizes = [m.size for m in mask.values()] if asked.search.scope == "layerwise" else [mask.size]
        assert mask.kept == sum(round(0.4**level * size) for size in sizes)
        for n, m in mask.items():
            assert start[n][m].tobytes() == dense[n][m].tobytes()
            assert not start[n][~m].any()


@pytest.mark.parametrize("name", ["edge_popup", "gem_miner"])
def test_first_scores_are_drawn_by_the_seed(name, searching):
    first, again, other = (searching(question(name, seed=seed)).learner.learned for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("search", [
    EdgePopup(length="20ep", batch_size=100, fraction=0.75), GemMiner(length="20ep", batch_size=100, fraction=0.9),
    ContinuousSparsification(length="10ep", batch_size=100, fraction=0.95)], ids=lambda search: search.name)
def test_learned_masks_beat_random_ones(search, store, root):
    asked = TicketSearch(model=Lenet300100(first=100, second=50, init="signed_constant"), levels=1, replicates=1,
                         search=search, controls=("random_mask",), training=Training(length="5ep", batch_size=100))
    answer(asked, store, data_root=root, device="cpu")
    ticket, random = (store.get(asked.run(1, 0, variant).key).arrays["history/test_accuracy"]
                      for variant in ("ticket", "random_mask"))
    assert ticket[-1] > random[-1] + 0.1
    if search.name != "continuous_sparsification":  # the others learn over the frozen weights: these work untrained
        assert ticket[0] > 0.4 > 0.2 > random[0]


def test_a_last_batch_of_one_image_is_told_by_the_settings_of_the_search(searching, monkeypatch):
    search = searching(question("edge_popup"))

    def step(x, y, done):
        raise ValueError("Expected more than 1 value per channel when training, got input size [1, 8, 1, 1]")
    monkeypatch.setattr(search.learner, "step", step)
    with pytest.raises(BadInput, match=r"images in batches of 300 .*Choose another search\.batch_size"):
        search.run()
