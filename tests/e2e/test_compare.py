"""Links that restore a comparison, and settings that are drawn once they are opened."""

import re

from tests.e2e.conftest import SETTLED
from tests.pages.fake_search import SEARCH

OTHER = SEARCH.replace(seed=8)


def test_a_link_restores_the_comparison(stored, tab):
    page = tab(f"{stored.url}/compare?search={SEARCH.key}&search={OTHER.key}")
    page.get_by_role("figure", name=re.compile("Test accuracy .* over density")).wait_for()
    page.get_by_role("radio", name="Epochs").click()
    page.get_by_role("combobox", name="Metric").click()
    page.get_by_role("option", name="Test loss").click()
    figure = re.compile("Test loss .* over epochs")
    page.get_by_role("figure", name=figure).wait_for()
    page.wait_for_url("**metric=Test+loss**")
    again = tab(page.url)
    again.get_by_role("figure", name=figure).wait_for()
    assert again.url == page.url


def test_advanced_settings_are_drawn_when_they_are_opened_and_stay(server, tab):
    page = tab(f"{server.url}/find")
    assert page.get_by_label("Warmup", exact=True).count() == 0
    page.get_by_text("More settings: Training").click()
    field = page.get_by_label("Warmup", exact=True)
    field.wait_for()
    field.fill("3ep")
    field.press("Enter")
    page.wait_for_selector(SETTLED)
    page.get_by_text("More settings: Training").click()
    page.wait_for_selector(SETTLED)
    page.get_by_text("Share, save, command line").click()
    page.get_by_text(re.compile("--training.warmup 3ep")).wait_for()
    page.get_by_text("Pretraining and mask search").click()
    mask_search = page.get_by_role("combobox", name="Mask search", exact=True)
    mask_search.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)  # a list that opens while the page still scrolls closes at once
    mask_search.click()
    page.get_by_role("option", name="Settings of its own").click()
    page.get_by_text(re.compile("--mask_search own")).wait_for()
    assert page.get_by_text("More settings: Training").count() == 2
