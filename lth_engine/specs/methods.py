"""Methods by name: the search that each stands for, with the settings of a search that all share.

CTS, edge-popup, Gem-Miner and continuous sparsification search for as long as their papers do in proportion to the
training: all of it, an eighth (Quick CTS), a half (Half CTS), a third a round (continuous sparsification). CTS shows
as many images in a step as the training, as in its paper (512 in both).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lth_engine.core.spec import catalogue
from lth_engine.core.step import Step
from lth_engine.specs.finding import Aws, Imp, Lrr, OneShot, SearchSpec
from lth_engine.specs.mask_learners import ContinuousSparsification, Cts, EdgePopup, GemMiner
from lth_engine.specs.models import Vgg
from lth_engine.specs.objectives import ObjectiveSpec
from lth_engine.specs.phases import Same
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.scorers import Grasp, RandomScore, Saliency, Snip, StartMagnitude, Synflow

Build = Callable[[Step], SearchSpec]
"""Length of the training -> the search."""

NEAR_START = ("published", "initialisation", "rewind")
"""Where masks are drawn: where each paper draws them, all at initialisation, or all at the rewind point."""


@dataclass(frozen=True)
class Method:
    """A way to find a ticket.

    Attributes:
        title: a few words for legends.
        build: the search, for a training of a given length.
        rewinds: whether the paper draws its mask at the rewind point rather than at initialisation.
        trains: whether it trains the network again for every level.
    """

    title: str
    build: Build
    rewinds: bool = False
    trains: bool = False


def _cts(objective: ObjectiveSpec, share: int, balance: str = "gradbalance") -> Build:
    return lambda length: Cts(objective=objective, length=_part(length, share), balance=balance)


def _saliency(objective: ObjectiveSpec) -> Build:
    return lambda length: OneShot(scorer=Saliency(objective=objective))


def _part(length: Step, share: int) -> Step:
    return Step(max(1, length.count // share), length.unit)


_OBJECTIVES = {name: cls() for name, cls in catalogue("objective").items() if issubclass(cls, ObjectiveSpec)}

METHODS: dict[str, Method] = {
    "imp": Method("IMP", lambda length: Imp(), rewinds=True, trains=True),
    "lrr": Method("LRR", lambda length: Lrr(), rewinds=True, trains=True),
    "aws": Method("AWS", lambda length: Aws(), rewinds=True, trains=True),
    "random": Method("random", lambda length: OneShot(scorer=RandomScore())),
    "random_erk": Method("random, ERK", lambda length: OneShot(scorer=RandomScore(), scope="erk")),
    "random_balanced": Method("random, balanced", lambda length: OneShot(scorer=RandomScore(), scope="balanced")),
    "smart_ratio": Method("SmartRatio", lambda length: OneShot(scorer=RandomScore(), scope="smart_ratio")),
    "magnitude": Method("magnitude", lambda length: OneShot(scorer=StartMagnitude())),
    "snip": Method("SNIP", lambda length: OneShot(scorer=Snip())),
    "grasp": Method("GraSP", lambda length: OneShot(scorer=Grasp())),
    "synflow": Method("SynFlow", lambda length: OneShot(scorer=Synflow())),
    "edge_popup": Method("edge-popup", lambda length: EdgePopup(length=length)),
    "gem_miner": Method("Gem-Miner", lambda length: GemMiner(length=length, period=_part(length, 30))),
    "continuous": Method("continuous sparsification",
                         lambda length: ContinuousSparsification(length=_part(length, 3))),
    "cts": Method("CTS, KL", _cts(_OBJECTIVES["reverse_kl"], 1), rewinds=True),
    "half_cts": Method("Half CTS, KL", _cts(_OBJECTIVES["reverse_kl"], 2), rewinds=True),
    "quick_cts": Method("Quick CTS, KL", _cts(_OBJECTIVES["reverse_kl"], 8), rewinds=True),
    "quick_cts_lagrange": Method("Quick CTS, KL, Lagrange", _cts(_OBJECTIVES["reverse_kl"], 8, "lagrange"),
                                 rewinds=True),
    **{f"cts_{name}": Method(f"CTS, {one.title.lower()}", _cts(one, 1), rewinds=True)
       for name, one in _OBJECTIVES.items() if name != "reverse_kl"},
    **{f"quick_cts_{name}": Method(f"Quick CTS, {one.title.lower()}", _cts(one, 8), rewinds=True)
       for name, one in _OBJECTIVES.items() if name != "reverse_kl"},
    **{f"saliency_{name}": Method(f"saliency, {one.title.lower()}", _saliency(one)) for name, one in
       _OBJECTIVES.items()},
}
"""Name -> method. SNIP and GraSP stand for the saliency of the change of the loss and of the gradient norm."""


def with_method(name: str, of: TicketSearch, near: str = "published") -> TicketSearch:
    """The search that a method makes of another, with its network, images, training, fraction and seeds.

    Args:
        name: of :data:`METHODS`.
        of: gives everything but the method.
        near: one of :data:`NEAR_START`.
    """
    method, like = METHODS[name], of.search
    late = near == "rewind" or (near == "published" and method.rewinds)
    search = method.build(of.training.length)
    if isinstance(search, Cts):
        search = search.replace(batch_size=of.training.batch_size)
    if search.scope == "smart_ratio" and isinstance(of.model, Vgg):
        search = search.replace(scope="smart_ratio_vgg")
    search = search.replace(fraction=like.fraction, ignore=like.ignore,
                            rewind=like.rewind if late else Step(0, "it"))
    return of.replace(search=search, controls=(), mask_search=Same() if search.independent else of.mask_search)
