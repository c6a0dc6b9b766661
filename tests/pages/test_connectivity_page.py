"""Diagnose > Connectivity: every tab not asked, running, cancelled and done; links; what is said in words."""

import json
import re
import shlex

import numpy as np
import pytest

from lth_engine.core.workbench import Progress
from lth_engine.specs.questions import question_from_dict
from pages.ui import four_ways
from tests.pages.conftest import words
from tests.pages.fake_lines import (
    COMPARISON,
    LINE,
    PATH,
    POINT,
    SIBLINGS,
    put_comparison,
    put_line,
    put_path,
    put_point,
    put_siblings,
)
from tests.pages.fake_search import SEARCH, put_search

TABS = {"Two networks": (LINE, put_line, "pairs"), "Level to level": (PATH, put_path, "levels"),
        "Siblings": (SIBLINGS, put_siblings, "siblings"), "Weight by weight": (COMPARISON, put_comparison, "weights")}


def traces(app, chart=0):
    """The drawn traces of a chart by name."""
    return {t.get("name"): t for t in json.loads(app.get("plotly_chart")[chart].proto.spec)["data"]}


def start(queue, question, done=3, total=11):
    job = queue.submit(question)
    queue.claim(job.id)
    queue.begin(job.id, 1, 4242)
    queue.report(job.id, 1, Progress(done, total, "alpha 0.3"), 20.0)
    return queue.get(job.id)


@pytest.mark.parametrize("tab", TABS)
def test_an_empty_store_says_how_to_get_one(open_page, tab):
    app = open_page("connectivity", view=tab)
    assert "Nothing of this kind has been asked yet" in words(app)
    assert not app.get("plotly_chart")
    assert re.search(r"To be computed before: \*\*\d+ trainings?\*\*", words(app)), "presets are offered, too"


@pytest.mark.parametrize("tab", TABS)
def test_not_asked_offers_the_networks_of_the_store_and_starts(open_page, store, queue, tab):
    put_search(store)
    question, _, name = TABS[tab]
    app = open_page("connectivity", view=tab)
    app.button(key=f"{name}.start").click().run()
    assert not app.exception
    (job,) = queue.list()
    assert job.kind == question.name
    assert app.query_params["ask"] == job.key
    assert "Waiting for its turn" in app.get("progress")[0].proto.text


@pytest.mark.parametrize("tab", TABS)
def test_done_by_default_and_by_a_link(open_page, store, tab):
    question, put, _ = TABS[tab]
    put(store)
    for params in ({"view": tab}, {"ask": question.key}):
        app = open_page("connectivity", **params)
        assert not app.error
        assert app.get("plotly_chart")
        assert app.query_params["ask"] == question.key


def test_done_a_barrier_in_words_with_its_interval(open_page, store):
    put_line(store, height=0.3, interval=0.05)
    app = open_page("connectivity")
    assert "A barrier." in words(app)
    assert "30.0 points" in words(app)
    assert "95 % interval 25 to 35" in words(app)
    (top,) = [t for t in traces(app).values() if t.get("meta", {}).get("more", [""])[0] == "barrier_points"]
    assert top["customdata"][0] == pytest.approx([30, 25, 35])


@pytest.mark.parametrize(("height", "interval", "word"), [
    (0.005, 0.004, "One valley."), (0.005, None, "One valley."), (0.3, 0.05, "A barrier."),
    (0.015, 0.01, "Undecided."), (0.025, 0.01, "Undecided.")])
def test_the_verdict_follows_the_interval(open_page, store, height, interval, word):
    put_line(store, height=height, interval=interval)
    assert word in words(open_page("connectivity"))


@pytest.mark.parametrize("adaptive", [True, False])
def test_the_interval_of_the_adaptive_mode_speaks_of_the_places_measured(open_page, store, adaptive):
    question = LINE.replace(adaptive=adaptive)
    put_line(store, question)
    text = words(open_page("connectivity", ask=[question.key]))
    assert ("95 % interval 25 to 35, of the places measured)" in text) == adaptive
    assert ("95 % interval 25 to 35 points, of the places measured" in text) == adaptive


