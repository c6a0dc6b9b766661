"""Sanity checks: nothing asked, asked by a link, running, failed, cancelled, done; several tickets."""

import shlex

import pytest

from lth_engine.cli.ask import Begun, ask
from lth_engine.specs.questions import question_from_dict
from lth_engine.specs.sanity import CHECKS, SanityChecks
from pages.ui import share
from tests.pages.conftest import words
from tests.pages.diagnosed import begin, drawn
from tests.pages.fake_methods import OF, SANITY, put
from tests.pages.fake_search import PROVENANCE, put_search, run_answer


def test_one_click_asks_all_five_checks_of_the_ticket_of_the_verdict(open_page, store, queue):
    put_search(store)
    app = open_page("sanity")
    tokens = shlex.split(next(c.value for c in app.code if "lth_engine" in c.value))
    app.button(key="sanity.start").click().run()
    asked = question_from_dict(dict(queue.list()[0].spec))
    assert isinstance(asked, SanityChecks)
    assert (asked.level, asked.checks) == (2, CHECKS)
    assert ask(Begun(question=tokens[5]), tokens[6:], store.root) == asked


def test_a_link_opens_the_form_on_its_search_and_level(open_page, store, queue):
    put(store, SANITY)
    other = OF.replace(levels=5, seed=77)
    app = open_page("sanity", spec=share.to_text(other), level="3")
    tokens = shlex.split(next(c.value for c in app.code if "lth_engine" in c.value))
    app.button(key="sanity.start").click().run()
    asked = question_from_dict(dict(queue.list()[0].spec))
    assert (asked.of, asked.level) == (other, 3)
    assert ask(Begun(question=tokens[5]), tokens[6:], store.root) == asked


@pytest.mark.parametrize("text", ["nonsense", "eJw"])
def test_a_damaged_link_is_said(open_page, text):
    app = open_page("sanity", spec=text, level="9999")
    assert not app.exception
    assert "may have been cut" in words(app) or "not JSON" in words(app)


def test_done_says_the_verdict_and_a_word_a_check(open_page, store):
    put(store, SANITY)
    app = open_page("sanity", ask=SANITY.key)
    assert "Fails 2 checks: 2 passed, 2 failed, 1 undecided." in words(app).replace("*", "")
    assert "mask shuffled" in words(app).split("Fails 2")[0]       # in full, word by word
    figure = drawn(app, "Test accuracy of the ticket and of what is left of it")
    assert [a["text"] for a in figure["layout"]["annotations"]] == [
        "<b>✓ passes</b>", "<b>= no difference</b>", "<b>✓ passes</b>", "<b>? undecided</b>", "<b>✗ worse</b>",
        "ticket 81"]
    (ticket,) = [t for t in figure["data"] if t["name"] == "Ticket (each replicate)"]
    assert ticket["x"] == pytest.approx([80, 81, 82])
    (found,) = app.table
    cells = found.value.set_index("Check")
    assert cells.loc["Small dense network"].tolist()[:2] == ["**✗ worse**", "-5.00, -6.00 to -4.00"]


@pytest.mark.parametrize(("verdict", "said"), [("passes all", "Passes all checks"), ("fails 1", "Fails 1 check:"),
                                               ("undecided", "Undecided:")])
def test_every_verdict_is_a_sentence(open_page, store, verdict, said):
    put(store, SANITY, verdict=verdict)
    text = words(open_page("sanity", ask=SANITY.key)).replace("*", "")
    assert said in text


def test_running_failed_and_cancelled_show_what_is_trained(open_page, store, queue):
    job = begin(queue, SANITY)
    assert "So far" not in words(open_page("sanity", ask=SANITY.key))
    for variant in ("ticket", "redrawn"):
        store.put(SANITY.runs()[variant, 0], run_answer(OF, (2, 0, variant)), parents={}, provenance=PROVENANCE)
    app = open_page("sanity", ask=SANITY.key)
    assert "So far: 2 of 21 networks are trained" in words(app).replace("*", "")
    queue.finish(job.id, 1, "failed", "The loss is NaN. Lower the learning rate.")
    app = open_page("sanity", ask=SANITY.key)
    assert "The loss is NaN" in words(app)
    figure = drawn(app, "Test accuracy of what is trained so far")
    assert figure["layout"]["yaxis"]["ticktext"] == ["Ticket", "Same mask, weights<br>re-drawn"]


def test_several_tickets_stand_in_a_table(open_page, store):
    put(store, SANITY)
    other = put(store, SANITY.replace(level=1, checks=("shuffled_mask",)), verdict="passes all")
    app = open_page("sanity", ask=[SANITY.key, other.key])
    (found,) = app.dataframe
    assert found.value["verdict"].tolist() == ["fails 2", "passes all"]
    assert found.value["Small dense network"].tolist() == ["✗ worse", ""]


def test_the_explore_page_leads_to_the_checks(open_page, store):
    put_search(store)
    app = open_page("explore")
    links = [link.proto for link in app.get("page_link")]
    assert any("Check this ticket" in link.label for link in links)
