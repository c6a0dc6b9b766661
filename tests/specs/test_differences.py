"""Only the settings that differ, and what each search trains with."""

from __future__ import annotations

from lth_engine.core.step import Step
from lth_engine.specs.differences import differences, share_seeds
from lth_engine.specs.finding import OneShot
from lth_engine.specs.models import Conv
from lth_engine.specs.phases import Own
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.scorers import RandomScore

BASE = TicketSearch()


def test_equal_questions_differ_in_nothing() -> None:
    assert differences([BASE, TicketSearch()]) == {}
    own = BASE.replace(mask_search=Own(training=BASE.training))
    assert differences([BASE, own]) == {}, "settings of its own that are the same"


def test_values_stand_side_by_side() -> None:
    other = BASE.replace(levels=3, controls=(), training=BASE.training.replace(flip=True))
    assert differences([BASE, other, BASE]) == {
        "training.flip": ["no", "yes", "no"], "levels": ["10", "3", "10"],
        "controls": ["random_mask, redrawn", "none", "random_mask, redrawn"]}


def test_settings_that_only_one_has_are_listed_unless_they_are_defaults() -> None:
    assert differences([BASE, BASE.replace(model=Conv(layers=4))]) == {
        "model": ["lenet_300_100", "conv"], "model.layers": ["-", "4"]}
    assert differences([BASE, BASE.replace(search=OneShot(scorer=RandomScore()))]) == {
        "search": ["imp", "one_shot"], "search.scorer": ["magnitude", "random"]}


def test_a_phase_is_what_it_trains_with() -> None:
    short = BASE.replace(mask_search=Own(training=BASE.training.replace(length=Step(5))))
    assert differences([BASE, short]) == {"mask_search.length": ["20ep", "5ep"]}
    longer = BASE.replace(training=BASE.training.replace(length=Step(30)))
    assert differences([BASE, longer]) == {"training.length": ["20ep", "30ep"]}


def test_seeds_are_shared_by_equal_network_images_seed_and_replicates() -> None:
    assert share_seeds(BASE, BASE.replace(levels=3, search=OneShot()))
    for other in (BASE.replace(seed=1), BASE.replace(replicates=5), BASE.replace(model=Conv())):
        assert not share_seeds(BASE, other)
