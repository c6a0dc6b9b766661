"""Figures draw what they are given: checked against numbers computed another way."""

import csv
import io
import statistics

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from lth_engine.core.measures import MEASURES, TOTALS
from lth_engine.core.search_table import search_table
from lth_engine.figures import curves, histogram, layers, mask_picture, over_density, price, table
from lth_engine.figures.interval import student_t
from lth_engine.figures.look import VARIANTS, ramp


@pytest.fixture
def runs():
    """Two levels, three replicates, one control."""
    rng = np.random.default_rng(0)
    return {
        (level, replicate, variant): {
            "density": 0.8**level, "test_accuracy": float(rng.uniform(0.8, 0.95)), "train_seconds": 1.0 + replicate,
            "learning_distance": 2.0, "flops_sparse": 1e12,
        }
        for level in range(3) for replicate in range(3)
        for variant in (["ticket", "random_mask"] if level else ["ticket"])
    }


def read(figure):
    return list(csv.DictReader(io.StringIO(table.csv_of(figure))))


def test_interval_of_three_values_is_the_textbook_one():
    values = np.array([0.90, 0.92, 0.97])
    half = 4.302653 * statistics.stdev(values) / 3**0.5       # t(0.975, 2 degrees of freedom), from a printed table
    got = student_t(values)
    assert (got.lower, got.upper, got.n) == pytest.approx((values.mean() - half, values.mean() + half, 3), abs=1e-7)


def test_interval_of_one_value_is_unknown():
    got = student_t(np.array([0.5, np.nan]))
    assert (got.mean, got.n) == (0.5, 1)
    assert np.isnan(got.lower)


def test_accuracy_draws_every_run_and_every_mean(runs):
    figure = over_density.accuracy_over_density([over_density.Searched("s", search_table(runs), 0.01, (2, "winning"))])
    rows = read(figure)
    drawn = {(int(r["level"]), int(r["replicate"]), r["series"].startswith("Ticket")): float(r["test_accuracy"])
             for r in rows if r["replicate"]}
    assert drawn == {(lv, rep, v == "ticket"): pytest.approx(100 * s["test_accuracy"])
                     for (lv, rep, v), s in runs.items()}
    means = {(int(r["level"]), r["series"]): float(r["test_accuracy"]) for r in rows if r["n"]}
    at_two = [100 * runs[2, r, "random_mask"]["test_accuracy"] for r in range(3)]
    assert means[2, VARIANTS["random_mask"].label] == pytest.approx(statistics.mean(at_two))
    assert figure.layout.xaxis.type == "log"
    assert "%" in figure.layout.xaxis.title.text
    assert "%" in figure.layout.yaxis.title.text


def test_the_band_is_the_interval_of_the_table(runs):
    figure = over_density.accuracy_over_density([over_density.Searched("s", search_table(runs))])
    bands = [t for t in figure.data if t.fill == "toself"]
    tables = [r for r in read(figure) if r["n"] and r["series"] == VARIANTS["ticket"].label]
    upper = [float(r["upper_95"]) for r in tables]
    lower = [float(r["lower_95"]) for r in tables]
    assert list(bands[0].y) == pytest.approx(upper + lower[::-1])


def test_several_searches_differ_in_colour_and_variants_in_dash(runs):
    searched = [over_density.Searched(name, search_table(runs)) for name in "ab"]
    figure = over_density.accuracy_over_density(searched)
    lines = [t for t in figure.data if t.showlegend is None]
    assert len({t.line.color for t in lines}) == 2
    assert len({t.line.dash for t in lines}) == 2
    assert len({t.name for t in lines}) == 4


def test_a_search_without_runs_draws_nothing():
    figure = over_density.accuracy_over_density([over_density.Searched("s", search_table({}))])
    assert table.table_of(figure) == []


def test_layers(runs):
    dens = np.array([[1.0, 1.0], [0.5, 0.0]])
    figure = layers.layer_density([0, 1], np.array([1.0, 0.6]), ["a", "b"], dens)
    got = [(r["series"], r["level"], r["layer_density_percent"]) for r in read(figure)]
    assert got == [("a", "0", "100.0"), ("a", "1", "50.0"), ("b", "0", "100.0"), ("b", "1", "")]


def test_learning_curves_keep_the_order_and_leave_out_nan():
    history = {"epoch": np.array([1, 2]), "test_accuracy": np.array([0.5, np.nan])}
    figure = curves.learning_curves([curves.Trained("x", history), curves.Trained("y", history)])
    assert [r["test_accuracy"] for r in read(figure)] == ["50.0", "", "50.0", ""]
    assert figure.data[0].line.color != figure.data[1].line.color


