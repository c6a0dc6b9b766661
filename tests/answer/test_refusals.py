"""What is said before and after a search that cannot work, in the names that its user knows."""

import pytest

from lth_engine.analysis.ticket_search import require_askable
from lth_engine.answer import answer
from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.core.step import Step
from lth_engine.core.workbench import Workbench
from lth_engine.models.build import build
from lth_engine.specs.finding import Imp
from lth_engine.specs.library_models import Torchvision
from lth_engine.specs.models import Lenet300100, Resnet
from lth_engine.specs.phases import Own
from lth_engine.specs.questions import Price, TicketSearch
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training.batches import Batches
from lth_engine.training.material import material, put_weights, take_weights

SMALL = TicketSearch(model=Lenet300100(first=30, second=20), training=Training(length="2it", batch_size=200), levels=1,
                     replicates=2, controls=())


@pytest.mark.parametrize("ask", [lambda q: q, lambda q: Price(of=q)], ids=["answer", "price"])
def test_a_batch_larger_than_the_set_is_named_by_its_phase(ask, tmp_path):
    search = SMALL.replace(mask_search=Own(training=Training(length="2it", batch_size=2000)))
    with pytest.raises(BadInput, match=r"^mask_search\.training\.batch_size must be at most the \d+ training images"):
        answer(ask(search), Store(tmp_path / "store"), data_root=tmp_path)


def test_settings_of_a_pretraining_that_is_not_done_refuse_nothing(tmp_path):
    search = SMALL.replace(pretraining=Own(training=Training(length="2it", batch_size=2000)))
    assert answer(search, Store(tmp_path / "store"), data_root=tmp_path).summary["runs"] == 4


def test_a_rewind_point_past_the_end_names_the_training_that_is_too_short():
    with pytest.raises(BadInput, match=r"mask_search\.training\.length is 3it.* raise mask_search\.training\.length"):
        SMALL.replace(training=Training(length="9it"), search=Imp(rewind=Step(5, "it")),
                      mask_search=Own(training=Training(length="3it")))


def test_an_empty_layer_is_said_with_the_remedy(tmp_path):
    found = answer(SMALL.replace(search=Imp(fraction=0.998)), Store(tmp_path / "store"), data_root=tmp_path)
    assert "2 of the 2 tickets keep no weight in a layer (" in found.summary["verdict_text"]
    assert "search.scope layerwise" in found.summary["verdict_text"]
    sound = answer(SMALL, Store(tmp_path / "store"), data_root=tmp_path)
    assert "keep no weight" not in sound.summary["verdict_text"]


def test_empty_layers_below_the_level_of_the_verdict_are_said_too(tmp_path):
    found = answer(SMALL.replace(levels=9, search=Imp(fraction=0.5), training=Training(length="9it", batch_size=200)),
                   Store(tmp_path / "store"), data_root=tmp_path)
    table, chosen = found.group("table"), found.summary["verdict_level"]
    first = int(table["level"][table["dead_layers"] > 0].min())
    assert 1 <= chosen < first, "else this test shows nothing"
    density = 100 * float(table["density"][table["level"] == first].mean())
    assert f" At {density:.3g}% density (level {first}), " in found.summary["verdict_text"]
    assert "tickets keep no weight in a layer (" in found.summary["verdict_text"]


def test_a_layer_that_would_keep_nothing_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"^The mask of fc\.weight must keep between 1 and 200 weights\. Got 0"):
        answer(SMALL.replace(search=Imp(fraction=0.998, scope="layerwise")), Store(tmp_path), data_root=tmp_path)


@pytest.mark.parametrize(("batch", "length", "refused"), [
    (59, "2it", True), (59, "1it", False), (60, "1it", False), (13, "1ep", True), (13, "3it", False)])
def test_a_last_batch_of_one_image_is_refused_before_anything_is_trained(batch, length, refused, tmp_path):
    """1,210 images: 1,210 = 13 * 93 + 1; 5% of each class are 60 images, 59 + 1. A training that ends before the last
    batch of an epoch never sees it."""
    short = Training(length=length, batch_size=batch, subset=0.05 if batch in (59, 60) else 1.0)
    search = SMALL.replace(model=Resnet(stem="imagenet"), replicates=1, training=Training(length="1it", batch_size=20,
                           subset=0.05), mask_search=Own(training=short))
    if not refused:
        return require_askable(search, 1, Workbench(tmp_path))
    store = Store(tmp_path / "store")
    with pytest.raises(BadInput, match=r"one image alone.*Choose another mask_search\.training\.batch_size"):
        answer(search, store, data_root=tmp_path)
    assert store.list() == []
    return None


def test_networks_that_version_their_state_take_weights():
    model = build(Torchvision(arch="mnasnet0_5"), 3, 32, 32, 4, 0)
    other = build(Torchvision(arch="mnasnet0_5"), 3, 32, 32, 4, 1)
    put_weights(other, take_weights(model))
    ours, theirs = take_weights(model), take_weights(other)
    assert all(ours[n].tobytes() == theirs[n].tobytes() for n in ours)


@pytest.mark.parametrize("length", ["3it", "8it", "2ep"])
def test_the_price_counts_images_step_by_step(length, tmp_path):
    """The last batch of an epoch is smaller: a training that stops inside one sees more images a step."""
    search = SMALL.replace(training=Training(length=length, batch_size=500))
    price = answer(Price(of=search), Store(tmp_path / "store"), data_root=tmp_path).summary
    batches = Batches(material(search.data, Workbench(tmp_path)).train, search.training, 0, 0)
    steps, seen = search.training.length.iterations(batches.steps_per_epoch), 0
    for step in range(steps):
        epoch, within = divmod(step, batches.steps_per_epoch)
        seen += len(next(batches.epoch(epoch, within))[1])
    a_step = 3 * 2 * (64 * 30 + 30 * 20 + 20 * 10)
    assert price["flops_dense"] == pytest.approx(4 * seen * a_step)


def test_a_long_list_of_names_is_cut():
    error = UnknownName("thing", "nam", [f"name{i}" for i in range(300)])
    assert "and 260 more." in str(error)
    assert "Did you mean name" in str(error)
