"""The figures of what signs carry draw and save the numbers that they are given, readable without colour."""

import csv
import io
import math
from itertools import product

import pytest

from lth_engine.figures.sign_panel import WORDS, Case, Panel, by_case, case_name, panel
from lth_engine.figures.table import csv_of


def case(cell, accuracy=0.9, word="better", **more):
    return Case(cell, [accuracy - 0.01, accuracy + 0.01], accuracy, word=word, **more)


def read(figure):
    return list(csv.DictReader(io.StringIO(csv_of(figure))))


EIGHT = [case(cell, 0.9 + 0.01 * i, difference=0.02, low=0.01, high=0.03, half_width=0.005)
         for i, cell in enumerate(product((True, False), repeat=3))]


def test_every_case_has_a_cell_of_its_own_at_its_row_and_column():
    figure = panel(EIGHT)
    texts = {(t.x[0], t.y[0]): t.text[0] for t in figure.data}
    assert len(texts) == len(figure.layout.shapes) == 8
    for shape, (x, y) in zip(figure.layout.shapes, texts, strict=True):
        assert shape.x0 < x < shape.x1
        assert shape.y0 < y < shape.y1
    assert "<b>90.1 " not in texts[0, 0]
    assert "91.0 ± 0.5 %" in texts[0, 0]  # mask and signs, other normalisation: the second case
    assert "90.0 ± 0.5 %" in texts[1, 0]
    assert "97.0" in texts[0, 3]


def test_the_cells_are_saved_with_their_tests():
    rows = {row["case"]: row for row in read(panel(EIGHT))}
    found = rows["ticket's mask, ticket's signs other normalisation"]
    names = ("accuracy_percent", "half_width_95", "difference_points", "low_90", "high_90")
    assert [float(found[name]) for name in names] == pytest.approx([91, 0.5, 2, 1, 3])
    assert found["word"] == "better"


def test_a_network_without_normalisation_has_two_by_two_cells():
    four = [case((mask, signs, False)) for mask, signs in product((True, False), repeat=2)]
    figure = panel(four)
    assert {(t.x[0], t.y[0]) for t in figure.data} == {(0, 0), (1, 0), (0, 1), (1, 1)}
    assert figure.layout.xaxis.ticktext == ("ticket's signs", "other signs")


def test_words_are_told_without_colour_and_unknown_numbers_left_out():
    marks = [mark for _, mark in WORDS.values()]
    assert len(set(marks)) == len(marks) == len({colour for colour, _ in WORDS.values()})
    (text,) = (t.text[0] for t in panel([case((True, False, False), word="reference", difference=0.0)]).data)
    assert "nan" not in text
    assert "mask alone" in text


def test_cases_are_rows_with_reference_lines_and_every_run():
    figure = by_case([Panel("", EIGHT, {"dense network": 0.97, "the ticket itself": math.nan})])
    rows = read(figure)
    assert len([r for r in rows if r["replicate"]]) == 16
    mean = {r["tickets_own"]: float(r["accuracy_percent"]) for r in rows if r["n"]}
    assert mean == pytest.approx({c.name: 100 * c.accuracy for c in EIGHT})
    assert [shape.x0 for shape in figure.layout.shapes] == [97.0]
    assert case_name((False, False, False)) == "nothing"
    assert figure.layout.yaxis.ticktext[0] == "mask + signs + norms"


def test_several_panels_have_a_colour_and_a_mark_each():
    figure = by_case([Panel("A", EIGHT), Panel("B", EIGHT[:4])])
    means = [t for t in figure.data if t.name in "AB"]
    assert len({t.marker.color for t in means}) == len({t.marker.symbol for t in means}) == 2
    assert not figure.layout.shapes
    assert set(means[0].y).isdisjoint(means[1].y)
