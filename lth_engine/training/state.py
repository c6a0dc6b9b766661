"""The exact state of a training as arrays, and back: weights, buffers, optimizer state and torch's random state."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from lth_engine.core.artifact import Array
from lth_engine.training.material import put_weights, take_weights


def state_arrays(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Array]:
    """Copies under model/NAME, optimizer/SLOT/NAME and rng/torch."""
    arrays: dict[str, Array] = {f"model/{name}": value for name, value in take_weights(model).items()}
    names = {id(p): name for name, p in model.named_parameters()}
    for parameter, slots in optimizer.state.items():
        for slot, value in slots.items():
            if isinstance(value, torch.Tensor):
                arrays[f"optimizer/{slot}/{names[id(parameter)]}"] = np.array(value.cpu().numpy(), order="C")
    return arrays | {"rng/torch": torch.get_rng_state().numpy()}


def fits(model: nn.Module, arrays: Mapping[str, Array]) -> bool:
    """Whether the arrays hold exactly the weights of this model, by name and shape."""
    found = {name.removeprefix("model/"): value.shape for name, value in arrays.items() if name.startswith("model/")}
    return found == {name: tuple(value.shape) for name, value in model.state_dict().items()}


def put_state(model: nn.Module, optimizer: torch.optim.Optimizer, arrays: Mapping[str, Array]) -> None:
    """Restore what :func:`state_arrays` took, in place and in the memory layout of the parameters."""
    put_weights(model, {n.removeprefix("model/"): value for n, value in arrays.items() if n.startswith("model/")})
    parameters = dict(model.named_parameters())
    for path, value in arrays.items():
        if path.startswith("optimizer/"):
            slot, _, name = path.removeprefix("optimizer/").partition("/")
            parameter = parameters[name]
            slots = optimizer.state[parameter]
            if slot not in slots:
                alike = value.shape == parameter.shape
                like = parameter.detach() if alike else torch.tensor(value, device=parameter.device)
                slots[slot] = torch.empty_like(like)
            slots[slot].copy_(torch.tensor(value))
    torch.set_rng_state(torch.tensor(arrays["rng/torch"]))


def first_not_finite(model: nn.Module) -> str | None:
    """Name of the first parameter or buffer that holds NaN or infinity, or None."""
    values = {name: value for name, value in model.state_dict().items() if value.is_floating_point()}
    finite = torch.stack([torch.isfinite(value).all() for value in values.values()]).tolist()  # one wait for a device
    return next((name for name, fine in zip(values, finite, strict=True) if not fine), None)
