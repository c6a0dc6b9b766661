"""Links that restore an analysis, its tabs, its explanations, and the numbers that are saved."""

import re

import pytest

from lth_engine.store.store import Store
from tests.e2e.conftest import SETTLED, Server
from tests.pages.fake_lines import LINE, SIBLINGS, put_line, put_siblings
from tests.pages.fake_search import SEARCH, put_search

OTHER = LINE.replace(second=SEARCH.run(1, 0))
FIGURE = re.compile("Error along the straight line")


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory):
    """A server on a store that holds two lines and a set of siblings, all invented."""
    served = Server(tmp_path_factory.mktemp("diagnosed"))
    store = Store(served.store)
    put_search(store)
    put_line(store)
    put_line(store, OTHER, height=0.1)
    put_siblings(store)
    served.start()
    yield served
    served.end()


def test_a_link_restores_the_lines_and_the_choice_changes_the_link(diagnosed, tab):
    page = tab(f"{diagnosed.url}/connectivity?ask={LINE.key}")
    page.get_by_role("figure", name=FIGURE).wait_for()
    page.get_by_role("combobox", name="Answers").click()
    page.get_by_role("option", name=re.compile(OTHER.key[:6])).click()
    page.wait_for_url(f"**ask={LINE.key}&ask={OTHER.key}**")
    page.keyboard.press("Escape")
    page.get_by_text("A: dense, seed 7").first.wait_for()
    again = tab(page.url)
    again.get_by_text("B: dense, seed 7").first.wait_for()
    assert again.url == page.url
    assert again.get_by_role("figure", name=FIGURE).count() == 1


def test_a_link_to_siblings_opens_their_tab_and_tabs_keep_their_own_choice(diagnosed, tab):
    page = tab(f"{diagnosed.url}/connectivity?ask={SIBLINGS.key}")
    page.get_by_role("figure", name="Barrier between each two siblings").wait_for()
    page.get_by_role("tab", name="Two networks").click()
    page.get_by_role("figure", name=FIGURE).wait_for()
    page.wait_for_url(lambda url: SIBLINGS.key not in url)
    page.get_by_role("tab", name="Siblings").click()
    page.wait_for_url(f"**ask={SIBLINGS.key}**")


def test_numbers_are_explained_and_networks_offered(diagnosed, tab):
    page = tab(f"{diagnosed.url}/connectivity?ask={LINE.key}")
    page.get_by_role("button", name=re.compile("Barrier, test error")).click()
    page.get_by_text("Do not believe it when").first.wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("Ask your own").click()
    page.get_by_role("combobox", name="First network").wait_for()
    page.get_by_role("button", name="Start", exact=True).wait_for()
    page.wait_for_selector(SETTLED)
    page.get_by_text("Command line, JSON").click()
    page.get_by_text(re.compile(f"{SEARCH.key}/2/1")).wait_for()
