"""A small ticket search from question to verdict, on real digits: what must hold in every search."""

import dataclasses

import numpy as np
import pytest
import torch

from lth_engine.answer import answer, plan
from lth_engine.core.artifact import texts
from lth_engine.core.errors import BadInput, Cancelled
from lth_engine.core.mask import Mask
from lth_engine.core.search_table import rows_where
from lth_engine.core.workbench import Workbench
from lth_engine.specs.data import Digits
from lth_engine.specs.finding import Imp, OneShot
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.questions import Price, TicketSearch
from lth_engine.specs.scorers import RandomScore
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training.material import material

TRAINING = Training(length="4ep", batch_size=128, optimizer=Sgd(lr=0.05))
SEARCH = TicketSearch(model=Lenet300100(first=40, second=20), training=TRAINING, levels=3, replicates=2,
                      controls=("random_mask", "redrawn", "shuffled_mask"), search=Imp(fraction=0.4))


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def answered(tmp_path_factory, data_root):
    store = Store(tmp_path_factory.mktemp("store"))
    return store, answer(SEARCH, store, data_root=data_root)


def test_every_run_is_in_the_table_once(answered):
    _, artifact = answered
    table = artifact.group("table")
    cells = list(zip(table["level"].tolist(), table["replicate"].tolist(), table["variant"].tolist(), strict=True))
    assert len(cells) == len(set(cells)) == len(SEARCH.runs()) == 2 * (1 + 3 * 4)
    assert {c[2].decode() for c in cells} == {"ticket", "random_mask", "redrawn", "shuffled_mask"}


def test_layers_stand_in_the_order_of_the_network(answered):
    store, _ = answered
    run = store.get(SEARCH.run(2, 0).key)
    names = texts(run.group("layers")["name"])
    assert names == ["fc1.weight", "fc2.weight", "fc.weight"], "not by name"
    mask = Mask(run.group("mask"))
    assert run.group("layers")["density"].tolist() == [mask.layer_density()[name] for name in names]
    assert run.group("layers")["kept"].tolist() == [int(mask[name].sum()) for name in names]


def test_masks_shrink_by_the_exact_counts_and_keep_the_largest_weights(answered):
    store, _ = answered
    for replicate in range(2):
        before = store.get(SEARCH.run(0, replicate).key)
        for level in range(1, 4):
            run = store.get(SEARCH.run(level, replicate).key)
            old, new = Mask(before.group("mask")), Mask(run.group("mask"))
            assert new <= old
            assert new.kept == round(new.size * 0.6**level)
            final = before.group("final")
            kept = np.concatenate([np.abs(final[n][new[n]]) for n in new])
            gone = np.concatenate([np.abs(final[n][old[n] & ~new[n]]) for n in new])
            assert kept.min() >= gone.max()
            before = run


def test_tickets_start_from_the_initial_weights_bit_for_bit(answered):
    store, _ = answered
    dense = store.get(SEARCH.ticket(0, 1).key).group("start")
    ticket = store.get(SEARCH.ticket(3, 1).key)
    mask, start = ticket.group("mask"), ticket.group("start")
    for name, value in start.items():
        kept = mask.get(name, np.ones(value.shape, bool))
        assert value[kept].tobytes() == dense[name][kept].tobytes()
        assert not value[~kept].any()


def test_controls_destroy_what_they_say_and_nothing_else(answered):
    store, _ = answered
    ticket = store.get(SEARCH.ticket(2, 0).key)
    mask, start = Mask(ticket.group("mask")), ticket.group("start")

    def control(variant):
        artifact = store.get(SEARCH.run(2, 0, variant).ticket.key)
        return Mask(artifact.group("mask")), artifact.group("start")
    random, _ = control("random_mask")
    assert random.kept == mask.kept
    assert random != mask
    assert random.overlap(mask) == pytest.approx(mask.density / (2 - mask.density), abs=0.04)  # chance
    shuffled, weights = control("shuffled_mask")
    assert shuffled.layer_density() == mask.layer_density()
    assert shuffled != mask
    both = shuffled["fc1.weight"] & mask["fc1.weight"]
    assert np.array_equal(weights["fc1.weight"][both], start["fc1.weight"][both])
    redrawn, weights = control("redrawn")
    assert redrawn == mask
    kept = mask["fc1.weight"]
    assert not np.any(weights["fc1.weight"][kept] == start["fc1.weight"][kept])


def test_invariants_hold_in_every_run(answered):
    table = answered[1].group("table")
    assert not table["masked_nonzero"].any()
    assert table["rewind_exact"].all()
    assert table["finite"].all()
    assert (table["moved_positive"] > 0.99).all()
    assert (table["moved_negative"] > 0.99).all()


