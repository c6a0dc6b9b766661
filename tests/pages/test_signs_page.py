"""Transfer > Signs: not asked, running, failed, done; the panel, the cases, barriers, and signs over levels."""

import re
import shlex

import pytest

from lth_engine.specs.questions import question_from_dict
from tests.pages.conftest import key_of, words
from tests.pages.diagnosed import alts, begin, drawn
from tests.pages.fake_search import SEARCH, put_search
from tests.pages.fake_signs import PANEL, PLAIN, put_panel, put_runs_of, put_signs

GRID = "What is the ticket's (mask, signs, normalisation), and the test accuracy"
CASES = "Test accuracy by what is the ticket's, beside the dense network and the ticket itself"
BARRIERS = "Barrier of the test error between siblings and to the ticket's own solution, by what is the ticket's"


def test_not_asked_says_so_and_asks_with_the_price(open_page, store, queue):
    put_search(store)
    app = open_page("signs")
    assert "Nothing of this kind has been asked yet" in words(app)
    key_of(app, ".level").set_value(2).run()
    assert "4 cases of the ticket with **64 %** of the weights, 2 replicates each" in words(app)
    assert "**8 trainings**" in words(app)
    tokens = shlex.split(next(c.value for c in app.code if "lth_engine" in c.value))
    app.button(key="signs.start").click().run()
    (job,) = queue.list()
    asked = question_from_dict(dict(job.spec))
    assert asked == PLAIN
    assert app.query_params["ask"] == job.key
    from lth_engine.cli.ask import Begun, ask

    assert ask(Begun(question=tokens[5]), tokens[6:], store.root) == asked


def test_a_level_that_the_search_lacks_is_refused_in_words(open_page, store):
    put_search(store)
    app = open_page("signs")
    key_of(app, ".level").set_value(9).run()
    assert "a level of the search, 1 to 2. Got 9" in "".join(e.value for e in app.error)


def test_done_says_the_verdict_and_draws_the_panel(open_page, store):
    put_panel(store)
    app = open_page("signs", ask=PANEL.key)
    assert "The signs carry it." in words(app)
    assert "At 64% density (level 2, n = 2): so many words." in words(app)
    texts = {t["name"]: t["text"][0] for t in drawn(app, GRID)["data"] if t["type"] == "scatter"}
    assert len(texts) == 8
    assert "95.1 ± 1.0 %" in texts["mask + signs"]
    assert "+5.0 points" in texts["mask + signs"]
    assert "▲ better" in texts["mask + signs"]
    assert "reference" in texts["mask"]
    assert "▼ worse" in texts["nothing"]
    shown = [s.value for s in app.subheader]
    assert "+5.00 points" in shown
    assert "90 % interval +4.00 to +6.00" in words(app)


def test_the_cases_stand_beside_the_dense_network_and_the_ticket(open_page, store):
    put_panel(store)
    figure = drawn(open_page("signs", ask=PANEL.key), CASES)
    mean = next(t for t in figure["data"] if t["name"] == "mean with 95% interval")
    assert sorted(mean["x"])[-1] == pytest.approx(96.05)
    assert figure["layout"]["yaxis"]["ticktext"][0] == "mask + signs + norms"
    assert sorted(shape["x0"] for shape in figure["layout"]["shapes"]) == [96, 97]


@pytest.mark.parametrize(("word", "head"), [("worse", "The signs do harm."), ("undecided", "Undecided."),
                                            ("equivalent", "The signs make no difference.")])
def test_other_verdicts_are_told(open_page, store, word, head):
    put_panel(store, PLAIN, word=word, gain=0.0)
    app = open_page("signs", ask=PLAIN.key)
    assert head in words(app)
    assert sum(t["type"] == "scatter" for t in drawn(app, GRID)["data"]) == 4


def test_one_replicate_has_no_interval_on_the_screen(open_page, store):
    one = PLAIN.replace(of=SEARCH.replace(replicates=1))
    put_panel(store, one, word="undecided", single=True)
    app = open_page("signs", ask=one.key)
    assert "one replicate: no test" in words(app)
    assert "nan" not in words(app)
    assert not any("nan" in t["text"][0] for t in drawn(app, GRID)["data"] if t["type"] == "scatter")


