"""Two checkpoints side by side: distance, signs and masks layer by layer, and what they are to one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from lth_engine.analysis.pairs.chance import Chance, overlap_by_chance, together
from lth_engine.diagnosis.anatomy import Anatomy, lay_out
from lth_engine.diagnosis.beside import beside
from lth_engine.diagnosis.card import strictly
from lth_engine.diagnosis.findings import untrained
from lth_engine.diagnosis.findings.finding import Finding, counted, listed, percent
from lth_engine.diagnosis.kinship import kinship
from lth_engine.diagnosis.layer_pair import Sums, sums
from lth_engine.diagnosis.opened import opened
from lth_engine.diagnosis.pairing import Pairing, pair, same_network
from lth_engine.diagnosis.reordered import MOST, PERMUTED, reordered

DENSE = 0.9999
"""Share of the weights that both keep from which there are no masks to speak of: draws have a few zeros."""

SHOWN = 50
"""Names that differ that are told."""


def compare(files: list[Path], arguments: Mapping[str, Any], emit: Callable[[dict[str, Any]], None],
            out: BinaryIO | None) -> dict[str, Any]:
    """Two clean copies compared.

    Args:
        files: two clean copies.
        arguments: "matching", whether units may be reordered (true if it is not there).
        emit: gets {"done": how many layers, "of": all}.
        out: unused.

    Returns:
        "same_shape"; "by" ("network", "names", "order" or "nothing"); "only_first", "only_second", "shapes" (what
        differs);
        "layers" and "whole": name, weights, distance, relative, cosine, errors, sign_pairs, sign_agreement,
        sign_chance, density_first, density_second, both, overlap (both over either), chance and chance_band (of
        `both`); "kinship": code and text; "reordered": cosine, by_chance, moved, or None; "findings" as in a card.
    """
    first, second = (lay_out(opened(path)) for path in files[:2])
    return compared(first, second, emit, bool(arguments.get("matching", True)))


def compared(first: Anatomy, second: Anatomy, emit: Callable[[dict[str, Any]], None], matching: bool = True
             ) -> dict[str, Any]:
    """What :func:`compare` tells."""
    pairing = pair(first, second)
    finite = {name: sides for name, sides in pairing.layers.items() if sides[0].finite and sides[1].finite}
    layers, total, chances = [], Sums(), []
    for index, (name, sides) in enumerate(finite.items()):
        here = sums(*sides)
        chance = overlap_by_chance(here.size, here.kept_a, here.kept_b)
        layers.append({"name": name, **_numbers(here, chance)})
        total, chances = total + here, [*chances, chance]
        emit({"done": index + 1, "of": len(finite)})
    chance = together(chances)
    related = kinship(total, _fresh(first), _fresh(second), beside(pairing.others))
    order = _reordered(first, second, pairing) if matching and related.code in ("apart", "unclear") else None
    found = [*_shape(pairing, len(finite)), Finding("kinship", "note", related.text, None, "compare_kinship"),
             *_order(order), *_masks(total, chance), *_signs(total)]
    answer: dict[str, Any] = strictly({
        "same_shape": pairing.same_shape, "by": pairing.by, "only_first": pairing.only_first[:SHOWN],
        "only_second": pairing.only_second[:SHOWN], "shapes": pairing.shapes[:SHOWN], "layers": layers,
        "whole": {"name": "", **_numbers(total, chance)}, "kinship": vars(related), "reordered": order,
        "findings": [finding.plain() for finding in found]})
    return answer


def _numbers(found: Sums, chance: Chance) -> dict[str, Any]:
    either = found.kept_a + found.kept_b - found.both
    share = 1 / found.both if found.both else None
    return {"weights": found.size, "distance": found.apart**0.5, "relative": found.relative, "cosine": found.cosine,
            "errors": found.errors, "sign_pairs": found.both,
            "sign_agreement": None if share is None else found.agree * share,
            "sign_chance": None if share is None else found.chance * share,
            "density_first": found.kept_a / found.size if found.size else None,
            "density_second": found.kept_b / found.size if found.size else None, "both": found.both,
            "overlap": found.both / either if either else None, "chance": chance.mean,
            "chance_band": list(chance.band)}


def _fresh(anatomy: Anatomy) -> bool:
    return any(finding.severity == "warning" for finding in untrained.find(anatomy))


def _reordered(first: Anatomy, second: Anatomy, pairing: Pairing) -> dict[str, Any] | None:
    """Numbers after matching units, for small networks that are known."""
    known = first.checkpoint.architecture
    finite = all(layer.finite for anatomy in (first, second) for layer in anatomy.layers)
    if known is None or not same_network(first, second) or first.size > MOST or not finite:
        return None
    return vars(reordered(first.checkpoint, second.checkpoint, known.height, known.width))


def _shape(pairing: Pairing, compared_layers: int) -> list[Finding]:
    if pairing.same_shape:
        return [Finding("same_shape", "good", "Both have the same tensors of the same shapes.", None, "compare_shape")]
    if pairing.by == "nothing":
        return [Finding("same_shape", "warning", "They have no name in common, and one of them sorts its tensors by "
                        "name, so which layers of one shape belong together is not known and nothing is compared. "
                        "Save both with torch.save, or under the same names.", None, "compare_shape")]
    parts = [f"{counted(len(names), 'parameter')} only in the {which} ({listed(names)})"
             for which, names in (("first", pairing.only_first), ("second", pairing.only_second)) if names]
    if pairing.shapes:
        name, one, other = pairing.shapes[0]
        parts.append(f"{counted(len(pairing.shapes), 'parameter')} of different shape (as {name}: {list(one)} and "
                     f"{list(other)})")
    return [Finding("same_shape", "warning", f"They differ in shape: {'; '.join(parts)}. "
                    f"{counted(compared_layers, 'layer')} could be compared.", None, "compare_shape")]


def _order(order: dict[str, Any] | None) -> list[Finding]:
    if order is None:
        return []
    cosine, chance = order["cosine"], order["by_chance"]
    if cosine >= PERMUTED:
        text = f"The second is the first with its units in another order: after putting {order['moved']:,} units " \
               f"back their weights correlate by {cosine:.4f}."
    else:
        text = f"With the second's units in the order nearest to the first, weights correlate by {cosine:.3f}; " \
               f"shuffled weights reach {chance:.3f} in this way, so " + (
                   "some likeness is left in another order." if cosine > 1.5 * chance + 0.05 else
                   "they are no copies in another order.")
    return [Finding("reordered", "note", text, None, "weight_matching")]


def _masks(total: Sums, chance: Chance) -> list[Finding]:
    """Which one is denser, whether one's mask lies within the other's, and how far they overlap beyond chance."""
    if not total.size or total.both > DENSE * total.size:
        return []
    a, b = total.kept_a / total.size, total.kept_b / total.size
    denser = f"Both keep {percent(a)} of the weights." if total.kept_a == total.kept_b else \
        f"The {'first' if a > b else 'second'} is denser: {percent(a)} of the weights in the first, {percent(b)} in " \
        "the second."
    found = [Finding("denser", "note", denser, None, "density")]
    low, high = chance.band
    if total.both == min(total.kept_a, total.kept_b) and total.both and high < total.both:
        inner = "first" if total.kept_a <= total.kept_b else "second"
        text = "Both keep exactly the same weights." if total.kept_a == total.kept_b else \
            f"Every weight that the {inner} keeps is kept by the other: its mask lies within the other's, as that " \
            "of a later round."
        return [*found, Finding("subset", "note", f"{text} By chance {chance.mean:,.0f} would be in common, not "
                                f"{total.both:,}.", None, "overlap_by_chance")]
    if low == high:  # one of them keeps all
        return found
    place = "more than" if total.both > high else "fewer than" if total.both < low else "as many as"
    return [*found, Finding("overlap", "note", f"Both keep {total.both:,} weights in common, {place} by chance "
                            f"({chance.mean:,.0f}, 95% of cases between {low:,} and {high:,}, given what each layer "
                            "keeps).", None, "overlap_by_chance")]


def _signs(total: Sums) -> list[Finding]:
    if not total.both:
        return []
    return [Finding("signs", "note", f"{percent(total.agree / total.both)} of the {total.both:,} weights that both "
                    f"keep have the same sign; by chance {percent(total.chance / total.both)}.", None, "signs_agree")]
