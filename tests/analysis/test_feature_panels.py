"""A ticket's features and its few-shot training beside those of its baselines: gathered, tested and put into words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from lth_engine.analysis import few_shot, probe_panel
from lth_engine.answer import answer
from lth_engine.core.artifact import texts
from lth_engine.core.errors import BadInput
from lth_engine.core.step import Step
from lth_engine.core.workbench import Workbench
from lth_engine.specs.data import FashionMnist
from lth_engine.specs.features import MOVED, PROBE, VARIANTS, FewShot, ProbePanel, TransferPanel
from lth_engine.specs.finding import Imp, Lrr
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.phases import Own
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.schedules import MultiStep
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from tests.data.layouts import WRITE

TRAINING = Training(length=Step(2), batch_size=100, evaluate_every=Step(0))
SEARCH = TicketSearch(levels=1, replicates=3, model=Lenet300100(first=30, second=20), training=TRAINING)
PANEL = ProbePanel(of=SEARCH, training=PROBE.replace(length=Step(2)))
FEW = FewShot(of=SEARCH, percents=("10", "50"), batch_size=20)


class Said:
    """Summaries by key, as a store would give them."""

    def __init__(self, summaries):
        self.summaries = summaries

    def summary(self, key):
        return self.summaries[key]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def invented(question, accuracy):
    """Inputs with an accuracy for each (variant, replicate)."""
    return Said({q.key: {"test_accuracy": accuracy[variant][r], "opinion_accuracy": 0.9, "test_images": 1000,
                         "features": 7, "chance": 0.1} for (variant, r), q in question.asked().items()})


ACCURACY = {"ticket": [0.50, 0.52, 0.51], "shuffled": [0.40, 0.43, 0.41], "dense": [0.502, 0.521, 0.514],
            "trained_ticket": [0.9, 0.92, 0.915], "trained_dense": [0.5, 0.9, 0.1]}


def test_a_panel_has_the_paired_test_of_scipy_and_its_words():
    found = probe_panel.answer(PANEL, invented(PANEL, ACCURACY), Workbench(None))
    names = texts(found.arrays["variant/name"])
    assert names == list(VARIANTS)
    assert texts(found.arrays["variant/word"]) == ["", "worse", "equivalent", "better", "undecided"]
    for i, name in enumerate(names):
        values = np.array(ACCURACY[name])
        assert found.arrays["variant/accuracy"][i] == pytest.approx(values.mean())
        assert found.arrays["variant/half_width"][i] == pytest.approx(
            stats.t.ppf(0.975, 2) * values.std(ddof=1) / math.sqrt(3))
        row = [found.arrays[f"variant/{part}"][i] for part in ("difference", "low", "high")]
        if name == "ticket":
            assert np.isnan(row).all()
            continue
        test = stats.ttest_rel(values, ACCURACY["ticket"])
        interval = test.confidence_interval(0.9)
        assert row == pytest.approx([np.mean(values - ACCURACY["ticket"]), interval.low, interval.high], abs=1e-9)
    assert found.summary["best"] == "trained_ticket"
    assert (found.summary["features"], found.summary["chance"]) == (7, 0.1)
    text = str(found.summary["verdict_text"])
    assert "the untrained ticket reaches 51.0% (n = 3; guessing is 10%)" in text
    assert "its mask shuffled in each layer worse than it (-9.67 points, 90% interval" in text
    assert "the trained dense network not told apart from it" in text
    assert len(found.arrays["table/variant"]) == 15
    assert texts(found.arrays["table/key"]) == [q.key for q in PANEL.asked().values()]
    assert set(found.arrays["table/opinion_accuracy"]) == {0.9}


def test_without_the_ticket_nothing_is_compared():
    few = PANEL.replace(variants=("dense", "trained_dense"))
    found = probe_panel.answer(few, invented(few, ACCURACY), Workbench(None))
    assert texts(found.arrays["variant/word"]) == ["", ""]
    assert np.isnan(found.arrays["variant/difference"]).all()
    assert "Best are the features of the untrained dense network with 51.2%" in str(found.summary["verdict_text"])


def test_what_starts_from_trained_weights_is_not_called_untrained():
    trained = SEARCH.replace(search=Lrr())
    for refused in ("ticket", "shuffled", "dense"):
        with pytest.raises(BadInput, match=f"probe_panel.variants {refused} must show .* trained_ticket and "):
            PANEL.replace(of=trained, variants=(refused, "trained_ticket"))
    PANEL.replace(of=trained, variants=("trained_ticket", "trained_dense"))
    late = PANEL.replace(of=SEARCH.replace(search=Imp(rewind=Step(1))))
    text = str(probe_panel.answer(late, invented(late, ACCURACY), Workbench(None)).summary["verdict_text"])
    assert "features of the ticket as its training starts reaches 51.0%" in text
    assert "untrained" not in text


def test_equal_steps_stretch_the_schedule_with_the_length():
    whole = Training(length=Step(160), warmup=Step(4), batch_size=10,
                     schedule=MultiStep(milestones=(Step(80), Step(120), Step(7, "it"))))
    few = FEW.replace(of=SEARCH.replace(training=whole), equal="steps", batch_size=0)
    part = few.training("10", 0)
    assert (part.length, part.warmup) == (Step(1600), Step(40))
    assert part.schedule == MultiStep(milestones=(Step(800), Step(1200), Step(7, "it")))
    rates = [[t.learning_rate(step, 16_000, steps) for step in range(0, 16_000, 50)]
             for t, steps in ((whole, 100), (part, 10))]
    assert rates[0] == rates[1], "the same rate at the same step"
    assert few.replace(equal="epochs").training("10", 0).schedule == whole.schedule


def test_one_replicate_is_undecided_and_says_so():
    alone = PANEL.replace(of=SEARCH.replace(replicates=1))
    found = probe_panel.answer(alone, invented(alone, ACCURACY), Workbench(None))
    assert set(texts(found.arrays["variant/word"])) == {"", "undecided"}
    assert "no test is possible: ask for 3 or more" in str(found.summary["verdict_text"])


def test_a_probe_panel_end_to_end(store, data_root):
    """Five variants, two replicates; the ticket's features are another network's than the dense one's."""
    asked = PANEL.replace(of=SEARCH.replace(replicates=2))
    found = answer(asked, store, data_root=data_root)
    table = found.group("table")
    assert len(table["test_accuracy"]) == 10
    assert (table["opinion_accuracy"] > 0.3).all()
    probes = [store.get(key).summary for key in texts(table["key"])]
    assert [p["test_accuracy"] for p in probes] == table["test_accuracy"].tolist()
    assert {p["features"] for p in probes} == {20}
    trained = table["variant"] == b"trained_dense"
    assert table["opinion_accuracy"][trained].mean() > table["opinion_accuracy"][table["variant"] == b"dense"].mean()


