"""The promise of the start page, kept in a real browser."""

import re

from playwright.sync_api import expect

from lth_engine.store.store import Store


def test_the_button_finds_a_ticket_and_says_the_verdict(server, tab):
    page = tab(server.url)
    page.get_by_role("button", name="Find a winning ticket in 60 seconds").click()
    page.get_by_test_id("stProgress").wait_for(timeout=30_000)
    page.get_by_role("figure", name=re.compile("Test accuracy over density")).wait_for(timeout=120_000)
    page.get_by_text(re.compile(r"^(Winning|Matching|Failing|Undecided) ticket")).wait_for(timeout=420_000)
    page.get_by_text("What to try next").wait_for()
    expect(page.get_by_text(re.compile(r"n = 3, margin [0-9.]+ points?, paired t-test"))).to_have_count(1)
    expect(page.get_by_text("Pruned weights stay exactly 0").first).to_be_visible()
    slider = page.get_by_role("slider", name="Level")
    picture = page.locator("figure img")
    last = picture.get_attribute("src")
    slider.fill("0")
    assert "Level 0: 100 % of all weights kept" in page.locator("figcaption").inner_text()
    assert picture.get_attribute("src") != last
    search = re.search(r"search=([0-9a-f]{24})", page.url)
    assert search is not None
    assert Store(server.store).get(search[1]).summary["verdict"] in ("winning", "matching", "failing", "undecided")