def test_several_lines_in_one_figure_and_one_table(open_page, store):
    other = LINE.replace(second=SEARCH.run(1, 0))
    put_line(store)
    put_line(store, other, height=0.1)
    app = open_page("connectivity", ask=[LINE.key, other.key])
    labels = {name[:2] for name in traces(app) if name and "barrier" not in name}
    assert labels == {"A:", "B:"}
    (table,) = app.dataframe
    assert list(table.value["barrier"]) == pytest.approx([30, 10])


def test_loss_instead_of_error(open_page, store):
    put_line(store)
    app = open_page("connectivity")
    next(g for g in app.button_group if g.key == "pairs.measure").set_value("loss").run()
    drawn = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert drawn["layout"]["yaxis"]["title"]["text"] == "Loss (nats)"


def test_running_shows_the_points_that_are_measured(open_page, store, queue):
    job = start(queue, LINE)
    values = np.full((11, 4), np.nan)
    values[:4] = [[0.1, 1, 0.05, 0.5]] * 4
    store.checkpoint(LINE.key).save({"curve": values}, {"done": 4})
    app = open_page("connectivity", ask=LINE.key)
    assert "about 20 s left" in app.get("progress")[0].proto.text
    assert "4 of 11 points are measured" in words(app)
    app.button(key=f"pairs.{LINE.key}.cancel").click().run()
    assert queue.get(job.id).state == "cancelling"


def test_cancelled_keeps_what_is_measured_and_resumes(open_page, store, queue):
    job = start(queue, LINE)
    queue.finish(job.id, 1, "cancelled")
    values = np.full((11, 4), np.nan)
    values[[0, 5, 10]] = 0.1
    store.checkpoint(LINE.key).save({"curve": values, "measured": np.isfinite(values[:, 0])}, {"done": 3})
    app = open_page("connectivity", ask=LINE.key)
    assert "Cancelled" in words(app)
    assert traces(app)["Test images"]["x"] == [0, 0.5, 1]
    app.button(key=f"pairs.{LINE.key}.resume").click().run()
    assert queue.get(job.id).state == "queued"


@pytest.mark.parametrize(("tab", "count"), [("Level to level", 1), ("Siblings", 2)])
def test_running_shows_the_lines_that_are_stored(open_page, store, queue, tab, count):
    question, _, _ = TABS[tab]
    for line in question.lines()[:count]:
        put_line(store, line)
    start(queue, question)
    app = open_page("connectivity", view=tab, ask=question.key)
    assert len(app.get("plotly_chart")) == 1
    assert app.get("progress")


def test_the_jobs_page_names_the_networks_and_links_the_answer(open_page, store, queue):
    job = start(queue, LINE)
    put_line(store)
    queue.finish(job.id, 1, "done")
    app = open_page("jobs")
    assert "Linear connectivity: LeNet-300-100, Digits, dense, seed 7 – 64 % (level 2), seed 7" in words(app)
    (link,) = [link.proto for link in app.get("page_link") if link.proto.label == "Open"]
    assert f"ask={LINE.key}" in str(link)


def test_failed_says_why(open_page, queue):
    job = start(queue, LINE)
    queue.finish(job.id, 1, "failed", "The network holds NaN in fc.weight. Choose another run.")
    assert "NaN in fc.weight" in words(open_page("connectivity", ask=LINE.key))


@pytest.mark.parametrize(("put", "part"), [
    (put_siblings, SIBLINGS.lines()[0]), (put_path, PATH.lines()[0]), (put_point, POINT.at(3))])
def test_lines_that_belong_to_another_answer_come_last(open_page, store, queue, put, part):
    put(store)
    put_line(store, LINE.replace(points=7))
    app = open_page("connectivity")
    own = LINE.replace(points=7).key
    assert app.query_params["ask"] == own
    assert own[:6] in app.multiselect[0].options[0]
    queue.submit(part)
    assert any(part.key[:6] in option for option in open_page("connectivity").multiselect[0].options[:2])


def test_level_to_level_is_one_long_curve(open_page, store):
    put_path(store)
    app = open_page("connectivity", view="Level to level")
    curve = traces(app)["Test images"]
    assert curve["x"] == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1, 1.25, 1.5, 1.75, 2])
    assert "1 of 2 steps stays in one valley" in words(app)
    assert "from level 1 to the next" in words(app)


