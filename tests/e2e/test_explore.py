"""Links that restore a view, and files that hold what is drawn."""

import csv
import io
import re
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest
from PIL import Image

from lth_engine.store.store import Store
from tests.e2e.conftest import SETTLED
from tests.pages.fake_search import SEARCH

OTHER = SEARCH.replace(seed=8)


def saved(page, click):
    with page.expect_download(timeout=30_000) as waiting:
        click()
    return waiting.value


def test_a_link_restores_the_view(stored, tab):
    page = tab(f"{stored.url}/explore?search={SEARCH.key}&search={OTHER.key}&view=Learning+distance")
    assert page.get_by_role("tab", name="Learning distance").get_attribute("aria-selected") == "true"
    page.get_by_role("figure", name="Learning distance over density").wait_for()
    page.get_by_role("tab", name="Layers").click()
    page.wait_for_url("**view=Layers**")
    address = page.url
    again = tab(address)
    again.get_by_role("figure", name=re.compile("Density of each layer")).wait_for()
    assert again.url == address


def test_taking_a_search_away_changes_the_address(stored, tab):
    page = tab(f"{stored.url}/explore?search={SEARCH.key}&search={OTHER.key}")
    page.get_by_role("combobox", name="Searches").press("Backspace")
    page.wait_for_url(lambda address: OTHER.key not in address)
    assert SEARCH.key in page.url


def test_the_svg_is_the_figure(stored, tab):
    page = tab(f"{stored.url}/explore?search={SEARCH.key}")
    file = saved(page, page.get_by_role("button", name=re.compile("as SVG")).click)
    assert file.suggested_filename == "accuracy-over-density.svg"
    root = ElementTree.fromstring(file.path().read_bytes())
    assert root.tag.endswith("svg")
    text = " ".join(node.text or "" for node in root.iter() if node.tag.endswith("text"))
    assert "Test accuracy (%)" in text
    assert "Density: weights kept" in text
    assert "Random mask, same density" in text
    assert "#1f83c9" in file.path().read_text() or "rgb(31, 131, 201)" in file.path().read_text()


def test_the_png_is_a_picture_on_white(stored, tab):
    page = tab(f"{stored.url}/explore?search={SEARCH.key}", color_scheme="dark")
    file = saved(page, page.get_by_role("button", name=re.compile("as PNG")).click)
    picture = Image.open(io.BytesIO(file.path().read_bytes())).convert("RGB")
    assert picture.size == (2880, 1800)
    assert picture.getpixel((5, 5)) == (255, 255, 255)
    colours = {c for _, c in picture.getcolors(1 << 24)}
    assert (31, 131, 201) in colours


def test_the_csv_is_exactly_what_is_drawn(stored, tab):
    page = tab(f"{stored.url}/explore?search={SEARCH.key}")
    file = saved(page, page.get_by_role("button", name=re.compile("as CSV")).click)
    rows = list(csv.DictReader(io.StringIO(file.path().read_text())))
    means = {float(r["density_percent"]): float(r["test_accuracy"]) for r in rows if r["series"] == "Ticket"}
    assert means == {100.0: pytest.approx(95.05), 80.0: pytest.approx(95.05), 64.0: pytest.approx(95.05)}
    assert len([r for r in rows if r["replicate"]]) == 10


def test_the_artifact_comes_as_hdf5(stored, tab):
    page = tab(f"{stored.url}/explore?search={SEARCH.key}&view=Provenance")
    file = saved(page, page.get_by_role("button", name=re.compile("Table and verdict")).click)
    with h5py.File(file.path()) as bundle:
        assert list(bundle) == [SEARCH.key]
        found = []
        bundle[SEARCH.key].visit(found.append)
        level = next(name for name in found if name.endswith("table/level"))
        assert np.array(bundle[SEARCH.key][level]).tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2]


def test_the_mask_player_plays_and_stops_at_the_end(stored, tab):
    page = tab(f"{stored.url}/explore?search={SEARCH.key}&view=Masks")
    slider = page.get_by_role("slider", name="Level")
    slider.wait_for()
    assert slider.input_value() == "2"
    page.get_by_role("button", name="Play the levels one after the other").click()
    assert slider.input_value() == "0"
    page.get_by_role("button", name="Play the levels one after the other").wait_for(timeout=10_000)
    assert slider.input_value() == "2"


def test_the_mask_comes_as_png_and_csv(stored, tab):
    page = tab(f"{stored.url}/explore?search={SEARCH.key}&view=Masks")
    file = saved(page, page.get_by_role("button", name="PNG").click)
    assert file.suggested_filename == "mask-fc1.weight-level-2-replicate-0.png"
    assert Image.open(io.BytesIO(file.path().read_bytes())).size == (384, 384)
    numbers = saved(page, page.get_by_role("button", name="CSV").click).path().read_text()
    counts = np.loadtxt(io.StringIO(numbers), delimiter=",")
    kept = Store(stored.store).read(SEARCH.run(2, 0).key, "mask")["fc1.weight"]
    assert counts.tolist() == kept.sum(axis=0).reshape(8, 8).tolist()


PAGES = ["/", f"/?search={SEARCH.key}", "/find", "/jobs", "/upload", f"/explore?search={SEARCH.key}"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_a_phone_and_a_desk(stored, tab, path):
    page = tab(stored.url + path)
    assert page.get_by_role("heading", level=1).count() == 1
    for width in (1440, 420):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(500)
        inner, outer = page.evaluate(
            "(m => [m.scrollWidth, m.clientWidth])(document.querySelector('[data-testid=stMain]'))")
        assert inner <= outer + 1, width


def test_teaching_mode_hides_the_navigation(stored, tab):
    page = tab(f"{stored.url}/?search={SEARCH.key}&teach=1")
    assert page.get_by_test_id("stSidebar").count() == 0
    assert page.get_by_text("Winning ticket at 64 %").count() == 1
    page.get_by_text("Explore this search").click()
    page.wait_for_url("**/explore**teach=1**")
    page.wait_for_selector(SETTLED)
    assert page.get_by_test_id("stSidebar").count() == 0


def test_headers_forbid_framing_and_foreign_scripts(stored):
    import urllib.request

    with urllib.request.urlopen(stored.url) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' blob: 'sha256-" in policy
    assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert headers["Referrer-Policy"] == "no-referrer"


def test_another_host_name_is_refused(stored):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", stored.port)
    connection.request("GET", "/_stcore/stream", headers={
        "Host": "evil.example", "Origin": "http://evil.example", "Connection": "Upgrade", "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"})
    assert connection.getresponse().status in (400, 403)
