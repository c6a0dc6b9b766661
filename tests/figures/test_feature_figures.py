"""Figures about features and few images: what is drawn, and what is saved of it."""

import csv
import io

import numpy as np
import pytest

from lth_engine.figures.features import LOOKS, Panel, Row, by_panel, by_variant
from lth_engine.figures.few_images import Series, over_percent
from lth_engine.figures.interval import student_t
from lth_engine.figures.table import csv_of
from lth_engine.specs.features import VARIANTS

VALUES = np.array([0.5, 0.52, 0.54])
NONE = np.empty(0)


def named(figure):
    return {trace.name: trace for trace in figure.data}


def saved(figure):
    return list(csv.DictReader(io.StringIO(csv_of(figure))))


def test_every_variant_of_the_question_has_a_look():
    assert set(LOOKS) == set(VARIANTS)
    assert len({look.label for look in LOOKS.values()}) == len({look.symbol for look in LOOKS.values()}) == len(LOOKS)


def test_a_variant_has_its_mean_interval_replicates_and_second_opinion():
    figure = by_variant([Row("ticket", VALUES, VALUES + 0.1), Row("dense", VALUES, NONE)], 0.1)
    drawn, interval = named(figure), student_t(100 * VALUES)
    assert drawn["Ticket, untrained"].x == (pytest.approx(52.0),)
    assert drawn["Ticket, untrained"].error_x.array == (pytest.approx(interval.upper - interval.mean),)
    assert drawn["Ticket, untrained (each replicate)"].x == pytest.approx([50, 52, 54])
    assert drawn["Ticket, untrained, logistic regression"].x == (pytest.approx(62.0),)
    assert "Dense network, untrained, logistic regression" not in drawn
    assert figure.layout.shapes[0].x0 == pytest.approx(10)
    rows = saved(figure)
    assert [row["variant"] for row in rows if row["n"] == "3"] == ["Ticket, untrained"] * 2 + [
        "Dense network, untrained"]


def test_one_replicate_has_no_interval():
    figure = by_variant([Row("ticket", VALUES[:1], NONE)], float("nan"))
    assert named(figure)["Ticket, untrained"].error_x.array is None
    assert not figure.layout.shapes


def test_panels_keep_their_rows_and_colours_apart():
    figure = by_panel([Panel("A", [Row("ticket", VALUES, NONE), Row("dense", VALUES, NONE)]),
                       Panel("B", [Row("dense", VALUES, NONE)])], 0.1)
    places = {(trace.name, trace.customdata[0][3]): trace.y[0] for trace in figure.data}
    assert list(places) == [("A", "Ticket, untrained"), ("A", "Dense network, untrained"),
                            ("B", "Dense network, untrained")]
    assert len(set(places.values())) == 3
    assert round(places["A", "Dense network, untrained"]) == round(places["B", "Dense network, untrained"]) == 1
    assert len({trace.marker.color for trace in figure.data}) == 2


def test_few_images_are_a_line_over_their_shares():
    percent = np.array([1, 1, 10, 10])
    figure = over_percent([Series("ticket", percent, np.array([0.2, 0.4, 0.6, 0.8]), 12 * percent)], 0.1)
    line = named(figure)["Ticket"]
    assert line.x == (1, 10)
    assert line.y == pytest.approx([30, 70])
    assert figure.layout.xaxis.ticktext == ("1", "10")
    means = [row for row in saved(figure) if row["n"]]
    assert [(row["images_percent"], row["images"]) for row in means] == [("1", "12"), ("10", "120")]
    assert sum(bool(row["images_percent"]) for row in saved(figure)) == 6


def test_a_single_size_and_nothing_at_all_are_drawn_too():
    one = over_percent([Series("dense", np.array([5, 5]), np.array([0.2, 0.3]), np.zeros(2, int))], float("nan"))
    assert named(one)["Dense network"].y == pytest.approx([25])
    assert not over_percent([], float("nan")).data
