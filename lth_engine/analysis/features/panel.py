"""Accuracies on the features of a ticket and of its baselines, gathered over replicates, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lth_engine.analysis.features.paired import WORDS, Compared, compared, intervals
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar, text_array
from lth_engine.core.summary import number
from lth_engine.specs.features import FeaturePanel
from lth_engine.specs.questions import TicketSearch

NAMES = {"ticket": "the untrained ticket", "shuffled": "its mask shuffled in each layer",
         "dense": "the untrained dense network", "trained_ticket": "the trained ticket",
         "trained_dense": "the trained dense network"}
"""Variants in a sentence."""

REWOUND = {"ticket": "the ticket as its training starts", "dense": "the dense network as its training starts"}
"""Those that are trained a little where the rewind point is later than the initialisation."""


def names(of: TicketSearch) -> dict[str, str]:
    """What the variants of a search are called in a sentence."""
    return NAMES | REWOUND if of.search.rewind.count else NAMES


def gathered(question: FeaturePanel, inputs: Inputs, columns: Sequence[str]) -> Answer:
    """The table of all classifiers, and each variant beside the ticket.

    Arrays table/variant, table/replicate, table/key and the columns; variant/name, accuracy (mean), half_width (95%),
    difference, low, high (variant minus "ticket", paired, two-sided 90%; NaN for the ticket itself and where it is not
    among them) and word (of the variant against the ticket; "" there). Accuracies are fractions. The summary says the
    best variant, features, chance, and a sentence.
    """
    asked = question.asked()
    said = {cell: inputs.summary(q.key) for cell, q in asked.items()}
    one = next(iter(said.values()))
    arrays: dict[str, Array] = {
        "table/variant": text_array([variant for variant, _ in asked]),
        "table/replicate": np.array([replicate for _, replicate in asked]),
        "table/key": text_array([q.key for q in asked.values()])}
    arrays |= {f"table/{name}": np.array([number(s, name) for s in said.values()]) for name in columns}
    accuracy = {variant: np.array([number(s, "test_accuracy") for (v, _), s in said.items() if v == variant])
                for variant in question.variants}
    ticket = accuracy.get("ticket")
    found = {variant: compared(values, None if variant == "ticket" else values, ticket,
                               int(number(one, "test_images")), question.of.margin)
             for variant, values in accuracy.items()}
    best = max(found, key=lambda variant: found[variant].accuracy)
    summary: dict[str, Scalar] = {
        "best": best, "features": one["features"], "chance": one["chance"],
        "verdict_text": _sentence(found, names(question.of), question.of.replicates, number(one, "chance"))}
    return Answer(arrays | columns_of(found, "variant"), summary)


def columns_of(found: Mapping[str, Compared], path: str) -> dict[str, Array]:
    """One value a variant, below `path`."""
    rows = list(found.values())
    return {f"{path}/name": text_array(list(found)), f"{path}/word": text_array([row.word for row in rows]),
            f"{path}/accuracy": np.array([row.accuracy for row in rows]),
            f"{path}/half_width": np.array([row.half_width for row in rows]),
            f"{path}/difference": np.array([row.difference.mean for row in rows]),
            f"{path}/low": np.array([row.difference.low for row in rows]),
            f"{path}/high": np.array([row.difference.high for row in rows])}


def _sentence(found: Mapping[str, Compared], called: Mapping[str, str], replicates: int, chance: float) -> str:
    """What a classifier reads off the ticket, and the ticket against the others."""
    if "ticket" not in found:
        best = max(found, key=lambda variant: found[variant].accuracy)
        return (f"Best are the features of {called[best]} with {100 * found[best].accuracy:.1f}% (n = {replicates}, "
                f"guessing is {100 * chance:.3g}%). No ticket whose training only starts is among them.")
    head = (f"A linear classifier on the features of {called['ticket']} reaches "
            f"{100 * found['ticket'].accuracy:.1f}% (n = {replicates}; guessing is {100 * chance:.3g}%)")
    others = {name: row for name, row in found.items() if name != "ticket"}
    if not others:
        return head + "."
    if replicates < 2:
        parts = [f"{called[name]} {100 * row.accuracy:.1f}%" for name, row in others.items()]
        return f"{head}; {', '.join(parts)}. One replicate has no spread, so no test is possible: ask for 3 or more."
    said = intervals([row.difference for row in others.values()])
    against = "; ".join(f"{called[name]} {WORDS[row.word]} it ({words})"
                        for (name, row), words in zip(others.items(), said, strict=True))
    return f"{head}. Beside it: {against}."
