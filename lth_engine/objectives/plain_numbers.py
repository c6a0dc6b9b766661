"""The arithmetic of exact derivatives: whole float32, and operations that can be differentiated twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from lth_engine.core.errors import BadInput


@contextmanager
def plain_numbers() -> Iterator[None]:
    """No TF32, and attention in single steps, whose second derivative exists.

    Raises:
        BadInput: torch has no second derivative of a part of the network.
    """
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        with sdpa_kernel(SDPBackend.MATH), torch.enable_grad():
            yield
    except RuntimeError as error:
        if "is not implemented" not in str(error):
            raise
        raise BadInput(f"This network cannot be differentiated twice, because torch says: {error} Choose a run of "
                       "another network, or, to rank weights, a scorer that needs one derivative (snip, synflow)."
                       ) from error
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
