"""Independent seeds for independent draws, all derived from the recorded ones."""

from __future__ import annotations

import hashlib


def derive(seed: int, *words: str | int) -> int:
    """A seed in [0, 2**63) that depends on `seed` and on what it is for.

    Two draws with different words are independent even when their recorded seeds are equal:
    `derive(0, "order", 3)` orders epoch 3, `derive(0, "init")` draws the weights.
    """
    text = "/".join([str(seed), *map(str, words)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
