"""What a signed mask carries onto other weights: the accuracy of every case beside that of the mask alone.

The cases of one replicate share the other network and the order of the images, so their differences are paired by
replicate. The case "mask alone" has the ticket's mask; its signs and normalisation are those of the other network.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lth_engine.analysis.empty_layers import empty_layers
from lth_engine.analysis.ticket_search import require_askable
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar, text_array
from lth_engine.core.comparison import word
from lth_engine.core.summary import number
from lth_engine.core.verdict import Difference, Verdict, above_chance, half_width, judge, paired_difference
from lth_engine.core.workbench import Workbench
from lth_engine.specs.signs import MASK_ALONE, SIGNED, Cell, SignPanel

Summary = Mapping[str, Scalar]
Runs = Mapping[tuple[Cell, int], Summary]


def before(question: SignPanel, bench: Workbench) -> None:
    """Refuse what could only fail after hours, as for a search that ends at this level."""
    require_askable(question.of, question.level, bench)


def answer(question: SignPanel, inputs: Inputs, bench: Workbench) -> Answer:
    """Every case's accuracy, its difference to the mask alone, and what the signs gain.

    Arrays, one value a run: table/mask, signs, norms (whether it is the ticket's), replicate, test_accuracy, key; one
    a case: cell/mask, signs, norms, accuracy (mean), half_width (of the 95% interval), difference (to the mask alone),
    low, high (90%, paired), word. With lines also barrier_siblings and barrier_solution of both (means over the
    replicates; NaN for cases whose mask is drawn anew). Ends of intervals are NaN with one replicate.

    The summary says ticket_accuracy, dense_accuracy, signed_accuracy (mask and signs), mask_accuracy (mask alone),
    gain with its 90% interval (None with one replicate), verdict (the word for the gain) and verdict_text, density.
    """
    summaries = {at: inputs.summary(run.key) for at, run in question.runs().items()}
    own = {level: [inputs.summary(question.own(level, r).key) for r in range(question.of.replicates)]
           for level in (0, question.level)}
    found = {cell: _column(summaries, cell, "test_accuracy") for cell in question.cells()}
    differences = {cell: paired_difference(values, found[MASK_ALONE], 1 / number(own[0][0], "test_images"))
                   for cell, values in found.items()}
    images, chance = int(number(own[0][0], "test_images")), number(own[0][0], "chance")
    learned = {cell: above_chance(values, chance, images) for cell, values in found.items()}
    words = {cell: word(difference, question.of.margin, 1) if learned[cell] or learned[MASK_ALONE] else "undecided"
             for cell, difference in differences.items()}
    arrays = _table(question, found) | _cells(question, found, differences, words)
    if question.lines:
        arrays |= _barriers(question, inputs)
    dense, ticket = (np.array([number(s, "test_accuracy") for s in own[level]]) for level in (0, question.level))
    verdict = judge(found[SIGNED], dense, {}, question.of.margin, images=images, chance=chance)
    gain, density = differences[SIGNED], float(np.mean([number(s, "density") for s in own[question.level]]))
    said: dict[str, Scalar] = {
        "ticket_accuracy": float(ticket.mean()), "dense_accuracy": float(dense.mean()),
        "signed_accuracy": float(found[SIGNED].mean()), "mask_accuracy": float(found[MASK_ALONE].mean()),
        "gain": gain.mean, "gain_low": _or_none(gain.low), "gain_high": _or_none(gain.high),
        "verdict": words[SIGNED] if verdict.learned else "undecided", "density": density}
    text = _text(question, said, gain, verdict)
    if verdict.learned and not (learned[SIGNED] or learned[MASK_ALONE]):
        text += " Neither learned more than guessing, so their difference says nothing."
    text += empty_layers([number(s, "dead_layers") for s in summaries.values()],
                         [str(s["thinnest_layer"]) for s in summaries.values()], "networks", "choose a lower level")
    return Answer(arrays, said | {"verdict_text": text})


def _column(summaries: Runs, cell: Cell, name: str) -> Array:
    return np.array([number(s, name) for (of, _), s in sorted(summaries.items()) if of == cell])


def _table(question: SignPanel, found: Mapping[Cell, Array]) -> dict[str, Array]:
    """One row a run, case by case."""
    cells = question.cells()
    places = [(cell, r) for cell in cells for r in range(question.of.replicates)]
    return _flags("table", [cell for cell, _ in places]) | {
        "table/replicate": np.array([r for _, r in places]),
        "table/test_accuracy": np.concatenate([found[cell] for cell in cells]),
        "table/key": text_array([question.run(*place).key for place in places])}


def _cells(question: SignPanel, found: Mapping[Cell, Array],
           differences: Mapping[Cell, Difference], words: Mapping[Cell, str]) -> dict[str, Array]:
    """One row a case."""
    cells = question.cells()
    ordered = [differences[cell] for cell in cells]
    return _flags("cell", cells) | {
        "cell/accuracy": np.array([found[cell].mean() for cell in cells]),
        "cell/half_width": _finite([half_width(found[cell]) for cell in cells]),
        "cell/difference": np.array([d.mean for d in ordered]),
        "cell/low": _finite([d.low for d in ordered]), "cell/high": _finite([d.high for d in ordered]),
        "cell/word": text_array(["reference" if cell == MASK_ALONE else words[cell] for cell in cells])}


def _barriers(question: SignPanel, inputs: Inputs) -> dict[str, Array]:
    """Barriers of the test error between siblings and to the solution, of each run and as means of each case."""
    lines, found = question.line_pairs(), dict[str, Array]()
    for what in ("siblings", "solution"):
        rows = [[number(inputs.summary(lines[cell, r, what].key), "barrier_test") if cell[0] else math.nan
                 for r in range(question.of.replicates)] for cell in question.cells()]
        found |= {f"table/barrier_{what}": np.ravel(rows), f"cell/barrier_{what}": np.mean(rows, axis=1)}
    return found


def _flags(group: str, cells: Sequence[Cell]) -> dict[str, Array]:
    return {f"{group}/{name}": np.array([cell[i] for cell in cells]) for i, name in enumerate(
        ("mask", "signs", "norms"))}


def _text(question: SignPanel, said: Summary, gain: Difference, verdict: Verdict) -> str:
    """The verdict with every number that it rests on."""
    at = f"At {100 * number(said, 'density'):.3g}% density (level {question.level}, n = {gain.count})"
    if not verdict.learned:
        return f"{at}: {verdict.sentence}"
    margin = f"{100 * question.of.margin:g} points"
    words = {"better": "the ticket's signs carry something that its mask alone does not",
             "worse": "the ticket's signs do harm on other weights",
             "equivalent": f"the ticket's signs add nothing beyond the margin of {margin}",
             "undecided": f"undecided whether the ticket's signs add anything (margin {margin})"}
    told = (f", 90% interval {_points(gain.low)} to {_points(gain.high)}, paired t-test at 5%" if gain.count > 1 else
            "; one replicate has no spread, so no test is possible: ask for a search of 3 replicates or more")
    text = (f"{at}: {words[str(said['verdict'])]}. On other weights, mask and signs reach {_percent(said, 'signed')}, "
            f"the mask alone {_percent(said, 'mask')} ({_points(gain.mean)} points{told}). "
            f"The ticket itself reaches {_percent(said, 'ticket')}, the dense network {_percent(said, 'dense')}.")
    if gain.count < 2:
        return text
    d = verdict.against_dense
    return text + (f" Mask and signs on other weights against the dense network: {verdict.word} ({_points(d.mean)} "
                   f"points, {_points(d.low)} to {_points(d.high)}, margin {margin}).")


def _percent(said: Summary, name: str) -> str:
    return f"{100 * number(said, f'{name}_accuracy'):.2f}%"


def _points(fraction: float) -> str:
    return f"{100 * fraction:+.2f}"


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _finite(values: Sequence[float]) -> Array:
    return np.array([value if math.isfinite(value) else math.nan for value in values])
