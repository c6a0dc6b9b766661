"""The answer to sanity checks: the ticket beside what is left of it when one thing about it is destroyed.

Each check is tested like a control of a search: ticket minus check, paired by replicate, two-sided 90% t interval. One
word is said of it, the first that applies:

- passes: the interval lies above 0, so that what was destroyed was worth something;
- no difference: it lies within minus and plus the margin of the search;
- worse: it lies below 0;
- undecided: anything else, always with fewer than two replicates, and always if the dense network or the ticket did
  not learn more than guessing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lth_engine.analysis.empty_layers import empty_layers
from lth_engine.analysis.ticket_search import require_askable, require_possible
from lth_engine.analysis.unknown_start import unknown_start
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar, text_array
from lth_engine.core.comparison import word
from lth_engine.core.summary import number
from lth_engine.core.verdict import Difference, above_chance, paired_difference
from lth_engine.core.workbench import Workbench
from lth_engine.models.fit import check_fit
from lth_engine.specs.questions import trainings
from lth_engine.specs.sanity import SanityChecks
from lth_engine.training.material import material, network

WORDS = {"better": "passes", "equivalent": "no difference", "worse": "worse", "undecided": "undecided"}
"""What is said of a ticket in a comparison -> what is said of the check."""

NAMES = {"shuffled_mask": "itself with the mask shuffled in each layer",
         "redrawn": "itself with the weights drawn anew", "inverted_mask": "the mask of the lowest scores",
         "random_mask": "a random mask of the same density"}
"""Check -> what the ticket is compared with, in a sentence."""

MEANINGS = {"shuffled_mask": "which weights of a layer are kept does not matter, only how many",
            "redrawn": "the weights that it starts from do not matter",
            "inverted_mask": "what ranks the weights carries nothing",
            "random_mask": "the search finds nothing that a draw does not",
            "small_dense": "pruning buys nothing that fewer units would not"}
"""Check -> what it means if the ticket is not better."""


CONTINUES = ("This search goes on from trained weights, which the checks (all but the small dense network) lose "
             "too, so that a difference is that of the mask and of the training before.")
"""Said of searches whose tickets have trainings behind them: their controls are laid over the rewind point."""

Summaries = Mapping[tuple[str, int], Mapping[str, Scalar]]
"""(variant, replicate) -> summary of its run."""


def before(question: SanityChecks, bench: Workbench) -> None:
    """Refuse what could only fail after hours. Raises BadInput."""
    require_askable(question.of, question.level, bench)
    images = material(question.of.data, bench)
    for variant in question.checks:
        for needed in trainings(question.runs()[variant, 0]):
            require_possible(question.of, needed, images)
    if "small_dense" in question.checks:
        facts, spec = images.facts, question.small_dense(0).ticket.dense.model
        check_fit(network(spec, facts, 0, "cpu"), spec, facts.channels, facts.height, facts.width, facts.num_classes)


def answer(question: SanityChecks, inputs: Inputs, bench: Workbench) -> Answer:
    """Gather the runs and test each check.

    Arrays, one value a run: table/variant ("dense", "ticket" and the checks), table/replicate, table/test_accuracy,
    table/density, table/weights (prunable weights that are kept), table/key; one value a check: check/name,
    check/difference (ticket minus check), check/low, check/high (its 90% interval), check/word. small_dense is another
    architecture: its density is 1, its weights are those of the small network.

    The summary says accuracy and density of the ticket (means), how many checks it passed, failed (no difference or
    worse) and left undecided, verdict ("passes all", "fails N", "undecided") and verdict_text.
    """
    summaries = {cell: inputs.summary(run.key) for cell, run in question.runs().items()}
    accuracies = {variant: _column(summaries, variant, "test_accuracy", question.of.replicates)
                  for variant in ("dense", "ticket", *question.checks)}
    tests, doubt = _tests(question, accuracies, summaries)
    words = {name: "undecided" if doubt else said(test, question.of.margin) for name, test in tests.items()}
    density = float(_column(summaries, "ticket", "density", question.of.replicates).mean())
    kinds = list(words.values())
    failed = kinds.count("no difference") + kinds.count("worse")
    undecided = kinds.count("undecided")
    verdict = f"fails {failed}" if failed else "undecided" if undecided else "passes all"
    summary: dict[str, Scalar] = {
        "accuracy": float(accuracies["ticket"].mean()), "density": density, "passed": kinds.count("passes"),
        "failed": failed, "undecided": undecided, "verdict": verdict,
        "verdict_text": _sentences(question, tests, words, accuracies, summaries, density, doubt)
                        + unknown_start(question)}
    return Answer(_table(question, summaries) | _check_columns(tests, words), summary)


def said(difference: Difference, margin: float) -> str:
    """The word for a check, of ticket minus check; see the head of this module."""
    if difference.count >= 2 and difference.low > 0:
        return "passes"
    return WORDS[word(difference, margin, 1)]


def _tests(question: SanityChecks, accuracies: Mapping[str, Array],
           summaries: Summaries) -> tuple[dict[str, Difference], str]:
    """The test of each check, and a sentence if no test means anything, for want of learning; else empty."""
    images, chance = int(number(summaries["ticket", 0], "test_images")), number(summaries["ticket", 0], "chance")
    tests = {name: paired_difference(accuracies["ticket"], accuracies[name], 1 / images) for name in question.checks}
    if not above_chance(accuracies["dense"], chance, images):
        return tests, "The dense network did not learn more than guessing, so no check means anything: train longer."
    if not above_chance(accuracies["ticket"], chance, images):
        return tests, ("The ticket did not learn more than guessing, so no check means anything: choose a lower level "
                       "or train longer.")
    return tests, ""


def _column(summaries: Summaries, variant: str, name: str, count: int) -> Array:
    return np.array([number(summaries[variant, replicate], name) for replicate in range(count)])


def _table(question: SanityChecks, summaries: Summaries) -> dict[str, Array]:
    cells = list(summaries)
    runs = question.runs()
    return {"table/variant": text_array([variant for variant, _ in cells]),
            "table/replicate": np.array([replicate for _, replicate in cells]),
            "table/test_accuracy": np.array([number(summaries[cell], "test_accuracy") for cell in cells]),
            "table/density": np.array([number(summaries[cell], "density") for cell in cells]),
            "table/weights": np.array([int(number(summaries[cell], "kept")) for cell in cells]),
            "table/key": text_array([runs[cell].key for cell in cells])}


def _check_columns(tests: Mapping[str, Difference], words: Mapping[str, str]) -> dict[str, Array]:
    return {"check/name": text_array(list(tests)),
            "check/difference": np.array([test.mean for test in tests.values()]),
            "check/low": np.array([test.low for test in tests.values()]),
            "check/high": np.array([test.high for test in tests.values()]),
            "check/word": text_array([words[name] for name in tests])}


def _sentences(question: SanityChecks, tests: Mapping[str, Difference], words: Mapping[str, str],
               accuracies: Mapping[str, Array], summaries: Summaries, density: float, doubt: str) -> str:
    """The verdict with everything that it rests on."""
    count = question.of.replicates
    head = (f"At {100 * density:.3g}% density the ticket reaches {100 * accuracies['ticket'].mean():.2f}% "
            f"(dense {100 * accuracies['dense'].mean():.2f}%, n = {count}).")
    tickets = [summaries["ticket", replicate] for replicate in range(count)]
    empty = empty_layers([number(s, "dead_layers") for s in tickets], [str(s["thinnest_layer"]) for s in tickets],
                         "tickets", "choose a lower level, or search.scope layerwise")
    if doubt:
        return f"{head} {doubt}{empty}"
    if count < 2:
        return f"{head} One replicate has no spread, so no test is possible. Ask for 3 replicates or more."
    parts = [_about(_compared(name, summaries), MEANINGS[name], tests[name], words[name], question.of.margin)
             for name in tests]
    if question.of.search.continues and set(tests) != {"small_dense"}:
        parts.append(CONTINUES)
    return " ".join([head, *parts, f"(Paired t-tests at 5%, 90% intervals, margin {100 * question.of.margin:g} "
                                   "points; not corrected for their number.)"]) + empty


def _compared(name: str, summaries: Summaries) -> str:
    """What the ticket is compared with, in a sentence; a small network with its number of weights."""
    if name != "small_dense":
        return NAMES[name]
    small, ticket = (int(number(summaries[variant, 0], "kept")) for variant in (name, "ticket"))
    return f"a small dense network of {small:,} weights (the ticket keeps {ticket:,})"


def _about(what: str, meaning: str, test: Difference, said_of_it: str, margin: float) -> str:
    """One check in a sentence."""
    numbers = f"{100 * test.mean:+.2f} points, {100 * test.low:+.2f} to {100 * test.high:+.2f}"
    if said_of_it == "passes":
        return f"It is above {what} ({numbers})."
    if said_of_it == "no difference":
        return f"It does not differ from {what} by more than {100 * margin:g} points ({numbers}): {meaning}."
    if said_of_it == "worse":
        return f"It is below {what} ({numbers}): what this check destroys does the ticket harm."
    return f"It is not told apart from {what} ({numbers}); more replicates may tell."
