"""Whole searches on digits: what each search promises about masks, weights, rates and what is shared."""

import numpy as np
import pytest

from lth_engine.answer import answer
from lth_engine.core.mask import Mask
from lth_engine.core.spec import catalogue
from lth_engine.core.step import Step
from lth_engine.finders import sign_transfer
from lth_engine.models.build import build
from lth_engine.specs.controls import SignTransfer
from lth_engine.specs.finding import Aws, Imp, Lrr, OneShot
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.phases import Own, Same
from lth_engine.specs.questions import CONTROLS
from lth_engine.specs.scorers import Magnitude, RandomScore, SmallMagnitude
from lth_engine.specs.terms import L2Init, LearningDistance
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from tests.acceptance.members import FLATNESS, OPTIMIZERS, TERMS
from tests.acceptance.small_searches import PER_EPOCH, SHORT, SPARSE, effective, same, search_of
from tests.acceptance.toys import LENET, RESNET

SEARCHES = {
    "imp": Imp(), "imp late": Imp(rewind="2it"), "imp small": Imp(scorer=SmallMagnitude()),
    "imp random": Imp(scorer=RandomScore()), "lrr": Lrr(), "lrr late": Lrr(rewind="2it"), "aws": Aws(),
    "lrr random": Lrr(scorer=RandomScore()), "one_shot": OneShot(fraction=0.4),
    "one_shot random": OneShot(fraction=0.4, scorer=RandomScore()),
    "imp aws rule": Imp(rule="aws"), "imp open_lth": Imp(rule="open_lth"), "lrr kthvalue": Lrr(rule="kthvalue"),
    "aws layerwise": Aws(scope="layerwise"), "imp ignore": Imp(ignore=("fc.weight",))}


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("own", [False, True])
def test_T09_every_search_runs_to_its_end_and_keeps_its_promises(name, own, data_root, tmp_path):
    store, search = Store(tmp_path / "store"), SEARCHES[name]
    question = search_of(search=search, controls=CONTROLS if own and name in ("imp late", "aws") else (),
                         mask_search=Own(training=SHORT) if own else Same())
    artifact = answer(question, store, data_root=data_root)
    table = artifact.group("table")
    assert not table["masked_nonzero"].any()
    assert table["rewind_exact"].all()
    assert table["finite"].all()
    found = [store.get(question.found(level, 0).key) for level in range(3)]
    masks = [Mask(f.group("mask")) for f in found]
    assert masks[2] <= masks[1] <= masks[0]
    total = masks[0].size - sum(masks[0][n].size for n in search.ignore)
    for level in (1, 2):
        slack = {"exact": 0, "kthvalue": 1}.get(search.rule, 2 * level)
        kept = masks[level].kept - (masks[0].size - total)
        slack += 2 if search.scope == "layerwise" else 0.5
        assert abs(kept - total * (1 - search.fraction) ** level) <= slack
        begun, mask = found[level].group("start"), masks[level]
        assert all(not begun[n][~mask[n]].any() for n in mask)
        assert all(masks[level][n].all() for n in search.ignore)
        read = question.found(level, 0).reads()
        if read is None or search.scope == "layerwise":
            continue
        before, ranked = Mask(store.get(read.key).group("mask")), [n for n in mask if n not in search.ignore]
        final = store.get(read.key).group("final")
        kept = np.concatenate([np.abs(final[n][mask[n]]) for n in ranked])
        gone = np.concatenate([np.abs(final[n][before[n] & ~mask[n]]) for n in ranked])
        if search.scorer == Magnitude():
            assert kept.min() >= gone.max()
        elif search.scorer == SmallMagnitude():
            assert kept.max() <= gone.min()


@pytest.mark.parametrize("search", [Lrr(), Aws(), Lrr(rewind="2it")])
@pytest.mark.parametrize("own", [False, True])
def test_T20_weights_go_on_from_level_to_level_to_the_bit(search, own, data_root, tmp_path):
    store = Store(tmp_path / "store")
    phase = Own(training=SHORT.replace(length="4it", batch_size=50)) if own else Same()
    question = search_of(model=RESNET, search=search, levels=2, mask_search=phase,
                         training=SPARSE.replace(length="6it", batch_size=100))
    answer(question, store, data_root=data_root)
    assert question.mask_training.interpolate_norms == (search.name == "aws")
    dense = question.dense(0)
    for level in range(1, 3):
        found = question.found(level, 0)
        before = Run(ticket=dense if level == 1 else question.found(level - 1, 0), training=question.mask_training)
        assert found.reads() == before
        ticket, ended = store.get(found.key), store.get(before.key)
        mask, start, final = ticket.group("mask"), ticket.group("start"), ended.group("final")
        for n, value in start.items():
            kept = mask.get(n, np.ones(value.shape, bool))
            assert value[kept].tobytes() == final[n][kept].tobytes()
        if own:
            rates = ended.group("history")["learning_rate"]
            assert (rates == 0.1).all()
        if own or search.name == "aws":
            reported = question.ticket(level, 0)
            own_run = Run(ticket=found, training=question.mask_training)
            assert same(effective(store.get(reported.key), "start"), store.get(own_run.key).group("final"))
            last = store.get(question.run(level, 0).key)
            assert last.group("history")["step"].tolist()[0] == 0
            assert last.summary["steps"] == 6
            assert not question.run(level, 0).training.interpolate_norms
        else:
            assert question.ticket(level, 0) == found


