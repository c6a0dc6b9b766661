"""How far apart two networks are, weight by weight: distance, signs, masks, and what dead units leave of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from lth_engine.analysis.pairs.chance import overlap_by_chance, together
from lth_engine.analysis.pairs.effective import dead_units, effective
from lth_engine.analysis.pairs.signs import Signs, agreement
from lth_engine.analysis.sound_weights import require_finite, require_tensors
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar, text_array
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.comparing_networks import NetworkComparison
from lth_engine.specs.tickets import Run
from lth_engine.training.material import material, network


@dataclass(frozen=True)
class Network:
    """One of the two: its parameters as they act (pruned weights 0), in the network's order, and its mask."""

    weights: Mapping[str, Array]
    mask: Mask

    @property
    def layers(self) -> list[str]:
        """The prunable parameters, in the network's order; a mask knows only that of the alphabet."""
        return [name for name in self.weights if name in self.mask]


def answer(question: NetworkComparison, inputs: Inputs, bench: Workbench) -> Answer:
    """Compare the two, layer by layer and as a whole.

    Arrays, one value a prunable parameter in the network's order: layers/name, layers/size, layers/units;
    layers/distance (L2, pruned weights 0); layers/kept_first, kept_second, both; layers/expected, low, high (of
    `both`, by chance: mean and 95% band); layers/signs_agree (share of `both`; NaN of none) and signs_by_chance; for
    each network layers/effective_... (kept weights that a path runs through) and layers/dead_... (units that none
    runs through).

    The summary says distance (on prunable weights), distance_all (all parameters), signs_agree and signs_by_chance
    (None if no weight is kept by both), overlap (Jaccard), both, and what it would be by chance: both_expected,
    both_expected_low, both_expected_high (mean and 95% band, no interval of `both`); and for each network density,
    effective_density, dead_units, of `units` in all.

    Raises:
        BadInput: an answer holds other tensors than its question says; the text names them.
        NonFinite: a parameter is NaN or infinite; the text names it.
    """
    dense = question.first.ticket.dense
    facts = material(dense.data, bench).facts
    model = network(dense.model, facts, dense.init_seed, "cpu")
    bench.report(Progress(0, 3, "reading the two networks"))
    ends = ((question.first, question.first_at), (question.second, question.second_at))
    first, second = (_network(run, at, inputs, model) for run, at in ends)
    layers, summary = compared(first, second)
    for done, (one, which) in enumerate(((first, "first"), (second, "second")), start=1):
        bench.report(Progress(done, 3, f"following paths through the {which} network"))
        live = effective(model, one.mask, facts.channels, facts.height, facts.width)
        dead = dead_units(live)
        layers |= {f"effective_{which}": _counts(live, one.layers),
                   f"dead_{which}": np.array([dead[n] for n in one.layers])}
        summary |= {f"density_{which}": one.mask.density, f"effective_density_{which}": live.density,
                    f"dead_units_{which}": sum(dead.values())}
    return Answer({f"layers/{name}": value for name, value in layers.items()}, summary)


def compared(first: Network, second: Network) -> tuple[dict[str, Array], dict[str, Scalar]]:
    """All that needs no look inside the network: columns with one value a layer, and the summary."""
    names = first.layers
    both = first.mask & second.mask
    distance = {name: _distance(first.weights[name], second.weights[name]) for name in first.weights}
    signs = [agreement(first.weights[n][both[n]], second.weights[n][both[n]]) for n in names]
    sizes, kept = [first.mask[n].size for n in names], [_counts(one.mask, names) for one in (first, second)]
    chances = [overlap_by_chance(*map(int, counts)) for counts in zip(sizes, *kept, strict=True)]
    whole = together(chances)
    bands = np.array([chance.band for chance in chances])
    layers: dict[str, Array] = {
        "name": text_array(names), "size": np.array(sizes),
        "units": np.array([len(first.mask[n]) for n in names]),
        "distance": np.array([distance[n] for n in names]),
        "kept_first": kept[0], "kept_second": kept[1], "both": _counts(both, names),
        "expected": np.array([chance.mean for chance in chances]), "low": bands[:, 0], "high": bands[:, 1],
        "signs_agree": np.array([s.agree for s in signs]), "signs_by_chance": np.array([s.by_chance for s in signs])}
    summary: dict[str, Scalar] = {
        "distance": _norm(layers["distance"]), "distance_all": _norm(list(distance.values())),
        "signs_agree": _share(signs, lambda s: s.agree), "signs_by_chance": _share(signs, lambda s: s.by_chance),
        "overlap": first.mask.overlap(second.mask), "both": both.kept, "both_expected": whole.mean,
        "both_expected_low": whole.band[0], "both_expected_high": whole.band[1],
        "units": int(layers["units"].sum())}
    return layers, summary


def _network(run: Run, at: str, inputs: Inputs, model: nn.Module) -> Network:
    """The parameters and the mask that a run ended with, or started from."""
    artifact = inputs[(run if at == "end" else run.ticket).key]
    found, where = artifact.group("final" if at == "end" else "start"), f"at the {at} of run {run.key}"
    mask, parameters = Mask(artifact.group("mask")), dict(model.named_parameters())
    require_tensors(parameters, found, where)
    weights = {name: found[name] for name in parameters}
    require_finite(weights, where)
    return Network({n: np.where(mask[n], value, 0) if n in mask else value for n, value in weights.items()}, mask)


def _counts(mask: Mask, layers: Sequence[str]) -> Array:
    return np.array([int(mask[name].sum()) for name in layers])


def _distance(one: Array, other: Array) -> float:
    """L2, summed up in float64."""
    return _norm(one.astype(np.float64) - other)


def _norm(values: Array | Sequence[float]) -> float:
    return float(np.linalg.norm(np.ravel(values)))


def _share(signs: Sequence[Signs], what: Callable[[Signs], float]) -> float | None:
    """Mean over all weights that both keep; None if there are none."""
    counted = [s for s in signs if s.count]
    total = sum(s.count for s in counted)
    return sum(what(s) * s.count for s in counted) / total if total else None
