"""Dead units and effective density: what the masks leave that lies on no path from the image to an output."""

from __future__ import annotations

import torch

from lth_engine.analysis.pairs.effective import dead_units, effective
from lth_engine.core.mask import Mask
from lth_engine.diagnosis.anatomy import Anatomy
from lth_engine.diagnosis.findings.finding import Finding, counted, listed, percent
from lth_engine.diagnosis.findings.zero_filters import empty_columns, empty_rows
from lth_engine.importing.checkpoint import Architecture
from lth_engine.models.build import build

ABOUT = "health_dead_units"

MANY = 0.5
"""Share of dead units that is worth a warning."""

USELESS = 0.1
"""Share of the kept weights on no path that is worth a warning."""

WORK = 32_000_000_000
"""Weights times pixels above which paths are not followed for a card: a ResNet-50 on 32 pixels has 24e9, and takes
0.5 s."""


def find(anatomy: Anatomy) -> list[Finding]:
    """What the zeros of a sparse network cut off; nothing for a network without zeros."""
    thin = [layer for layer in anatomy.prunable if layer.alive < layer.size]
    if not anatomy.alive or not (anatomy.sparse or any(bool(empty_rows(layer).any()) for layer in thin)):
        return []
    known = anatomy.checkpoint.architecture
    if known is None:
        return _by_rows(anatomy, "the architecture is not known")
    if anatomy.size * known.height * known.width > WORK:
        return _by_rows(anatomy, f"{known.name} on {known.height} x {known.width} pixels is too large for a card")
    live = effective(*_network(anatomy, known), known.channels, known.height, known.width, torch.float32)
    return _told(anatomy, live)


def _network(anatomy: Anatomy, known: Architecture) -> tuple[torch.nn.Module, Mask]:
    """A network of the architecture and which of its prunable weights are kept, by the lab's names."""
    kept = {known.renaming.get(layer.name, layer.name): (layer.effective() != 0).numpy() for layer in anatomy.prunable}
    model = build(known.spec, known.channels, known.height, known.width, known.classes, 0)
    for name in kept:
        model.get_parameter(name).data = torch.empty(0)  # the mask stands in for it; its memory is wanted
    return model, Mask(kept)


def _told(anatomy: Anatomy, live: Mask) -> list[Finding]:
    if not live.kept:
        return [Finding("dead_units", "problem", "No path of kept weights leads from the image to an output: all "
                        f"{anatomy.alive:,} kept weights are useless, and every image gets the same answer.", None,
                        ABOUT)]
    units = sum(len(array) for array in live.values())
    dead = dead_units(live)
    total, lost = sum(dead.values()), anatomy.alive - live.kept
    if not total and not lost:
        return []
    known = anatomy.checkpoint.architecture
    back = {ours: theirs for theirs, ours in known.renaming.items()} if known else {}
    worst = sorted((name for name in dead if dead[name]), key=lambda name: -dead[name] / len(live[name]))
    parts = [f"{back.get(name, name)} ({dead[name]:,} of {len(live[name]):,})" for name in worst]
    bad = total > MANY * units or lost > USELESS * anatomy.alive
    density = percent(anatomy.alive / anatomy.size)
    effect = f"All kept weights lie on paths: the effective density is {density}, too." if not lost else \
        f"{counted(lost, 'kept weight')} without effect: the effective density is {percent(live.kept / live.size)} " \
        f"where the {'masks' if anatomy.checkpoint.sparse.masks else 'zeros'} say {density}."
    text = f"{total:,} of {units:,} units {'is' if total == 1 else 'are'} dead: no path of kept weights leads " \
           f"through ({listed(parts)}). {effect}"
    return [Finding("dead_units", "warning" if bad else "note", text, None, ABOUT)]


def _by_rows(anatomy: Anatomy, why: str) -> list[Finding]:
    """What rows alone tell, with the reason why paths are not followed."""
    empty = sum(int(empty_rows(layer).sum()) for layer in anatomy.prunable)
    rows = sum(layer.rows for layer in anatomy.prunable)
    unread = sum(int(empty_columns(layer).sum()) for layer in anatomy.prunable)
    if not empty and not unread:
        return []
    return [Finding("dead_units", "note", f"{empty:,} of {rows:,} units get no weight, and {unread:,} inputs are read "
                    f"by no weight. Dead units behind them and the effective density are not told, as {why}.",
                    None, ABOUT)]
