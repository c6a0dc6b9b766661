"""Which tensor is the mask of which weight, by the names of each convention."""

from __future__ import annotations

from collections.abc import Callable

from lth_engine.importing.checkpoint import Tensors

Pairs = dict[str, tuple[str, str]]
"""Name of a weight -> (the tensor that holds it, the tensor that holds its mask)."""

FLAT, PRUNE, FLAG = "mask_NAME", "weight_orig and weight_mask", "flag"

SIBLINGS = ("weight_mask", "fixed_m", "mask", FLAG)
"""Last parts of names: Synaptic-Flow, AWS, TurboPrune, pruning_is_enough."""

OF_SCORES = ("flag", "scores", "bias_flag", "bias_scores")
"""Last parts of names that pruning_is_enough adds to a layer; those of biases are never filled."""


def flat(tensors: Tensors) -> Pairs:
    """`mask_blocks___0___conv1___weight` (open_lth), or with single underscores (lth-pacbayes in memory)."""
    plain = {f"mask_{n.replace('.', joint)}": n for joint in ("_", "___") for n in tensors}
    return {plain[name]: (plain[name], name) for name, mask in tensors.items()
            if name in plain and tensors[plain[name]].shape == mask.shape}


def orig(tensors: Tensors) -> Pairs:
    """`weight_orig` and `weight_mask` (torch.nn.utils.prune), of biases and other parameters alike."""
    found: Pairs = {}
    for name, tensor in tensors.items():
        plain = name.removesuffix("_orig")
        mask = tensors.get(f"{plain}_mask")
        if name != plain and mask is not None and mask.shape == tensor.shape:
            found[plain] = name, f"{plain}_mask"
    return found


def sibling(leaf: str) -> Callable[[Tensors], Pairs]:
    """`conv1.weight` beside `conv1.fixed_m`; of Synaptic-Flow `fc.bias` beside `fc.bias_mask` too."""
    def find(tensors: Tensors) -> Pairs:
        found: Pairs = {}
        for name, mask in tensors.items():
            layer, dot, last = name.rpartition(".")
            target = {leaf: "weight", "bias_mask": "bias" if leaf == "weight_mask" else ""}.get(last, "")
            weight = tensors.get(f"{layer}{dot}{target}")
            if target and weight is not None and weight.shape == mask.shape:
                found[f"{layer}{dot}{target}"] = f"{layer}{dot}{target}", name
        return found
    return find