def test_a_transfer_panel_end_to_end(store, data_root, tmp_path, monkeypatch):
    data = WRITE["fashion_mnist"](data_root, monkeypatch).spec
    asked = TransferPanel(of=SEARCH.replace(replicates=2), target=data, variants=("ticket", "trained_dense"),
                          training=Own(training=MOVED.replace(length=Step(2), batch_size=8)))
    found = answer(asked, store, data_root=data_root)
    assert isinstance(data, FashionMnist)
    assert found.group("variant")["accuracy"].shape == (2,)
    assert "table/opinion_accuracy" not in found.arrays
    assert found.summary["chance"] == 0.1


def test_few_shot_end_to_end_on_the_digits(store, data_root):
    """Subsets are balanced and nested, the runs are those of the question, and half of the images teach more."""
    found = answer(FEW.replace(of=SEARCH.replace(replicates=2)), store, data_root=data_root)
    table, rows = found.group("table"), found.group("row")
    assert len(table["percent"]) == 12
    images = dict(zip(table["percent"].tolist(), table["train_images"].tolist(), strict=True))
    assert images[50] == pytest.approx(5 * images[10], abs=10)
    summaries = [store.get(key).summary for key in texts(table["key"])]
    assert [s["test_accuracy"] for s in summaries] == table["test_accuracy"].tolist()
    steps = {percent: s["steps"] for percent, s in zip(table["percent"].tolist(), summaries, strict=True)}
    assert steps == {percent: 2 * math.ceil(images[percent] / 20) for percent in (10, 50)}
    ticket = rows["accuracy"][rows["variant"] == b"ticket"]
    assert ticket[1] > ticket[0]
    assert (found.summary["density"], found.summary["chance"]) == (pytest.approx(0.8, abs=0.01), 0.1)


