"""A finished (or half-finished) search in a store, made of invented numbers: no torch, no training."""

import numpy as np

from lth_engine.core.artifact import Answer, Provenance, text_array
from lth_engine.core.search_table import search_table
from lth_engine.specs.questions import TicketSearch

SHAPES = {"fc.weight": (10, 3), "fc1.weight": (4, 64), "fc2.weight": (3, 4)}
SEARCH = TicketSearch(levels=2, replicates=2, controls=("random_mask",), seed=7)

PROVENANCE = Provenance(software={"numpy": "2"}, commit="abc", host="test", device="cpu", threads=1, seconds=2.0,
                        created=1_700_000_000.0)


def put_runs(store, search=SEARCH, levels=None):
    """Store every run of the first `levels` levels (all if None); returns their summaries by cell."""
    summaries = {}
    for cell, run in search.runs().items():
        if levels is None or cell[0] < levels:
            answer = run_answer(search, cell)
            store.put(run, answer, parents={}, provenance=PROVENANCE)
            store.put(run.ticket, Answer({f"start/{n}": np.ones(s, np.float32) for n, s in SHAPES.items()}),
                      parents={}, provenance=PROVENANCE)
            summaries[cell] = answer.summary
    return summaries


def put_search(store, search=SEARCH, word="winning"):
    """Store every run and the search itself with a verdict at level 2."""
    summaries = put_runs(store, search)
    table = search_table(summaries, {cell: run.key for cell, run in search.runs().items()})
    arrays = {f"table/{name}": column for name, column in table.items()}
    arrays |= {"verdict/level": np.array([1, 2]), "verdict/density": np.array([0.8, 0.64]),
               "verdict/word": text_array(["matching", word]), "verdict/text": text_array(["so", "so"]),
               "verdict/difference": np.array([0.0, 0.01]), "verdict/low": np.array([-0.005, 0.002]),
               "verdict/high": np.array([0.005, 0.02]), "verdict/beats_controls": np.array([True, True])}
    store.put(search, Answer(arrays, {"verdict": word, "verdict_level": 2, "verdict_density": 0.64,
                                      "verdict_text": f"At 64% density: {word} (n = 2)."}),
              parents={}, provenance=PROVENANCE)


def run_answer(search, cell):
    """An answer with the arrays and numbers that a trained run has."""
    level, replicate, variant = cell
    seed = search.seed + replicate  # searches share the runs of equal seeds, so numbers depend on the seed alone
    rng = np.random.default_rng([level, seed, len(variant)])
    density = search.search.density(level)
    masks = {n: rng.random(s) < density if level else np.ones(s, bool) for n, s in SHAPES.items()}
    for mask in masks.values():
        mask.flat[0] = True
    arrays = {f"mask/{n}": m for n, m in masks.items()}
    arrays |= {f"final/{n}": np.where(m, rng.normal(size=m.shape), 0).astype(np.float32) for n, m in masks.items()}
    arrays |= {"history/epoch": np.arange(4.0), "history/step": np.arange(4),
               "layers/name": text_array(list(masks)),
               "layers/density": np.array([m.mean() for m in masks.values()])}
    for name in ("test_accuracy", "validation_accuracy", "train_loss", "validation_loss", "test_loss",
                 "learning_rate"):
        arrays[f"history/{name}"] = np.linspace(0.1, 0.9, 4)
    accuracy = 0.95 - 0.02 * level * (variant != "ticket") + 0.001 * (seed - 7)
    return Answer(arrays, {
        "level": level, "density": density, "kept": 100, "prunable": 298, "test_accuracy": accuracy,
        "validation_accuracy": accuracy, "train_loss": 0.1, "test_loss": 0.2, "validation_loss": 0.2,
        "learning_distance": 3.0, "epochs": 20.0, "steps": 200, "train_seconds": 1.5, "flops_dense": 2e9,
        "flops_sparse": 1e9, "images_per_second": 1e4, "masked_nonzero": 0, "moved_positive": 1.0,
        "moved_negative": 0.995, "rewind_exact": True, "thinnest_layer": "fc.weight", "thinnest_density": 0.3,
        "disconnected_units": 0, "dead_layers": 0, "finite": True})
