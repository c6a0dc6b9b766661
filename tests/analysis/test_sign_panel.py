"""The panel of what a signed mask carries: tests against SciPy, words, wrong input, and one panel from end to end."""

import math

import numpy as np
import pytest
from scipy import stats

from lth_engine.analysis import sign_panel
from lth_engine.answer import StoredInputs, answer
from lth_engine.core.artifact import texts
from lth_engine.core.errors import BadInput
from lth_engine.core.workbench import Workbench
from lth_engine.specs.connecting import Connectivity
from lth_engine.specs.finding import Aws
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.signs import MASK_ALONE, SIGNED, SignPanel
from lth_engine.specs.training import Training
from lth_engine.store.store import Store

SEARCH = TicketSearch(model=CifarResnet(depth=8, width=4), search=Aws(fraction=0.5), levels=2, replicates=3,
                      controls=(), training=Training(length="3it", batch_size=50))
PANEL = SignPanel(of=SEARCH, level=2)
BEST = {(True, True, True): 0.97, SIGNED: 0.95, (True, False, True): 0.905, MASK_ALONE: 0.90,
        (False, True, True): 0.86, (False, True, False): 0.85, (False, False, True): 0.85, (False,) * 3: 0.84}


class _Told:
    """Summaries by key, and nothing else: the arrays of the runs must not be read."""

    def __init__(self, summaries):
        self.summary = summaries.__getitem__


def told(panel=PANEL, best=BEST, spread=0.004, dense=0.95, **more):
    """Invented summaries: each case has its accuracy, the replicates differ by `spread`."""
    def said(accuracy, replicate, density=0.25):
        noise = spread * math.sin(1 + 7 * accuracy * 100 + 5 * replicate)
        return {"test_accuracy": accuracy + noise, "test_images": 400, "chance": 0.1, "density": density,
                "dead_layers": 0, "thinnest_layer": "fc.weight"} | more
    found = {run.key: said(best[cell], r) for (cell, r), run in panel.runs().items()}
    for r in range(panel.of.replicates):
        found |= {panel.of.run(0, r).key: said(dense, r, 1.0), panel.of.run(panel.level, r).key: said(0.955, r)}
    for (cell, r, what), line in panel.line_pairs().items():
        found[line.key] = {"barrier_test": 0.01 * r + (0.1 if what == "solution" else 0.0) + 0.2 * (not cell[1])}
    return _Told(found), found


def test_the_differences_are_those_of_scipys_paired_test():
    inputs, said = told()
    found = sign_panel.answer(PANEL, inputs, None)
    values = {cell: np.array([said[PANEL.run(cell, r).key]["test_accuracy"] for r in range(3)]) for cell in BEST}
    cells = list(zip(*(found.arrays[f"cell/{name}"].tolist() for name in ("mask", "signs", "norms")), strict=True))
    assert sorted(cells) == sorted(BEST)
    for i, cell in enumerate(cells):
        assert found.arrays["cell/accuracy"][i] == pytest.approx(values[cell].mean())
        alone = stats.t.interval(0.95, 2, values[cell].mean(), stats.sem(values[cell]))
        assert found.arrays["cell/half_width"][i] == pytest.approx((alone[1] - alone[0]) / 2)
        if cell == MASK_ALONE:
            assert (found.arrays["cell/difference"][i], texts(found.arrays["cell/word"])[i]) == (0, "reference")
            continue
        tested = stats.ttest_rel(values[cell], values[MASK_ALONE])
        if np.std(values[cell] - values[MASK_ALONE], ddof=1) > 1 / 400:
            ends = tested.confidence_interval(0.9)
            assert [found.arrays[f"cell/{end}"][i] for end in ("low", "high")] == pytest.approx(list(ends))
        assert found.arrays["cell/difference"][i] == pytest.approx((values[cell] - values[MASK_ALONE]).mean())
    assert found.summary["gain"] == pytest.approx((values[SIGNED] - values[MASK_ALONE]).mean())
    assert found.summary["mask_accuracy"] == pytest.approx(values[MASK_ALONE].mean())
    assert found.summary["density"] == 0.25
    assert not any(name.endswith(("siblings", "solution")) for name in found.arrays)


def test_the_table_has_a_row_a_run_with_its_key():
    inputs, said = told()
    table = {name.partition("/")[2]: column for name, column in sign_panel.answer(PANEL, inputs, None).arrays.items()
             if name.startswith("table/")}
    assert len(table["key"]) == len(set(texts(table["key"]))) == 8 * 3
    for i, key in enumerate(texts(table["key"])):
        cell = tuple(bool(table[name][i]) for name in ("mask", "signs", "norms"))
        assert PANEL.run(cell, int(table["replicate"][i])).key == key
        assert table["test_accuracy"][i] == said[key]["test_accuracy"]


@pytest.mark.parametrize(("signed", "word", "words"), [
    (0.95, "better", "the ticket's signs carry something that its mask alone does not"),
    (0.85, "worse", "the ticket's signs do harm"), (0.9, "equivalent", "add nothing beyond the margin of 3 points"),
    (0.92, "undecided", "undecided whether the ticket's signs add anything")])
