"""What files hold, written down without files: nested dictionaries of tensors and facts as Contents."""

from __future__ import annotations

from typing import Any

import torch

from lth_engine.importing.contents import Contents, Fact


def contents(saved: dict[str, Any], format: str = "torch zip") -> Contents:
    """Contents of a file that holds `saved`, as the readers give them."""
    tensors: dict[str, torch.Tensor] = {}
    facts: dict[str, Fact] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, torch.Tensor):
            tensors[path] = value.detach().clone()
        elif isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, f"{path}/{key}" if path else str(key))
        elif isinstance(value, list | tuple):
            for index, inner in enumerate(value):
                walk(inner, f"{path}/{index}" if path else str(index))
        else:
            facts[path] = value

    walk(saved, "")
    return Contents(format, tensors, facts=facts)
