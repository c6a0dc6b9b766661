"""The verb compare, on two small searches that the command line itself computed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from lth_engine.core.step import Step
from lth_engine.jobs.queue import Queue
from lth_engine.specs.phases import Own
from lth_engine.store.store import Store
from tests.cli.conftest import FLAGS, SEARCH, Command

SHORT = SEARCH.replace(mask_search=Own(training=SEARCH.training.replace(length=Step(5, "it"))))


@pytest.fixture(scope="module")
def pair(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with SEARCH and SHORT."""
    from lth_engine.cli.main import main

    root = tmp_path_factory.mktemp("pair") / "lab"
    shutil.copytree(shelf, root)
    assert main(["answer", *FLAGS, "--mask-search", "own", "--mask-search.length", "5it", "--store", str(root),
                 "--device", "cpu"]) == 0
    return root


def test_the_numbers_are_those_of_the_two_answers(command: Command, pair: Path) -> None:
    code, out, _ = command("compare", SEARCH.key, SHORT.key[:10], "--store", pair, "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["reference"], found["searches"]) == (SEARCH.key, [SEARCH.key, SHORT.key])
    assert found["settings"] == {"mask_search.length": ["1ep", "5it"]}
    assert [(c["level"], c["paired"], c["n"]) for c in found["comparisons"]] == [(0, True, 2), (1, True, 2)]
    store = Store(pair)
    rows = [[store.rows([s.run(1, r).key])[s.run(1, r).key].summary for r in range(2)] for s in (SHORT, SEARCH)]
    mine, other = (np.array([float(row["test_accuracy"]) for row in side]) for side in rows)
    got = found["comparisons"][1]
    assert got["difference"] == pytest.approx(mine.mean() - other.mean())
    spread = max(float(np.std(mine - other, ddof=1)), 1 / int(rows[0][0]["test_images"]))
    assert got["high"] - got["difference"] == pytest.approx(stats.t.ppf(0.95, 1) * spread / np.sqrt(2))
    assert found["margin"] == SEARCH.margin


def test_the_text_says_what_differs_and_a_word_for_each_density(command: Command, pair: Path) -> None:
    code, out, _ = command("compare", SEARCH.key, SHORT.key, "--store", pair, "--metric", "total_epochs",
                           "--margin", "0.5")
    assert code == 0
    assert f"A  {SEARCH.key}  (reference)" in out
    assert "mask_search.length  1ep  5it" in out
    assert "B - A: Total training (epochs), margin 0.5 epochs" in out
    lines = [line.split() for line in out.splitlines() if "paired, n = 2" in line]
    assert [(line[0], line[-1]) for line in lines] == [("100.00", "equivalent"), ("80.00", "better")]


def test_what_is_lost_is_measured_from_the_own_dense_network(command: Command, pair: Path) -> None:
    code, out, _ = command("compare", SEARCH.key, SHORT.key, "--store", pair, "--metric", "above_dense", "--json")
    assert code == 0
    found, store = json.loads(out), Store(pair)
    lost = [[float(np.subtract(*(store.rows([s.run(level, r).key])[s.run(level, r).key].summary["test_accuracy"]
                                 for level in (1, 0)))) for r in range(2)] for s in (SEARCH, SHORT)]
    (got,) = found["comparisons"]  # of the dense networks nothing is said: they are 0 by definition
    assert (got["reference_mean"], got["mean"]) == pytest.approx(tuple(np.mean(lost, axis=1)))
    assert found["margin"] == SEARCH.margin


def test_a_search_on_the_queue_is_compared_as_far_as_it_is(command: Command, pair: Path) -> None:
    more = SEARCH.replace(levels=3)
    Queue(pair).submit(more)
    code, out, _ = command("compare", SEARCH.key, more.key, "--store", pair, "--json")
    assert code == 0
    assert [c["verdict"] for c in json.loads(out)["comparisons"]] == ["equivalent", "equivalent"]


@pytest.mark.parametrize(("words", "text"), [
    ((SEARCH.key,), "two searches or more"),
    ((SEARCH.key, SEARCH.key), "two searches or more"),
    ((SEARCH.key, "zzz"), "No search has a key that begins"),
    ((SEARCH.key, SHORT.key, "--metric", "acuracy"), "Unknown metric"),
    ((SEARCH.key, SHORT.key, "--margin", "nan"), "--margin must be a number from 0"),
    ((SEARCH.key, SHORT.key, "--margin", "5"), "at most 1; 0.01 is one point. Got 5"),
    ((SEARCH.key, SHORT.key, "--variant", "redrawn"), "Unknown variant"),
    ((), "key"),
])
def test_bad_input_is_one_sentence(command: Command, pair: Path, words: tuple[str, ...], text: str) -> None:
    code, out, err = command("compare", *words, "--store", pair)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert text in err


def test_a_search_without_a_finished_run_is_said(command: Command, pair: Path) -> None:
    waiting = SEARCH.replace(seed=1000)
    Queue(pair).submit(waiting)
    code, _, err = command("compare", SEARCH.key, waiting.key, "--store", pair)
    assert (code, "Nothing of the search" in err) == (2, True)
