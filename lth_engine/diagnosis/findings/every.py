"""All findings of a network, the worst first, or one that says that nothing is wrong."""

from __future__ import annotations

from lth_engine.diagnosis.anatomy import Anatomy
from lth_engine.diagnosis.findings import (
    biases,
    classes,
    dead_units,
    duplicates,
    half_precision,
    layer_collapse,
    layer_densities,
    mask_values,
    non_finite,
    norm_start,
    norm_variance,
    pruning_round,
    signs,
    stale,
    tied,
    untrained,
    zero_filters,
)
from lth_engine.diagnosis.findings.finding import SEVERITIES, Finding, counted

KINDS = (non_finite, norm_variance, layer_collapse, dead_units, untrained, norm_start, classes, mask_values,
         duplicates, zero_filters, biases, half_precision, stale, tied, signs, pruning_round, layer_densities)
"""Modules of findings, in the order in which their findings are told."""

SHOWN = 5
"""Findings of one kind that are told one by one; the rest are counted."""


def findings(anatomy: Anatomy) -> list[Finding]:
    """What is found, the worst first; a finding of severity "good" where nothing is a warning or a problem."""
    if not anatomy.prunable:
        return [Finding("no_network", "note", "The file holds no weights of a convolution, a linear layer or "
                        "attention, so there is no network whose health could be told.", None, "health")]
    found: list[Finding] = []
    for kind in KINDS:
        here = sorted(kind.find(anatomy), key=_badness)
        found += here[:SHOWN]
        if len(here) > SHOWN:
            found.append(Finding(here[0].code, here[SHOWN].severity, f"The same holds for {len(here) - SHOWN} more: "
                                 f"{', '.join(f.layer or f.code for f in here[SHOWN:SHOWN + 10])}.",
                                 None, here[0].about))
    if not any(f.severity in ("warning", "problem") for f in found):
        found.insert(0, _healthy(anatomy, any(f.code == "untrained" for f in found)))
    return sorted(found, key=_badness)


def _badness(finding: Finding) -> int:
    return -SEVERITIES.index(finding.severity)


def _healthy(anatomy: Anatomy, doubted: bool) -> Finding:
    """Args: `doubted`: whether another finding speaks of a draw, so that nothing is said of training here."""
    ended = "." if doubted else ", and nothing shows that the network is untrained."
    return Finding("healthy", "good", "Nothing is wrong as far as weights alone tell: all of "
                   f"{counted(len(anatomy.weights), 'tensor')} are finite, no layer has collapsed{ended}", None,
                   "health")
