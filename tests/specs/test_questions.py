"""A search asks for the right tickets, and two searches share what they have in common."""

from __future__ import annotations

import pytest

from lth_engine.core.errors import BadInput
from lth_engine.core.step import Step
from lth_engine.specs.controls import RandomMask, Redrawn
from lth_engine.specs.data import Digits
from lth_engine.specs.finding import Aws, Imp, Lrr, OneShot
from lth_engine.specs.models import Conv
from lth_engine.specs.phases import Own
from lth_engine.specs.questions import TicketSearch, question_from_dict
from lth_engine.specs.schedules import Constant
from lth_engine.specs.scorers import RandomScore
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run, Trained
from lth_engine.specs.training import Training


def test_number_of_runs() -> None:
    search = TicketSearch(levels=4, replicates=3, controls=("random_mask", "redrawn"))
    runs = search.runs()
    assert len(runs) == 3 * (1 + 4 * 3)
    assert len({run.key for run in runs.values()}) == len(runs)
    assert {q.key for q in search.inputs()} == {q.key for r in runs.values() for q in (r, r.ticket.dense)}
    assert len({run.ticket.dense for run in runs.values()}) == 6  # one a replicate, and one that is re-drawn


def test_more_levels_replicates_and_controls_reuse_the_runs() -> None:
    small = TicketSearch(levels=2, replicates=1, controls=())
    large = TicketSearch(levels=5, replicates=3, controls=("shuffled_mask",), margin=0.02)
    assert {r.key for r in small.inputs()} <= {r.key for r in large.inputs()}


def test_each_level_reads_the_run_before() -> None:
    search = TicketSearch(levels=3, replicates=1)
    for level in (1, 2, 3):
        ticket = search.ticket(level, 0)
        assert isinstance(ticket, FoundTicket)
        assert ticket.reads() == search.run(level - 1, 0)
        assert ticket.inputs() == (search.ticket(0, 0), search.run(level - 1, 0))


def test_one_shot_reads_the_dense_run_and_random_reads_nothing() -> None:
    trained = TicketSearch(search=OneShot()).ticket(3, 0)
    blind = TicketSearch(search=OneShot(scorer=RandomScore())).ticket(3, 0)
    assert isinstance(trained, FoundTicket)
    assert isinstance(blind, FoundTicket)
    assert trained.reads() == TicketSearch(search=OneShot()).run(0, 0)
    assert blind.reads() is None
    assert blind.inputs() == (blind.start,)


def test_replicates_differ_in_every_seed() -> None:
    search = TicketSearch(seed=10)
    first, second = search.run(1, 0), search.run(1, 1)
    assert (first.ticket.dense.init_seed, second.ticket.dense.init_seed) == (10, 11)
    assert (first.order_seed, second.order_seed) == (10, 11)


def test_controls_keep_what_they_say_they_keep() -> None:
    search = TicketSearch()
    ticket = search.ticket(2, 1)
    random, redrawn = search.run(2, 1, "random_mask").ticket, search.run(2, 1, "redrawn").ticket
    assert isinstance(random, RandomMask)
    assert isinstance(redrawn, Redrawn)
    assert random.of == redrawn.of == ticket
    assert random.dense == ticket.dense
    assert redrawn.dense != ticket.dense
    assert redrawn.dense == ticket.dense.replace(init_seed=redrawn.dense.init_seed)
    assert random.level == redrawn.level == 2
    assert random.inputs() == (random.dense, ticket)


def test_level_zero_has_no_controls() -> None:
    with pytest.raises(BadInput, match="level 1"):
        TicketSearch().run(0, 0, "random_mask")


def test_rewind_must_lie_before_the_end() -> None:
    with pytest.raises(BadInput, match=r"rewind point \(3ep\) is not before"):
        TicketSearch(search=Imp(rewind=Step(3)), training=Training(length=Step(3)))
    with pytest.raises(BadInput, match="same rewind point"):
        FoundTicket(search=Imp(rewind=Step(3)), start=DenseTicket(rewind=Step(2)))


@pytest.mark.parametrize("question", [DenseTicket(model=Conv()), TicketSearch(levels=2), Run(), RandomMask()])
def test_any_question_is_read_back_from_json(question: Run) -> None:
    assert question_from_dict(question.to_dict()) == question


def test_unknown_question() -> None:
    with pytest.raises(BadInput, match="Did you mean ticket_search"):
        question_from_dict({"name": "ticket_serach"})


def test_the_greatest_seed_leaves_room_for_every_part() -> None:
    search = TicketSearch(seed=2**52, levels=1, replicates=100, controls=("random_mask", "redrawn", "shuffled_mask"),
                          data=Digits(split_seed=2**52))
    starts = {run.ticket.dense for run in search.runs().values()}
    assert len({q.key for q in search.inputs()}) == len(search.runs()) + len(starts)
    for what in (lambda: TicketSearch(seed=2**52 + 1), lambda: Digits(split_seed=2**52 + 1)):
        with pytest.raises(BadInput, match="seed must be in"):
            what()


def test_a_redrawn_ticket_is_refused_if_its_other_draw_is() -> None:
    of = FoundTicket(start=DenseTicket(init_seed=2**54))
    with pytest.raises(BadInput, match="init_seed must be in"):
        Redrawn(of=of)


@pytest.mark.parametrize("name", [[], {}, 3, None, True, ["run"]])
def test_a_name_must_be_a_text(name: object) -> None:
    with pytest.raises(BadInput, match="is written as"):
        question_from_dict({"name": name})


def test_a_schedule_that_begins_anew_draws_anew() -> None:
    """Trained weights must not see the very batches again, in the same order, that they have just been trained on."""
    short = Own(training=Training(length=Step(2), schedule=Constant()))
    reported = TicketSearch(search=Lrr(), mask_search=short).run(1, 0)
    assert isinstance(reported.ticket, Trained)
    assert reported.draw_seed != reported.ticket.of.draw_seed
    assert TicketSearch(search=Imp()).run(1, 0).draw_seed == 0
    whole = TicketSearch(search=Imp(rewind=Step(2)), whole=True)
    assert whole.run(1, 0).draw_seed != whole.dense(0).order_seed


def test_a_signed_mask_goes_onto_weights_that_were_never_trained() -> None:
    for search in (Imp(rewind=Step(2)), Aws(rewind=Step(2))):
        run = TicketSearch(search=search, controls=("sign_transfer",)).run(1, 0, "sign_transfer")
        assert run.ticket.dense.rewind.count == 0
        assert run.begin.count == 0
        assert run.ticket.dense.init_seed != TicketSearch().dense(0).init_seed
