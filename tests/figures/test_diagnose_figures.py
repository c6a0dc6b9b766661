"""The figures of curvature, landscapes and bounds draw the numbers that they are given, and save them."""

import csv
import io
import math

import numpy as np
import pytest

from lth_engine.figures import bound, by_layer, estimate, landscapes, risk_and_kl, settings, spectrum, table


def read(figure):
    return list(csv.DictReader(io.StringIO(table.csv_of(figure))))


def numbers(rows, name):
    return [float(r[name]) for r in rows if r.get(name)]


RUN = estimate.Running("kept", np.array([4, 8, 12]), np.array([90.0, 110.0, 104.0]), np.array([np.nan, 9.0, 5.0]),
                       (94.0, 114.0))


def test_a_running_estimate_is_saved_as_drawn_with_its_band_and_interval():
    figure = estimate.running_estimate([RUN], "Trace (nats)")
    rows = read(figure)
    assert [(r["products"], r["estimate"], r["standard_error"]) for r in rows[:3]] == [
        ("4", "90.0", ""), ("8", "110.0", "9.0"), ("12", "104.0", "5.0")]
    band = next(t for t in figure.data if t.fill == "toself")
    assert band.x == (8, 12, 12, 8)
    assert band.y == (119.0, 109.0, 99.0, 101.0)
    assert (rows[3]["low_95"], rows[3]["high_95"]) == ("94.0", "114.0")
    (end,) = (t for t in figure.data if t.error_y.array)
    assert (end.error_y.array, end.error_y.arrayminus) == ((10.0,), (10.0,))


def test_the_first_bands_do_not_decide_the_scale():
    wild = estimate.Running("a", np.arange(1, 5), np.array([10.0, 10, 10, 10]), np.array([1e6, 1, 1, 1]))
    low, high = estimate.running_estimate([wild], "x").layout.yaxis.range
    assert 8 < low < 9
    assert 11 < high < 12


def test_of_very_many_points_a_thousand_are_drawn_the_last_among_them():
    many = np.arange(1.0, 50_001)
    figure = estimate.running_estimate([estimate.Running("a", many, many, np.ones(50_000))], "x")
    (line,) = (t for t in figure.data if t.meta)
    assert len(line.x) == 1000
    assert (line.x[0], line.x[-1], line.y[-1]) == (1.0, 50_000.0, 50_000.0)


def test_nothing_measured_yet_is_an_empty_figure():
    empty = estimate.Running("a", np.array([]), np.array([]), np.array([]))
    assert read(estimate.running_estimate([empty], "x")) == []


def layers(label, values):
    return by_layer.LayerValues(label, ["a.weight", "a.bias", "b.weight"], np.array(values),
                                np.array([0.5, 0.1, np.nan]), np.array([600, 6, 30]))


def test_layers_are_drawn_with_errors_in_the_asked_order():
    figure = by_layer.layer_values([layers("one", [3.0, -1.0, 7.0])], "Trace", ["b.weight", "a.weight"])
    rows = read(figure)
    assert [(r["layer"], r["value"], r["standard_error"], r["weights"]) for r in rows] == [
        ("b.weight", "7.0", "", "30"), ("a.weight", "3.0", "0.5", "600")]
    assert figure.data[0].error_x.array == (0.0, 0.5)
    assert figure.layout.yaxis.ticktext == ("b.weight", "a.weight")


def test_the_largest_layers_of_any_network_are_kept_in_order():
    both = [layers("one", [3.0, -1.0, 0.1]), layers("two", [0.2, -9.0, 0.3])]
    assert by_layer.largest(both, 2) == ["a.weight", "a.bias"]
    assert by_layer.largest(both, 9) == ["a.weight", "a.bias", "b.weight"]


def test_the_parts_of_a_layer_stand_on_each_other():
    groups = [by_layer.LayerParts("oracle", np.array([5.0, 1.0]), np.array([2.0, 0.5])),
              by_layer.LayerParts("certified", np.array([8.0, 2.0]), np.array([2.0, 0.5]))]
    colours = {"Gaussian": "#111111", "mask": "#222222"}
    figure = by_layer.layer_parts(groups, colours, ["a", "b"], np.array([10, 20]), "KL (nats)")
    rows = {(r["series"], r["layer"]): float(r["value"]) for r in read(figure)}
    assert rows["oracle: Gaussian", "a"] == 5.0
    assert rows["certified: mask", "b"] == 0.5
    second = next(t for t in figure.data if t.name == "certified: mask")
    assert second.base == (8.0, 2.0)
    assert not {t.offset for t in figure.data if t.name.startswith("oracle")} & {
        t.offset for t in figure.data if t.name.startswith("certified")}


