"""Whole searches on digits: what each search promises about masks, weights, rates and what is shared."""

import numpy as np
import pytest

from lth_engine.answer import answer, plan
from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask
from lth_engine.core.spec import catalogue
from lth_engine.models.build import build
from lth_engine.specs.finding import Aws, Imp, Lrr, Magnitude, OneShot, RandomScore, SmallMagnitude
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.phases import Own
from lth_engine.specs.questions import CONTROLS, Price, TicketSearch, trainings
from lth_engine.specs.schedules import Constant, Cosine
from lth_engine.specs.terms import L2Init, LearningDistance
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run, SignTransfer
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from tests.acceptance.members import FLATNESS, OPTIMIZERS, TERMS
from tests.acceptance.toys import LENET, RESNET

SPARSE = Training(length="3ep", batch_size=200, optimizer=Sgd(lr=0.1), evaluate_every="3it")
PER_EPOCH = 7
SHORT = Training(length="8it", batch_size=200, optimizer=Sgd(lr=0.1, momentum=0.5), schedule=Constant())


def search_of(**settings):
    return TicketSearch(**{"model": LENET, "training": SPARSE, "levels": 2, "replicates": 1, "controls": ()} | settings)


SEARCHES = {
    "imp": Imp(), "imp late": Imp(rewind="2it"), "imp small": Imp(scorer=SmallMagnitude()),
    "imp random": Imp(scorer=RandomScore()), "lrr": Lrr(), "lrr late": Lrr(rewind="2it"), "aws": Aws(),
    "lrr random": Lrr(scorer=RandomScore()), "one_shot": OneShot(fraction=0.4),
    "one_shot random": OneShot(fraction=0.4, scorer=RandomScore()),
    "imp aws rule": Imp(rule="aws"), "imp open_lth": Imp(rule="open_lth"), "lrr kthvalue": Lrr(rule="kthvalue"),
    "aws layerwise": Aws(scope="layerwise"), "imp ignore": Imp(ignore=("fc.weight",))}


def effective(artifact, group):
    """Weights of an answer, pruned ones zero."""
    mask = artifact.group("mask")
    return {n: np.where(mask[n], v, 0) if n in mask else v for n, v in artifact.group(group).items()}


def same(first, second):
    return first.keys() == second.keys() and all(first[n].tobytes() == second[n].tobytes() for n in first)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("own", [False, True])
def test_T09_every_search_runs_to_its_end_and_keeps_its_promises(name, own, data_root, tmp_path):
    store, search = Store(tmp_path / "store"), SEARCHES[name]
    question = search_of(search=search, controls=CONTROLS if own else (),
                         mask_search=Own(training=SHORT) if own else search_of().mask_search)
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
        assert abs(kept - total * (1 - search.fraction) ** level) <= slack + (2 if search.scope == "layerwise" else 0.5)
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
    question = search_of(model=RESNET, search=search, levels=3, training=SPARSE.replace(length="10it"),
                         mask_search=Own(training=SHORT) if own else search_of().mask_search)
    answer(question, store, data_root=data_root)
    assert question.mask_training.interpolate_norms == (search.name == "aws")
    dense = question.dense(0)
    for level in range(1, 4):
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
            assert last.summary["steps"] == 10
            assert not question.run(level, 0).training.interpolate_norms
        else:
            assert question.ticket(level, 0) == found


