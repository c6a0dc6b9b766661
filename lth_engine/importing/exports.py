"""Tickets as files that other programs load: safetensors, and the state of torch.nn.utils.prune."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import torch
from safetensors.numpy import save

from lth_engine.core.artifact import Array
from lth_engine.core.mask import Mask


def exported(form: str, weights: Mapping[str, Array], mask: Mask, facts: Mapping[str, str]) -> bytes:
    """The file of a network.

    Args:
        form: "safetensors": parameters and buffers by name, pruned weights 0, and NAME_mask (bool) beside each that is
            pruned somewhere; "torch_prune": a state_dict that a module takes by load_state_dict once
            torch.nn.utils.prune has been applied to the parameters that the mask names: NAME_orig and NAME_mask.
        weights: parameters and buffers by name, pruned weights 0.
        mask: what is kept.
        facts: told beside the tensors of a safetensors file, as short texts.
    """
    return _safetensors(weights, mask, facts) if form == "safetensors" else _torch_prune(weights, mask)


def _safetensors(weights: Mapping[str, Array], mask: Mask, facts: Mapping[str, str]) -> bytes:
    arrays = {name: np.asarray(value, order="C") for name, value in weights.items()}
    arrays |= {f"{name}_mask": np.asarray(kept, order="C") for name, kept in mask.items() if not kept.all()}
    return bytes(save(arrays, {"format": "pt", **facts}))


def _torch_prune(weights: Mapping[str, Array], mask: Mask) -> bytes:
    state: dict[str, torch.Tensor] = {}
    for name, value in weights.items():
        if name in mask:
            state[f"{name}_orig"] = torch.tensor(value)
            state[f"{name}_mask"] = torch.tensor(mask[name]).to(state[f"{name}_orig"].dtype)
        else:
            state[name] = torch.tensor(value)
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()
