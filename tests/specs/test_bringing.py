"""From files to a search: levels and replicates without gaps, and what was left out in words."""

from __future__ import annotations

import pytest

from lth_engine.core.errors import BadInput
from lth_engine.specs.bringing import bring, one_file, without_gaps
from lth_engine.specs.data import Cifar10, Digits
from lth_engine.specs.differences import differences, share_seeds
from lth_engine.specs.imported import File, Imported, ImportedDense, ImportedRun, plain_label
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.questions import Price, TicketSearch, question_from_dict, trainings
from lth_engine.specs.sanity import SanityChecks
from lth_engine.specs.signs import SignPanel
from lth_engine.specs.tickets import DenseTicket, Run

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
SPEC = CifarResnet(depth=20).to_dict()


def cells(search: TicketSearch) -> list[tuple[int, int]]:
    return [(level, replicate) for level, replicate, _ in search.runs()]


def test_a_single_sparse_file_is_level_1() -> None:
    search = bring(SPEC, Cifar10(), [one_file(0.2, A)], "mine.pth")
    assert cells(search) == [(1, 0)]
    run = search.run(1, 0)
    assert isinstance(run, ImportedRun)
    assert (run.weights, run.masks) == (A, "")
    assert search.search.density(1) == pytest.approx(0.2)
    assert type(search.run(0, 0)) is Run
    assert trainings(search) == ()
    assert search.in_seconds
    assert not TicketSearch().in_seconds
    assert question_from_dict(search.to_dict()) == search


def test_a_dense_file_is_level_0() -> None:
    search = bring(SPEC, Cifar10(), [one_file(1.0, A, B, C)], "mine")
    assert cells(search) == [(0, 0)]
    assert search.levels == 0
    assert isinstance(search.dense(0), ImportedDense)
    assert search.dense(0).weights == B
    assert search.run(0, 0).masks == C


def test_only_levels_that_every_replicate_has_are_kept() -> None:
    found = {(level, r): File(level, r, 1 - level / 10, A, B) for r in (3, 5) for level in (0, 1, 2)}
    del found[2, 3]
    files = without_gaps(found)
    search = bring(SPEC, Cifar10(), files, "theirs")
    assert cells(search) == [(level, r) for level in (0, 1) for r in (0, 1)]
    assert [search.search.density(level) for level in (0, 1)] == [1, 0.9]
    assert without_gaps({place: f for place, f in found.items() if place != (0, 3)}) == files[2:]
    with pytest.raises(BadInput, match="No network was brought"):
        bring(SPEC, Cifar10(), [], "theirs")


def test_a_label_is_a_name_and_nothing_else() -> None:
    assert plain_label("a[b](http://c) <i>$x$</i>.pth") == "a_b_(http___c) _i__x___i_.pth"
    assert len(plain_label("x" * 100 + ".pth")) == 60
    for label in ("<b>", "a" * 61, "a\nb", "[x](y)", "`"):
        with pytest.raises(BadInput, match=r"imported\.label"):
            Imported(label=label)


def test_what_is_not_known_is_not_asked_for() -> None:
    search = bring(SPEC, Cifar10(), [one_file(0.2, A)], "mine")
    for check, words in (("inverted_mask", "what ranked its weights"), ("redrawn", "what its training started from")):
        with pytest.raises(BadInput, match=words):
            SanityChecks(of=search, level=1, checks=(check,))
    with pytest.raises(BadInput, match=r"Set sign_panel\.source to solution"):
        SignPanel(of=search, level=1)
    assert SignPanel(of=search, level=1, source="solution").own(1, 0) == search.run(1, 0).trained_here
    with pytest.raises(BadInput, match="nothing has a price"):
        Price(of=search)
    with pytest.raises(BadInput, match="ask for sanity checks, which train both"):
        search.replace(controls=("random_mask",))
    known = bring(SPEC, Cifar10(), [one_file(0.2, A, B)], "mine")
    assert SanityChecks(of=known, level=1, checks=("redrawn",))


def test_another_draw_of_a_dense_network_that_was_brought_is_the_labs() -> None:
    search = bring(SPEC, Cifar10(), [one_file(0.2, A, B)], "mine")
    other = search.run(1, 0, "redrawn").ticket.dense
    assert type(other) is DenseTicket
    assert other.init_seed != search.dense(0).init_seed


def test_a_search_that_trains_has_at_least_one_level() -> None:
    with pytest.raises(BadInput, match=r"levels must be in \[1, 100\]"):
        TicketSearch(data=Digits(), levels=0)


def test_replicates_of_another_lab_are_not_paired() -> None:
    search = bring(SPEC, Cifar10(), [one_file(0.2, A)], "mine")
    other = search.replace(search=Imported(files=(str(one_file(0.2, B)),)))
    assert not share_seeds(search, other)
    assert share_seeds(TicketSearch(), TicketSearch(levels=5))
    assert differences([search, other])["search.files"][0].startswith("1 (")
