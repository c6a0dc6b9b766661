"""Figures of lines, barriers, stability and shared weights draw what they are given, and save the same."""

import csv
import io

import numpy as np
import pytest

from lth_engine.figures import barriers, line, long_line, overlap, stable_point, table

ALPHA = np.array([0.0, 0.25, 1.0])


def read(figure):
    return list(csv.DictReader(io.StringIO(table.csv_of(figure))))


def a_line(label="a", shift=0.0, top=True):
    values = {"test_error": np.array([0.1, 0.5, 0.2]) + shift, "test_loss": np.array([1.0, 3.0, 1.5]),
              "train_error": np.array([0.0, 0.3, 0.0])}
    tops = {"test_error": line.Top(0.35, 0.25, 0.3, 0.42), "test_loss": line.Top(1.75, 0.25)} if top else {}
    return line.Line(label, ALPHA, values, tops)


def test_a_line_is_saved_in_per_cent_with_its_barrier_and_interval():
    figure = line.along([a_line()])
    rows = read(figure)
    test = [(float(r["alpha"]), float(r["test_error_percent"])) for r in rows if r["series"] == "Test images"]
    assert test == [(0, 10), (0.25, pytest.approx(50)), (1, 20)]
    (top,) = [r for r in rows if r["barrier_points"]]
    numbers = [float(top[name]) for name in ("alpha", "test_error_percent", "barrier_points", "barrier_points_low_95",
                                             "barrier_points_high_95")]
    assert numbers == pytest.approx([0.25, 50, 35, 30, 42])      # 15 (mean of the ends) + 35 = 50
    assert len([r for r in rows if r["series"] == "Training images"]) == 3


def test_the_bar_of_a_barrier_stands_on_the_mean_of_the_ends():
    figure = line.along([a_line()])
    (bar,) = [t for t in figure.data if t.mode == "lines" and list(t.x) == [0.25, 0.25]]
    assert list(bar.y) == pytest.approx([15, 50])
    (top,) = [t for t in figure.data if t.error_y.array is not None]
    assert (top.error_y.array[0], top.error_y.arrayminus[0]) == pytest.approx((7, 5))


def test_loss_is_in_nats_and_an_interval_that_is_not_known_is_left_out():
    figure = line.along([a_line()], "loss", ["test", "train"])
    (top,) = [r for r in read(figure) if r["barrier_nats"]]
    assert (float(top["barrier_nats"]), top["barrier_nats_low_95"]) == (1.75, "")
    assert "nats" in figure.layout.yaxis.title.text
    assert len(figure.data) == 3, "no training loss was measured: a curve, a bar and its top"


def test_several_lines_differ_in_colour_and_parts_in_dash():
    figure = line.along([a_line("a"), a_line("b", 0.1)])
    curves = [t for t in figure.data if t.mode == "lines+markers"]
    assert len({t.line.color for t in curves}) == 2
    assert {t.line.dash for t in curves} == {"solid", "dot"}
    assert [(t.name, t.showlegend) for t in curves] == [("a", True), ("a", False), ("b", True), ("b", False)]


def test_many_lines_leave_the_plot_its_height():
    few, many = (line.along([a_line(str(n)) for n in range(count)]).layout for count in (2, 9))
    assert many.height - many.margin.b > few.height - 100
    assert many.margin.b > 150


def test_the_panel_puts_each_line_into_its_place_on_one_scale():
    lines = {(r, c): a_line(f"{r}{c}", top=False) for r in "xy" for c in "uv" if (r, c) != ("y", "v")}
    figure = line.panel(lines, ["x", "y"], ["u", "v"])
    places = {t.name: t.xaxis for t in figure.data}
    assert places == {"xu": "x", "xv": "x2", "yu": "x3"}
    assert [a.text for a in figure.layout.annotations] == ["u, x", "v, x", "u, y", "v, y"]
    assert {figure.layout[f"yaxis{n}"].range for n in ("", 2, 3, 4)} == {figure.layout.yaxis.range}
    assert figure.layout.yaxis.range[1] > 50
    assert len(read(figure)) == 3 * 2 * 3


def test_the_long_line_goes_on_from_level_to_level():
    path = long_line.Path("p", [(0, a_line()), (1, a_line())], [1.0, 0.8, 0.64])
    figure = long_line.long_line([path])
    rows = [r for r in read(figure) if r["series"] == "Test images"]
    assert [float(r["level_and_alpha"]) for r in rows] == [0, 0.25, 1, 1, 1.25, 2]
    assert [r["from_level"] for r in rows] == ["0", "0", "0", "1", "1", "1"]
    assert list(figure.layout.xaxis.ticktext) == ["0<br>100 %", "1<br>80 %", "2<br>64 %"]


def test_of_many_levels_only_some_are_named():
    path = long_line.Path("p", [(n, a_line()) for n in range(30)], [0.8**n for n in range(31)])
    assert len(long_line.long_line([path]).layout.xaxis.tickvals) <= 12


def test_dots_carry_their_intervals():
    nothing = np.full(2, np.nan)
    one = barriers.Barriers("a", ["0 to 1", "1 to 2"], np.array([0.01, 0.3]), np.array([0.0, 0.2]),
                            np.array([0.02, 0.5]))
    other = barriers.Barriers("b", ["0 to 1", "2 to 3"], np.array([0.1, 0.2]), nothing, nothing)
    figure = barriers.dots([one, other], "Step", 0.02)
    rows = {(r["series"], r["what"]): r for r in read(figure)}
    assert float(rows["a", "1 to 2"]["barrier_points"]) == pytest.approx(30)
    assert float(rows["a", "1 to 2"]["high"]) == pytest.approx(50)
    assert rows["b", "2 to 3"]["low"] == ""
    assert list(figure.layout.xaxis.ticktext) == ["0 to 1", "1 to 2", "2 to 3"]
    drawn = [t for t in figure.data if t.error_y.array is not None]
    assert list(drawn[0].error_y.array) == pytest.approx([1, 20])
    assert len(drawn) == 1, "without an interval there is no bar"