def test_siblings_mean_and_deviation(open_page, store):
    put_siblings(store)
    app = open_page("connectivity", view="Siblings")
    assert "Not stable" in words(app)
    assert "3.0 ± 2.6 points" in words(app)
    assert len(app.get("plotly_chart")) == 3
    (cells,) = json.loads(app.get("plotly_chart")[1].proto.spec)["data"]
    wanted = [[0, 1, 2], [1, 0, 6], [2, 6, 0]]
    assert [list(map(pytest.approx, row)) for row in wanted] == cells["z"]


def test_several_siblings_side_by_side(open_page, store):
    other = SIBLINGS.replace(of=SEARCH.run(1, 0))
    put_siblings(store)
    put_siblings(store, other, heights=(0.001, 0.002, 0.003))
    app = open_page("connectivity", view="Siblings", ask=[SIBLINGS.key, other.key])
    assert len(app.get("plotly_chart")) == 4


@pytest.mark.parametrize(("both", "word"), [(150, "More in common"), (90, "Less in common"), (120, "As much in")])
def test_weights_shared_against_chance(open_page, store, both, word):
    put_comparison(store, both=both)
    app = open_page("connectivity", view="Weight by weight")
    assert word in words(app)
    assert traces(app)["kept by both"]["customdata"][0][2] == both - 30


@pytest.mark.parametrize("layer", ["distance", "dead"])
def test_other_numbers_by_layer(open_page, store, layer):
    put_comparison(store)
    app = open_page("connectivity", view="Weight by weight")
    next(g for g in app.button_group if g.key == "weights.layer").set_value(layer).run()
    assert not app.exception
    assert len(traces(app, 1)) == 1 + (layer == "dead")


def test_one_button_asks_for_the_four_ways(open_page, store, queue):
    put_line(store)
    app = open_page("connectivity")
    app.button(key="pairs.four.ask").click().run()
    assert {job.key for job in queue.list()} == {q.key for q in four_ways.four(LINE).values()} - {LINE.key}
    assert len(app.get("progress")) == 3


def test_the_panel_of_four_ways(open_page, store):
    for index, way in enumerate(four_ways.four(LINE).values()):
        put_line(store, way, height=0.1 * index)
    app = open_page("connectivity", ask=LINE.key)
    drawn = json.loads(app.get("plotly_chart")[1].proto.spec)
    assert {t.get("xaxis", "x") for t in drawn["data"]} == {"x", "x2", "x3", "x4"}
    assert not [b for b in app.button if b.key == "pairs.four.ask"]


@pytest.mark.parametrize("tab", TABS)
def test_the_command_line_asks_the_same(open_page, store, queue, tab):
    from lth_engine.cli.ask import Begun, ask

    put_search(store)
    name = TABS[tab][2]
    app = open_page("connectivity", view=tab)
    tokens = shlex.split(next(c.value for c in app.code if "lth_engine" in c.value))
    assert tokens[:5] == ["python", "-m", "lth_engine", "answer", "--question"]
    assert len(tokens) <= 10, "networks are pointed to, not spelled out"
    asked = ask(Begun(question=tokens[5]), tokens[6:], store.root)
    app.button(key=f"{name}.start").click().run()
    assert asked == question_from_dict(dict(queue.list()[0].spec))


def test_two_networks_that_do_not_fit_are_refused_in_words(open_page, store):
    from lth_engine.specs.models import Conv

    other = SEARCH.replace(model=Conv())
    put_search(store)
    put_search(store, other)
    app = open_page("connectivity")
    app.selectbox(key="pairs.ask.connectivity.first.search").select(SEARCH.key).run()
    app.selectbox(key="pairs.ask.connectivity.second.search").select(other.key).run()
    assert "needs two runs with the same network" in words(app)
    assert not [b for b in app.button if b.key == "pairs.start"]


