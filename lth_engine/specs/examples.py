"""The questions whose answers a new store comes with, so that every page opens with something to see.

Each is small: two networks that learn the digits in seconds. `make examples` computes the answers anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from lth_engine.core.step import Step
from lth_engine.specs.bounds import PacBayes
from lth_engine.specs.comparing_methods import MethodComparison, ObjectiveValues
from lth_engine.specs.comparing_networks import NetworkComparison
from lth_engine.specs.connecting import LevelPath, Siblings
from lth_engine.specs.curvature import HessianEigenpairs, HessianTrace, PyhessianOpinion, SpectralDensity
from lth_engine.specs.features import PROBE, FewShot, ProbePanel
from lth_engine.specs.finding import Aws, Imp
from lth_engine.specs.flatness import FlatnessSpec, NoFlatness, Sam
from lth_engine.specs.landscapes import Landscape
from lth_engine.specs.mask_learners import Cts
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.phases import Own
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.sanity import SanityChecks
from lth_engine.specs.schedules import Constant
from lth_engine.specs.signs import SignPanel
from lth_engine.specs.stability import FirstStablePoint
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples"
"""Where the answers lie, KEY.h5."""

_PLAIN = NoFlatness()
_LENET, _RESNET = Lenet300100(first=32, second=16), CifarResnet(depth=8, width=4)


def examples() -> tuple[Question, ...]:
    """The questions, those that others rest on not among them; a page opens with the last one of its kind."""
    found = (*_stability(), *_bounds(), *_curvature(), *_lines(), *_near_start(), _signs())
    assert len({question.key for question in found}) == len(found)
    return found


def search(flatness: FlatnessSpec = _PLAIN, lr: float = 0.1) -> TicketSearch:
    """A small search on the digits, its tickets down to 8.6% density."""
    training = Training(length=Step(15), batch_size=64, optimizer=Sgd(lr=lr, momentum=0.9), flatness=flatness,
                        evaluate_every=Step(5))
    return TicketSearch(model=_LENET, training=training, search=Imp(fraction=0.3356), levels=6, replicates=1,
                        controls=())


def _lines() -> tuple[Question, ...]:
    """Level to level, siblings, and the four ways to draw a line between two trained ResNets."""
    first, second = _resnet(0), _resnet(1)
    path, siblings = LevelPath(of=search()), Siblings(of=search().run(0, 0))
    panel = tuple(path.line(first, second).replace(norm_statistics=how, matching=matching)
                  for how in ("interpolated", "recalibrated") for matching in ("weights", "none"))
    return (search(), siblings, NetworkComparison(first=search().run(6, 0), second=search().run(0, 0)), path, *panel)


def _resnet(seed: int) -> Run:
    training = Training(length=Step(8), batch_size=64, optimizer=Sgd(lr=0.1, momentum=0.9), evaluate_every=Step(4))
    ticket = DenseTicket(model=_RESNET, init_seed=seed)
    return Run(ticket=ticket, training=training, order_seed=seed)


def _stability() -> tuple[Question, ...]:
    """The first stable point with and without momentum."""
    def asked(momentum: float, batch_size: int) -> FirstStablePoint:
        training = Training(length=Step(15), batch_size=batch_size, optimizer=Sgd(lr=0.1, momentum=momentum),
                            evaluate_every=Step(0))
        return FirstStablePoint(start=DenseTicket(model=_LENET, training=training), points=21, training_images=False)
    return asked(0.0, 256), asked(0.9, 64)


def _curvature() -> tuple[Question, ...]:
    """One ticket from every side, and the same found with SAM."""
    ticket, flat = search().run(5, 0), search(Sam()).run(5, 0)
    surfaces = tuple(Landscape(of=run) for run in (flat, ticket))
    curves = tuple(Landscape(of=run, directions="eigenvectors", scale="unit", dimensions=1, points=41)
                   for run in (flat, ticket))
    traces = (HessianTrace(of=ticket, weights="all"), HessianTrace(of=flat), HessianTrace(of=ticket))
    return (search(Sam()), *curves, *surfaces, HessianEigenpairs(of=ticket, count=5), SpectralDensity(of=ticket),
            PyhessianOpinion(of=ticket), *traces)


def near_start() -> TicketSearch:
    """Concrete ticket search down to 6.25% density, on the digits, after two epochs of training."""
    like = search()
    return like.replace(search=Cts(fraction=0.5, rewind=Step(2), length=Step(60), batch_size=64), levels=4,
                        replicates=3)


def _near_start() -> tuple[Question, ...]:
    """A ticket that was searched for, beside other methods, and what is in it."""
    found, level = near_start(), 4
    learned = cast(FoundTicket, found.found(level, 0)).learned()
    assert learned is not None
    methods = ("random", "snip", "synflow", "cts")
    alone = ObjectiveValues(of=found.replace(replicates=1), methods=methods, first_level=2, last_level=4, every=2,
                            batch_size=256)
    return (learned, alone, MethodComparison(of=found, level=level, methods=methods),
            SanityChecks(of=found, level=level),
            ProbePanel(of=found, level=level, training=PROBE.replace(length=Step(60)),
                       variants=("ticket", "dense", "trained_ticket", "trained_dense")),
            FewShot(of=found, level=level, percents=("10", "50"), batch_size=16))


def _signs() -> Question:
    """The signed mask of AWS on other weights."""
    training = Training(length=Step(6), batch_size=64, optimizer=Sgd(lr=0.05, momentum=0.9), evaluate_every=Step(0))
    short = Own(training=training.replace(length=Step(2), schedule=Constant()))
    found = TicketSearch(model=_RESNET, training=training, search=Aws(fraction=0.6), levels=3, replicates=3,
                         controls=(), mask_search=short)
    return SignPanel(of=found, level=3)


def _bounds() -> tuple[Question, ...]:
    """Risk against KL over learning rates, for two priors. At the paper's rate of the bound, 0.01, the variances of
    these networks hardly move; at 1 they come to rest within 300 epochs."""
    return tuple(PacBayes(of=search(lr=lr).run(5, 0), prior=prior, length=400, lr=1.0) for prior in
                 ("gaussian_zero", "spike_and_slab") for lr in (0.01, 0.03, 0.1))
