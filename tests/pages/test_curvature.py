"""The curvature page: empty, running with its estimate, cancelled, failed, done; and what stands beside what."""

import numpy as np
import pytest

from lth_engine.core.artifact import Answer
from lth_engine.specs.curvature import HessianTrace
from lth_engine.specs.flatness import Sam
from tests.pages.conftest import words
from tests.pages.diagnosed import alts, begin, button, drawn
from tests.pages.fake_diagnoses import DENSITY, LAYERS, OPINION, OTHER, RUN, TOP, TRACE, put, running
from tests.pages.fake_search import PROVENANCE, SEARCH, put_runs, put_search


def test_nothing_stored_says_what_to_do(open_page):
    assert "Nothing of this kind has been asked yet" in words(open_page("curvature"))


def test_an_unknown_key_is_said(open_page, store):
    put(store, TRACE)
    text = words(open_page("curvature", ask=["f" * 24]))
    assert "does not hold ffffffff" in text


def test_a_trace_stands_with_its_error_its_interval_and_its_work(open_page, store):
    put(store, TRACE)
    app = open_page("curvature", ask=[TRACE.key])
    assert not app.error
    assert "704 ± 33 nats" in [s.value for s in app.subheader]
    text = words(app)
    assert "95 % interval 638 to 770 nats" in text
    assert "12 products with the Hessian (krylov), standard error 4.7 % of the trace, target of 5 % reached" in text
    assert "pruned weights stay 0" in text


def test_kept_and_all_weights_stand_side_by_side_and_the_missing_one_is_a_button(open_page, store, queue):
    put(store, TRACE)
    app = open_page("curvature", ask=[TRACE.key])
    button(app, "trace, all weights").click().run()
    assert [job.key for job in queue.list()] == [TRACE.replace(weights="all").key]
    put(store, TRACE.replace(weights="all"))
    app = open_page("curvature", ask=[TRACE.key])
    assert {"704 ± 33 nats", "1,056 ± 50 nats"} <= {s.value for s in app.subheader}
    lines = drawn(app, "The estimate of the trace after so many products with the Hessian")["data"]
    assert {t["name"] for t in lines if "95" not in t.get("name", "95")} == {"Kept weights", "All weights"}


def test_a_target_beside_a_trace_near_zero_says_what_it_is_a_part_of(open_page, store):
    put(store, TRACE, near_zero=True)
    text = words(open_page("curvature", ask=[TRACE.key]))
    assert "target of 5 % (of a tenth of the Frobenius norm: positive and negative curvature" in text
    assert "cancel here) reached" in text


def test_a_target_that_was_not_reached_is_said(open_page, store):
    put(store, TRACE, reached=False)
    assert "**target of 5 % not reached** within 12 products" in words(open_page("curvature", ask=[TRACE.key]))


def test_an_exact_trace_has_no_error(open_page, store):
    put(store, TRACE, exact=True, trace_stderr=0.0, trace_low=704.0, trace_high=704.0)
    app = open_page("curvature", ask=[TRACE.key])
    assert "704 nats" in [s.value for s in app.subheader]
    assert "exact: every coordinate was measured" in words(app)


def test_the_layers_are_those_of_the_answer(open_page, store):
    put(store, TRACE)
    app = open_page("curvature", ask=[TRACE.key])
    figure = drawn(app, "The trace of each layer with its standard error")
    assert figure["layout"]["yaxis"]["ticktext"] == LAYERS
    assert figure["data"][0]["x"] == [300.0, 4, 250, 10, 130, 10]
    assert "the errors of the layers rest on 4 probes alone" in words(app)


def test_eigenvalues_density_and_second_opinion_stand_beside(open_page, store):
    for question in (TRACE, TOP, DENSITY, OPINION):
        put(store, question)
    app = open_page("curvature", ask=[TRACE.key])
    text = words(app)
    assert "residual 0.24" in text
    assert "**target of 0.1 % not reached** within 200 products" in text
    assert "31.0 %" in [s.value for s in app.subheader]
    assert "95 % interval 12 to 46 %; 60.0 % are about 0" in text
    figure = drawn(app, "The density of the eigenvalues of the Hessian")
    assert "31 % (95 %: 12 to 46)" in figure["layout"]["annotations"][0]["text"]
    (table,) = app.table
    cells = table.value.set_index("")
    assert cells.loc["Trace ± standard error"].tolist() == ["704 ± 33 nats", "720 ± 51 nats",
                                                            "2.3 %, 0.3 standard errors"]
    assert cells.loc["Largest eigenvalue"].tolist() == ["237.7 nats (residual 0.2)", "201.0 nats", "15 %"]
    assert "Its density() does not run on this torch." in text


def test_what_is_not_known_is_offered(open_page, store, queue):
    put(store, DENSITY)
    app = open_page("curvature", ask=[DENSITY.key])
    for offered in ("trace, kept weights", "trace, all weights", "largest eigenvalues", "PyHessian"):
        assert button(app, offered)
    button(app, "largest eigenvalues").click().run()
    assert queue.list()[0].spec["count"] == 5


