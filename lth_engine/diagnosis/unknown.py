"""What is said of a network that no known one is near to: how many tensors it has, and layers of which kinds."""

from __future__ import annotations

import re

import torch

from lth_engine.diagnosis.anatomy import Anatomy

SENTENCE = "{}, {}: I have no architecture for this. Weight statistics only."

_RECURRENT = re.compile(r"(.*[._])?weight_hh(_l\d+)?(_reverse)?")
_GATES = {4: "LSTM layers", 3: "GRU layers", 1: "recurrent layers"}
"""Rows over columns of the matrix from state to gates, in torch.nn: an LSTM has four gates, a GRU three."""

_ATTENTION = re.compile(r"(^|[._])(attn|attention|self_attn|qkv|in_proj|q_proj|query)([._]|$)")
_CONVOLUTIONS = {3: "1-d convolutions", 4: "convolutions", 5: "3-d convolutions"}


def unknown(anatomy: Anatomy) -> list[str]:
    """The sentence, or nothing where a network is known or near, or where there is none at all."""
    checkpoint = anatomy.checkpoint
    if checkpoint.architecture is not None or checkpoint.nearest is not None or not anatomy.prunable:
        return []
    count = len(checkpoint.unwrapped.tensors)
    return [SENTENCE.format(f"{count:,} tensor{'s' * (count != 1)}", _kinds(anatomy))]


def _kinds(anatomy: Anatomy) -> str:
    """The layers that make the network what it is: recurrent ones, else attention, else what there is."""
    shapes = {layer.name: layer.weight for layer in anatomy.prunable}
    recurrent = dict.fromkeys(_gates(weight) for name, weight in shapes.items() if _RECURRENT.fullmatch(name))
    if recurrent:
        return " and ".join(recurrent)
    if any(_ATTENTION.search(name) for name in shapes):
        return "attention layers"
    there = dict.fromkeys(_CONVOLUTIONS.get(weight.ndim, "linear layers" if weight.ndim == 2 else "other layers")
                          for weight in shapes.values())
    return " and ".join(there)


def _gates(weight: torch.Tensor) -> str:
    gates, rest = divmod(weight.shape[0], weight.shape[1])
    return _GATES.get(gates, "recurrent layers") if not rest else "recurrent layers"
