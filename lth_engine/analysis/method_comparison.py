"""The answer to a comparison of methods: accuracy against cost with a paired test, layer densities, overlap of masks.

Everything but the layers and the overlaps is gathered from summaries; of the runs only masks are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from lth_engine.analysis.pairs.chance import overlap_by_chance, together
from lth_engine.analysis.ticket_search import require_askable
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar, present, text_array
from lth_engine.core.comparison import word
from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask
from lth_engine.core.meter import Meter
from lth_engine.core.summary import number
from lth_engine.core.verdict import Difference, above_chance, half_width, paired_difference
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.masking.prunable import prunable
from lth_engine.specs.comparing_methods import MethodComparison, OfMethods
from lth_engine.specs.costs import costs_behind, published_epochs, totals
from lth_engine.training.material import material, network

Rows = Mapping[tuple[str, int], Mapping[str, Scalar]]
"""(method, replicate) -> summary of its run, with what it cost from nothing."""

_COLUMNS = ("test_accuracy", "density", "total_epochs", "total_train_seconds", "total_flops_dense")


def before(question: MethodComparison, bench: Workbench) -> None:
    """Refuse what could only fail after hours. Raises BadInput, naming the method."""
    require_methods(question, question.level, bench)


def require_methods(question: OfMethods, level: int, bench: Workbench) -> None:
    """Refuse methods whose search could only fail on its way to a level. Raises BadInput, naming the method."""
    for method in question.methods:
        try:
            require_askable(question.search(method), level, bench)
        except BadInput as error:
            raise BadInput(f"The method {method} cannot be compared here: {error}") from error


def answer(question: MethodComparison, inputs: Inputs, bench: Workbench) -> Answer:
    """Gather the runs.

    Arrays, one value a run: table/method ("dense" is the whole network), table/replicate, table/test_accuracy,
    table/density, table/total_epochs, table/total_train_seconds, table/total_flops_dense, table/key. One value a
    method, in the order of the question and "dense" at the end: method/name, method/accuracy and method/density
    (means), method/half_width (95%), method/epochs and method/seconds (mean cost from nothing),
    method/published_epochs (see :func:`published_epochs`), and against the first method, the reference:
    method/difference, method/low, method/high (90%), method/word ("reference" of itself; "undecided" where both are
    no better than guessing). One value a layer, in the network's order: layers/name, layers/size; layers/density
    (methods x layers, mean over replicates). Of the masks of replicate 0, methods x methods: overlap/both (weights
    that both keep), overlap/expected, overlap/low, overlap/high (by chance, given what each keeps of each layer: mean
    and 95% band); overlap/kept. "dense" has a row there, too.

    The summary says methods (names), best and best_accuracy (of the methods alone), dense_accuracy, density (of the
    reference) and chance.
    """
    rows = _rows(question, inputs)
    names = [*question.methods, "dense"]
    accuracies = {name: _values(rows, name, "test_accuracy") for name in names}
    arrays = _table(question, rows) | _methods(question, rows, accuracies)
    arrays |= _masks(question, names, inputs, bench)
    best = max(question.methods, key=lambda name: float(accuracies[name].mean()))
    first = rows[question.methods[0], 0]
    summary: dict[str, Scalar] = {
        "methods": ", ".join(question.methods), "best": best, "best_accuracy": float(accuracies[best].mean()),
        "dense_accuracy": float(accuracies["dense"].mean()),
        "density": float(_values(rows, question.methods[0], "density").mean()), "chance": number(first, "chance")}
    return Answer(arrays, summary)


def _rows(question: MethodComparison, inputs: Inputs) -> dict[tuple[str, int], Mapping[str, Scalar]]:
    """The summary of every run with what it cost from nothing (NaN if part of that has gone), method by method."""
    runs = question.runs()
    behind = costs_behind(*runs.values())
    keys = frozenset[str]().union(*(behind[run] for run in runs.values()))
    summaries = present(inputs, keys)
    return {cell: {**inputs.summary(run.key), **totals(behind[run], summaries)} for cell, run in runs.items()}


def _values(rows: Rows, method: str, name: str) -> Array:
    return np.array([number(row, name) for (other, _), row in rows.items() if other == method])


def _table(question: MethodComparison, rows: Rows) -> dict[str, Array]:
    runs = question.runs()
    return {"table/method": text_array([method for method, _ in rows]),
            "table/replicate": np.array([replicate for _, replicate in rows]),
            **{f"table/{name}": np.array([number(row, name) for row in rows.values()]) for name in _COLUMNS},
            "table/key": text_array([runs[cell].key for cell in rows])}


def _methods(question: MethodComparison, rows: Rows, accuracies: Mapping[str, Array]) -> dict[str, Array]:
    """One value a method."""
    reference = question.methods[0]
    images, chance = (number(rows[reference, 0], name) for name in ("test_images", "chance"))
    tests = {name: paired_difference(values, accuracies[reference], 1 / images)
             for name, values in accuracies.items()}
    tests[reference] = Difference(0.0, 0.0, 0.0, len(accuracies[reference]))
    learned = {name: above_chance(values, chance, int(images)) for name, values in accuracies.items()}
    words = {name: word(test, question.of.margin, 1) if learned[name] or learned[reference] else "undecided"
             for name, test in tests.items()} | {reference: "reference"}
    dense = rows["dense", 0]
    steps_per_epoch = round(number(dense, "steps") / number(dense, "epochs"))
    runs = question.runs()
    return {
        "method/name": text_array(list(tests)),
        "method/accuracy": np.array([values.mean() for values in accuracies.values()]),
        "method/half_width": np.array([half_width(values) for values in accuracies.values()]),
        "method/density": np.array([_values(rows, name, "density").mean() for name in tests]),
        "method/epochs": np.array([_values(rows, name, "total_epochs").mean() for name in tests]),
        "method/published_epochs": np.array([published_epochs(runs[name, 0], steps_per_epoch) for name in tests]),
        "method/seconds": np.array([_values(rows, name, "total_train_seconds").mean() for name in tests]),
        "method/difference": np.array([test.mean for test in tests.values()]),
        "method/low": np.array([test.low for test in tests.values()]),
        "method/high": np.array([test.high for test in tests.values()]),
        "method/word": text_array([words[name] for name in tests])}


def _masks(question: MethodComparison, names: list[str], inputs: Inputs, bench: Workbench) -> dict[str, Array]:
    """Layer densities of all masks, and the overlaps of those of replicate 0; one mask after another is read."""
    images = material(question.of.data, bench)
    model = network(question.of.model, images.facts, question.of.seed, "cpu")
    layers = [name for name, _ in model.named_parameters() if name in prunable(model)]
    runs, meter = question.runs(), Meter(bench.report)
    kept: dict[str, list[list[int]]] = {name: [] for name in names}
    first: dict[str, Mask] = {}
    for done, ((name, replicate), run) in enumerate(runs.items()):
        meter.tell(Progress(done, len(runs), "reading masks"))
        mask = Mask(inputs[run.ticket.key].group("mask"))
        kept[name].append([int(mask[layer].sum()) for layer in layers])
        if replicate == 0:
            first[name] = mask
    sizes = [first[names[0]][layer].size for layer in layers]
    return {"layers/name": text_array(layers), "layers/size": np.array(sizes),
            "layers/density": np.array([np.mean(kept[name], axis=0) / sizes for name in names]),
            **overlaps(layers, [first[name] for name in names], meter)}


def overlaps(layers: Iterable[str], masks: list[Mask], meter: Meter) -> dict[str, Array]:
    """What each two masks have in common, and would have by chance (see :mod:`lth_engine.analysis.pairs.chance`)."""
    layers, count = list(layers), len(masks)
    found = {name: np.zeros((count, count)) for name in ("both", "expected", "low", "high")}
    for i, one in enumerate(masks):
        for j, other in enumerate(masks[:i + 1]):
            meter.tell(Progress(i * (i + 1) // 2 + j, count * (count + 1) // 2, "comparing masks"))
            chance = together([overlap_by_chance(one[n].size, int(one[n].sum()), int(other[n].sum()))
                               for n in layers])
            low, high = chance.band
            for name, value in zip(found, ((one & other).kept, chance.mean, low, high), strict=True):
                found[name][i, j] = found[name][j, i] = value
    counts = {name: value.astype(np.int64) if name != "expected" else value for name, value in found.items()}
    return {f"overlap/{name}": value for name, value in counts.items()} | {
        "overlap/kept": np.array([mask.kept for mask in masks])}
