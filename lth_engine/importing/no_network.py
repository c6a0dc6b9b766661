"""Files that hold what belongs to a network, but no network: an optimizer's state, or masks alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch

from lth_engine.importing.checkpoint import Tensors

_OF_OPTIMIZERS = re.compile(r"(max_)?exp_avg(_sq|_diff|_sq_row|_sq_col|_slow)?|exp_inf|momentum(_buffer)?|square_avg|"
                            r"grad_avg|acc_delta|sum|step|step_size|prev|eta|mu|ax|mu_product|param_groups.*|"
                            r"previous_grad|neg_pre_grad|old_dirs.*|old_stps.*|ro.*|slow_buffer|n_acc|d")
"""Last parts of the names in the states of torch.optim, and of a few optimizers of others."""

_SURELY = re.compile(r"(max_)?exp_avg.*|exp_inf|momentum_buffer|square_avg|acc_delta|grad_avg")
"""Of these, what no layer is called."""

_ADAGRAD = {"sum", "step"}

_MASK = re.compile(r"(.*[_.])?(mask|fixed_m|flag)s?")

OPTIMIZER = ("All {} are an optimizer's state ({}), not the weights of a network. Bring the file that holds the "
             "weights.")
MASKS = "All tensors are masks: this looks like a mask file. Bring the weights that it belongs to."
WHOLE = "All tensors are whole numbers, so none holds weights that can be computed with. Save the weights as float32."


def no_network(tensors: Tensors) -> str:
    """What tensors are that are no network's weights, and what to do; "" if they may be weights."""
    leaves = {re.split(r"[./]", name)[-1] for name in tensors}
    if (any(map(_SURELY.fullmatch, leaves)) or leaves == _ADAGRAD) and all(map(_OF_OPTIMIZERS.fullmatch, leaves)):
        return OPTIMIZER.format(f"{len(tensors)} tensors", ", ".join(sorted(leaves - {"step"})))
    if not tensors:
        return ""
    if _masks(tensors):
        return MASKS
    return "" if any(t.is_floating_point() for t in tensors.values()) else WHOLE


def _masks(tensors: Tensors) -> bool:
    """Whether every tensor is 0 or 1: by its type, or by its values, if both occur or the names say masks."""
    if all(t.dtype == torch.bool for t in tensors.values()):
        return True
    if not any(t.dim() > 1 for t in tensors.values()) or not all(_zero_or_one(t) for t in tensors.values()):
        return False
    return all(map(_MASK.fullmatch, tensors)) or _both(tensors.values())


def _zero_or_one(tensor: torch.Tensor) -> bool:
    first = tensor.flatten()[:1000]  # weights are told from a few values
    return all(bool(((part == 0) | (part == 1)).all()) for part in (first, tensor))


def _both(tensors: Iterable[torch.Tensor]) -> bool:
    """Whether a matrix holds zeros and ones, so that the values are no initial constants."""
    return any(t.dim() > 1 and t.numel() and bool((t == 0).any()) and bool((t != 0).any()) for t in tensors)
