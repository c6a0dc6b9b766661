"""Searches near the start: every learned mask and every score of the untrained network gives tickets that hold."""

import pytest

from lth_engine.answer import answer
from lth_engine.core.mask import Mask
from lth_engine.core.spec import catalogue
from lth_engine.specs.finding import OneShot
from lth_engine.specs.scorers import AtStart
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from tests.acceptance.small_searches import search_of

LEARNERS = {"cts": {}, "edge_popup": {}, "gem_miner": {"period": "1it"}, "continuous_sparsification": {"rounds": 2}}
SCORERS = {name: cls for name, cls in catalogue("scorer").items() if issubclass(cls, AtStart)}
NEAR = {
    **{name: catalogue("search")[name](fraction=0.4, rewind="3it", length="6it", batch_size=200, **more)
       for name, more in LEARNERS.items()},
    **{name: OneShot(fraction=0.4, rewind="3it", scorer=cls()) for name, cls in SCORERS.items()}}


def test_every_learner_of_the_catalogue_is_tested_here():
    assert set(LEARNERS) == {name for name, cls in catalogue("search").items() if cls.learns}


@pytest.mark.parametrize("name", NEAR)
def test_every_search_near_the_start_runs_to_its_end_and_keeps_its_promises(name, data_root, tmp_path):
    store, search = Store(tmp_path / "store"), NEAR[name]
    question = search_of(search=search, controls=("inverted_mask", "shuffled_mask"))
    artifact = answer(question, store, data_root=data_root)
    table = artifact.group("table")
    assert not table["masked_nonzero"].any()
    assert table["rewind_exact"].all()
    assert table["finite"].all()
    for level in (1, 2):
        found = question.found(level, 0)
        assert found.training == Training(), "the mask depends on no training, so its address must not"
        mask = Mask(store.get(found.key).group("mask"))
        assert mask.kept == search.kept(level, mask.size)
        inverted = Mask(store.get(question.run(level, 0, "inverted_mask").ticket.key).group("mask"))
        assert inverted.kept == mask.kept
    again = answer(question, Store(tmp_path / "again"), data_root=data_root)
    assert again.content_sha256 == artifact.content_sha256
