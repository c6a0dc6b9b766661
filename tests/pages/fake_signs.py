"""Panels of what signs carry, made of invented numbers: no torch, no training."""

import numpy as np

from lth_engine.core.artifact import Answer, text_array
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.signs import MASK_ALONE, SIGNED, SignPanel
from tests.pages.fake_lines import put
from tests.pages.fake_search import PROVENANCE, SEARCH, run_answer

PANEL = SignPanel(of=SEARCH.replace(model=CifarResnet(depth=8, width=4)), level=2)
PLAIN = SignPanel(of=SEARCH, level=2)


def accuracy(cell, replicate, gain=0.05):
    """90% for the mask alone, `gain` more with signs, 10 points less under a shuffled mask."""
    return 0.9 - 0.1 * (not cell[0]) + gain * (cell[0] and cell[1]) + 0.01 * cell[2] + 0.001 * replicate


def put_panel(store, question=PANEL, word="better", gain=0.05, single=False, text=""):
    """A panel whose signs gain so much; `single`: with one replicate there are no intervals."""
    cells, count = question.cells(), question.of.replicates
    flags = np.array(cells)
    values = np.array([[accuracy(cell, r, gain) for r in range(count)] for cell in cells])
    means = dict(zip(cells, values.mean(axis=1), strict=True))
    away, ends = values.mean(axis=1) - means[MASK_ALONE], np.nan if single else 0.01
    arrays = {"cell/accuracy": values.mean(axis=1), "cell/half_width": np.full(len(cells), ends),
              "cell/difference": away, "cell/low": away - ends, "cell/high": away + ends,
              "cell/word": text_array([_word(cell, word) for cell in cells]),
              "table/replicate": np.tile(np.arange(count), len(cells)), "table/test_accuracy": values.ravel(),
              "table/key": text_array([question.run(c, r).key for c in cells for r in range(count)])}
    for i, name in enumerate(("mask", "signs", "norms")):
        arrays |= {f"cell/{name}": flags[:, i], f"table/{name}": np.repeat(flags[:, i], count)}
    if question.lines:
        barrier = np.where(flags[:, :1], np.where(flags[:, 1:2], 0.01, 0.3) + 0.002 * np.arange(count), np.nan)
        for shift, what in ((0.0, "siblings"), (0.1, "solution")):
            arrays |= {f"table/barrier_{what}": (barrier + shift).ravel(),
                       f"cell/barrier_{what}": (barrier + shift).mean(axis=1)}
    put(store, question, arrays, {
        "ticket_accuracy": 0.96, "dense_accuracy": 0.97, "signed_accuracy": means[SIGNED],
        "mask_accuracy": means[MASK_ALONE], "gain": gain, "gain_low": None if single else gain - 0.01,
        "gain_high": None if single else gain + 0.01, "verdict": word, "density": 0.64,
        "verdict_text": text or f"At 64% density (level 2, n = {count}): so many words."})


def put_runs_of(store, question, count):
    """The first so many trainings of a panel."""
    for (cell, r), run in list(question.runs().items())[:count]:
        store.put(run, Answer({"final/w": np.ones(2)}, {"test_accuracy": accuracy(cell, r)}), parents={},
                  provenance=PROVENANCE)


def put_signs(store, search, share):
    """The runs of a search whose tickets keep this share of their signs."""
    for cell, run in search.runs().items():
        found = run_answer(search, cell)
        signs = {"signs_kept": share, "signs_inherited": share if cell[0] else None}
        store.put(run, Answer(found.arrays, dict(found.summary) | signs), parents={}, provenance=PROVENANCE)
    put(store, search, {}, {"verdict": "undecided"})


def _word(cell, word):
    if cell == MASK_ALONE:
        return "reference"
    if not cell[0]:
        return "worse"
    return word if cell[1] else "equivalent"
