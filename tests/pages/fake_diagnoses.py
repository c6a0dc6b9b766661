"""Invented answers about curvature, landscapes and bounds in a store, with the arrays and numbers of real ones."""

from dataclasses import replace

import numpy as np

from lth_engine.core.artifact import Answer, text_array
from lth_engine.specs.bounds import PacBayes
from lth_engine.specs.curvature import HessianEigenpairs, HessianTrace, PyhessianOpinion, SpectralDensity
from lth_engine.specs.landscapes import Landscape
from tests.pages.fake_search import PROVENANCE, SEARCH

RUN = SEARCH.run(2, 0)
OTHER = SEARCH.run(2, 1)
LAYERS = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc.weight", "fc.bias"]

TRACE = HessianTrace(of=RUN)
TOP = HessianEigenpairs(of=RUN, count=5)
DENSITY = SpectralDensity(of=RUN)
OPINION = PyhessianOpinion(of=RUN)
PLANE = Landscape(of=RUN, points=5)
LINE = Landscape(of=RUN, points=5, dimensions=1)
BOUND = PacBayes(of=RUN)


def put(store, question, age=0.0, **summary):
    """Store the invented answer of a question, made `age` seconds before the others; its summary can be changed."""
    found = ANSWERS[type(question)](question)
    store.put(question, Answer(found.arrays, {**found.summary, **summary}), parents={},
              provenance=replace(PROVENANCE, created=PROVENANCE.created - age))
    return question


def running():
    """A trace's estimate in the making."""
    return {"running/products": np.array([4, 8, 12]), "running/trace": np.array([600.0, 750.0, 704.0]),
            "running/stderr": np.array([np.nan, 60.0, 33.0])}


def trace(question):
    scale = 1.0 if question.weights == "kept" else 1.5
    layers = scale * np.array([300.0, 4, 250, 10, 130, 10])
    made = {name: (scale if name != "running/products" else 1) * values for name, values in running().items()}
    arrays = made | {"layers/name": text_array(LAYERS), "layers/trace": layers, "layers/stderr": layers / 10,
                     "layers/size": np.array([500, 30, 300, 10, 100, 10])}
    return Answer(arrays, {
        "trace": 704.0 * scale, "trace_stderr": 33.0 * scale, "trace_low": 638.0 * scale, "trace_high": 770.0 * scale,
        "products": 12, "probes": 4, "reached": True, "exact": False, "size": 950, "loss": 0.02,
        "gradient_norm": 0.013, "images": 1024})


def eigenpairs(question):
    top, bottom = np.array([237.7, 80.0, 41.0, 22.0, 9.0])[:question.count], np.array([-6.5, -3.0])
    arrays = {"top/value": top, "top/residual": top / 1000,
              "bottom/value": bottom, "bottom/residual": abs(bottom) / 50,
              "running/products": np.arange(1, 4), "running/top": np.array([100.0, 220.0, 237.7])}
    arrays |= {f"vector{i}/fc.weight": np.ones((10, 3), np.float32) for i in range(question.count)}
    return Answer(arrays, {"top": 237.7, "top_residual": 0.2377, "bottom": -6.5, "products": 30, "reached": False,
                           "size": 950, "loss": 0.02, "images": 1024})


def spectrum(question):
    value = np.linspace(-10, 250, 200)
    density = np.exp(-value**2 / 20) + 1e-3 * np.exp(-(value - 237)**2 / 8)
    density /= np.trapezoid(density, value)
    return Answer({"density/value": value, "density/density": density, "density/stderr": density / 10,
                   "node/value": np.ones((2, 3)), "node/weight": np.ones((2, 3)) / 3},
                  {"lowest": -6.4, "highest": 237.5, "trace": 690.0, "trace_stderr": 41.0, "share_negative": 0.31,
                   "share_negative_stderr": 0.02, "share_negative_low": 0.12, "share_negative_high": 0.46,
                   "share_near_zero": 0.6, "products": 480, "size": 950,
                   "images": 1024})


def opinion(question):
    return Answer({"trace/value": np.array([650.0, 820.0, 690.0])}, {
        "trace": 720.0, "trace_stderr": 51.0, "trace_samples": 3, "top": 201.0, "seconds_trace": 4.2,
        "seconds_top": 3.1, "version": "0.1", "note": "Its density() does not run on this torch.", "size": 950,
        "images": 1024})


def landscape(question):
    x = np.linspace(-question.radius, question.radius, question.points)
    scale = 0.5 * (1 + question.of.order_seed % 7)
    line = 0.02 + scale * x**2
    arrays = {"x": x, "loss": line, "error": np.clip(line / 4, 0, 0.9)}
    if question.dimensions == 2:
        plane = line[None, :] + 0.5 * (line[:, None] - 0.02)
        arrays = {"x": x, "y": x, "loss": plane, "error": np.clip(plane / 4, 0, 0.9)}
    return Answer(arrays, {"loss_middle": 0.02, "error_middle": 0.005, "loss_highest": float(arrays["loss"].max()),
                           "error_highest": 0.9, "points": arrays["loss"].size, "images": 1024, "size": 950,
                           "length": 12.5})


def bound(question):
    gaussian, mask = np.array([900.0, 20, 400, 5, 100, 5]), np.array([60.0, 0, 30, 0, 10, 0])
    size = np.array([500, 30, 300, 10, 100, 10])
    layers = {"name": text_array(LAYERS), "size": size, "kept": size // 2, "sigma": np.full(6, 0.02)}
    arrays = {f"layers/{name}": array for name, array in layers.items()}
    arrays |= {"layers/kl_gaussian": gaussian, "layers/kl_mask": mask, "certified_layers/kl_gaussian": 3 * gaussian,
               "certified_layers/kl_mask": mask, "samples/error": np.array([0.1, 0.12]),
               "history/epoch": np.arange(1.0, 5), "history/risk": np.array([0.4, 0.3, 0.2, 0.15]),
               "history/kl": np.array([9000.0, 5000, 2500, 1530]), "history/bound": np.array([1.4, 1.0, 0.8, 0.6])}
    summary = {"n": 1437, "delta": 0.01, "density": 0.64, "perturbed": 950, "train_error": 0.01, "test_error": 0.04,
               "oracle_bound": 0.52, "oracle_quad": 0.55, "oracle_pinsker": 0.52, "oracle_risk": 0.11,
               "oracle_risk_stderr": 0.004, "oracle_kl": 1530.0, "oracle_kl_gaussian": 1430.0, "oracle_kl_mask": 100.0,
               "oracle_vacuous": False, "certified_bound": 0.97, "certified_risk": 0.11,
               "certified_risk_stderr": 0.002, "certified_kl": 4390.0, "certified_kl_gaussian": 4290.0,
               "certified_kl_mask": 100.0,
               "certified_vacuous": True, "certified_prior_sigma": 0.05, "certified_grid_cost": 12.0,
               "certified_input_cost": 44.0, "certified_sample_term": 0.03, "certified_valid": False,
               "certified_why_not":
                   "Batch normalisation uses statistics of the training images, which no prior pays for.",
               "chance_error": 0.9}
    return Answer(arrays, summary)


ANSWERS = {HessianTrace: trace, HessianEigenpairs: eigenpairs, SpectralDensity: spectrum, PyhessianOpinion: opinion,
           Landscape: landscape, PacBayes: bound}
