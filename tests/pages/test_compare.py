"""The page that compares searches: nothing chosen, running, failed, done; and what it says."""

import json

import pytest

from lth_engine.core.step import Step
from lth_engine.specs.costs import table_with_costs
from lth_engine.specs.data import OwnImages
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.phases import Own
from pages.ui.naming import apart, lettered, title
from tests.pages.conftest import key_of, words
from tests.pages.fake_search import SEARCH, put_runs, put_search

SHORT = SEARCH.replace(mask_search=Own(training=SEARCH.training.replace(length=Step(5))))
"""Shares seeds with SEARCH."""
OTHER = SEARCH.replace(seed=8)
"""Has other seeds."""


def both(first=SEARCH, second=SHORT):
    return [first.key, second.key]


def table_of(app):
    """The cells of the only table of comparisons."""
    (frame,) = app.dataframe
    return frame.value


def test_nothing_stored_says_what_to_do(open_page):
    assert "no search yet" in words(open_page("compare"))


def test_one_search_is_not_enough(open_page, store):
    put_search(store)
    app = open_page("compare", search=[SEARCH.key])
    assert "Choose at least two searches above" in words(app)
    assert not app.get("plotly_chart")


def test_the_two_newest_are_chosen_to_begin_with(open_page, store):
    for search in (SEARCH, SHORT):
        put_search(store, search)
    assert len(open_page("compare").get("plotly_chart")) == 1


def test_running_draws_what_there_is(open_page, store, queue):
    put_search(store)
    put_runs(store, SHORT, levels=2)
    job = queue.submit(SHORT)
    queue.claim(job.id)
    queue.begin(job.id, 1, 4242)
    app = open_page("compare", search=both())
    assert "2 of 3 levels" in words(app)
    assert app.get("progress")
    assert len(app.get("plotly_chart")) == 1
    assert len(table_of(app)) == 2


def test_failed_says_why(open_page, store, queue):
    put_search(store)
    far = SEARCH.replace(seed=99)
    job = queue.submit(far)
    queue.claim(job.id)
    queue.begin(job.id, 1, 4242)
    queue.finish(job.id, 1, "failed", "The loss became NaN. Lower the learning rate.")
    text = words(open_page("compare", search=both(SEARCH, far)))
    assert "The loss became NaN" in text
    assert "Of one search only is something finished" in text


def test_done_pairs_what_shares_seeds(open_page, store):
    put_search(store)
    put_search(store, SHORT)
    app = open_page("compare", search=both())
    assert not app.error
    text = words(app)
    assert "Paired by replicate" in text
    assert "B - A**: equivalent at 3 of 3 densities." in text
    assert list(table_of(app)["test"]) == ["paired, n = 2"] * 3
    assert list(table_of(app)["verdict"]) == ["equivalent"] * 3


def test_other_seeds_are_compared_by_welch(open_page, store):
    put_search(store)
    put_search(store, OTHER)
    app = open_page("compare", search=both(SEARCH, OTHER))
    assert "Welch's interval of two independent samples" in words(app)
    assert list(table_of(app)["test"]) == ["Welch, n = 2 and 2"] * 3
    assert list(table_of(app)["difference (points)"]) == pytest.approx([0.1] * 3)


def test_the_margin_decides_the_word(open_page, store):
    put_search(store)
    put_search(store, OTHER)
    app = open_page("compare", search=both(SEARCH, OTHER))
    assert list(table_of(app)["verdict"]) == ["equivalent"] * 3
    key_of(app, "margin.test_accuracy").set_value(0.05).run()
    assert list(table_of(app)["verdict"]) == ["undecided"] * 3


def test_only_what_differs_is_listed(open_page, store):
    put_search(store)
    put_search(store, SHORT)
    (table,) = open_page("compare", search=both()).table
    assert table.value.to_numpy().tolist() == [["mask search.length", "20ep", "5ep"]]


def test_any_metric_over_any_cost(open_page, store):
    put_search(store)
    put_search(store, SHORT)
    app = open_page("compare", search=both())
    key_of(app, "metric").select("learning_distance").run()
    key_of(app, "over").set_value("total_flops_sparse").run()
    key_of(app, "trained").select("random_mask").run()
    assert not app.exception
    drawn = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert drawn["layout"]["xaxis"]["title"]["text"] == "Total compute if zeros were free (TFLOP), log scale"
    assert drawn["layout"]["yaxis"]["title"]["text"].startswith("Learning distance")
    assert list(table_of(app)["verdict"]) == ["equivalent"] * 3


def test_what_tickets_lose_against_their_own_dense_networks(open_page, store):
    put_search(store)
    put_search(store, SHORT)
    app = open_page("compare", search=both())
    key_of(app, "metric").select("above_dense").run()
    key_of(app, "trained").select("random_mask").run()
    assert not app.exception
    drawn = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert drawn["layout"]["yaxis"]["title"]["text"] == "Test accuracy above the dense network's (points)"
    found = table_of(app)
    means = found[[name for name in found if name.startswith("mean of")]].to_numpy()
    assert means.tolist() == [[pytest.approx(-2 * level)] * 2 for level in (1, 2)], "points lost by these controls"