def test_the_norms_are_in_no_mask_and_not_rewound_by_a_search_that_goes_on(data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = search_of(model=RESNET, search=Aws(), levels=1, training=SPARSE.replace(length="10it"))
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
    assert masks.learning_rate(20 * 391, 20 * 391, 391) == 0
    assert masks.learning_rate(10 * 391, 20 * 391, 391) == pytest.approx(0.05)
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
        assert (first[n].sum(1) != ticket[n].sum(1)).any()  # not merely within rows


@pytest.mark.parametrize("search", [Imp(), Imp(rewind="2it"), Aws()])
def test_T19_signs_of_the_ticket_on_magnitudes_norms_and_buffers_of_another_network(search, data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = search_of(model=RESNET, search=search, levels=1, controls=("sign_transfer",),
                         training=SPARSE.replace(length="8it"))
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


@pytest.mark.parametrize(("family", "name"), [("optimizer", n) for n in OPTIMIZERS] + [("flatness", n) for n in FLATNESS]
                         + [("term", n) for n in TERMS])
def test_every_member_runs_a_search_to_its_end(family, name, data_root, tmp_path):
    member = {"optimizer": OPTIMIZERS, "flatness": FLATNESS, "term": TERMS}[family][name]
    question = search_of(training=SPARSE.replace(length="10it", **{family: member}), search=Imp(rewind="3it"),
                         controls=CONTROLS)
    table = answer(question, Store(tmp_path / "store"), data_root=data_root).group("table")
    assert not table["masked_nonzero"].any()
    assert table["rewind_exact"].all()
    assert (table["moved_positive"] > 0.5).all()
    assert len(table["level"]) == 1 + 2 * 5


def test_every_search_of_the_catalogue_is_tested_here():
    assert {s.name for s in SEARCHES.values()} == set(catalogue("search"))


# What searches share


def founds(*questions):
    return [{s for q in trainings(question) if isinstance(q, Run) for s in q.inputs() if isinstance(s, FoundTicket)}
            for question in questions]


def test_searches_that_differ_in_sparse_training_alone_share_their_tickets():
    for search in (Imp(), Imp(rewind="2it"), Lrr(), Aws(), OneShot()):
        common = {"search": search, "mask_search": Own(training=SHORT), "pretraining": Own(training=SHORT)}
        first, second = (search_of(training=SPARSE.replace(batch_size=b), **common) for b in (100, 256))
        assert [first.found(level, 0).key for level in (1, 2)] == [second.found(level, 0).key for level in (1, 2)]
        assert founds(first)[0] == founds(second)[0] != set()
        shared = set(trainings(first)) & set(trainings(second))
        assert {r.training for r in shared} == {first.mask_training} | ({SHORT} if search.rewind.count else set())
        assert len(shared) == len(trainings(first)) - 3


def test_one_dense_ticket_serves_every_search_that_starts_at_the_initialisation():
    questions = [search_of(search=search, training=training, mask_search=own)
                 for search in (Imp(), Lrr(), Aws(), OneShot()) for training in (SPARSE, SHORT)
                 for own in (search_of().mask_search, Own(training=SHORT))]
    assert len({q.dense(0).key for q in questions}) == 1
    assert len({q.dense(0).key for q in (search_of(search=Imp(rewind="2it"), training=t) for t in (SPARSE, SHORT))}) == 2
    assert {search_of(search=Imp(rewind="2it"), training=t, pretraining=Own(training=SHORT)).dense(0).key
            for t in (SPARSE, SHORT)} == {search_of(search=Lrr(rewind="2it"), training=SHORT).dense(0).key}


@pytest.mark.parametrize("search", [Imp(), Imp(rewind="2it"), Lrr(), Lrr(rewind="2it")])
@pytest.mark.parametrize("same_by", ["same", "own"])
def test_with_the_same_settings_the_run_of_a_level_is_the_mask_searchs_own(search, same_by):
    phase = Own(training=SPARSE) if same_by == "own" else search_of().mask_search
    question = search_of(search=search, mask_search=phase)
    for level in range(2):
        assert question.found(level + 1, 0).reads().key == question.run(level, 0).key
    assert len([q for q in trainings(question) if isinstance(q, Run)]) == 3


def test_a_whole_sparse_training_from_the_initialisation_is_no_other_training():
    assert search_of(whole=True).run(1, 0).key == search_of().run(1, 0).key
    late = search_of(search=Imp(rewind="2it"))
    assert late.replace(whole=True).run(1, 0).key != late.run(1, 0).key


@pytest.mark.parametrize(("whole", "steps", "first_rate"), [(False, 14, 0.05 * (1 + np.cos(np.pi / 3))), (True, 21, 0.1)])
def test_sparse_training_takes_what_is_left_or_the_whole_length(whole, steps, first_rate, data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = search_of(search=Imp(rewind="1ep"), whole=whole, levels=1)
    answer(question, store, data_root=data_root)
    for level in (0, 1):
        run = store.get(question.run(level, 0).key)
        assert run.summary["steps"] == steps
        assert run.group("history")["learning_rate"][0] == pytest.approx(first_rate)
        assert same(effective(store.get(question.ticket(level, 0).key), "start") if level else
                    store.get(question.dense(0).key).group("start"),
                    store.get(question.ticket(level, 0).key).group("start"))
    assert store.get(question.found(1, 0).reads().key).summary["steps"] == 14


# What it costs

PRICED = {
    "imp": search_of(search=Imp(rewind="2it"), mask_search=Own(training=SHORT),
                     pretraining=Own(training=SPARSE.replace(batch_size=100)), controls=CONTROLS, whole=True),
    "imp same": search_of(search=Imp(rewind="2it"), controls=("redrawn",)),
    "lrr": search_of(search=Lrr(), mask_search=Own(training=SHORT), controls=("random_mask", "sign_transfer")),
    "lrr same": search_of(search=Lrr(rewind="2it")), "aws": search_of(search=Aws(), controls=CONTROLS),
    "one_shot": search_of(search=OneShot(), controls=("shuffled_mask",)),
    "one_shot random": search_of(search=OneShot(scorer=RandomScore()), mask_search=Own(training=SHORT)),
    "few shots": search_of(search=Imp(), training=SPARSE.replace(subset=0.1, batch_size=50, label_noise=0.3),
                           mask_search=Own(training=SHORT))}
EXPECTED = {
    # steps: dense starts, mask search (levels 0 and 1), sparse trainings
    "imp": 2 * 2 + 2 * 6 + (1 + 2 * 5) * 21,
    "imp same": 2 * 2 + (1 + 2 * 2) * 19,
    # a level's own mask search is trained through too, since sparse training starts at its end
    "lrr": 3 * 8 + (1 + 2 * 3) * 21,
    "lrr same": 2 + 3 * 19, "aws": 3 * 21 + (1 + 2 * 5) * 21, "one_shot": (1 + 2 * 2) * 21,
    "one_shot random": 3 * 21,
    "few shots": 2 * 8 + 3 * 9}


@pytest.mark.parametrize("name", PRICED)
def test_the_price_counts_exactly_the_trainings_that_are_done(name, data_root, tmp_path, monkeypatch):
    monkeypatch.setattr("lth_engine.analysis.price._TIMED_SECONDS", 0.0)
    store, question = Store(tmp_path / "store"), PRICED[name]
    wanted = [q for q in plan(question, store) if isinstance(q, Run) or isinstance(q, DenseTicket) and q.rewind.count]
    done = answer(question, store, data_root=data_root).summary
    price = answer(Price(of=question), store, data_root=data_root).summary
    spent = [store.get(q.key).summary for q in wanted]
    assert price["trainings"] == len(spent)
    assert price["steps"] == sum(s["steps"] for s in spent) == EXPECTED[name]
    assert price["epochs"] == pytest.approx(sum(s["epochs"] for s in spent))
    assert done["epochs"] == pytest.approx(price["epochs"])
    assert price["flops_dense"] == pytest.approx(done["flops_dense"], rel=0.15)


def test_a_rewind_point_past_the_end_of_any_phase_is_refused():
    for settings in ({"mask_search": Own(training=SHORT)}, {"pretraining": Own(training=SHORT)}):
        with pytest.raises(BadInput, match="rewind point"):
            search_of(search=Imp(rewind="8it"), **settings)
    assert search_of(search=Imp(rewind="7it"), mask_search=Own(training=SHORT.replace(schedule=Cosine())))
