"""The verb that measures the curvature of the loss at a network from a file."""

from __future__ import annotations

import argparse
import json
from typing import Any

from lth_engine.cli.compute import watched
from lth_engine.cli.foreign import clean_copies, networks
from lth_engine.cli.words import columns, pairs
from lth_engine.specs.curvature import HessianEigenpairs, HessianTrace


def curvature(given: argparse.Namespace) -> int:
    """Measure trace and largest eigenvalues, and show them."""
    where = {"weights": given.weights, "norm_statistics": given.norm_statistics, "seed": given.seed, "images": 0}
    trace = HessianTrace(error=given.error, estimator=given.estimator, most_products=given.most_products, **where)
    eigenpairs = HessianEigenpairs(count=given.eigenvalues, most_products=given.most_products, **where)
    with clean_copies(given.file, rename=given.rename) as files:
        from lth_engine.diagnosis.batch_file import read_batch
        from lth_engine.diagnosis.curvature_at import curvature as measured

        batch = read_batch(given.batch)
        network, = networks(files)
        with watched() as report:
            found: dict[str, Any] = measured(network, batch, trace, eigenpairs, report)
    found |= {"weights": given.weights, "norm_statistics": given.norm_statistics, "sha256": files[0].card["sha256"]}
    print(json.dumps(found, allow_nan=False) if given.json else as_text(found))
    return 0


def as_text(found: dict[str, Any]) -> str:
    """Trace and eigenvalues in words."""
    trace = found["trace"]
    error = "exact" if trace["exact"] else f"± {trace['stderr']:.2g} ({trace['num_samples']} samples)"
    facts = [("trace", f"{trace['value']:.6g}  {error}"), ("loss", f"{found['loss']:.6g} nats"),
             ("gradient", f"{found['gradient_norm']:.4g} long"),
             ("parameters that may move", f"{found['coordinates']:,}"),
             ("weights", found["weights"]), ("images", f"{found['images']:,}"),
             ("normalisation", f"{found['norm_statistics']} statistics")]
    rows = [[str(number + 1), f"{value:.6g}", f"{residual:.2g}"] for number, (value, residual) in
            enumerate(zip(found["eigenvalues"], found["residuals"], strict=True))]
    return f"{pairs(facts)}\n\n{columns(['', 'eigenvalue', '|Hv - lambda v|'], rows, left=0)}"