def test_while_it_runs_the_estimate_is_there_with_its_error(open_page, store, queue):
    put_runs(store)
    job = begin(queue, TRACE)
    app = open_page("curvature", ask=[TRACE.key])
    assert "So far" not in words(app)
    store.checkpoint(TRACE.key).save(running(), {})
    app = open_page("curvature", ask=[TRACE.key])
    assert "So far: **704 ± 33 nats**" in words(app)
    assert "The estimate of the trace so far" in alts(app)
    queue.finish(job.id, 1, "cancelled", "")
    app = open_page("curvature", ask=[TRACE.key])
    assert "Cancelled" in words(app)
    assert "So far: **704 ± 33 nats**" in words(app)


def test_other_kinds_have_partial_answers_too(open_page, store, queue):
    begin(queue, TOP)
    store.checkpoint(TOP.key).save({"running/products": np.arange(1, 4), "running/top": np.array([1.0, 5, 7])}, {})
    text = words(open_page("curvature", ask=[TOP.key]))
    assert "So far: **7 nats** after 3 products" in text
    begin(queue, DENSITY)
    store.checkpoint(DENSITY.key).save({"density/value": np.array([-1.0, 0, 1]), "density/density": np.ones(3),
                                        "density/stderr": np.full(3, np.nan)}, {})
    assert "The spectral density so far" in alts(open_page("curvature", ask=[DENSITY.key]))


def test_a_failure_is_said(open_page, queue):
    job = begin(queue, OPINION)
    queue.finish(job.id, 1, "failed", "The loss of the run is NaN. Choose another run.")
    assert "The loss of the run is NaN" in words(open_page("curvature", ask=[OPINION.key]))


@pytest.fixture
def several(store):
    """Traces of runs with and without SAM, two replicates each."""
    put_search(store)
    flat = SEARCH.replace(training=SEARCH.training.replace(flatness=Sam()))
    asked = [HessianTrace(of=search.run(2, replicate)) for search in (SEARCH, flat) for replicate in (0, 1)]
    for number, question in enumerate(asked):
        put(store, question, trace=700.0 - 100 * number)
    return asked


def test_networks_are_compared_by_how_they_were_made(open_page, store, several):
    app = open_page("curvature", ask=[q.key for q in several])
    figure = drawn(app, "The trace of the Hessian by how the networks were made, kept weights")
    assert figure["layout"]["xaxis"]["ticktext"] == ["SGD", "SAM"]
    means = next(t for t in figure["data"] if t["meta"]["more"][1] == "n")
    assert means["y"] == [650.0, 450.0]
    (table,) = app.dataframe
    assert table.value["trace ± standard error (nats)"].tolist() == ["700 ± 33", "600 ± 33", "500 ± 33", "400 ± 33"]


def test_spectra_of_several_networks_are_drawn_together(open_page, store):
    asked = [put(store, kind.replace(of=run)) for kind in (TOP, DENSITY) for run in (RUN, OTHER)]
    app = open_page("curvature", ask=[q.key for q in asked])
    for alt in ("The spectral density of several networks",
                "The largest and the smallest eigenvalues of several networks"):
        assert len({t["name"] for t in drawn(app, alt)["data"] if t.get("meta")}) == 2


def test_networks_on_other_images_do_not_compare(open_page, store):
    put(store, TRACE)
    other = put(store, TRACE.replace(of=OTHER, images=100))
    assert "Their numbers do not compare" in words(open_page("curvature", ask=[TRACE.key, other.key]))


@pytest.mark.parametrize(("count", "largest"), [(5, "every residual of the 5 largest is"),
                                                (1, "the residual of the largest is")])
def test_the_target_is_that_of_the_largest_eigenvalues_alone(open_page, store, count, largest):
    question = put(store, TOP.replace(count=count), reached=True)
    text = words(open_page("curvature", ask=[question.key]))
    assert f"{largest} below 0.1 % of the largest eigenvalue. The 2 smallest came along without a target: " \
           "residual up to 0.13 nats" in text


@pytest.mark.parametrize(("loss", "chance", "warned"), [
    (4.7, 0.1, True), (4.5, 0.1, False), (4.5, 0.5, True), (4.7, None, False)])
def test_a_network_that_has_diverged_is_warned_of(open_page, store, loss, chance, warned):
    """Guessing among ten classes has a loss of ln 10 = 2.30 nats."""
    if chance is not None:
        store.put(RUN, Answer({}, {"chance": chance}), parents={}, provenance=PROVENANCE)
    put(store, TRACE, loss=loss)
    put(store, OPINION)
    for question in (TRACE, OPINION):
        text = words(open_page("curvature", ask=[question.key, *([TRACE.key] if question is OPINION else [])]))
        assert ("This network is not trained: its loss is" in text.replace("*", "")) == warned
