"""Links and lists of answers, the same on every page under Diagnose: what an address means, and what it does not."""


import pytest

from tests.pages.conftest import words
from tests.pages.fake_lines import (
    LINE,
    POINT,
    SIBLINGS,
    put_line,
    put_point,
    put_siblings,
)
from tests.pages.fake_search import SEARCH, put_search


def test_an_unknown_key_is_said(open_page, store):
    put_line(store)
    app = open_page("connectivity", ask=["0" * 24])
    assert "The store does not hold 000000000000000000000000" in words(app)
    assert app.get("plotly_chart")


def test_another_tab_leaves_a_link_of_this_kind_alone(open_page, store):
    put_line(store)
    put_siblings(store)
    app = open_page("connectivity", ask=SIBLINGS.key)
    assert "Mean barrier" in words(app) + "".join(p.proto.popover.label for p in app.get("popover"))
    app = open_page("connectivity", view="Two networks", ask=SIBLINGS.key)
    assert app.multiselect[0].label == "Answers"
    assert SIBLINGS.key not in app.query_params["ask"]
    assert "does not hold" not in words(app)


def test_many_answers_are_listed_by_what_is_typed(open_page, store, monkeypatch):
    monkeypatch.setattr("pages.ui.choosing.LISTED", 20)
    for seed in range(25):
        put_line(store, LINE.replace(seed=seed, points=3))
    app = open_page("connectivity")
    assert "20 of 25 answers are listed below" in words(app)
    assert len(app.multiselect[0].options) == 20
    app.text_input(key="pairs.filter").set_value("seed 23").run()
    assert "1 of 25" in words(app)
    assert any("seed 23" in option for option in app.multiselect[0].options)
    assert len(app.multiselect[0].options) <= 2
    assert not app.exception


def test_what_a_later_version_stored_is_left_out(open_page, store, queue):
    queue.submit(LINE)
    queue.database.write(lambda c: c.execute("UPDATE job SET spec = '{\"name\": \"connectivity\", \"warp\": 9}'"))
    assert "Nothing of this kind" in words(open_page("connectivity"))


def test_a_link_to_another_kind_of_answer_leads_to_its_page(open_page, store):
    put_point(store)
    put_line(store)
    app = open_page("connectivity", ask=POINT.key)
    assert f"{POINT.key[:6]} is an answer of another kind, First stable point of training" in words(app)
    (link,) = [link.proto for link in app.get("page_link") if link.proto.label == "Open"]
    assert f"ask={POINT.key}" in str(link)
    assert "stability" in str(link)
    put_search(store)
    app = open_page("stability", ask=[SEARCH.key, POINT.key])
    assert f"{SEARCH.key[:6]} is an answer of another kind" in words(app)
    assert app.query_params["ask"] == POINT.key
    (link,) = [link.proto for link in app.get("page_link") if link.proto.label == "Open"]
    assert f"search={SEARCH.key}" in str(link)


@pytest.mark.parametrize("length", [4, 6, 23])
def test_the_beginning_of_a_key_is_enough_in_a_link(open_page, store, length):
    put_line(store, LINE.replace(points=7))
    put_siblings(store)
    app = open_page("connectivity", ask=SIBLINGS.key[:length])
    assert app.query_params["ask"] == SIBLINGS.key, "the tab of siblings is open"
    assert "does not hold" not in words(app)


def test_too_short_a_beginning_or_one_of_several_keys_is_said(open_page, store, monkeypatch):
    put_line(store)
    assert f"does not hold {LINE.key[:3]}" in words(open_page("connectivity", ask=LINE.key[:3]))
    put_line(store, LINE.replace(points=7))
    monkeypatch.setattr("pages.ui.asked.SHORTEST", 0)
    assert "does not hold" not in words(open_page("connectivity", ask=""))
    other = next(q for n in range(3, 400) if (q := LINE.replace(points=n)).key[0] == LINE.key[0] and q != LINE)
    put_line(store, other)
    assert f"does not hold {LINE.key[0]}." in words(open_page("connectivity", ask=LINE.key[0]))


def test_an_empty_link_is_none(open_page, store):
    put_line(store)
    app = open_page("connectivity", ask="")
    assert "does not hold" not in words(app)
    assert app.query_params["ask"] == LINE.key


def test_a_link_with_too_many_answers_says_how_many_are_shown(open_page, store):
    asked = [LINE.replace(points=n) for n in range(3, 15)]
    for question in asked:
        put_line(store, question)
    app = open_page("connectivity", ask=[q.key for q in asked])
    assert "The link names 12 answers; the first 10 are shown." in words(app)
    assert app.query_params["ask"] == [q.key for q in asked[:10]]
    assert "The link names" not in words(open_page("connectivity", ask=[q.key for q in asked[:10]]))