def test_the_matrix_is_saved_whole_and_warm_means_apart():
    height = np.array([[0, 0.3], [0.3, 0]])
    figure = barriers.matrix(["0", "1"], height)
    assert {(r["first"], r["second"]): float(r["barrier_points"]) for r in read(figure)} == {
        ("0", "0"): 0, ("0", "1"): 30, ("1", "0"): 30, ("1", "1"): 0}
    assert figure.data[0].zmax == 30


def test_the_bundle_has_the_mean_and_the_deviation_of_its_lines():
    figure = barriers.bundle([a_line("a"), a_line("b", 0.1)])
    (mean,) = [t for t in figure.data if t.name == "mean of 2 pairs"]
    assert list(mean.y) == pytest.approx([15, 55, 25])
    assert mean.customdata[0][0] == pytest.approx(10 / 2**0.5)   # of 10 and 20
    (band,) = [t for t in figure.data if t.fill == "toself"]
    assert band.y[0] == pytest.approx(15 + 10 / 2**0.5)


def test_lines_with_places_of_their_own_have_no_mean():
    other = line.Line("b", np.array([0.0, 1.0]), {"test_error": np.array([0.1, 0.2])})
    figure = barriers.bundle([a_line("a"), other])
    assert [t.name for t in figure.data] == ["a", "b"]


def test_shared_weights_are_shares_of_the_layer():
    figure = overlap.shared_weights(["fc1", "fc2"], np.array([200, 50]), np.array([100, 10]), np.array([80.0, 12.5]),
                                    np.array([70, 9]), np.array([90, 16]))
    rows = read(figure)
    assert [(r["layer"], float(r["kept_by_both_percent"]), r["low_95"]) for r in rows] == [
        ("fc1", 50, "70.0"), ("fc2", 20, "9.0")]
    band = figure.data[0]
    assert list(band.base) == pytest.approx([35, 18])
    assert list(band.y) == pytest.approx([10, 14])


@pytest.mark.parametrize("column", overlap.COLUMNS)
def test_numbers_by_layer(column):
    figure = overlap.by_layer(["a", "b"], {"s": np.array([0.5, np.nan])}, column)
    drawn = overlap.COLUMNS[column]
    assert [r[drawn.name] for r in read(figure)] == [str(0.5 * drawn.scale), ""]
    assert figure.layout.yaxis.title.text == drawn.title


def a_trail(**changes):
    facts = {"label": "t", "point": np.array([10, 5, 2, 3]), "barrier": np.array([0.0, 0.01, 0.3, 0.05]),
             "low": np.array([0.0, 0.005, 0.2, 0.01]), "high": np.array([0.01, 0.03, 0.4, 0.09]),
             "threshold": 0.02, "length": 20, "unit": "ep", "found": 5, "bisection": 3}
    return stable_point.Trail(**(facts | changes))


def test_the_trail_numbers_the_tries_and_tells_stable_from_unstable():
    figure = stable_point.trail(a_trail())
    rows = {int(r["try"]): r for r in read(figure)}
    assert [(rows[n]["point_ep"], rows[n]["verdict"]) for n in (1, 2, 3, 4)] == [
        ("10", "stable"), ("5", "stable, undecided"), ("2", "unstable"), ("3", "unstable, undecided")]
    assert [(float(rows[n]["low_95"]), float(rows[n]["high_95"])) for n in (1, 2, 3, 4)] == [
        (0, 1), (0.5, 3), (20, 40), (1, 9)]
    assert [rows[n]["why"] for n in (3, 4)] == ["bisection", "looking for contradictions"]
    tries = {t.name: t for t in figure.data if t.mode == "markers+text"}
    assert len({(t.marker.symbol, t.marker.line.color) for t in tries.values()}) == 2
    assert {name for name, t in tries.items() if t.marker.color == "white"} == {
        "stable, undecided", "unstable, undecided"}, "these are hollow"
    bars = tries["stable, undecided"].error_y
    assert (bars.array[0], bars.arrayminus[0]) == pytest.approx((2, 0.5))
    assert [a.text for a in figure.layout.annotations] == ["<b>stable from 5</b>"]


def test_a_trail_without_intervals_has_no_bars_and_nothing_undecided():
    unknown = np.full(4, np.nan)
    figure = stable_point.trail(a_trail(low=unknown, high=unknown))
    tries = [t for t in figure.data if t.mode == "markers+text"]
    assert {t.name for t in tries} == {"stable", "unstable"}
    assert all(t.error_y.array is None for t in tries)
    assert {r["low_95"] for r in read(figure)} == {""}


def test_a_trail_in_progress_has_no_answer():
    figure = stable_point.trail(a_trail(found=None, bisection=None))
    assert not figure.layout.annotations


def test_settings_side_by_side_are_shares_of_training():
    figure = stable_point.shares([a_trail(), a_trail(label="never", found=20), a_trail(label="waiting", found=None)])
    assert [(r["setting"], float(r["share_percent"]), r["point"]) for r in read(figure)] == [
        ("t", 25, "5"), ("never", 100, "20")]