def test_two_networks_differ_to_begin_with_even_without_replicates(open_page, store, queue):
    alone = SEARCH.replace(replicates=1)
    put_search(store, alone)
    open_page("connectivity").button(key="pairs.start").click().run()
    asked = question_from_dict(dict(queue.list()[0].spec))
    assert (asked.first, asked.second) == (alone.run(2, 0), alone.run(1, 0))


def test_a_run_by_its_key(open_page, store):
    put_search(store)
    app = open_page("connectivity")
    app.selectbox(key="pairs.ask.connectivity.second.search").select("by its key").run()
    box = app.text_input(key="pairs.ask.connectivity.second.key")
    box.set_value("f" * 24).run()
    assert "holds no run" in words(app)
    box = app.text_input(key="pairs.ask.connectivity.second.key")
    box.set_value(SEARCH.run(1, 1).key).run()
    assert app.button(key="pairs.start")


def test_networks_that_are_not_trained_are_marked_and_priced(open_page, store):
    put_search(store)
    store.remove(SEARCH.run(2, 1).key)
    app = open_page("connectivity")
    level = app.selectbox(key=f"pairs.ask.connectivity.second.{SEARCH.key[:8]}.ticket.level")
    assert "64 % (level 2), to be trained first" in level.options
    level.select(2).run()
    assert "1 training" in words(app)


def test_a_read_only_store_starts_nothing(open_page, store, monkeypatch):
    put_search(store)
    from pages.ui import lab

    monkeypatch.setattr(lab.lab().store, "writable", False)
    app = open_page("connectivity")
    assert app.button(key="pairs.start").disabled


def test_teaching_mode_is_large(open_page, store):
    put_line(store)
    app = open_page("connectivity", teach="1")
    assert json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["xaxis"]["tickfont"]["size"] == 20


@pytest.mark.parametrize(("said", "word"), [
    ("undecided", "Undecided."), ("connected", "One valley."), ("separated", "A barrier.")])
def test_the_verdict_is_that_of_the_answer(open_page, store, said, word):
    put_line(store, verdict=said)
    text = words(open_page("connectivity"))
    assert [w for w in ("Undecided.", "One valley.", "A barrier.") if w in text] == [word]


@pytest.mark.parametrize("guess", [True, False])
def test_both_ends_guessing_is_warned_of(open_page, store, guess):
    put_line(store, height=0.0, interval=0.001, both_guess=guess, first_test_error=0.9, second_test_error=0.896)
    text = words(open_page("connectivity"))
    assert ("Both ends guess." in text) == guess
    assert ("One valley." in text) != guess
    put_line(store, LINE.replace(points=7))
    several = words(open_page("connectivity", ask=[LINE.replace(points=7).key, LINE.key]))
    assert ("Both ends of B guess." in several) == guess


@pytest.mark.parametrize(("put", "lines", "place", "said"), [
    (put_siblings, SIBLINGS.lines(), {"view": "Siblings"}, "Both ends of pair 0–2 guess"),
    (put_path, PATH.lines(), {"view": "Level to level"}, "Both ends of the step from level 1 guess")],
    ids=["siblings", "path"])
def test_lines_of_an_answer_whose_ends_guess_are_named(open_page, store, put, lines, place, said):
    put(store)
    store.remove(lines[1].key)
    put_line(store, lines[1], both_guess=True)
    assert said in words(open_page("connectivity", **place))


@pytest.mark.parametrize(("height", "interval", "word"), [
    (0.015, 0.01, "Undecided."), (0.015, 0.001, "Stable."), (0.3, 0.01, "Not stable."), (0.015, None, "Stable.")])
def test_a_single_pair_of_siblings_is_judged_like_its_line(open_page, store, height, interval, word):
    alone = SIBLINGS.replace(count=2)
    put_siblings(store, alone, heights=(height,), interval=interval)
    text = words(open_page("connectivity", view="Siblings"))
    assert word in text
    assert "standard deviation" not in text
    assert "of one pair" in text


def test_a_search_of_one_step_is_in_the_singular(open_page, store):
    search = SEARCH.replace(levels=1)
    put_path(store, PATH.replace(of=search), heights=(0.01,))
    assert "the one step stays below 2 points" in words(open_page("connectivity", view="Level to level"))