def test_histogram_says_where_each_bin_is():
    edges = np.array([0.0, 1.0, 3.0])
    figure = histogram.weight_histogram(edges, np.array([[5, 6], [7, 8]]), ["before", "after"])
    first = read(figure)[0]
    assert (first["from"], first["to"], first["weights"]) == ("0.0", "1.0", "5")


def test_price_is_the_sum_over_replicates(runs):
    rows = read(price.price_by_level(search_table(runs)))
    assert {(r["level"], r["train_seconds"], r["runs"]) for r in rows} == {
        ("0", "6.0", "3"), ("1", "6.0", "3"), ("2", "6.0", "3")}


def test_a_name_that_a_spreadsheet_would_run_is_made_harmless():
    history = {"epoch": np.array([1]), "test_accuracy": np.array([0.5])}
    figure = curves.learning_curves([curves.Trained("=1+1", history)])
    assert read(figure)[0]["series"] == "'=1+1"


def test_input_picture_is_brightest_where_most_weights_are_kept():
    mask = np.zeros((5, 2 * 3 * 4), dtype=bool)
    mask[:, 0 * 12 + 1 * 4 + 2] = True          # channel 0, row 1, column 2
    mask[:2, 1 * 12 + 1 * 4 + 2] = True         # channel 1, the same pixel
    counts = mask_picture.input_counts(mask, (2, 3, 4))
    assert counts[1, 2] == 7
    assert counts.sum() == 7
    image = Image.open(io.BytesIO(mask_picture.input_picture(mask, (2, 3, 4), side=40)))
    assert image.size == (40, 30)
    assert sum(image.getpixel((25, 15))) > sum(image.getpixel((5, 5))) + 200


def test_pooling_keeps_the_mean_of_each_block():
    mask = np.random.default_rng(1).random((1000, 70)) < 0.3
    got = mask_picture.pooled(mask, 100)
    assert got.shape == (100, 70)
    assert got[3, 5] == pytest.approx(mask[30:40, 5].mean())
    assert mask_picture.pooled(mask, 300).shape[0] <= 300


def test_kernel_tiles_show_each_weight():
    mask = np.zeros((2, 2, 3, 3), dtype=bool)
    mask[1, 0, 2, 1] = True
    image = Image.open(io.BytesIO(mask_picture.kernel_picture(mask, side=9)))
    assert image.size == (9, 9)
    bright = [(x, y) for x in range(9) for y in range(9) if image.getpixel((x, y))[0] > 200]
    assert bright == [(2, 7)]


def test_ramp_gives_distinct_colours():
    assert len(set(ramp(11))) == 11


def test_zoom_shows_the_dense_network_and_six_margins(runs):
    searched = over_density.Searched("s", search_table(runs), 0.01)
    low, high = over_density.accuracy_over_density([searched], zoom=True).layout.yaxis.range
    dense = 100 * statistics.mean(runs[0, r, "ticket"]["test_accuracy"] for r in range(3))
    assert low == pytest.approx(dense - 6)
    assert high == pytest.approx(min(100.4, dense + 6))


def test_searches_over_cost_are_drawn_at_the_mean_cost_of_a_level(runs):
    costly = {cell: {**summary, "total_epochs": 20.0 * (cell[0] + 1) + cell[1]} for cell, summary in runs.items()}
    searched = [over_density.Searched(name, search_table(costly)) for name in ("A: one", "B: two")]
    figure = over_density.compared(searched, MEASURES["learning_distance"], TOTALS["total_epochs"])
    means = [r for r in read(figure) if r["n"] and r["series"] == "A: one"]
    assert [float(r["total_epochs"]) for r in means] == [21.0, 41.0, 61.0]
    assert [float(r["density_percent"]) for r in means] == pytest.approx([100, 80, 64])
    assert {r["series"] for r in read(figure) if r["n"]} == {"A: one", "B: two"}, "controls are left out"
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis.tickvals[:4] == (10, 20, 50, 100)
    assert figure.layout.xaxis.title.text == "Total training (epochs), log scale"


def test_searches_over_density_are_drawn_with_their_intervals(runs):
    searched = [over_density.Searched(name, search_table(runs)) for name in ("A", "B")]
    figure = over_density.compared(searched, MEASURES["test_accuracy"], variant="random_mask")
    values = np.array([100 * runs[1, r, "random_mask"]["test_accuracy"] for r in range(3)])
    (row,) = (r for r in read(figure) if r["n"] and r["series"] == "A" and r["level"] == "1")
    assert float(row["upper_95"]) == pytest.approx(stats.t.interval(0.95, 2, values.mean(), stats.sem(values))[1])
    assert not read(over_density.compared(searched, MEASURES["signs_kept"])), "a column that nobody has"
    assert not read(over_density.compared(searched, MEASURES["test_accuracy"], TOTALS["total_epochs"]))
