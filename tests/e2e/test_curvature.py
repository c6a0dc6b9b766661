"""Curvature, landscapes and bounds in a browser: links restore what was seen, and what is saved is what is drawn."""

import csv
import re

import pytest

from lth_engine.store.store import Store
from tests.e2e.conftest import SETTLED, Server
from tests.pages.fake_diagnoses import BOUND, DENSITY, OPINION, PLANE, TOP, TRACE, put
from tests.pages.fake_search import put_search


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A server on a store that holds one answer of each kind, all invented."""
    served = Server(tmp_path_factory.mktemp("measured"))
    store = Store(served.store)
    put_search(store)
    for question in (TRACE, TRACE.replace(weights="all"), TOP, DENSITY, OPINION, PLANE, BOUND):
        put(store, question)
    served.start()
    yield served
    served.end()


def saved(page, name):
    """The rows of the CSV file that a figure saves."""
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save {name} as CSV").click()
    with open(download.value.path(), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_layers_are_saved_as_they_were_measured(measured, tab):
    page = tab(f"{measured.url}/curvature?ask={TRACE.key}")
    rows = saved(page, "The trace of each layer with its standard error")
    kept = {row["layer"]: (row["value"], row["standard_error"]) for row in rows if row["series"] == "Kept weights"}
    assert kept["fc1.weight"] == ("300.0", "30.0")
    assert len(kept) == 6
    page.get_by_text("Its density() does not run on this torch.").wait_for()
    page.get_by_role("button", name=re.compile("Largest eigenvalue")).click()
    page.get_by_text("Do not believe it when").first.wait_for()


def test_a_link_to_a_landscape_keeps_how_it_is_drawn(measured, tab):
    page = tab(f"{measured.url}/landscape?ask={PLANE.key}")
    page.get_by_role("figure", name=re.compile("Loss .* over a plane")).wait_for()
    page.get_by_text("Error", exact=True).click()
    page.wait_for_url("**show=Error**")
    again = tab(page.url)
    again.get_by_role("figure", name=re.compile("Error .* over a plane")).wait_for()
    name = again.get_by_role("figure", name=re.compile("Error .* over a plane")).get_attribute("aria-label")
    rows = saved(again, name)
    assert len(rows) == 25
    assert next(float(r["error"]) for r in rows if float(r["x"]) == float(r["y"]) == 0) == pytest.approx(0.5)


def test_both_bounds_are_on_the_screen_and_saved_with_their_terms(measured, tab):
    page = tab(f"{measured.url}/bounds?ask={BOUND.key}")
    page.get_by_text("vacuous: no better than guessing").wait_for()
    page.get_by_text("No certificate: batch normalisation").wait_for()
    rows = saved(page, "The oracle and the certified bound, each with its terms")
    for bound, size in (("Oracle", 52.0), ("Certified", 97.0)):
        parts = [float(r["percent"]) for r in rows if r["bound"] == bound and r["bound_percent"]]
        assert sum(parts) == pytest.approx(size)
    page.wait_for_selector(SETTLED)
