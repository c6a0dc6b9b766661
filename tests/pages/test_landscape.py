"""The landscape page: empty, running with the points so far, failed, done; lines, contours, surfaces, one scale."""

import json

import numpy as np
import pytest

from lth_engine.core.artifact import Answer
from tests.pages.conftest import key_of, words
from tests.pages.diagnosed import alts, begin
from tests.pages.fake_diagnoses import LINE, OTHER, PLANE, put
from tests.pages.fake_search import PROVENANCE, put_runs

FLAT = PLANE.replace(of=OTHER)


def figures(app):
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def test_nothing_stored_and_unknown_keys_are_said(open_page):
    assert "Nothing of this kind has been asked yet" in words(open_page("landscape"))
    assert "does not hold ffffffff" in words(open_page("landscape", ask=["f" * 24]))


def test_a_plane_is_contours_first_and_a_surface_on_demand(open_page, store):
    put(store, PLANE)
    app = open_page("landscape", ask=[PLANE.key])
    assert not app.error
    (figure,) = figures(app)
    assert figure["data"][0]["type"] == "contour"
    key_of(app, "form").set_value("surface").run()
    (figure,) = figures(app)
    assert figure["data"][0]["type"] == "surface"
    assert figure["data"][0]["z"][2][2] == pytest.approx(0.02)
    text = words(app)
    assert "Drag to turn" in text
    assert "25 points on 1,024 training images" in text


def test_loss_or_error_and_the_log_scale_of_steep_walls(open_page, store):
    put(store, PLANE)
    app = open_page("landscape", ask=[PLANE.key])
    assert key_of(app, "log").value is False, "the loss varies by less than a hundred"
    key_of(app, "show").set_value("error").run()
    assert alts(app)[0].startswith("Error (%) over a plane through ")
    assert figures(app)[0]["data"][0]["customdata"][2][2] == pytest.approx(0.5)
    steep = put(store, PLANE.replace(radius=10.0))
    assert key_of(open_page("landscape", ask=[steep.key]), "log").value is True
    assert key_of(open_page("landscape", ask=[steep.key], log="false"), "log").value is False, "the address decides"


def test_networks_share_the_scale(open_page, store):
    put(store, PLANE)
    put(store, FLAT)
    app = open_page("landscape", ask=[PLANE.key, FLAT.key])
    first, second = figures(app)
    assert first["data"][0]["zmax"] == second["data"][0]["zmax"]
    highest = max(max(map(max, figure["data"][0]["customdata"])) for figure in (first, second))
    assert first["data"][0]["zmax"] == pytest.approx(highest)
    assert "do not compare" not in words(app)
    (table,) = app.dataframe
    assert len(table.value) == 2


def test_lines_of_several_networks_are_one_figure(open_page, store):
    both = [put(store, LINE.replace(of=q.of)) for q in (PLANE, FLAT)]
    (figure,) = figures(open_page("landscape", ask=[q.key for q in both]))
    assert len([t for t in figure["data"] if t.get("meta")]) == 2
    title = figure["layout"]["xaxis"]["title"]["text"]
    assert title == "Step (1: each filter's own length)"


def test_other_directions_do_not_compare(open_page, store):
    both = [put(store, PLANE), put(store, FLAT.replace(scale="unit"))]
    assert "Their shapes do not compare" in words(open_page("landscape", ask=[q.key for q in both]))


def test_the_points_so_far_are_drawn_while_it_runs_and_after_it_failed(open_page, store, queue):
    put_runs(store)
    job = begin(queue, PLANE)
    assert "so far" not in words(open_page("landscape", ask=[PLANE.key]))
    loss = np.full((5, 5), np.nan)
    loss[0] = 3.0
    x = np.linspace(-1, 1, 5)
    store.checkpoint(PLANE.key).save({"x": x, "y": x, "loss": loss, "error": loss, "curve": loss}, {"done": 5})
    app = open_page("landscape", ask=[PLANE.key])
    assert "**5 of 25 points** so far" in words(app)
    assert alts(app) == ["The landscape so far"]
    queue.finish(job.id, 1, "failed", "The disk is full. Free some space.")
    text = words(open_page("landscape", ask=[PLANE.key]))
    assert "The disk is full" in text
    assert "**5 of 25 points** so far" in text


def test_points_without_a_finite_loss_are_counted(open_page, store):
    put(store, LINE, not_finite=2)
    assert "at 2 points the loss is not finite, and nothing is drawn" in words(open_page("landscape", ask=[LINE.key]))


def test_the_page_opens_with_planes_that_ask_the_same(open_page, store):
    for age, question in enumerate((LINE, PLANE, PLANE.replace(radius=2.0), FLAT)):
        put(store, question, age=age)
    app = open_page("landscape")
    assert app.query_params["ask"] == [FLAT.key, PLANE.key]
    assert figures(app)[0]["data"][0]["type"] == "contour"


@pytest.mark.parametrize(("planes", "colours"), [([PLANE], False), ([PLANE, FLAT], True)])
def test_a_line_beside_planes_has_its_name_and_its_own_scale(open_page, store, planes, colours):
    for question in (LINE, *planes):
        put(store, question)
    text = words(open_page("landscape", ask=[q.key for q in (LINE, *planes)]))
    assert "**Along a line** · A: " in text
    for letter in "BC"[:len(planes)]:
        assert f"**{letter}: " in text, "each plane has its name"
    assert ("The colours of the planes have one scale." in text) == colours
    assert "The figure of lines has its own scale." in text


def test_planes_alone_speak_of_no_lines(open_page, store):
    for question in (PLANE, FLAT):
        put(store, question)
    text = words(open_page("landscape", ask=[PLANE.key, FLAT.key]))
    assert "The colours have one scale." in text
    assert "Along a line" not in text
    assert "figure of lines" not in text


@pytest.mark.parametrize("loss", [0.02, 30.0])
def test_a_network_that_has_diverged_is_warned_of(open_page, store, loss):
    store.put(PLANE.of, Answer({}, {"chance": 0.1}), parents={}, provenance=PROVENANCE)
    put(store, PLANE, loss_middle=loss)
    text = words(open_page("landscape", ask=[PLANE.key])).replace("*", "")
    assert ("This network is not trained: its loss is 30.0 nats, and guessing has 2.30." in text) == (loss > 4)