def test_run_summary_agrees_with_its_own_arrays(answered):
    store, _ = answered
    run, ticket = store.get(SEARCH.run(2, 1).key), store.get(SEARCH.ticket(2, 1).key)
    final, start, mask = run.group("final"), ticket.group("start"), run.group("mask")
    distance = np.sqrt(sum(((final[n].astype(float) - start[n]) ** 2)[mask[n]].sum() for n in mask))
    assert run.summary["learning_distance"] == pytest.approx(distance)
    history = run.group("history")
    assert history["step"].tolist() == [0, 10, 20, 30, 40]
    assert history["test_accuracy"][-1] == run.summary["test_accuracy"]
    for name in mask:
        counts = run.group("histogram")[name]
        assert counts.sum() == mask[name].sum()
    hidden = 64 * 40 + 40 * 20 + 20 * 10
    assert run.summary["flops_dense"] == 3 * 2 * hidden * 4 * 1210
    assert run.summary["flops_sparse"] < 0.37 * run.summary["flops_dense"]


def test_the_verdict_is_about_a_level_of_the_search(answered):
    _, artifact = answered
    verdicts = artifact.group("verdict")
    index = int(artifact.summary["verdict_level"]) - 1
    assert verdicts["word"][index].decode() == artifact.summary["verdict"]
    assert verdicts["text"][index].decode() in artifact.summary["verdict_text"]
    table = artifact.group("table")
    gap = (rows_where(table, "ticket", 2)["test_accuracy"] - rows_where(table, "ticket", 0)["test_accuracy"]).mean()
    assert verdicts["difference"][1] == pytest.approx(gap)


def test_answering_again_computes_nothing_and_a_new_store_gives_the_same_bits(answered, data_root, tmp_path):
    store, artifact = answered
    assert plan(SEARCH, store) == []
    again = answer(SEARCH, Store(tmp_path / "other"), data_root=data_root)
    assert again.content_sha256 == artifact.content_sha256


def test_a_wider_search_reuses_what_is_there(answered):
    store, _ = answered
    wider = SEARCH.replace(levels=4, replicates=2, margin=0.02)
    missing = plan(wider, store)
    assert {q.name for q in missing} == {"found", "random_mask", "redrawn", "shuffled_mask", "run", "ticket_search"}
    assert all(q.ticket.level == 4 for q in missing if q.name == "run")
    one_shot = SEARCH.replace(search=OneShot(fraction=0.4))
    assert not any(q.name == "run" and q.ticket.level == 0 for q in plan(one_shot, store))


def test_cancelling_keeps_what_is_done_and_continues_to_the_same_answer(answered, data_root, tmp_path):
    _, artifact = answered
    store, calls = Store(tmp_path / "store"), iter(range(10**6))

    def stop(progress):
        if next(calls) == 20:
            raise Cancelled("Stopped.")
    with pytest.raises(Cancelled):
        answer(SEARCH, store, data_root=data_root, report=stop)
    kept = len(store.list())
    assert 0 < kept < len(SEARCH.runs())
    assert answer(SEARCH, store, data_root=data_root).content_sha256 == artifact.content_sha256


def test_progress_never_goes_back_and_ends_at_the_whole(data_root, tmp_path):
    seen = []
    answer(SEARCH.replace(levels=1, seed=9), Store(tmp_path / "store"), data_root=data_root,
           report=lambda p: seen.append((p.done, p.total)))
    done = [d for d, _ in seen]
    assert done == sorted(done)
    assert seen[-1][0] == pytest.approx(seen[-1][1])


@pytest.mark.parametrize("search", [OneShot(fraction=0.5), OneShot(fraction=0.5, scorer=RandomScore()),
                                    Imp(fraction=0.5, scope="layerwise"), Imp(fraction=0.5, ignore=("fc.weight",)),
                                    Imp(fraction=0.5, rewind="5it")])