def test_eigenvalues_stand_at_their_ranks_with_their_residuals():
    network = spectrum.Outermost("n", np.array([9.0, 4.0]), np.array([0.1, 0.2]), np.array([-2.0, -1.0]),
                                 np.array([0.3, 0.4]))
    figure = spectrum.eigenvalues([network])
    rows = read(figure)
    assert [(r["rank"], r["eigenvalue"], r["residual"]) for r in rows] == [
        ("1", "9.0", "0.1"), ("2", "4.0", "0.2"), ("−1", "-2.0", "0.3"), ("−2", "-1.0", "0.4")]
    dots = figure.data[1]
    assert [figure.layout.xaxis.ticktext[int(x)] for x in dots.x] == [r["rank"] for r in rows]
    assert dots.error_y.array == (0.1, 0.2, 0.3, 0.4)


def density(label, low, peak):
    value = np.array([low, 0.0, 1.0])
    return spectrum.Density(label, value, np.array([0.0, peak, 0.1]), np.array([0.0, 0.2, 0.05]), (0.012, 0.003, 0.4))


def test_the_density_is_drawn_on_a_log_axis_and_its_negative_part_marked():
    figure = spectrum.spectral_density([density("n", -1.0, 2.0)])
    assert figure.layout.yaxis.type == "log"
    assert [(r["eigenvalue"], r["density"], r["standard_error"]) for r in read(figure)] == [
        ("-1.0", "", "0.0"), ("0.0", "2.0", "0.2"), ("1.0", "0.1", "0.05")]
    (shade,) = (s for s in figure.layout.shapes if s.type == "rect")
    assert (shade.x0, shade.x1) == (-1.0, 0)
    assert "below 0, 1.2 % (95 %: 0.3 to 40)" in figure.layout.annotations[0].text
    none = spectrum.Density("n", np.array([-1.0, 1]), np.ones(2), np.ones(2), (0.012, math.nan, math.nan))
    assert spectrum.spectral_density([none]).layout.annotations[0].text.endswith("below 0, 1.2 %")
    assert not [s for s in spectrum.spectral_density([density("n", 0.0, 2.0)]).layout.shapes if s.type == "rect"]


GRID = np.array([[0.5, 0.2, 0.4], [0.3, 0.01, 0.2], [np.nan, 0.1, 8.0]])
PLANE = landscapes.Around("net", np.array([-1.0, 0, 1]), np.array([-2.0, 0, 2]), GRID)
OTHER = landscapes.Around("flat", np.array([-1.0, 0, 1]), np.array([-2.0, 0, 2]), 0.1 * GRID)


def test_a_line_is_saved_in_drawn_units():
    line = landscapes.Around("net", np.array([-1.0, 0, 1]), None, np.array([0.5, 0.1, np.nan]))
    figure = landscapes.lines([line], landscapes.ERROR, "Step")
    assert [(r["series"], r["x"], r["error"]) for r in read(figure)] == [
        ("net", "-1.0", "50.0"), ("net", "0.0", "10.0"), ("net", "1.0", "")]
    assert landscapes.lines([line], landscapes.LOSS, "Step", log=True).layout.yaxis.type == "log"


def test_networks_share_one_scale():
    assert landscapes.span_of([PLANE, OTHER], landscapes.LOSS) == pytest.approx((0.001, 8.0))
    assert landscapes.span_of([PLANE], landscapes.ERROR) == pytest.approx((1.0, 800.0))
    zeros = landscapes.Around("z", np.zeros(3), None, np.zeros(3))
    low, high = landscapes.span_of([zeros], landscapes.LOSS)
    assert low < high
    assert landscapes.span_of([zeros], landscapes.LOSS, log=True) == (0.1, 1.0)


@pytest.mark.parametrize("draw", [landscapes.surface, landscapes.contour])
@pytest.mark.parametrize("log", [False, True])
def test_a_plane_is_saved_as_measured_on_either_scale(draw, log):
    figure = draw(PLANE, landscapes.LOSS, (0.01, 8.0), log=log)
    rows = {(float(r["x"]), float(r["y"])): r["loss"] for r in read(figure)}
    assert len(rows) == 9
    assert rows[1.0, 2.0] == "8.0"
    assert rows[0.0, -2.0] == "0.2"
    assert rows[-1.0, 2.0] == "", "not measured yet"


def test_the_span_is_that_of_height_and_colour():
    figure = landscapes.surface(PLANE, landscapes.LOSS, (0.001, 8.0))
    (drawn,) = figure.data
    assert (drawn.cmin, drawn.cmax) == (0.001, 8.0)
    low, high = figure.layout.scene.zaxis.range
    assert low < 0.001 < 8.0 < high
    assert figure.layout.scene.zaxis.type == "linear"
    flat = landscapes.contour(PLANE, landscapes.LOSS, (0.001, 8.0), log=True)
    assert (flat.data[0].zmin, flat.data[0].zmax) == pytest.approx((-3, math.log10(8)))
    assert flat.data[0].z[0][0] == pytest.approx(math.log10(0.5))


