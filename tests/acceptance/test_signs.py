"""What of a ticket goes onto other weights (mask, signs, normalisation): every case beside a loop over the weights.

T18 (AWS's alpha) stands in test_training.py, T20 (LRR's rate and weights) in test_searches.py.
"""

from itertools import product

import numpy as np
import pytest

from lth_engine.answer import answer
from lth_engine.core.mask import Mask
from lth_engine.finders import sign_transfer
from lth_engine.models.build import build
from lth_engine.specs.controls import ShuffledMask, SignTransfer
from lth_engine.specs.finding import Aws, Imp
from lth_engine.specs.models import MlpMixer
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.terms import L2Init, LearningDistance
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training.norm_interpolation import norm_parameters
from tests.acceptance.small_searches import SPARSE, same, search_of
from tests.acceptance.test_searches import _Held
from tests.acceptance.toys import LENET, RESNET, three_norms

CASES = list(product((True, False), repeat=3))
MIXER = MlpMixer(patch=2, depth=1, width=8, token_mlp=6, channel_mlp=10)
NETWORKS = {"batch norm": RESNET, "layer norm": MIXER}
IS_NORM = {"batch norm": lambda name: "bn" in name or "shortcut.1" in name,
           "layer norm": lambda name: "norm" in name}


@pytest.fixture(scope="module", params=list(NETWORKS))
def aws(request, data_root, tmp_path_factory):
    """(kind, store, search) of a finished AWS search whose tickets carry trained normalisation."""
    store = Store(tmp_path_factory.mktemp("signs"))
    question = search_of(model=NETWORKS[request.param], search=Aws(fraction=0.6), levels=1,
                         training=SPARSE.replace(length="4it", batch_size=50))
    answer(question, store, data_root=data_root)
    return request.param, store, question


@pytest.mark.parametrize("case", CASES)
def test_T19_each_case_is_what_a_loop_over_the_weights_makes_of_it(aws, case, data_root):
    kind, store, search = aws
    keep_mask, keep_signs, keep_norms = case
    ticket = search.ticket(1, 0)
    spec = SignTransfer(of=ticket, seed=3, mask=keep_mask, signs=keep_signs, norms=keep_norms)
    found = answer(spec, store, data_root=data_root)
    theirs, own = store.get(ticket.key), store.get(ticket.dense.key).group("start")
    fresh = build(NETWORKS[kind], 1, 8, 8, 10, spec.dense.init_seed).state_dict()
    control = answer(ShuffledMask(of=search.found(1, 0), seed=3), store, data_root=data_root)
    laid = (theirs if keep_mask else control).group("mask")
    ours, kept, norms = found.group("start"), found.group("mask"), 0
    assert sum(int(m.sum()) for m in kept.values()) == sum(int(m.sum()) for m in theirs.group("mask").values())
    for name, value in ours.items():
        if name not in kept:
            norm = IS_NORM[kind](name) and name.endswith(("weight", "bias"))
            norms += norm
            expected = theirs.group("start")[name] if norm and keep_norms else fresh[name].numpy()
            assert value.tobytes() == expected.tobytes(), name
            continue
        flat = [array.ravel().tolist() for array in (
            laid[name], theirs.group("mask")[name], theirs.group("start")[name], own[name], fresh[name].numpy())]
        for got, lies, held, signed, ancestor, drawn in zip(value.ravel().tolist(), *flat, strict=True):
            sign = (1 if drawn > 0 else -1) if not keep_signs else (1 if (signed if held else ancestor) > 0 else -1)
            assert got == (sign * abs(drawn) if lies else 0.0)
    assert norms > 2
    trained = theirs.group("start")
    assert any((trained[n] != fresh[n].numpy()).any() for n in ours if n not in kept and IS_NORM[kind](n))