def test_other_searches_keep_their_promises(search, data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = SEARCH.replace(search=search, levels=2, replicates=1, controls=())
    answer(question, store, data_root=data_root)
    run = store.get(question.run(2, 0).key)
    mask = Mask(run.group("mask"))
    ignored = sum(mask[name].size for name in search.ignore)
    assert mask.kept == round((mask.size - ignored) / 4) + ignored
    assert all(mask[name].all() for name in search.ignore)
    if search.scope == "layerwise":
        assert set(mask.layer_density().values()) == {0.25}
    first, dense = store.get(question.run(1, 0).key), store.get(question.run(0, 0).key)
    if isinstance(search, OneShot) and search.scorer == RandomScore():
        assert Mask(first.group("mask")).kept == round(mask.size / 2)
    else:
        assert mask <= Mask({n: first.group("mask")[n] for n in mask})
    assert run.summary["rewind_exact"]
    assert run.summary["steps"] == dense.summary["steps"] == 40 - search.rewind.count


def test_one_shot_random_is_not_its_own_control(data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = SEARCH.replace(search=OneShot(fraction=0.5, scorer=RandomScore()), levels=1, replicates=1,
                              controls=("random_mask",), training=Training(length="1it", batch_size=8))
    answer(question, store, data_root=data_root)
    masks = [Mask(store.get(question.run(1, 0, variant).key).group("mask")) for variant in ("ticket", "random_mask")]
    assert masks[0].overlap(masks[1]) == pytest.approx(1 / 3, abs=0.03)  # chance at density 1/2


def test_what_could_only_fail_is_refused_before_any_training(data_root, tmp_path):
    store = Store(tmp_path / "store")
    for search, levels, message in [
            (Imp(ignore=("fc.weigh",)), 1, r"Did you mean fc\.weight"),
            (Imp(ignore=("fc.weight", "fc1.weight", "fc2.weight")), 1, "nothing can be pruned"),
            (Imp(fraction=0.9), 6, "must keep between 1"),
            (Imp(rewind="40it"), 1, "rewind point"),
            (Imp(rewind="9ep"), 1, "rewind point")]:
        with pytest.raises(BadInput, match=message):
            answer(SEARCH.replace(search=search, levels=levels), store, data_root=data_root)
    assert store.list() == []


def test_the_price_of_a_search_with_pretraining_is_what_it_costs(data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = SEARCH.replace(search=Imp(rewind="1ep"), levels=1)
    done, price = (answer(q, store, data_root=data_root).summary for q in (question, Price(of=question)))
    # 2 replicates: 4 runs of level 1 and a dense one, 3 epochs each, and the way to 2 starts (the other is re-drawn)
    assert done["epochs"] == price["epochs"] == 2 * (4 * 3 + 3 + 2)
    assert done["flops_dense"] == pytest.approx(price["flops_dense"], rel=0.01)
    start = store.get(question.ticket(0, 0).key)
    assert start.group("history")["epoch"].tolist() == [0, 1]


def test_a_search_without_validation_images_is_judged_at_its_last_level(data_root, tmp_path):
    question = SEARCH.replace(data=Digits(validation_fraction=0.0), levels=2, controls=())
    artifact = answer(question, Store(tmp_path / "store"), data_root=data_root)
    assert artifact.summary["verdict_level"] == 2
    assert np.isnan(artifact.group("table")["validation_accuracy"]).all()


@pytest.mark.parametrize("option", [{"precision": "bfloat16"},
                                    pytest.param({"compile": True}, marks=pytest.mark.slow)])
def test_options_of_speed_train_as_well(option, data_root, tmp_path):
    training = dataclasses.replace(TRAINING, **option)
    question = SEARCH.replace(training=training, levels=1, replicates=1, controls=())
    table = answer(question, Store(tmp_path / "store"), data_root=data_root).group("table")
    assert (table["test_accuracy"] > 0.8).all()
    assert not table["masked_nonzero"].any()


def test_networks_trained_in_bfloat16_are_measured_in_float32(data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = SEARCH.replace(training=TRAINING.replace(precision="bfloat16"), levels=1, replicates=1, controls=())
    answer(question, store, data_root=data_root)
    run = store.get(question.run(1, 0).key)
    weights = {name: torch.from_numpy(value).double() for name, value in run.group("final").items()}
    images = material(question.data, Workbench(data_root)).test
    x = torch.cat([batch.double().flatten(1) for batch, _ in images.in_order()])
    for layer in ("fc1", "fc2", "fc"):
        x = x @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        x = x.relu() if layer != "fc" else x
    loss = float(torch.nn.functional.cross_entropy(x, images.y))
    assert run.summary["test_loss"] == pytest.approx(loss, rel=1e-5), "in bfloat16 it would differ in the third digit"


def test_rewinding_continues_the_schedule_of_the_dense_training(data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = SEARCH.replace(search=Imp(rewind="1ep"), levels=1, replicates=1, controls=())
    answer(question, store, data_root=data_root)
    history = store.get(question.run(1, 0).key).group("history")
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert history["learning_rate"][0] == pytest.approx(0.05 * 0.5 * (1 + np.cos(np.pi / 4)))


def test_a_convolutional_search_keeps_its_promises(data_root, tmp_path):
    store = Store(tmp_path / "store")
    question = TicketSearch(model=CifarResnet(depth=8, width=4), data=Digits(), levels=1, replicates=1,
                            training=Training(length="20it", batch_size=64, flip=True, crop=1))
    artifact = answer(question, store, data_root=data_root)
    assert artifact.group("table")["masked_nonzero"].tolist() == [0] * 4
    assert artifact.summary["verdict"] == "undecided"


def test_price_counts_what_the_search_does(answered, data_root, tmp_path):
    _, artifact = answered
    price = answer(Price(of=SEARCH), Store(tmp_path / "store"), data_root=data_root).summary
    table = artifact.group("table")
    assert price["epochs"] == pytest.approx(table["epochs"].sum())
    assert price["runs"] == len(table["level"])
    assert price["flops_dense"] == pytest.approx(table["flops_dense"].sum(), rel=0.01)
    assert price["flops_sparse"] == pytest.approx(table["flops_sparse"].sum(), rel=0.2)
    assert price["prunable"] == 64 * 40 + 40 * 20 + 20 * 10
    assert price["seconds"] > 0
    assert price["peak_bytes"] > 1e7


def test_a_price_refuses_what_could_never_run(data_root, tmp_path):
    store = Store(tmp_path / "store")
    with pytest.raises(BadInput, match="must keep between 1"):
        answer(Price(of=SEARCH.replace(levels=40)), store, data_root=data_root)
    huge = SEARCH.replace(training=dataclasses.replace(TRAINING, batch_size=5000))
    with pytest.raises(BadInput, match="batch_size must be at most"):
        answer(Price(of=huge), store, data_root=data_root)