def test_the_norms_are_in_no_mask_and_not_rewound_by_a_search_that_goes_on(data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = search_of(model=RESNET, search=Aws(), levels=1, training=SPARSE.replace(length="4it", batch_size=50))
    answer(question, store, data_root=data_root)
    ticket = store.get(question.found(1, 0).key)
    convolutions = {n for n, v in ticket.group("start").items() if v.ndim in (2, 4)}
    assert set(ticket.group("mask")) == convolutions
    assert not np.allclose(ticket.group("start")["bn.weight"], 1)
    assert ticket.group("start")["bn.running_mean"].any()


def test_T14_a_budget_compresses_the_schedule_of_the_mask_search_alone(data_root, tmp_path):
    store = Store(tmp_path / "store")
    budget = SPARSE.replace(length="1ep", evaluate_every="1it")
    question = search_of(mask_search=Own(training=budget))
    answer(question, store, data_root=data_root)
    search_run, sparse_run = (store.get(r.key) for r in (question.found(2, 0).reads(), question.run(2, 0)))
    rates = search_run.group("history")["learning_rate"]
    assert search_run.group("history")["step"].tolist() == list(range(PER_EPOCH + 1))
    assert rates[:-1].tolist() == pytest.approx([0.05 * (1 + np.cos(np.pi * s / PER_EPOCH)) for s in range(PER_EPOCH)])
    assert budget.learning_rate(PER_EPOCH, PER_EPOCH, PER_EPOCH) == 0
    history = sparse_run.group("history")
    assert history["step"][-1] == 3 * PER_EPOCH
    whole = [0.05 * (1 + np.cos(np.pi * s / 21)) for s in history["step"][:-1]]
    assert history["learning_rate"][:-1].tolist() == pytest.approx(whole)


def test_T14_the_papers_budget_of_20_epochs():
    sparse = Training(length="200ep", optimizer=Sgd(lr=0.1))
    question = search_of(training=sparse, mask_search=Own(training=sparse.replace(length="20ep")))
    masks = question.found(5, 0).reads().training
    start, total = masks.span(Step(0, "it"), 391)
    assert (start, total) == (0, 20 * 391)
    assert masks.learning_rate(total, total, 391) == 0
    assert masks.learning_rate(10 * 391, total, 391) == pytest.approx(0.05)
    assert question.run(5, 0).training == sparse


def test_T17_a_shuffled_mask_keeps_layer_counts_differs_and_repeats_by_seed(data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = search_of(controls=("shuffled_mask",), levels=1)
    answer(question, store, data_root=data_root)
    control = question.run(1, 0, "shuffled_mask").ticket
    other = control.replace(seed=7)
    first, second, again, ticket = (
        Mask(a.group("mask")) for a in (store.get(control.key), answer(other, store, data_root=data_root),
                                        answer(control, Store(tmp_path / "b"), data_root=data_root),
                                        store.get(control.of.key)))
    assert first == again
    assert first != second
    for n in ticket:
        assert first[n].sum() == second[n].sum() == ticket[n].sum()
        assert (first[n] != ticket[n]).any()
    shuffled, kept = first["fc1.weight"], ticket["fc1.weight"]
    assert sorted(shuffled.sum(1)) != sorted(kept.sum(1))  # not whole rows
    assert sorted(shuffled.sum(0)) != sorted(kept.sum(0))  # nor whole columns


class _Held:
    """An answer that holds what it is given."""

    def __init__(self, **groups):
        self.groups, self.summary = groups, {"level": 1}

    def group(self, name):
        return self.groups[name]


def test_T19_a_kept_weight_that_is_exactly_zero_has_no_sign_and_is_pruned():
    spec = SignTransfer(of=DenseTicket(model=LENET))
    start = {"fc.weight": np.array([[1.5, -2.0, 0.0, -3.0]], np.float32), "fc.bias": np.ones(1, np.float32)}
    other = {"fc.weight": np.array([[-1.0, 5.0, 6.0, -7.0]], np.float32), "fc.bias": np.zeros(1, np.float32)}
    mask = {"fc.weight": np.array([[True, True, True, False]])}
    inputs = {spec.of.key: _Held(start=start, mask=mask), spec.dense.key: _Held(start=other)}
    found = sign_transfer.answer(spec, inputs, None).arrays
    assert found["mask/fc.weight"].tolist() == [[True, True, False, False]]
    assert found["start/fc.weight"].tolist() == [[1.0, -5.0, 0.0, 0.0]]
    assert found["start/fc.bias"].tolist() == [0.0]


@pytest.mark.parametrize("search", [Imp(), Imp(rewind="2it"), Aws()])
def test_T19_signs_of_the_ticket_on_magnitudes_norms_and_buffers_of_another_network(search, data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = search_of(model=RESNET, search=search, levels=1, controls=("sign_transfer",),
                         training=SPARSE.replace(length="4it", batch_size=50))
    answer(question, store, data_root=data_root)
    spec = question.run(1, 0, "sign_transfer").ticket
    transferred, source = store.get(spec.key), store.get(question.ticket(1, 0).key)
    other = store.get(spec.dense.key).group("start")
    if not search.rewind.count:
        drawn = build(RESNET, 1, 8, 8, 10, spec.dense.init_seed).state_dict()
        assert all(np.array_equal(other[n], drawn[n].numpy()) for n in other)
    ours, theirs, mask = transferred.group("start"), source.group("start"), transferred.group("mask")
    for n, value in ours.items():
        if n not in mask:
            assert value.tobytes() == other[n].tobytes()
            continue
        assert np.array_equal(mask[n], source.group("mask")[n] & (theirs[n] != 0))
        assert np.array_equal(np.sign(value), np.sign(theirs[n] * mask[n]))
        assert np.array_equal(np.abs(value), np.abs(other[n]) * mask[n])
    run = store.get(question.run(1, 0, "sign_transfer").key)
    final = run.group("final")
    moved = np.sqrt(sum(np.square(final[n][mask[n]].astype(float) - ours[n][mask[n]]).sum() for n in mask))
    assert run.summary["learning_distance"] == pytest.approx(moved, rel=1e-6)


def test_T15_a_distance_is_measured_from_where_a_sign_transferred_ticket_starts(data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = search_of(levels=1, controls=("sign_transfer",))
    answer(question, store, data_root=data_root)
    ticket = question.run(1, 0, "sign_transfer").ticket
    assert isinstance(ticket, SignTransfer)
    frozen = Training(length="1it", batch_size=200, optimizer=Sgd(lr=1e-3, momentum=0, weight_decay=0))
    plain = answer(Run(ticket=ticket, training=frozen), store, data_root=data_root)
    for term in (L2Init(strength=100), LearningDistance(tau=100)):
        pulled = answer(Run(ticket=ticket, training=frozen.replace(term=term)), store, data_root=data_root)
        assert same(pulled.group("final"), plain.group("final"))  # at the anchor itself a term pulls nowhere


MEMBERS = {"optimizer": OPTIMIZERS, "flatness": FLATNESS, "term": TERMS}


@pytest.mark.parametrize(("family", "name"), [(family, name) for family in MEMBERS for name in MEMBERS[family]])
def test_every_member_runs_a_search_to_its_end(family, name, data_root, tmp_path):
    member = MEMBERS[family][name]
    question = search_of(training=SPARSE.replace(length="10it", **{family: member}), search=Imp(rewind="3it"),
                         controls=("redrawn", "sign_transfer"))
    table = answer(question, Store(tmp_path / "store"), data_root=data_root).group("table")
    assert not table["masked_nonzero"].any()
    assert table["rewind_exact"].all()
    assert (table["moved_positive"] > 0.5).all()
    assert len(table["level"]) == 1 + 2 * 3


def test_every_search_that_trains_is_tested_here():
    """Those that learn a mask are in test_near_start."""
    trained = {n for n, cls in catalogue("search").items() if not (cls.learns or cls.brought)}
    assert {s.name for s in SEARCHES.values()} == trained


def test_T23_what_is_measured_and_stored_is_without_noise(data_root, tmp_path):
    store = Store(tmp_path / "store")
    still = SPARSE.replace(length="10it", optimizer=Sgd(lr=1e-12), evaluate_every="1it",
                           flatness=FLATNESS["nvrm"].replace(scale=0.3))
    question = search_of(training=still, search=Imp(rewind="3it"), levels=1)
    answer(question, store, data_root=data_root)
    dense, run = store.get(question.dense(0).key), store.get(question.run(1, 0).key)
    drawn = build(LENET, 1, 8, 8, 10, 0).state_dict()
    assert all(np.allclose(v, drawn[n].numpy(), atol=1e-5) for n, v in dense.group("start").items())
    start = effective(store.get(question.ticket(1, 0).key), "start")
    assert all(np.allclose(v, start[n], atol=1e-5) for n, v in run.group("final").items())
    for artifact in (dense, run):
        assert np.ptp(artifact.group("history")["test_loss"]) < 1e-4