def test_the_verdict_is_told_with_its_numbers(signed, word, words):
    panel = PANEL.replace(of=SEARCH.replace(margin=0.03))
    inputs, _ = told(panel, BEST | {SIGNED: signed}, spread=0.02 if word == "undecided" else 0.004)
    said = sign_panel.answer(panel, inputs, None).summary
    assert said["verdict"] == word
    text = said["verdict_text"]
    assert words in text
    assert "level 2, n = 3" in text
    assert f"{100 * said['gain']:+.2f} points, 90% interval" in text
    assert "against the dense network:" in text
    assert text.startswith("At 25% density")


def test_one_replicate_is_undecided_and_says_what_to_do():
    panel = PANEL.replace(of=SEARCH.replace(replicates=1), lines=True)
    found = sign_panel.answer(panel, told(panel)[0], None)
    assert found.summary["verdict"] == "undecided"
    assert (found.summary["gain_low"], found.summary["gain_high"]) == (None, None)
    assert np.isnan(found.arrays["cell/low"]).all()
    assert np.isnan(found.arrays["cell/half_width"]).all()
    assert "ask for a search of 3 replicates or more" in found.summary["verdict_text"]


def test_nothing_is_concluded_where_the_dense_network_guesses_or_a_layer_is_empty():
    guessed = sign_panel.answer(PANEL, told(dense=0.1)[0], None).summary
    assert guessed["verdict"] == "undecided"
    assert "did not learn more than guessing" in guessed["verdict_text"]
    bare = sign_panel.answer(PANEL, told(dead_layers=1)[0], None).summary["verdict_text"]
    assert "24 of the 24 networks keep no weight in a layer (fc.weight)" in bare


def test_nothing_is_concluded_of_cases_that_guess():
    guessed = dict.fromkeys(BEST, 0.1)
    panel = PANEL.replace(of=SEARCH.replace(margin=0.5))
    found = sign_panel.answer(panel, told(panel, guessed)[0], None)
    assert found.summary["verdict"] == "undecided"
    assert "Neither learned more than guessing" in found.summary["verdict_text"]
    assert set(texts(found.arrays["cell/word"])) == {"reference", "undecided"}
    one = sign_panel.answer(PANEL, told(PANEL, guessed | {SIGNED: 0.9})[0], None)
    assert one.summary["verdict"] == "better"
    assert "Neither learned" not in one.summary["verdict_text"]


def test_barriers_are_those_of_the_lines_and_of_the_cases_that_keep_the_mask():
    panel = PANEL.replace(lines=True)
    inputs, _ = told(panel)
    found = sign_panel.answer(panel, inputs, None).arrays
    kept, signs = found["cell/mask"].astype(bool), found["cell/signs"].astype(bool)
    assert np.isnan(found["cell/barrier_siblings"][~kept]).all()
    assert found["cell/barrier_siblings"][kept & signs] == pytest.approx(0.01)
    assert found["cell/barrier_siblings"][kept & ~signs] == pytest.approx(0.21)
    assert found["cell/barrier_solution"][kept & signs] == pytest.approx(0.11)
    row = found["table/mask"].astype(bool) & found["table/signs"].astype(bool) & (found["table/replicate"] == 2)
    assert found["table/barrier_solution"][row] == pytest.approx(0.12)


def test_wrong_input_is_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(BadInput, match=r"1 to 2\. Got 3"):
        SignPanel(of=SEARCH, level=3)
    deep = SEARCH.replace(search=Aws(fraction=0.9), levels=8)
    store = Store(tmp_path / "store")
    with pytest.raises(BadInput, match="weight"):
        answer(SignPanel(of=deep, level=8), store, data_root=tmp_path)
    assert not store.list()
    sign_panel.before(SignPanel(of=deep, level=1), Workbench(tmp_path))  # a level that is fine, of the same search


def test_a_panel_from_end_to_end(tmp_path):
    store = Store(tmp_path / "store")
    panel = SignPanel(of=SEARCH.replace(replicates=1), lines=True, points=3, source="solution")
    found = answer(panel, store, data_root=tmp_path)
    table, inputs = found.group("table"), StoredInputs(store)
    assert len(table["key"]) == 8
    for i, key in enumerate(texts(table["key"])):
        run = store.get(key).summary
        assert run["rewind_exact"] is True
        assert run["test_accuracy"] == table["test_accuracy"][i]
        assert run["density"] == pytest.approx(found.summary["density"])
    cell, solution = (True, True, False), panel.solution(0)
    one = panel.run(cell, 0)
    (line,) = [q for q in panel.inputs() if isinstance(q, Connectivity) and (q.first, q.second) == (one, solution)]
    at = table["mask"].astype(bool) & table["signs"].astype(bool) & ~table["norms"].astype(bool)
    assert table["barrier_solution"][at] == inputs.summary(line.key)["barrier_test"]
    assert np.isfinite(table["barrier_siblings"]).sum() == 4
