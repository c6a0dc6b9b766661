"""The bounds page: empty, running, cancelled, done; oracle beside certified, every term, "vacuous", a scatter."""

import numpy as np
import pytest

from lth_engine.specs.bounds import PacBayes
from tests.pages.conftest import key_of, words
from tests.pages.diagnosed import alts, begin, drawn
from tests.pages.fake_diagnoses import BOUND, LAYERS, put
from tests.pages.fake_search import SEARCH, put_runs, put_search

TERMS = "The oracle and the certified bound, each with its terms"


def test_nothing_stored_and_unknown_keys_are_said(open_page):
    assert "Nothing of this kind has been asked yet" in words(open_page("bounds"))
    assert "does not hold ffffffff" in words(open_page("bounds", ask=["f" * 24]))


def test_oracle_and_certified_stand_side_by_side_with_what_is_wrong_with_them(open_page, store):
    put(store, BOUND)
    app = open_page("bounds", ask=[BOUND.key])
    assert not app.error
    assert [s.value for s in app.subheader][:2] == ["52.0 %", "97.0 %"]
    text = words(app)
    assert text.count("vacuous: no better than guessing") == 1
    assert "No certificate: batch normalisation uses statistics of the training images" in text


def test_every_term_is_on_the_screen(open_page, store):
    put(store, BOUND)
    app = open_page("bounds", ask=[BOUND.key])
    (table,) = app.table
    cells = table.value.set_index("")
    risk = cells.loc["Risk on the training images ± Monte-Carlo error"]
    assert risk.tolist() == ["11.00 ± 0.40 %", "11.00 ± 0.20 %"]
    assert cells.loc["of it, Gaussian part"].tolist() == ["1,430 nats", "4,290 nats"]
    assert cells.loc["of it, mask"].tolist() == ["100 nats", "100 nats"]
    logs = [np.log(2 * 1437**0.5 / delta) for delta in (0.01, 0.005)]
    assert cells.loc["Confidence, log(2 √n / δ)"].tolist() == [f"{log:.2f} nats" for log in logs]
    assert cells.loc["Choice of the prior (union bound)"].tolist() == ["none paid", "12.0 nats"]
    assert cells.loc["Finite number of draws"].tolist() == ["none paid", "3.00 points"]
    assert cells.loc["Bound"].tolist() == ["52.0 %", "97.0 %, vacuous"]
    text = words(app)
    assert "n = 1,437 training images, delta = 0.01, 950 weights drawn, density 64 %" in text
    assert "the lower of 55.0 % (quad) and 52.0 % (Pinsker)" in text


def test_the_bar_of_a_bound_is_as_long_as_the_bound(open_page, store):
    put(store, BOUND)
    figure = drawn(open_page("bounds", ask=[BOUND.key]), TERMS)
    bars = [t for t in figure["data"] if t["type"] == "bar"]
    for index, size in enumerate((52.0, 97.0)):
        assert sum(t["x"][index] for t in bars) == pytest.approx(size)
    assert figure["layout"]["shapes"][0]["x0"] == 90, "guessing one of ten"


def test_layers_and_history_are_drawn(open_page, store):
    put(store, BOUND)
    app = open_page("bounds", ask=[BOUND.key])
    figure = drawn(app, "The KL of each layer, oracle and certified")
    assert figure["layout"]["yaxis"]["ticktext"] == LAYERS
    assert drawn(app, "Bound, surrogate risk and KL over the epochs of the optimisation")["data"][2]["y"][-1] == 1530


def test_the_optimisation_so_far_while_it_runs_and_after_a_cancel(open_page, store, queue):
    put_runs(store)
    job = begin(queue, BOUND)
    store.checkpoint(BOUND.key).save({
        "history/epoch": np.array([1.0, 2]), "history/risk": np.array([0.4, 0.3]), "history/kl": np.array([9.0, 5]),
        "history/bound": np.array([1.4, 0.9])}, {})
    assert "**2 epochs** so far: bound on the surrogate risk 90 %, KL 5 nats" in words(
        open_page("bounds", ask=[BOUND.key]))
    queue.finish(job.id, 1, "cancelled", "")
    app = open_page("bounds", ask=[BOUND.key])
    assert "Cancelled" in words(app)
    assert alts(app) == ["The optimisation of the bound so far"]