def test_barriers_are_drawn_where_they_are_measured(open_page, store):
    put_panel(store)
    assert BARRIERS not in alts(open_page("signs", ask=PANEL.key))
    lines = PANEL.replace(lines=True)
    put_panel(store, lines)
    app = open_page("signs", ask=lines.key)
    found = {t["name"]: t for t in drawn(app, BARRIERS)["data"]}
    assert found["between two siblings"]["y"] == pytest.approx([1.1, 1.1, 30.1, 30.1])
    assert found["to the ticket's own solution"]["y"] == pytest.approx([11.1, 11.1, 40.1, 40.1])
    assert "connected below 2 points" in found
    said = words(app)
    assert ("Training **with mask and signs**: is it stable to the order of the images? **Undecided** (1.10 points "
            "between siblings, 95 % interval -0.2 to 2.4)") in said, "two replicates of 1.0 and 1.2 points"
    assert "Training **with the mask alone**: is it stable to the order of the images? **No** (30.1 points" in said
    assert said.count("same valley as the ticket's own solution? **No**") == 2


def test_barriers_of_one_replicate_decide_nothing_and_a_verdict_is_no_markdown(open_page, store):
    alone = PANEL.replace(lines=True, of=PANEL.of.replace(replicates=1))
    put_panel(store, alone, single=True, text="The layers *a* and $b$ are empty.")
    app = open_page("signs", ask=alone.key)
    said = words(app)
    assert said.count("**one replicate tells nothing** (") == 4
    assert "**No**" not in said
    assert "interval nan" not in said
    assert r"The layers \*a\* and \$b\$ are empty." in app.success[0].value


def test_running_and_failed_show_the_trainings_so_far(open_page, store, queue):
    put_runs_of(store, PANEL, 5)
    job = begin(queue, PANEL)
    app = open_page("signs", ask=PANEL.key)
    assert "5 of 16 trainings are done" in words(app)
    points = next(t for t in drawn(app, "Test accuracy by what is the ticket's, so far")["data"] if t.get("meta"))
    assert len(points["x"]) == 5
    queue.finish(job.id, 1, "failed", "The loss became NaN. Lower the learning rate.")
    app = open_page("signs", ask=PANEL.key)
    assert "The loss became NaN" in words(app)
    assert "5 of 16 trainings are done" in words(app)


def test_several_tickets_side_by_side(open_page, store):
    put_panel(store)
    other = PANEL.replace(of=PANEL.of.replace(seed=9))
    put_panel(store, other, gain=0.0, word="equivalent")
    app = open_page("signs", ask=[PANEL.key, other.key])
    figure = drawn(app, "Test accuracy by what is the ticket's, a colour a ticket")
    assert len({t["marker"]["color"] for t in figure["data"] if t["name"][:2] in ("A:", "B:")}) == 2
    gains = next(d.value for d in app.dataframe if "gain of the signs (points)" in d.value)
    assert gains["verdict"].tolist() == ["better", "equivalent"]
    assert gains["gain of the signs (points)"].tolist() == pytest.approx([5, 0])


def test_the_list_names_the_level_even_if_it_is_the_default(open_page, store):
    first = PANEL.replace(level=1)
    put_panel(store, first)
    app = open_page("signs", ask=first.key)
    assert any(re.search(r"80 % \(level 1\)", option) for option in app.multiselect[0].options)


@pytest.mark.parametrize(("shown", "starts"), [("From the network pruned", "Signs inherited"),
                                               ("In training", "Signs kept")])
def test_signs_over_levels_a_line_a_search(open_page, store, shown, starts):
    other = SEARCH.replace(seed=30)
    put_signs(store, SEARCH, 0.9)
    put_signs(store, other, 0.6)
    app = open_page("signs", search=[SEARCH.key, other.key], kept=shown)
    (alt,) = [alt for alt in alts(app) if alt.startswith("Signs")]
    assert alt.startswith(starts)
    lines = {t["name"][0]: t for t in drawn(app, alt)["data"] if t["mode"] == "lines+markers"}
    assert [lines[name]["y"][-1] for name in "AB"] == pytest.approx([90, 60])
    assert lines["A"]["y"][0] == (None if starts == "Signs inherited" else pytest.approx(90))


def test_searches_that_say_nothing_of_signs(open_page, store):
    put_search(store)
    assert "read no trained network" in words(open_page("signs", search=SEARCH.key))
