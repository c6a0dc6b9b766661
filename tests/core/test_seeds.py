"""Derived seeds are what they always were, and differ by what they are for."""

from __future__ import annotations

import subprocess

from lth_engine.core.seeds import derive


def test_is_the_first_63_bits_of_sha256() -> None:
    digest = subprocess.run(["sha256sum"], input=b"7/order/3", capture_output=True, check=True).stdout
    assert derive(7, "order", 3) == int(digest[:16], 16) // 2


def test_draws_do_not_share_a_seed() -> None:
    purposes = [("init",), ("order", 0), ("order", 1), ("mask",)]
    seeds = {derive(seed, *words) for seed in range(50) for words in purposes}
    assert len(seeds) == 200
    assert all(0 <= s < 2**63 for s in seeds)
