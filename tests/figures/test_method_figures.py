"""The figures of mask searches, methods and checks draw the numbers that they are given, and save them."""

import csv
import io
import math

import numpy as np
import pytest

from lth_engine.figures import beside, mask_search, method_masks, methods, table
from lth_engine.figures.look import look, nth


def read(figure):
    return list(csv.DictReader(io.StringIO(table.csv_of(figure))))


def one(name, values, word=""):
    return beside.Row(look(name), np.array(values), word)


def test_rows_hold_each_replicate_their_mean_its_interval_and_the_word():
    figure = beside.beside([one("ticket", [80.0, 82.0, 84.0]), one("random_mask", [70.0, 71.0, 72.0], "✓ passes")],
                           "Accuracy (%)", {"dense": 85.0})
    rows = read(figure)
    assert [(r["series"], r["value"]) for r in rows[:4]] == [
        ("Ticket (each replicate)", "80.0"), ("Ticket (each replicate)", "82.0"), ("Ticket (each replicate)", "84.0"),
        ("Ticket", "82.0")]
    half = 4.302652729911275 * 2 / math.sqrt(3)      # Student's t for 95% and 2 degrees of freedom
    assert (float(rows[3]["lower_95"]), float(rows[3]["upper_95"])) == pytest.approx((82 - half, 82 + half))
    assert rows[-1]["word"] == "✓ passes"
    texts = [a.text for a in figure.layout.annotations]
    assert texts == ["<b>✓ passes</b>", "dense 85"]
    assert figure.layout.xaxis.range[0] < 70 < 85 < figure.layout.xaxis.range[1]


def test_a_single_replicate_has_no_interval():
    figure = beside.beside([one("ticket", [80.0])], "x", {})
    assert read(figure)[-1]["lower_95"] == ""
    assert not any(t.error_x.array for t in figure.data)


@pytest.mark.parametrize(("values", "drawn"), [([90.0, 95.0], ["dense"]), ([15.0, 95.0], ["dense", "chance"])])
def test_chance_is_drawn_where_it_does_not_squeeze_the_values(values, drawn):
    assert list(beside.near_lines(np.array(values), {"dense": 96.0, "chance": 10.0, "no": math.nan})) == drawn


def test_a_course_is_logarithmic_only_where_it_spans_orders():
    epochs = np.arange(1.0, 4)
    small = mask_search.course([mask_search.Course("a", epochs, np.array([1.0, 2, 3]))], "density", "Density (%)",
                               wanted=2.0, end=20.0)
    wide = mask_search.course([mask_search.Course("a", epochs, np.array([100.0, 10, 1]))], "density", "Density (%)",
                              wanted=0.1)
    assert [(r["epoch"], r["density"]) for r in read(small)] == [("1.0", "1.0"), ("2.0", "2.0"), ("3.0", "3.0")]
    assert (small.layout.yaxis.type, small.layout.xaxis.range) == (None, (0, 20.0))
    assert (wide.layout.yaxis.type, wide.layout.annotations[0].y) == ("log", pytest.approx(-1.0))
    assert mask_search.course([mask_search.Course("a", epochs, np.array([1e-9, 1, 2]))], "balancer", "Balancer",
                              linear=True).layout.yaxis.type is None
    assert not mask_search.spans_orders(np.array([0.0, 100.0]))
    assert not mask_search.spans_orders(np.array([math.nan]))


def test_the_histogram_leaves_empty_bins_out():
    figure = mask_search.retention(np.array([900, 0, 7]), np.linspace(0, 1, 4), "Probability")
    rows = read(figure)
    assert [r["weights"] for r in rows] == ["900", "", "7"]
    assert float(rows[2]["from"]) == pytest.approx(2 / 3)
    assert figure.layout.yaxis.type == "log"


def test_accuracy_stands_at_the_mean_cost_of_a_method():
    figure = methods.accuracy_over_cost([methods.Costs(nth(0, "a"), np.array([10.0, 30.0]), np.array([80.0, 90.0])),
                                         methods.Costs(nth(1, "b"), np.array([300.0]), np.array([70.0]))],
                                        "Epochs", "epochs", {"dense": 91.0})
    rows = {r["series"]: r for r in read(figure)}
    assert (rows["a"]["epochs"], rows["a"]["test_accuracy_percent"], rows["a"]["n"]) == ("20.0", "85.0", "2")
    assert (rows["b"]["epochs"], rows["b"]["lower_95"]) == ("300.0", "")
    low, high = figure.layout.xaxis.range
    assert 10**low < 10 < 300 < 10**high
    assert figure.layout.xaxis.ticktext[0] == "10"


def test_values_of_one_density_are_averaged_and_lines_fall_towards_the_sparse():
    of = methods.OverDensity(nth(0, "a"), np.array([0.5, 0.5, 0.1]), np.array([1.0, 3.0, 200.0]))
    figure = methods.over_densities([of], "Loss", "loss", {"dense": 0.5})
    assert [(float(r["density_percent"]), float(r["loss"]), r["n"]) for r in read(figure)] == [
        (50.0, 2.0, "2"), (10.0, 200.0, "1")]
    assert figure.layout.yaxis.type == "log"
    assert len(figure.layout.shapes) == 1
    zero = methods.over_densities([of], "Change", "change", {"dense": 0.0})
    assert (zero.layout.yaxis.type, len(zero.layout.shapes), zero.data[-1].name) == ("log", 0, "dense: 0")
    gone = methods.OverDensity(nth(0, "a"), np.array([0.5, 0.1, 0.01]), np.array([1.0, 200.0, 0.0]))
    figure = methods.over_densities([gone], "Norm", "norm", {})
    assert (figure.layout.yaxis.type, figure.data[0].y) == ("log", (1.0, 200.0, None))
    negative = methods.OverDensity(nth(0, "a"), np.array([0.5, 0.1]), np.array([-1.0, 300.0]))
    assert methods.over_densities([negative], "x", "x", {}).layout.yaxis.type is None


def test_an_empty_layer_has_no_point_and_bars_are_shares_of_the_whole():
    figure = method_masks.layers_by_method(["a", "b"], np.array([30, 10]), [nth(0, "m"), nth(1, "n")],
                                           np.array([[0.5, 0.0], [0.1, 1.0]]))
    bars, *lines = figure.data
    assert bars.y == (75.0, 25.0)
    assert [line.y for line in lines] == [(50.0, None), (10.0, 100.0)]
    assert lines[0].name == "m"


def test_the_matrix_says_how_many_times_chance_and_where_chance_explains_it():
    both, expected = np.array([[9, 40], [40, 9]]), np.array([[3.0, 10], [10, 3]])
    figure = method_masks.overlap_matrix(["m", "n"], both, expected, np.full((2, 2), 5), np.full((2, 2), 15))
    (heat,) = figure.data
    assert [list(row) for row in heat.text] == [["", "4"], ["4", ""]]
    assert list(heat.z[0]) == [None, 2.0]
    assert "both keep <b>40</b>" in heat.hovertext[0][1]
    assert {(r["first"], r["second"]): r["shared_over_chance"] for r in read(figure)}["n", "m"] == "4.0"
    near = method_masks.overlap_matrix(["m", "n"], both, expected, np.full((2, 2), 5), np.full((2, 2), 50))
    assert near.data[0].text[0][1] == "(4)"
    none = method_masks.overlap_matrix(["m", "n"], 0 * both, 0 * expected, 0 * both, 0 * both)
    assert none.data[0].text[0][1] == ""
