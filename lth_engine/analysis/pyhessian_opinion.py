"""What PyHessian's own functions say of the same Hessian on the same images: a second opinion, timed.

PyHessian differentiates by every parameter of a module, so it is given one whose parameters are the tensors that may
move, multiplied by the mask inside the graph. It draws from torch's global generator, leaves a graph in `.grad` (a
second construction on the same model doubles every product) and counts on nobody stopping it; none of that gets out.
"""

from __future__ import annotations

import contextlib
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from lth_engine.analysis.curvature.at_network import Drawn, network_at, takes_batch_statistics
from lth_engine.analysis.curvature.coordinates import Coordinates
from lth_engine.analysis.curvature.graph_memory import images_at_once
from lth_engine.core.artifact import Answer, Inputs, Scalar
from lth_engine.core.errors import NonFinite
from lth_engine.core.seeds import derive
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.objectives.plain_numbers import plain_numbers
from lth_engine.specs.curvature import PyhessianOpinion
from lth_engine.training.streamed import Batch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pyhessian import hessian as TheirHessian

def answer(question: PyhessianOpinion, inputs: Inputs, bench: Workbench) -> Answer:
    """Its trace() and eigenvalues() with its own rules for stopping.

    The array is trace/value, one sample a probe. The standard error is ours, from these samples; PyHessian has none.

    Raises:
        Cancelled: the user asked to stop; nothing is kept.
        NonFinite: the network is not finite, or a value of PyHessian's is not.
    """
    model, mask, images = network_at(question, inputs, bench)
    coordinates = Coordinates(model, mask, question)
    report = _Report(bench, question.epochs)
    with opinion(model, coordinates, images, question.seed, report) as theirs:
        report.message = "PyHessian's trace"
        began = time.perf_counter()
        samples = np.array(theirs.trace(maxIter=question.most_products, tol=question.tolerance), dtype=np.float64)
        traced = time.perf_counter()
        report.message = "PyHessian's power iteration"
        values, _ = theirs.eigenvalues(maxIter=question.most_products, tol=question.tolerance, top_n=1)
        ended = time.perf_counter()
    top = float(values[0])
    if not (np.isfinite(samples).all() and np.isfinite(top)):
        raise NonFinite("PyHessian's trace or eigenvalue is NaN or infinite: train the network with a lower learning "
                        "rate, or look at another run.")
    many = len(samples) > 1
    summary: dict[str, Scalar] = {
        "trace": float(samples.mean()), "trace_samples": len(samples),
        "trace_stderr": float(samples.std(ddof=1) / np.sqrt(len(samples))) if many else None, "top": top,
        "seconds_trace": traced - began, "seconds_top": ended - traced, "version": version("pyhessian"),
        "note": note(), "size": coordinates.size, "images": len(images)}
    return Answer({"trace/value": samples}, summary)


@contextlib.contextmanager
def opinion(model: nn.Module, coordinates: Coordinates, images: Drawn, seed: int,
            shown: Callable[[], None] = lambda: None) -> Iterator[TheirHessian]:
    """PyHessian's `hessian` of the network, on a module of its own.

    Within it, torch's global generator is seeded and warnings are silent; afterwards the generator is as before and
    its graph is gone.

    Args:
        model: the network, in evaluation mode.
        coordinates: what may move.
        images: what the loss is taken over.
        seed: of its random vectors.
        shown: called before each product; what it raises ends the work.
    """
    wrapped = Restricted(model, coordinates, shown)
    devices = [images.y.device] if images.y.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), warnings.catch_warnings(), plain_numbers():
        warnings.simplefilter("ignore")
        torch.manual_seed(derive(seed, "pyhessian"))
        theirs = TheirHessian(wrapped, F.cross_entropy, cuda=bool(devices), **_given(model, wrapped, images))
        try:
            yield theirs
        finally:
            theirs.gradsH = []
            for parameter in wrapped.parameters():
                parameter.grad = None


def _given(model: nn.Module, wrapped: Restricted, images: Drawn) -> dict[str, Batch | list[Batch]]:
    """The images as its argument: `data` in one batch whose graph it keeps, or a `dataloader` where that is too large.

    The memory is that of our own graphs; a batch of statistics stays one, whatever the memory.
    """
    moving = list(wrapped.moving)

    def build(x: torch.Tensor, y: torch.Tensor) -> object:
        return torch.autograd.grad(F.cross_entropy(wrapped(x), y), moving, create_graph=True, materialize_grads=True)

    size = (images.images.evaluation_batch if takes_batch_statistics(model)
            else images_at_once(images, [*moving, *wrapped.buffers()], build))
    chunks = list(images.in_chunks(size))
    return {"data": chunks[0]} if len(chunks) == 1 else {"dataloader": chunks}


class Restricted(nn.Module):
    """A network as a function of the tensors that may move alone, the mask inside the graph.

    Args:
        model: the network; it is used and not changed.
        coordinates: what may move.
        shown: called before each product, for which PyHessian clears the gradients.
    """

    def __init__(self, model: nn.Module, coordinates: Coordinates, shown: Callable[[], None]) -> None:
        super().__init__()
        self._held, self._shown = (model,), shown  # in a tuple: its parameters must not be found here
        self._names = list(coordinates.layers)
        free = coordinates.spread(torch.ones(coordinates.size, device=coordinates.parameters[0].device))
        for number, mask in enumerate(free):
            self.register_buffer(f"free{number}", mask)
        self.moving = nn.ParameterList([p.detach().clone() for p in coordinates.parameters])
        self._fixed = {name: value.detach() for name, value in model.state_dict().items()}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits. Pruned weights that may not move keep their value through the part outside the mask."""
        state = dict(self._fixed)
        for number, (name, value) in enumerate(zip(self._names, self.moving, strict=True)):
            free = self.get_buffer(f"free{number}")
            state[name] = value * free + self._fixed[name] * (1 - free)
        logits: torch.Tensor = functional_call(self._held[0], state, (x.to(self.moving[0].dtype),))
        return logits

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients, as ever; this is where the user can stop it."""
        self._shown()
        super().zero_grad(set_to_none)


def note() -> str:
    """What of PyHessian does not run on today's torch, found by trying its density() on two parameters."""
    model = nn.Linear(1, 2, bias=False)
    data = torch.ones(1, 1), torch.zeros(1, dtype=torch.int64)
    torch_version = torch.__version__.split("+")[0]
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = TheirHessian(model, F.cross_entropy, data=data, cuda=False)
        try:
            theirs.density(iter=2, n_v=1)
        except Exception as error:  # whatever it is, it is what we want to know
            why = str(error).split("\n")[0].split(". ")[0].rstrip(".") or type(error).__name__
            where = traceback.extract_tb(error.__traceback__)[-1].name
            return f"Its density() does not run on torch {torch_version}, where {where} says: {why}."
        finally:
            theirs.gradsH, model.weight.grad = [], None
    return f"All of its functions run on torch {torch_version}."


@dataclass
class _Report:
    """Counts its products and reports each."""

    bench: Workbench
    total: float
    message: str = "PyHessian's gradient"
    done: int = 0

    def __call__(self) -> None:
        """One product more; raises Cancelled if the user asked to stop."""
        self.bench.report(Progress(0, self.total, f"{self.message}, product {self.done}"))
        self.done += 1
