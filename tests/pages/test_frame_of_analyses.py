"""What all pages under Diagnose rest on: numbers with errors, explanations, titles, costs, partial answers."""

import ast
import math
from pathlib import Path

import numpy as np
import pytest

from lth_engine.core.step import Step
from lth_engine.specs.connecting import Connectivity, sibling
from lth_engine.specs.curvature import HessianTrace, SpectralDensity
from lth_engine.specs.landscapes import Landscape
from lth_engine.specs.tickets import DenseTicket, Run
from pages.ui import unfinished
from pages.ui.behind import cost_words, missing
from pages.ui.explaining import FOLDER, between, with_error
from pages.ui.frame import ROOT
from pages.ui.titles import lettered, title
from tests.pages.fake_lines import LINE, PATH, POINT, SIBLINGS, put_line
from tests.pages.fake_search import SEARCH, put_runs


@pytest.mark.parametrize(("value", "error", "text"), [
    (704.3, 12.4, "704 ± 12"), (704.3, 0.124, "704.30 ± 0.12"), (0.0123, 0.00456, "0.0123 ± 0.0046"),
    (12_345.6, 99.7, "12,346 ± 100"), (3.0, None, "3.00"), (3.0, 0.0, "3.00"), (0.0, None, "0"),
    (2e7, 3e5, "2e+07 ± 3e+05"), (1e-9, None, "1e-09"), (math.nan, 1.0, "unknown"), (-704.3, 12.4, "-704 ± 12"),
    (5.0, math.nan, "5.00")])
def test_a_value_has_the_digits_of_its_error(value, error, text):
    assert with_error(value, error) == text


def test_units_and_intervals():
    assert with_error(3.0, 2.6, "points") == "3.0 ± 2.6 points"
    assert between(1.234, 3.456) == "95 % interval 1.2 to 3.5"
    assert between(-0.5, 35.0, "points") == "95 % interval 0 to 35 points"


def names_explained(path):
    """The texts that a module of the pages asks for by a literal name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = {"Number": 2, "explained": 0, "text_of": 0}.get(node.func.id)
            if place is not None and len(node.args) > place and isinstance(node.args[place], ast.Constant):
                yield node.args[place].value


def test_every_explanation_that_a_page_offers_is_written():
    asked = {name for path in Path(ROOT / "pages").rglob("*.py") for name in names_explained(path)} - {""}
    assert len(asked) > 10
    assert sorted(name for name in asked if not (FOLDER / f"{name}.md").exists()) == []


def test_titles_name_network_tickets_settings_and_key():
    assert title(LINE) == f"LeNet-300-100, Digits, dense, seed 7 – 64 % (level 2), seed 7, points 11 · {LINE.key[:6]}"
    control = LINE.replace(second=SEARCH.run(1, 1, "random_mask"), adaptive=True, training_images=False)
    assert "80 % (level 1), random mask, seed 8, points 11, adaptive, no training images" in title(control)
    late = Run(ticket=DenseTicket(rewind=Step(2)), order_seed=5)
    assert "dense, from 2ep, seed 0, order 5 – dense, from 2ep, seed 0, order …" in title(
        Connectivity(first=late, second=sibling(late, 1)))
    assert "imp, 2 levels, seed 7" in title(PATH)
    assert "SGD, lr 0.1, momentum 0.9, batch 128, 20ep, seed 7" in title(POINT)


def test_names_in_a_figure_leave_out_what_is_shared():
    fast = POINT.replace(start=POINT.start.replace(training=POINT.start.training.replace(batch_size=256)))
    assert list(lettered([POINT, fast]).values()) == ["A: batch 128", "B: batch 256"]
    assert list(lettered([SIBLINGS]).values()) == ["A: 64 % (level 2), seed 7, points 5"]
    same = lettered([LINE, LINE.replace(adaptive=True)])
    first, second = same.values()
    assert second == "B: adaptive"
    assert first.startswith("A: LeNet"), "nothing of its own is left, so all is said"


def test_the_cost_counts_what_is_missing(here, store):
    assert len(missing(LINE)) == len({q.key for q in missing(LINE)})
    put_runs(store)
    store.remove(SEARCH.run(1, 0).key)
    assert missing(LINE) == [], "what lies behind a stored answer is not needed"
    assert "Everything it needs is stored" in cost_words(LINE)
    for pair in SIBLINGS.lines()[:1]:
        put_line(store, pair)
    words = cost_words(SIBLINGS)
    assert "**seconds**" in words
    assert "**3 trainings** (60 epochs)" in words, "two siblings, and the run that signs are compared with"
    assert "**2 lines**" in words


@pytest.mark.parametrize(("question", "words"), [
    (HessianTrace(), "about **30 products** with the Hessian over 1,024 images"),
    (HessianTrace(estimator="hutchinson", error=0.01, images=0), "about **1,000 products** with the Hessian over all "
     "train images"),
    (HessianTrace(error=0.01, part="test", images=0), "about **150 products** with the Hessian over all test images"),
    (SpectralDensity(vectors=3, lanczos_steps=20, images=50), "about **60 products** with the Hessian over 50 images"),
    (HessianTrace(estimator="gauss_newton", images=30), "takes **one backward pass a class** over 30 images"),
    (Landscape(points=11, images=200), "takes **121 passes** over 200 images"),
], ids=lambda value: getattr(value, "name", None))
def test_curvature_costs_products_over_images_whatever_the_size_of_the_set(here, question, words):
    assert words in cost_words(question)


def test_the_mark_of_a_checkpoint_changes_with_each_save_and_not_without():
    values = np.full((4, 2), np.nan)
    values[0] = 1
    first = unfinished._mark(({"curve": values}, {"done": 1}))
    assert first == unfinished._mark(({"curve": values.copy()}, {"done": 1}))
    values[1] = 1
    assert first != unfinished._mark(({"curve": values}, {"done": 1}))
    assert first != unfinished._mark(({}, {"done": 2}))
