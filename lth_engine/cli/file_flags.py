"""The flags of the verbs that work on files from elsewhere."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Mapping
from pathlib import Path

from lth_engine.cli.addresses import settings
from lth_engine.cli.explain import explain
from lth_engine.core.knob import Knob, knobs
from lth_engine.core.spec import catalogue, from_dict
from lth_engine.specs.curvature import HessianEigenpairs, HessianTrace
from lth_engine.specs.finding import OneShot

BATCH = ("images and labels: x as uint8 (N x H x W x C or N x C x H x W) with mean and std a channel of images in "
         "[0, 1], or as float32 N x C x H x W as the network wants it; and y")

EXPORTS = ("safetensors", "torch_prune")
"""Forms of a ticket that other programs load."""


def add_file_verbs(made: Mapping[str, argparse.ArgumentParser]) -> None:
    """Declare the arguments of the verbs that read a file from elsewhere."""
    for verb in ("mask", "curvature"):
        made[verb].add_argument("file", type=Path, metavar="FILE", help="a checkpoint")
    for verb in ("mask", "curvature", "barrier", "diagnose", "passport", "recreate"):
        made[verb].add_argument("--json", action="store_true", help="print JSON")
    for verb in ("mask", "curvature", "barrier", "diagnose", "passport"):
        made[verb].add_argument("--rename", action="store_true", help="where a known network has the very tensors but "
                                "for their names, as with an nn.Sequential, give them its names")
    _add_diagnose(made["diagnose"])
    _add_mask(made["mask"])
    _add_curvature(made["curvature"])
    _add_barrier(made["barrier"])
    _add_passports(made["passport"], made["recreate"])


def _add_diagnose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE_OR_DIRECTORY", help="a checkpoint, or a folder of a peer's")
    parser.add_argument("--against", type=Path, metavar="FILE", help="a second checkpoint, to compare it with")
    parser.add_argument("--init", type=Path, metavar="FILE", help="what it was initialised with: distance, signs kept")
    parser.add_argument("--quick", action="store_true", help="the card alone, without spectra and measured speed")
    parser.add_argument("--data", type=Path, metavar="DIR|NPZ", help="labelled images: a folder with one folder a "
                        f"class, or an .npz with {BATCH}")


def _add_mask(parser: argparse.ArgumentParser) -> None:
    scope = _knob(OneShot, "scope")
    parser.add_argument("--scorer", required=True, metavar="NAME", help="what ranks the weights: "
                        f"{', '.join(catalogue('scorer'))}; its own settings are flags, see below")
    parser.add_argument("--density", required=True, type=_share, metavar="X", help="fraction of the prunable weights "
                        "that is kept")
    parser.add_argument("--batch", type=Path, metavar="BATCH.npz", help=f"{BATCH}; all of it is shown")
    parser.add_argument("--out", required=True, type=Path, metavar="MASK.npz|.h5", help="the mask: one boolean array "
                        "a prunable parameter, by its name in the file")
    parser.add_argument("--scope", default=scope.default, choices=scope.choices, help=f"{scope.help} (default: "
                        f"{scope.default})")
    parser.add_argument("--seed", type=_whole, default=0, metavar="N", help="seed of what the scorer draws")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "Settings of scorers:\n\n" + "\n\n".join(
        explain(spec) for name in catalogue("scorer") if settings(spec := from_dict("scorer", name)))


def _add_curvature(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batch", required=True, type=Path, metavar="BATCH.npz", help=f"{BATCH}; all of it is used")
    for name, default in (("weights", "all"), ("norm_statistics", None), ("estimator", None)):
        knob = _knob(HessianTrace, name)
        default = default or knob.default
        parser.add_argument(f"--{name.replace('_', '-')}", default=default, choices=knob.choices,
                            help=f"{knob.help} (default: {default})")
    parser.add_argument("--eigenvalues", type=_whole, default=3, metavar="K", help="how many of the largest "
                        f"({_knob(HessianEigenpairs, 'count').bounds}; default: 3)")
    parser.add_argument("--error", type=_number, default=_knob(HessianTrace, "error").default, metavar="X",
                        help=f"{_knob(HessianTrace, 'error').help} (default: 0.05)")
    parser.add_argument("--most-products", type=_whole, default=500, metavar="N", help="products with the Hessian "
                        "after which each of the two stops anyway (default: 500)")
    parser.add_argument("--seed", type=_whole, default=0, metavar="N", help="seed of random vectors")


def _add_barrier(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", type=Path, metavar="A", help="a checkpoint: alpha 0")
    parser.add_argument("second", type=Path, metavar="B", help="another of the same architecture: alpha 1")
    parser.add_argument("--batch", required=True, type=Path, metavar="BATCH.npz", help=f"{BATCH}; measured on all")
    parser.add_argument("--recalibrate", type=Path, metavar="BATCH.npz", help="re-estimate the statistics of batch "
                        "normalisation at each point on these images, in order, by cumulative average (default: "
                        "interpolate them)")
    parser.add_argument("--points", type=_points, default=101, metavar="N", help="equally spaced points, the two ends "
                        "included (default: 101)")


def _add_passports(passport: argparse.ArgumentParser, recreate: argparse.ArgumentParser) -> None:
    passport.add_argument("--of", required=True, metavar="ADDRESS|FILE", help="SEARCH/LEVEL/REPLICATE, or the key of "
                          "a run: the ticket that it starts from; or a checkpoint")
    passport.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")
    passport.add_argument("--with-weights", action="store_true", help="carry the kept weights, too, so that nothing "
                          "need be drawn or trained anew")
    recreate.add_argument("file", type=Path, metavar="FILE", help="a passport")
    recreate.add_argument("--out", type=Path, metavar="FILE", help="file to write the ticket to (default: "
                          "verify only)")
    recreate.add_argument("--as", dest="form", choices=EXPORTS, default=EXPORTS[0], help="its form (default: "
                          f"{EXPORTS[0]})")
    recreate.add_argument("--train", action="store_true", help="train the weights to the rewind point, if the "
                          "passport asks for that; without it the training is only named")
    recreate.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="what computes, if the "
                          "weights must be trained (default: a GPU if there is one)")


def _knob(kind: type, name: str) -> Knob:
    return next(knob for knob in knobs(kind) if knob.name == name)


def _share(text: str) -> float:
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and below 1. Got {text[:200]!r}")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a number. Got {text[:200]!r}")
    return value


def _whole(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,9}", text) is None:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0. Got {text[:200]!r}")
    return int(text)


def _points(text: str) -> int:
    value = _whole(text)
    if not 2 <= value <= 10_001:
        raise argparse.ArgumentTypeError(f"must be from 2 to 10,001. Got {text}")
    return value
