"""The exact trace of the Hessian of a network that is piecewise linear in every single weight.

The Hessian is the Gauss-Newton matrix plus, for each logit, its own Hessian times the loss's slope by it. Where a
logit is piecewise linear in each weight alone (convolutions, linear layers, normalisation with fixed statistics, ReLU,
pooling, sums; no weight twice on a path), those Hessians have a diagonal of zeros. What is left is the mean over the
images of sum_c p_c |grad log p_c|^2 (Schraudolph 2002; the trace of Fisher's matrix, since the loss is a
cross-entropy): a backward pass a class, exact for each layer and for kept weights alone, and no probe at all.

The squared lengths of single images' gradients come from each layer's inputs and the slopes at its outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from lth_engine.analysis.curvature.at_network import Drawn, takes_batch_statistics
from lth_engine.analysis.curvature.coordinates import Coordinates
from lth_engine.analysis.curvature.estimate import Estimate
from lth_engine.analysis.curvature.graph_memory import CHUNK_BYTES
from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput
from lth_engine.objectives.plain_numbers import plain_numbers
from lth_engine.training.streamed import Batch

LINEAR = frozenset((
    "conv2d", "linear", "batch_norm", "relu", "relu_", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "flatten",
    "reshape", "view", "mean", "add", "add_", "cat", "pad", "dropout", "__getitem__", "size", "dim", "to", "double"))
"""Functions of torch that a piecewise linear network may be made of; those that take weights are looked at as layers,
and no other product of two tensors is among them."""

MOST_AT_ONCE = 64
"""Images at a time; more are no faster."""

Layer = nn.Conv2d | nn.Linear | nn.modules.batchnorm._NormBase


class GaussNewtonTrace:
    """The trace image by image, as an estimator: :meth:`advance` takes a chunk of images.

    Until all are seen, the estimate is that of images drawn without replacement, with its error.

    Attributes:
        products: backward passes over all images so far, one a class.

    Raises:
        BadInput: the network is not piecewise linear; the text says where.
    """

    probes = step_products = 0

    def __init__(self, model: nn.Module, coordinates: Coordinates, images: Drawn) -> None:
        self._model, self._images = model, images
        ones = torch.ones(coordinates.size, device=images.y.device, dtype=coordinates.parameters[0].dtype)
        self._free = dict(zip(coordinates.layers, coordinates.spread(ones), strict=True))
        example = next(images.in_chunks(1))[0][:1].to(ones.dtype)
        self._classes, an_image = _looked_at(model, example)
        self._chunk = int(min(MOST_AT_ONCE, max(1, CHUNK_BYTES // an_image)))
        self._seen: list[Array] = []
        self._batches: Iterator[Batch] | None = None

    @property
    def seen(self) -> int:
        """Images so far."""
        return sum(map(len, self._seen))

    @property
    def products(self) -> int:
        """Backward passes over all images, one a class."""
        return self._classes * self.seen // len(self._images)

    @property
    def started(self) -> bool:
        """Whether all images were seen."""
        return self.seen >= len(self._images)

    @property
    def spent(self) -> bool:
        """The same."""
        return self.started

    def advance(self) -> None:
        """Take a chunk of images."""
        if self._batches is None:
            self._batches = self._images.images.in_parts(self._images.index[self.seen:].split(self._chunk))
        x, _ = next(self._batches)
        self._seen.append(squares(self._model, self._free, x.to(next(iter(self._free.values())).dtype)))

    def estimate(self) -> Estimate:
        """The mean over the images so far; its error is that of images drawn without replacement."""
        each, total = np.concatenate(self._seen), len(self._images)
        left = (1 - len(each) / total) / len(each)
        few = len(each) < 2

        def error(values: Array) -> Array:
            found: Array = np.full(values.shape[1:], np.inf) if few else np.sqrt(left * values.var(axis=0, ddof=1))
            return found if left else np.zeros(values.shape[1:])
        layers, whole = each.mean(axis=0), each.sum(axis=1)
        return Estimate(float(layers.sum()), float(error(whole)), max(len(each) - 1.0, 1.0), layers, error(each), 0.0,
                        exact=not left)

    def state(self) -> dict[str, Array]:
        """All there is to go on from."""
        return {"each": np.concatenate(self._seen) if self._seen else np.zeros((0, len(self._free)))}

    def restore(self, state: dict[str, Array]) -> None:
        """Go on from a :meth:`state`."""
        self._seen = [state["each"]] if len(state["each"]) else []
        self._batches = None


def squares(model: nn.Module, free: Mapping[str, torch.Tensor], x: torch.Tensor) -> Array:
    """Sum_c p_c |grad log p_c|^2 of each image by parameter, B x L, in float64.

    Args:
        model: a piecewise linear network in evaluation mode.
        free: parameter name -> 1 where it may move, else 0.
        x: B images.
    """
    with plain_numbers(), _recorded(model, free) as made:
        log_p = F.log_softmax(model(x), dim=1)
        parts = {name: _Part(layer, inputs) for name, (layer, inputs, _) in made.items()}
        outputs = [out for _, _, out in made.values()]
        total = torch.zeros(len(x), len(free), dtype=torch.float64, device=x.device)
        places = {name: place for place, name in enumerate(free)}
        for label in range(log_p.shape[1]):
            slopes = torch.autograd.grad(log_p[:, label].sum(), outputs, retain_graph=True)
            p = log_p[:, label].detach().double().exp()
            with torch.no_grad():
                for (name, part), slope in zip(parts.items(), slopes, strict=True):
                    for word, found in part.squares(slope, free.get(f"{name}.weight"), free.get(f"{name}.bias")):
                        total[:, places[f"{name}.{word}"]] += p * found.double()
        return total.cpu().numpy()


class _Part:
    """A layer with its inputs in the form that its gradient is made of."""

    def __init__(self, layer: Layer, inputs: torch.Tensor) -> None:
        self.layer = layer
        with torch.no_grad():
            if isinstance(layer, nn.Conv2d):
                self.x = F.unfold(inputs, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
            elif isinstance(layer, nn.Linear):
                self.x = inputs.square()
            else:
                self.x = F.batch_norm(inputs, layer.running_mean, layer.running_var, eps=layer.eps)

    def squares(self, slope: torch.Tensor, weight: torch.Tensor | None,
                bias: torch.Tensor | None) -> Iterator[tuple[str, torch.Tensor]]:
        """("weight" or "bias", squared length of each image's gradient), from the slopes at the layer's outputs."""
        layer, flat = self.layer, slope.flatten(2) if slope.ndim > 2 else slope[:, :, None]
        if weight is not None and isinstance(layer, nn.Conv2d):
            groups = layer.groups
            each = flat.unflatten(1, (groups, -1)) @ self.x.unflatten(1, (groups, -1)).transpose(2, 3)
            yield "weight", (each.square_().flatten(1) @ weight.flatten())
        elif weight is not None and isinstance(layer, nn.Linear):
            yield "weight", ((slope.square() @ weight) * self.x).sum(dim=1)
        elif weight is not None:
            x = self.x.flatten(2) if self.x.ndim > 2 else self.x[:, :, None]
            yield "weight", (flat * x).sum(dim=2).square() @ weight
        if bias is not None:
            yield "bias", flat.sum(dim=2).square() @ bias


@contextmanager
def _recorded(model: nn.Module,
              free: Mapping[str, torch.Tensor] | None = None) -> Iterator[dict[str, tuple[Any, Any, Any]]]:
    """Fills a dictionary: layer name -> layer, its input, its output, of the next forward pass.

    Only layers with a parameter in `free`; None takes all.
    """
    made: dict[str, tuple[Any, Any, Any]] = {}

    def hook(name: str) -> Callable[[nn.Module, tuple[torch.Tensor], torch.Tensor], torch.Tensor]:
        def record(layer: nn.Module, given: tuple[torch.Tensor], out: torch.Tensor) -> torch.Tensor:
            if name in made:
                raise _refused(f"{name} is used twice")
            made[name] = (layer, given[0].detach(), out)
            return out.clone()  # what follows may change it in place
        return record
    with ExitStack() as hooks:
        for name, module in model.named_modules():
            own = [f"{name}.{p}" for p, _ in module.named_parameters(recurse=False)]
            if own and (free is None or any(p in free for p in own)):
                hooks.callback(module.register_forward_hook(hook(name)).remove)
        yield made


class _Functions(TorchFunctionMode):
    """Notes the functions of torch that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        """Called by torch for each of its functions."""
        self.names.add(func.__name__)
        return func(*args, **(kwargs or {}))


def _looked_at(model: nn.Module, example: torch.Tensor) -> tuple[int, int]:
    """Number of classes, and about how many bytes an image takes.

    Raises:
        BadInput: the network is not piecewise linear in each weight, or has layers that are not known here.
    """
    if takes_batch_statistics(model):
        raise _refused("its normalisation takes statistics of the batch")
    if len(list(model.named_parameters(remove_duplicate=False))) > len(list(model.parameters())):
        raise _refused("two of its layers share a weight")
    for name, module in model.named_modules():
        if next(module.parameters(recurse=False), None) is not None and not _known(module):
            raise _refused(f"{name} is a {type(module).__name__}")
    with torch.no_grad(), _Functions() as called:
        model(example)
    foreign = sorted(name for name in called.names - LINEAR if not name.startswith("__get__"))
    if foreign:
        raise _refused(f"it uses {foreign[0]}")
    with torch.no_grad(), _recorded(model) as made:
        logits = model(example)
    numbers = 0
    for name, (layer, inputs, out) in made.items():
        if isinstance(layer, nn.Linear) and inputs.ndim != 2:
            raise _refused(f"{name} is a Linear over places")
        numbers += 4 * out.numel() + inputs.numel() + layer.weight.numel() * 2
        if isinstance(layer, nn.Conv2d):
            numbers += layer.weight[0].numel() * layer.groups * out[0, 0].numel()
    return logits.shape[1], max(1, numbers * example.element_size())


def _known(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv2d):
        return module.padding_mode == "zeros" and not isinstance(module.padding, str)
    return isinstance(module, nn.Linear | nn.BatchNorm1d | nn.BatchNorm2d)


def _refused(why: str) -> BadInput:
    return BadInput(f"gauss_newton is exact only for networks whose outputs are piecewise linear in each weight, and "
                    f"of this one it is not known, because {why}: choose the estimator krylov.")