def test_a_certificate_speaks_of_networks_drawn_around_the_ticket(open_page, store):
    put(store, BOUND, certified_bound=0.4, certified_why_not="", certified_valid=True, certified_vacuous=False)
    app = open_page("bounds", ask=[BOUND.key])
    text = words(app)
    assert "a network drawn around the ticket errs on new images at most this often (with probability 99 %)" in text
    assert "test error is at most" not in text
    figure = drawn(app, TERMS)
    assert figure["layout"]["xaxis"]["title"]["text"] == "Bound on the error of drawn networks (%)"


def test_an_optimisation_that_was_still_moving_is_said(open_page, store):
    put(store, BOUND, search_late_share=0.1, search_fall=0.0123)
    text = words(open_page("bounds", ask=[BOUND.key]))
    assert "**Still moving at the end.** The last tenth of the epochs made 10 % of the change of the KL" in text
    assert "surrogate risk came down by 1.23 % in all" in text
    assert "(now 0.01) or more epochs (now 256)" in text
    other = put(store, BOUND.replace(delta=0.02), search_late_share=0.1, search_fall=-0.001)
    assert "surrogate risk has not come down." in words(open_page("bounds", ask=[other.key]))


@pytest.mark.parametrize("share", [0.004, -0.3, None])
def test_an_optimisation_at_rest_needs_no_words(open_page, store, share):
    put(store, BOUND, search_late_share=share, search_fall=0.4)
    assert "Still moving" not in words(open_page("bounds", ask=[BOUND.key]))


@pytest.fixture
def rates(store):
    """Bounds of three learning rates under two priors."""
    asked = []
    for number, lr in enumerate((0.01, 0.1, 1.0)):
        optimizer = SEARCH.training.optimizer.replace(lr=lr)
        search = SEARCH.replace(training=SEARCH.training.replace(optimizer=optimizer))
        put_search(store, search)
        for prior in ("spike_and_slab", "gaussian_zero"):
            question = PacBayes(of=search.run(2, 0), prior=prior)
            asked.append(put(store, question, oracle_kl=1000.0 * (number + 1), test_error=0.5 - 0.1 * number))
    return asked


def test_learning_rates_make_a_scatter_a_prior_on_one_colour_scale(open_page, store, rates):
    app = open_page("bounds", ask=[q.key for q in rates])
    spike = drawn(app, "Risk against KL under the prior spike and slab, oracle")["data"][0]
    zero = drawn(app, "Risk against KL under the prior gaussian around 0, oracle")["data"][0]
    assert spike["text"] == ["lr 0.01", "lr 0.1", "lr 1"]
    assert spike["x"] == [1000.0, 2000.0, 3000.0]
    assert spike["marker"]["color"] == pytest.approx([50.0, 60.0, 70.0])
    assert (spike["marker"]["cmin"], spike["marker"]["cmax"]) == pytest.approx((50.0, 70.0))
    assert (zero["marker"]["cmin"], zero["marker"]["cmax"]) == pytest.approx((50.0, 70.0))
    (table,) = app.dataframe
    assert table.value["certified bound"].tolist() == ["97.0 %, vacuous"] * 6
    key_of(app, "side").set_value("certified").run()
    assert drawn(app, "Risk against KL under the prior spike and slab, certified")["data"][0]["x"] == [4390.0] * 3


def test_one_of_several_is_shown_in_full(open_page, store, rates):
    app = open_page("bounds", ask=[q.key for q in rates])
    assert TERMS in alts(app)
    key_of(app, "bounds.one").select(rates[3].key).run()
    assert not app.exception
    assert "Gaussian around 0" in words(app)


def test_the_page_opens_with_all_bounds_of_the_kind(open_page, store, rates):
    put(store, BOUND.replace(delta=0.05), age=1)
    assert set(open_page("bounds").query_params["ask"]) == {q.key for q in rates}
    put(store, BOUND.replace(delta=0.02), age=-1)
    assert open_page("bounds").query_params["ask"] == BOUND.replace(delta=0.02).key


@pytest.mark.parametrize(("error", "warned"), [(0.89, True), (0.5, False)])
def test_a_network_that_guesses_is_warned_of(open_page, store, error, warned):
    put(store, BOUND, train_error=error)
    text = words(open_page("bounds", ask=[BOUND.key])).replace("*", "")
    assert ("This network is not trained: it errs on 89 % of the images, and guessing on 90 %" in text) == warned