def test_the_margin_of_a_loss_is_that_of_the_search(open_page, store):
    wide = [search.replace(margin=0.02) for search in (SEARCH, SHORT)]
    for search in wide:
        put_search(store, search)
    app = open_page("compare", search=[search.key for search in wide])
    key_of(app, "metric").select("above_dense").run()
    assert app.number_input(key="margin.above_dense").value == 2.0


def test_total_costs_are_those_of_everything_below():
    """By hand: SHORT at level 2 rests on its mask-search runs of levels 0 and 1 (5 epochs each) and its own 20."""
    summaries = {run.key: {"density": 1.0, "epochs": 20.0} for run in SHORT.runs().values()}
    for level in (0, 1):
        for replicate in (0, 1):
            summaries[SHORT.run(level, replicate).replace(training=SHORT.mask_training).key] = {"epochs": 5.0}
    table = table_with_costs(SHORT, summaries)
    wanted = {0: 20.0, 1: 25.0, 2: 30.0}
    assert [wanted[level] for level in table["level"]] == table["total_epochs"].tolist()
    del summaries[SHORT.run(0, 0).replace(training=SHORT.mask_training).key]
    gone = table_with_costs(SHORT, summaries)["total_epochs"]
    assert sum(gone != gone) == 4, "level 1 and 2 of replicate 0, ticket and control: nobody knows"


def test_names_keep_searches_apart():
    assert lettered([SEARCH, SEARCH]) == [f"{letter}: LeNet-300-100, Digits, imp, seed 7" for letter in "AB"]


CLOSE = SEARCH.replace(training=SEARCH.training.replace(batch_size=256, optimizer=Sgd(momentum=0.0), flip=True))


def test_of_searches_with_one_name_what_differs_is_told():
    assert lettered([SEARCH, CLOSE]) == ["A: batch size 128, momentum 0.9, no flip",
                                         "B: batch size 256, momentum 0, flip"]
    other = SEARCH.replace(seed=8)
    assert lettered([SEARCH, other, CLOSE]) == [
        "A: LeNet-300-100, Digits, imp, seed 7, batch size 128, momentum 0.9, no flip",
        "B: LeNet-300-100, Digits, imp, seed 8",
        "C: LeNet-300-100, Digits, imp, seed 7, batch size 256, momentum 0, flip"]
    assert lettered([SEARCH, SHORT]) == ["A: mask search length 20ep", "B: mask search length 5ep"]
    many = CLOSE.replace(levels=9, replicates=7)
    assert lettered([SEARCH, many])[1] == "B: batch size 256, momentum 0, flip, ...", "three are enough"
    assert lettered([CLOSE, many, SEARCH])[:2] == ["A: batch size 256, momentum 0, flip, levels 2, ...",
                                                   "B: batch size 256, momentum 0, flip, levels 9, ..."]


def test_what_a_path_says_is_shortened_visibly_and_is_no_markup():
    """It may come from somebody else, with a store."""
    images = [SEARCH.replace(data=OwnImages(path=f"/data/{place}/<b>photographs</b>-of-$all$-seasons.zip"))
              for place in "ab"]
    images[1] = images[1].replace(training=SEARCH.training.replace(batch_size=5))
    first, second = apart(images)
    assert second == "path ..._b_-of-_all_-seasons.zip, batch size 5"
    assert first == "path ..._b_-of-_all_-seasons.zip, batch size 128"


def test_the_name_of_a_search_in_a_list_depends_on_nothing_else(open_page, store):
    """Streamlit knows what was chosen by these words."""
    put_search(store)
    put_search(store, CLOSE)
    names = {search.key: title(search) for search in (SEARCH, CLOSE)}
    assert names[SEARCH.key].endswith(f", seed 7 · {SEARCH.key[:6]}")
    assert names[CLOSE.key].endswith(f", seed 7, batch size 256, momentum 0, flip · {CLOSE.key[:6]}")
    app = open_page("compare", search=[SEARCH.key, CLOSE.key])
    assert set(names.values()) <= set(app.multiselect[0].options)
    key_of(app, "reference").select(CLOSE.key).run()
    chosen = key_of(app, "reference").options[1]
    put_search(store, CLOSE.replace(training=CLOSE.training.replace(batch_size=64)))
    app.multiselect[0].select(title(CLOSE.replace(training=CLOSE.training.replace(batch_size=64)))).run()
    assert not app.exception
    assert set(names.values()) <= set(app.multiselect[0].options)
    assert key_of(app, "reference").options[1] == chosen
    assert key_of(app, "reference").value == CLOSE.key


