"""Invented answers about searches near initialisation, methods and sanity checks, with the arrays of real ones."""

import numpy as np

from lth_engine.core.artifact import Answer, text_array
from lth_engine.specs.comparing_methods import MethodComparison, ObjectiveValues
from lth_engine.specs.mask_learners import ContinuousSparsification, Cts
from lth_engine.specs.sanity import SanityChecks
from tests.pages.fake_search import PROVENANCE, SEARCH, SHAPES

OF = SEARCH.replace(replicates=3)
NEAR = SEARCH.replace(search=Cts()).found(2, 0).learned()
METHODS = MethodComparison(of=OF, methods=("random", "snip", "cts"), level=2)
OBJECTIVES = ObjectiveValues(of=OF, methods=("random", "snip", "cts"), objectives=("task_loss", "gradient_norm"))
SANITY = SanityChecks(of=OF, level=2)
LAYERS = list(SHAPES)


def put(store, question, **summary):
    """Store the invented answer of a question; its summary can be changed."""
    found = ANSWERS[type(question)](question)
    store.put(question, Answer(found.arrays, {**found.summary, **summary}), parents={}, provenance=PROVENANCE)
    return question


def going(rows=5):
    """The histories of a search of so many recorded steps, as its checkpoint has them."""
    epoch = np.arange(1.0, rows + 1)
    count = np.zeros(50, int)
    count[0], count[-1] = 150, 100
    return {"history/step": 10 * epoch, "history/epoch": epoch, "history/objective": 0.5 / epoch,
            "history/density": np.linspace(0.9, 0.66, rows), "history/density_loss": np.linspace(0.3, 0.0, rows),
            "history/balancer": np.linspace(0, 2, rows), "histogram/count": count,
            "histogram/edge": np.linspace(0, 1, 51)}


def near(question):
    arrays = going() | {f"score/{name}": np.ones(shape, np.float32) for name, shape in SHAPES.items()}
    if isinstance(question.search, ContinuousSparsification):  # one search for every level: none is told
        arrays["history/loss"] = arrays.pop("history/objective")
        arrays["history/beta"] = arrays.pop("history/balancer") + 1
        del arrays["history/density_loss"]
        return Answer(arrays, {"loss": 0.1, "density": 0.66, "beta": 200.0, "prunable": 298, "epochs": 60.0,
                               "steps": 600, "train_seconds": 3.5, "flops_dense": 1e9, "flops_sparse": 1e9,
                               "remark": ""})
    return Answer(arrays, {"objective": 0.1, "density": 0.66, "density_loss": 0.0, "balancer": 2.0,
                           "wanted_density": 0.64, "level": 2, "prunable": 298, "epochs": 20.0, "steps": 200,
                           "train_seconds": 3.5, "flops_dense": 1e9, "flops_sparse": 1e9, "remark": ""})


ACCURACY = {"random": 0.60, "snip": 0.70, "cts": 0.80, "dense": 0.90, "ticket": 0.80, "shuffled_mask": 0.70,
            "redrawn": 0.79, "inverted_mask": 0.50, "random_mask": 0.60, "small_dense": 0.85}
WORDS = {"random": "undecided", "snip": "better", "cts": "better", "dense": "better", "shuffled_mask": "passes",
         "redrawn": "no difference", "inverted_mask": "passes", "random_mask": "undecided", "small_dense": "worse"}
EPOCHS = {"random": 20.0, "snip": 21.0, "cts": 40.0, "dense": 20.0}


def table(names, replicates=3):
    """Accuracies by name and replicate."""
    cells = [(name, r) for name in names for r in range(replicates)]
    return {"replicate": np.array([r for _, r in cells]), "key": text_array(["0" * 24] * len(cells)),
            "test_accuracy": np.array([ACCURACY[name] + 0.01 * r for name, r in cells]),
            "density": np.array([1.0 if name == "dense" else 0.64 for name, _ in cells])}, [name for name, _ in cells]


def comparison(question):
    found, names = table([*question.methods, "dense"])
    methods, count = [*question.methods, "dense"], len(question.methods) + 1
    arrays = {f"table/{name}": column for name, column in found.items()}
    arrays |= {"table/method": text_array(names), "table/total_epochs": np.array([EPOCHS[n] for n in names]),
               "table/total_train_seconds": np.array([2 * EPOCHS[n] for n in names]),
               "table/total_flops_dense": np.ones(len(names)), "table/density": np.array(
                   [1.0 if n == "dense" else question.of.search.density(question.level) for n in names])}
    arrays |= {"method/name": text_array(methods),
               "method/word": text_array(["reference", *(WORDS[n] for n in methods[1:])]),
               "method/published_epochs": np.array([EPOCHS[n] - 1 for n in methods]),
               "method/epochs": np.array([EPOCHS[n] for n in methods]), "method/seconds": np.full(count, 7.0),
               "method/accuracy": np.array([ACCURACY[n] for n in methods]), "method/half_width": np.full(count, 0.02),
               "method/density": np.full(count, 0.64), "method/difference": np.linspace(0, 0.2, count),
               "method/low": np.linspace(0, 0.1, count), "method/high": np.linspace(0, 0.3, count)}
    arrays |= {"layers/name": text_array(LAYERS), "layers/size": np.array([30, 256, 12]),
               "layers/density": np.linspace(0.2, 0.9, 3 * count).reshape(count, 3),
               "overlap/both": 140 + 10 * np.add.outer(range(count), range(count)),
               "overlap/expected": np.full((count, count), 120.0),
               "overlap/low": np.full((count, count), 110), "overlap/high": np.full((count, count), 130),
               "overlap/kept": np.full(count, 191)}
    return Answer(arrays, {"methods": ", ".join(question.methods), "best": "cts", "best_accuracy": 0.81,
                           "dense_accuracy": 0.91, "density": 0.64, "chance": 0.1})


def values(question):
    cells = [("dense", 0, r) for r in range(3)] + [
        (m, level, r) for m in question.methods for level in question.levels for r in range(3)]
    arrays = {"table/method": text_array([m for m, _, _ in cells]), "table/level": np.array([n for _, n, _ in cells]),
              "table/replicate": np.array([r for _, _, r in cells]),
              "table/density": np.array([question.of.search.density(n) for _, n, _ in cells])}
    arrays |= {"table/task_loss": np.array([2.3 + 0.01 * n for _, n, _ in cells]),
               "table/gradient_norm": np.array([-10.0 ** (-n / 5) for _, n, _ in cells])}
    return Answer(arrays, {"methods": 3, "objectives": 2, "levels": 4, "images": 2000})


def sanity(question):
    found, names = table(["ticket", *question.checks, "dense"])
    checks = list(question.checks)
    arrays = {f"table/{name}": column for name, column in found.items()}
    difference = np.array([0.8 - ACCURACY[n] for n in checks])
    arrays |= {"table/variant": text_array(names), "table/weights": np.full(len(names), 191),
               "check/name": text_array(checks), "check/word": text_array([WORDS[n] for n in checks]),
               "check/difference": difference, "check/low": difference - 0.01, "check/high": difference + 0.01}
    return Answer(arrays, {"accuracy": 0.81, "density": 0.64, "passed": 2, "failed": 2, "undecided": 1,
                           "verdict": "fails 2",
                           "verdict_text": "At 64% density the ticket reaches 81.00%. It is above its mask shuffled "
                                           "in each layer."})


ANSWERS = {type(NEAR): near, MethodComparison: comparison, ObjectiveValues: values, SanityChecks: sanity}
