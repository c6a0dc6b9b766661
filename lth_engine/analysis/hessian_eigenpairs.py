"""The largest eigenvalues of the Hessian at a network, with their vectors and true residuals."""

from __future__ import annotations

import numpy as np
import torch

from lth_engine.analysis.curvature.at_network import network_at
from lth_engine.analysis.curvature.eigen_search import EigenSearch, Pairs
from lth_engine.analysis.curvature.hessian import Hessian
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar
from lth_engine.core.saving import Saving
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.curvature import HessianEigenpairs

_FORM = "eigenpairs 1"


def answer(question: HessianEigenpairs, inputs: Inputs, bench: Workbench) -> Answer:
    """Search until the residuals are small enough or the products are spent.

    Arrays: top/value (K, descending: Rayleigh quotients) and top/residual (length of H v - lambda v, from a product
    with the vector that is stored), vector0/NAME ... (of length 1 over all parameters together, its largest entry
    positive, 0 where nothing may move), bottom/value and bottom/residual (the smallest found, ascending; there may be
    smaller ones), running/products and running/top (the largest found after each product). K is the number wanted, or
    what there are.

    Raises:
        Cancelled: the user asked to stop; the checkpoint holds running/* and goes on from the last product.
        NonFinite, BadInput: as :func:`network_at` and :class:`Hessian`; a product is not finite.
    """
    model, mask, images = network_at(question, inputs, bench)
    bench.report(Progress(0, question.most_products, "gradient"))
    with Hessian(model, mask, question, images) as hessian:
        like = torch.zeros(hessian.size, dtype=next(model.parameters()).dtype, device=hessian.device)
        search = EigenSearch(hessian.matvec, like, question.count, question.tolerance, question.most_products,
                             seed=question.seed)

        def after() -> None:
            bench.report(Progress(len(search.running), question.most_products, "products with the Hessian",
                                  metrics={"top": search.running[-1]}))
            saving.now_and_then()

        with Saving(bench, search.state, _FORM) as saving:
            saved = saving.load()
            if saved is not None:
                search.resume(*saved)
            pairs = search.run(after)
        summary: dict[str, Scalar] = {
            "top": float(pairs.values[0]), "top_residual": float(pairs.residuals[0]), "bottom": float(pairs.lowest[0]),
            "products": pairs.products, "reached": pairs.reached, "size": hessian.size, "loss": hessian.loss,
            "images": len(images)}
        running = {name: array for name, array in search.state()[0].items() if name.startswith("running/")}
        return Answer(_arrays(pairs, hessian) | running, summary)


def _arrays(pairs: Pairs, hessian: Hessian) -> dict[str, Array]:
    found = {"top/value": pairs.values, "top/residual": pairs.residuals,
             "bottom/value": pairs.lowest.copy(), "bottom/residual": pairs.lowest_residuals.copy()}
    for number, vector in enumerate(pairs.vectors):
        turned = vector * torch.sign(vector[vector.abs().argmax()])
        found |= {f"vector{number}/{name}": np.ascontiguousarray(value)
                  for name, value in hessian.to_named(turned).items()}
    return found