@pytest.mark.parametrize("case", CASES)
def test_T15_a_run_of_each_case_starts_where_it_says(aws, case, data_root):
    """The invariant holds, and a term pulls nowhere at the very weights that training starts from."""
    _, store, search = aws
    mask, signs, norms = case
    ticket = SignTransfer(of=search.ticket(1, 0), mask=mask, signs=signs, norms=norms)
    short = Training(length="1it", batch_size=50, optimizer=Sgd(lr=1e-3, momentum=0, weight_decay=0))
    plain = answer(Run(ticket=ticket, training=short), store, data_root=data_root)
    assert plain.summary["rewind_exact"] is True
    start, final, kept = store.get(ticket.key).group("start"), plain.group("final"), plain.group("mask")
    moved = np.sqrt(sum(np.square(final[n][m].astype(float) - start[n][m]).sum() for n, m in kept.items()))
    assert plain.summary["learning_distance"] == pytest.approx(moved, rel=1e-6)
    for term in (L2Init(strength=100), LearningDistance(tau=100)):
        pulled = answer(Run(ticket=ticket, training=short.replace(term=term)), store, data_root=data_root)
        assert same(pulled.group("final"), final), term


def test_a_transfer_of_the_mask_alone_is_told_from_one_of_the_signs(aws, data_root):
    """Were a kept sign flipped on the way, the invariant would say so where the signs are drawn anew."""
    _, store, search = aws
    runs = [answer(Run(ticket=SignTransfer(of=search.ticket(1, 0), signs=signs), training=search.training), store,
                   data_root=data_root) for signs in (True, False)]
    kept = runs[0].group("mask")
    starts = [store.get(SignTransfer(of=search.ticket(1, 0), signs=signs).key).group("start")
              for signs in (True, False)]
    flipped = sum(int((starts[0][n][m] != starts[1][n][m]).sum()) for n, m in kept.items())
    assert 0.3 < flipped / sum(int(m.sum()) for m in kept.values()) < 0.7
    assert [run.summary["rewind_exact"] for run in runs] == [True, True]


def test_a_mask_drawn_anew_is_seeded_and_keeps_the_count_of_each_layer(aws, data_root):
    _, store, search = aws
    ticket = search.ticket(1, 0)
    masks = [Mask(answer(SignTransfer(of=ticket, seed=seed, mask=False, signs=signs), store,
                         data_root=data_root).group("mask")) for seed, signs in ((0, True), (0, False), (1, True))]
    theirs = Mask(store.get(ticket.key).group("mask"))
    assert masks[0] == masks[1]
    assert masks[0] != masks[2]
    assert masks[0] != theirs
    assert all(mask[n].sum() == theirs[n].sum() for mask in masks for n in theirs)


def test_a_kept_weight_without_a_sign_is_pruned_under_a_shuffled_mask_too():
    spec = SignTransfer(of=DenseTicket(model=LENET), mask=False)
    start = {"fc.weight": np.array([[1.5, -2.0, 0.0, 0.0]], np.float32)}
    own = {"fc.weight": np.array([[1.0, 1.0, 1.0, 0.0]], np.float32)}
    other = {"fc.weight": np.array([[-1.0, 5.0, 6.0, -7.0]], np.float32)}
    mask = {"fc.weight": np.array([[True, True, True, True]])}
    inputs = {spec.dense.key: _Held(start=other), spec.of.dense.key: _Held(start=own, mask=mask)}
    inputs[spec.of.key] = _Held(start=start, mask=mask)
    found = sign_transfer.answer(spec, inputs, None).arrays
    assert found["mask/fc.weight"].tolist() == [[True, True, False, False]]
    assert found["start/fc.weight"].tolist() == [[1.0, -5.0, 0.0, 0.0]]


@pytest.mark.parametrize("rewind", ["0it", "2it"])
def test_the_signs_of_pruned_weights_are_those_of_the_rewind_point(rewind, data_root, tmp_path):
    store = Store(tmp_path / "store")
    search = search_of(search=Imp(rewind=rewind, fraction=0.6), levels=1)
    answer(search, store, data_root=data_root)
    ticket = search.ticket(1, 0)
    found = answer(SignTransfer(of=ticket, mask=False), store, data_root=data_root)
    own = store.get(ticket.dense.key).group("start")  # of IMP the ticket's own weights are these, too
    for name, kept in found.group("mask").items():
        assert np.array_equal(np.sign(found.group("start")[name][kept]), np.sign(own[name][kept]))


def test_the_parameters_of_every_kind_of_normalisation_are_found():
    assert sorted(norm_parameters(three_norms())) == ["1.bias", "1.weight", "4.bias", "4.weight", "6.bias", "6.weight"]
    assert norm_parameters(build(LENET, 1, 8, 8, 10, 0)) == ()
