"""Diagnose > Stability: not asked, running, failed, done; the trail, the warning, several settings."""

import json
import shlex

import pytest

from lth_engine.specs.questions import question_from_dict
from lth_engine.specs.stability import FirstStablePoint
from tests.pages.conftest import key_of, words
from tests.pages.fake_lines import POINT, put_line, put_point
from tests.pages.test_connectivity_page import start, traces


def test_not_asked_offers_presets_with_the_price_and_starts(open_page, queue):
    app = open_page("stability")
    assert "At most **5 tries** and 2 more" in words(app)
    price = words(app)
    app.button(key="stability.start").click().run()
    (job,) = queue.list()
    asked = question_from_dict(dict(job.spec))
    assert isinstance(asked, FirstStablePoint)
    least = 4 * (asked.start.training.length.count + asked.at(0).epochs)
    assert f"**{least:,.0f} epochs at least**" in price
    assert app.query_params["ask"] == job.key


def test_the_command_line_asks_the_same(open_page, store, queue):
    from lth_engine.cli.ask import Begun, ask

    app = open_page("stability")
    key_of(app, ".seed").set_value(41).run()
    key_of(app, "threshold").set_value(0.03).run()
    tokens = shlex.split(next(c.value for c in app.code if "lth_engine" in c.value))
    asked = ask(Begun(question=tokens[5]), tokens[6:], store.root)
    app.button(key="stability.start").click().run()
    assert asked == question_from_dict(dict(queue.list()[0].spec))
    assert (asked.start.init_seed, asked.threshold) == (41, 0.03)


def test_done_says_the_point_and_draws_the_trail(open_page, store):
    put_point(store)
    app = open_page("stability")
    assert "Stable from epoch 3 on" in words(app)
    assert "15 % of training" in words(app)
    drawn = traces(app)
    assert drawn["stable"]["text"] == ["1", "2", "4", "6"]
    assert drawn["unstable"]["text"] == ["3", "5"]
    assert "Not monotone" not in words(app)


def test_never_stable_is_said(open_page, store):
    put_point(store, points=(10, 15, 18, 19, 17, 16), found=20)
    assert "Not stable before the end" in words(open_page("stability"))


def test_a_barrier_that_is_not_monotone_is_warned_of(open_page, store):
    put_point(store, monotone=False)
    text = words(open_page("stability"))
    assert "Not monotone" in text
    assert "but the try at 6 epochs says otherwise" in text


def test_running_shows_the_tries_so_far(open_page, store, queue):
    put_line(store, POINT.at(10), height=0.01)
    put_line(store, POINT.at(5), height=0.2)
    job = start(queue, POINT)
    app = open_page("stability", ask=POINT.key)
    assert "2 tries of at most 5 are done" in words(app)
    assert traces(app)["unstable"]["x"] == [5]
    queue.finish(job.id, 1, "failed", "The loss became NaN. Lower the learning rate.")
    app = open_page("stability", ask=POINT.key)
    assert "The loss became NaN" in words(app)
    assert len(app.get("plotly_chart")) == 1


def test_several_settings_side_by_side(open_page, store):
    calm = POINT.start.training.replace(batch_size=256)
    other = POINT.replace(start=POINT.start.replace(training=calm))
    put_point(store)
    put_point(store, other, points=(10, 5, 2, 1, 0, 3), found=1)
    app = open_page("stability", ask=[POINT.key, other.key])
    bars = [t for t in json.loads(app.get("plotly_chart")[0].proto.spec)["data"] if t["type"] == "bar"]
    assert [bar["x"] for bar in bars] == [[15], [5]]
    assert ["batch 256" in bar["y"][0] for bar in bars] == [False, True]


@pytest.mark.parametrize("page", ["stability", "connectivity"])
def test_an_unknown_key_in_an_empty_store_is_said(open_page, page):
    assert "does not hold nonsense" in words(open_page(page, ask="nonsense"))


def test_tries_whose_interval_holds_the_threshold_are_undecided(open_page, store):
    put_point(store, interval=0.018)        # barriers: 0.010 0.005 0.102 0.003 0.101 0.006
    app = open_page("stability")
    assert "4 tries undecided. At 3, 5, 6, 10 epochs" in words(app).replace("*", "")
    assert traces(app)["stable, undecided"]["text"] == ["1", "2", "4", "6"]
    assert "Bars are 95 % bootstrap intervals" in words(app)
    put_point(store, POINT.replace(points=5), interval=0.001)
    assert "undecided" not in words(open_page("stability", ask=POINT.replace(points=5).key)).split("a hollow mark")[0]


def test_an_answer_without_intervals_says_nothing_of_them(open_page, store):
    put_point(store)
    text = words(open_page("stability"))
    assert "undecided" not in text
    assert "Bars are" not in text


def test_a_try_in_progress_has_its_interval(open_page, store, queue):
    put_line(store, POINT.at(10), height=0.015, interval=0.01)
    start(queue, POINT)
    app = open_page("stability", ask=POINT.key)
    assert "1 try of at most 5 is done" in words(app)
    (one,) = [t for name, t in traces(app).items() if name == "stable, undecided"]
    assert (one["error_y"]["array"], one["error_y"]["arrayminus"]) == (pytest.approx([1.0]), pytest.approx([1.0]))


@pytest.mark.parametrize(("points", "found", "words_of_it"), [
    ((10, 5, 2, 1, 0, 3), 0, "Stable from the very start"), ((10, 5, 2, 1, 0, 3), 1, "Stable from epoch 1 on")])
def test_the_point_in_words(open_page, store, points, found, words_of_it):
    put_point(store, points=points, found=found)
    assert words_of_it in words(open_page("stability"))