ORACLE = bound.Terms("Oracle", 0.1, 0.4, False, {}, {bound.GAUSSIAN: 300.0, bound.MASK: 100.0})
CERTIFIED = bound.Terms("Certified", 0.1, 1.25, True, {bound.DRAWS: 0.05},
                        {bound.GAUSSIAN: 900.0, bound.MASK: 100.0, bound.PRIOR: 10.0})


def test_the_terms_of_a_bound_add_up_to_it():
    steps = ORACLE.steps()
    assert sum(steps.values()) == pytest.approx(0.4)
    assert steps[bound.GAUSSIAN] == pytest.approx(0.225)
    assert CERTIFIED.steps()[bound.DRAWS] == 0.05
    assert sum(CERTIFIED.steps().values()) == pytest.approx(1.25)
    nothing = bound.Terms("x", 0.1, 0.1, False, {}, {bound.MASK: 0.0})
    assert nothing.steps() == {"Risk": 0.1, bound.MASK: 0.0}


def test_oracle_and_certified_stand_beside_each_other_with_the_vacuous_line():
    figure = bound.stacked_bounds([ORACLE, CERTIFIED], [0.12, None], 0.9)
    rows = read(figure)
    for label, size in (("Oracle", 40.0), ("Certified", 125.0)):
        parts = [r for r in rows if r["bound"] == label and r["series"] != "Test error without noise"]
        assert sum(numbers(parts, "percent")) == pytest.approx(size)
    assert [r["percent"] for r in rows if r["series"] == "Test error without noise"] == ["12.0"]
    assert next(r["nats"] for r in rows if r["series"] == bound.MASK and r["bound"] == "Oracle") == "100.0"
    assert figure.layout.yaxis.ticktext == ("Oracle<br><b>40 %</b>", "Certified<br><b>125 %</b><br><b>vacuous</b>")
    assert [s.x0 for s in figure.layout.shapes] == [90]


def test_a_term_keeps_its_colour_whichever_others_there_are():
    both = bound.stacked_bounds([ORACLE, CERTIFIED], [None, None])
    alone = bound.stacked_bounds([bound.Terms("x", 0.1, 0.2, False, {}, {bound.MASK: 1.0})], [None])
    (one,), (other,) = ([t.marker.color for t in figure.data if t.name == bound.MASK] for figure in (both, alone))
    assert one == other == bound.term_colour(bound.MASK)


def test_the_history_of_a_bound():
    figure = bound.optimisation(np.array([1, 2]), np.array([0.2, 0.1]), np.array([900.0, 400.0]), np.array([0.9, 0.5]))
    rows = read(figure)
    assert numbers(rows, "surrogate_risk_percent") == [20.0, 10.0]
    assert numbers(rows, "kl_nats") == [900.0, 400.0]
    assert numbers(rows, "bound_percent") == [90.0, 50.0]
    assert "nats" in figure.layout.yaxis2.title.text


def test_risk_and_kl_share_the_colours_of_accuracy():
    points = [risk_and_kl.Judged("lr 0.1", 0.2, 0.01, 4000.0, 0.7, 0.91),
              risk_and_kl.Judged("lr 1", 0.3, 0.02, 100.0, 0.5, 0.6)]
    figure = risk_and_kl.risk_and_kl(points, (0.5, 1.0))
    rows = read(figure)
    assert [(r["network"], r["kl_nats"], r["risk_percent"], r["test_accuracy_percent"]) for r in rows] == [
        ("lr 0.1", "4000.0", "20.0", "91.0"), ("lr 1", "100.0", "30.0", "60.0")]
    marker = figure.data[0].marker
    assert (marker.cmin, marker.cmax, marker.color) == (50.0, 100.0, (91.0, 60.0))
    assert figure.data[0].error_y.array == (1.0, 2.0)


def test_traces_by_setting_have_a_mean_where_several_are_alike():
    points = [settings.Measured("sgd", "10 %", f"run {n}", v, 1.0) for n, v in enumerate((100.0, 110.0, 120.0))]
    points += [settings.Measured("sam", "10 %", "run 3", 40.0, 2.0),
               settings.Measured("sgd", "5 %", "run 4", 150.0, 3.0)]
    figure = settings.by_setting(points, "Trace")
    rows = read(figure)
    single = {(r["setting"], r["network"]): (float(r["value"]), float(r["standard_error"]))
              for r in rows if r["network"]}
    assert single["sam", "run 3"] == (40.0, 2.0)
    assert len(single) == 5
    (mean,) = (r for r in rows if r["n"])
    half = 4.302653 * 10 / 3**0.5       # t(0.975, 2 degrees of freedom), from a printed table
    assert (mean["setting"], float(mean["value"]), mean["n"]) == ("sgd", 110.0, "3")
    assert float(mean["upper_95"]) == pytest.approx(110 + half, abs=1e-5)
    assert figure.layout.xaxis.ticktext == ("sgd", "sam")