def test_few_shot_words_are_the_tickets_against_the_others():
    values = {"ticket": [0.5, 0.52, 0.51], "shuffled_mask": [0.4, 0.43, 0.41], "dense": [0.502, 0.521, 0.514]}
    said = Said({run.key: {"test_accuracy": values[variant][r] + int(percent) / 1000, "test_images": 1000,
                           "chance": 0.1, "density": 0.8} for (percent, variant, r), run in FEW.runs().items()})
    found = few_shot.answer(FEW, said, Workbench(None))
    assert texts(found.arrays["row/word"]) == ["", "better", "equivalent"] * 2
    assert found.arrays["row/percent"].tolist() == [10] * 3 + [50] * 3
    low = stats.ttest_rel(values["ticket"], values["shuffled_mask"]).confidence_interval(0.9).low
    assert found.arrays["row/low"][1] == pytest.approx(low)
    text = str(found.summary["verdict_text"])
    assert text.startswith("With 10% of the images the ticket reaches 52.0% (n = 3). It is better than its mask")
    assert "within the margin of the dense network" in text


@pytest.mark.parametrize(("changed", "sentence"), [
    ({"percents": ("1", "10"), "batch_size": 20},
     r"At 1% of the images: few_shot.batch_size must be at most the 10 training images. Got 20. Lower it to 10."),
    ({"of": SEARCH.replace(training=TRAINING.replace(subset=0.02)), "percents": ("1",), "batch_size": 1},
     r"A class has \d+ training images, of which 1% are none"),
    ({"of": SEARCH.replace(search=SEARCH.search.replace(rewind=Step(20, "it")), training=TRAINING),
      "percents": ("10",)}, r"At 10% of the images: The rewind point \(20it\) is not before the end"),
])
def test_sizes_that_the_images_do_not_allow_are_refused(changed, sentence, data_root):
    with pytest.raises(BadInput, match=sentence):
        few_shot.before(FEW.replace(**changed), Workbench(data_root))


def test_the_same_number_of_steps_makes_short_epochs_many():
    steps = FEW.replace(equal="steps")
    assert [str(steps.training(p, 0).length) for p in steps.percents] == ["20ep", "4ep"]
    assert [str(FEW.training(p, 0).length) for p in FEW.percents] == ["2ep", "2ep"]


def test_a_transfer_trains_as_its_search_does_with_the_momentum_and_batch_of_the_paper():
    """Appendix D of Pruning Close to Home: full budget, original rate and decay, momentum 0.9, batch 256."""
    slow = Sgd(lr=0.01, momentum=0.0, weight_decay=1e-3)
    like = Training(length=Step(160), batch_size=64, optimizer=slow, flip=True)
    head = TransferPanel(of=TicketSearch(training=like)).head
    assert (head.length, head.batch_size, head.flip) == (Step(160), 256, False)
    assert head.optimizer == Sgd(lr=0.01, momentum=0.9, weight_decay=1e-3)
    own = Own(training=Training(length=Step(2)))
    assert TransferPanel(training=own).head == own.training
