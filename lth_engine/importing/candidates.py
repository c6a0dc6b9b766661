"""What network, with what knobs, tensors that carry the lab's names would be: read off their shapes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from lth_engine.core.errors import BadInput
from lth_engine.importing.checkpoint import Candidate
from lth_engine.importing.skeleton import STATISTICS, Shapes
from lth_engine.specs.cifar_models import CifarEfficientnetB0, CifarMobilenetV2, CifarShufflenet
from lth_engine.specs.library_models import Swin
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100, MlpMixer, ModelSpec, Normalised, Resnet, Vgg

USUAL = (28, 32, 64, 96, 128, 160, 224, 256, 299, 384)
"""Sides of images in pixels that are tried first where several fit."""

CIFAR, IMAGENET = 32, 224
"""Usual sides of images in pixels."""

CLASSES = 10
"""A usual number of them."""


def guess(family: str, shapes: Shapes) -> Candidate | None:
    """The candidate of a family (a spec's name) for tensors under the lab's names, or None: they are not of it."""
    try:
        found = _GUESSES[family](shapes)
    except (KeyError, IndexError, ValueError, BadInput):  # it lacks a layer of the family, or fits no knob
        return None
    return None if found is None else with_statistics(found, shapes)


def with_statistics(found: Candidate, shapes: Shapes) -> Candidate:
    """The same without running statistics where the file has batch normalisation and no statistics at all."""
    norms = {n.rpartition(".")[0] for n, s in shapes.items() if n.endswith(".weight") and len(s) == 1}
    lacks = norms and not any(n.endswith(STATISTICS) for n in shapes)
    if not lacks or not isinstance(found.spec, Normalised) or found.spec.name == "torchvision":
        return found
    return replace(found, variant=f"{found.variant}, without running statistics",
                   spec=found.spec.replace(running_stats=False))


def image_of(values: int) -> tuple[int, int, int]:
    """(channels, height, width) of a flattened image: square, gray or in colour, or else one line."""
    for channels in (1, 3):
        side = math.isqrt(values // channels)
        if channels * side * side == values:
            return channels, side, side
    return 1, 1, values


def _count(shapes: Shapes, pattern: str) -> int:
    """1 + the largest number that the group of `pattern` takes; 0 if it fits nowhere."""
    return max((int(m[1]) + 1 for n in shapes if (m := re.fullmatch(pattern, n))), default=0)


def _classes(shapes: Shapes, head: str = "fc.weight") -> int:
    """Outputs of the classifier; a usual number where the file lacks it, as a network without its head does."""
    return shapes[head][0] if head in shapes else CLASSES


def _lenet(shapes: Shapes) -> Candidate:
    first, values = shapes["fc1.weight"]
    second = shapes["fc2.weight"][0]
    size = image_of(values)
    return Candidate(f"LeNet-{first}-{second}", "ReLU, no normalisation", Lenet300100(first=first, second=second),
                     *size, size[1] > 1, _classes(shapes))


def _conv(shapes: Shapes) -> Candidate | None:
    layers = _count(shapes, r"conv(\d+)\.weight") - 1
    last, hidden = shapes[f"conv{layers}.weight"][0], shapes["fc2.weight"][0]
    widths = [hidden / 256, shapes["conv1.weight"][0] / 64, last / {2: 64, 4: 128, 6: 256}[layers]]
    outs = [shapes[f"conv{2 * b + 1}.weight"][0] for b in range(layers // 2)]
    fitting = [w for w in widths if [max(1, round(c * w)) for c in (64, 128, 256)[:layers // 2]] == outs
               and max(1, round(256 * w)) == hidden]
    side = math.isqrt(shapes["fc1.weight"][1] // last)
    if not fitting or not side or side * side * last != shapes["fc1.weight"][1]:
        return None
    pools = 2 ** (layers // 2)
    pixels = next((s for s in USUAL if s // pools == side), side * pools)
    variant = "" if fitting[0] == 1 else f"width {fitting[0]:g}, "
    return Candidate(f"Conv-{layers}", f"{variant}max pools, no normalisation",
                     Conv(layers=layers, width=fitting[0]), shapes["conv1.weight"][1], pixels, pixels, True,
                     _classes(shapes))


def _cifar_resnet(shapes: Shapes) -> Candidate:
    blocks = _count(shapes, r"blocks\.(\d+)\.conv1\.weight")
    width, channels = shapes["conv.weight"][:2]
    projected = any(re.match(r"blocks\.\d+\.shortcut\.0\.", n) for n in shapes)
    depth = min((8, 14, 20, 32, 44, 56, 110), key=lambda known: abs(known - 2 * blocks - 2))
    spec = CifarResnet(depth=depth, width=width, shortcut="projection" if projected else "padding")
    option = "option B shortcuts (1x1 convolutions)" if projected else "option A shortcuts (padding with zeros)"
    return Candidate(spec.label, f"{option}, width {width}, batch normalisation", spec, channels, CIFAR, CIFAR, False,
                     _classes(shapes))


def _resnet(shapes: Shapes) -> Candidate | None:
    blocks = tuple(_count(shapes, rf"layer{stage}\.(\d+)\.conv1\.weight") for stage in (1, 2, 3, 4))
    depth = 50 if "layer1.0.conv3.weight" in shapes else 18 if sum(blocks) < 12 else 34
    kernel = shapes["conv1.weight"][-1]
    if kernel not in (3, 7) or not all(blocks):
        return None
    stem, side = ("cifar", CIFAR) if kernel == 3 else ("imagenet", IMAGENET)
    words = "CIFAR stem (3x3 of stride 1, which the file does not tell)" if kernel == 3 else "ImageNet stem"
    return Candidate(f"ResNet-{depth}", f"{words}, batch normalisation", Resnet(depth=depth, stem=stem),
                     shapes["conv1.weight"][1], side, side, False, _classes(shapes))


def _vgg(shapes: Shapes) -> Candidate:
    last = _count(shapes, r"conv(\d+)\.weight") - 1
    depth = {8: 11, 10: 13, 13: 16, 16: 19}[min((8, 10, 13, 16), key=lambda known: abs(known - last))]
    width, channels = shapes["conv1.weight"][:2]
    return Candidate(f"VGG-{depth}", f"width {width}, batch normalisation, one linear classifier on the average",
                     Vgg(depth=depth, width=width), channels, CIFAR, CIFAR, False, _classes(shapes))


def _mixer(shapes: Shapes) -> Candidate | None:
    width, channels, patch, _ = shapes["embed.weight"]
    token, patches = shapes["blocks.0.token_mlp.fc1.weight"]
    side = math.isqrt(patches)
    if side * side != patches:
        return None
    spec = MlpMixer(patch=patch, depth=_count(shapes, r"blocks\.(\d+)\.norm1\.weight"), width=width, token_mlp=token,
                    channel_mlp=shapes["blocks.0.channel_mlp.fc1.weight"][0])
    return Candidate("MLP-Mixer", f"{spec.depth} blocks, width {width}, patches of {patch} pixels", spec, channels,
                     side * patch, side * patch, True, _classes(shapes))


def _for_cifar(kind: type[ModelSpec]) -> Callable[[Shapes], Candidate]:
    def guessed(shapes: Shapes) -> Candidate:
        return Candidate(kind.title, "batch normalisation", kind(), shapes["conv.weight"][1], CIFAR, CIFAR, False,
                         _classes(shapes))
    return guessed


def _swin(shapes: Shapes) -> Candidate | None:
    width, channels, patch, _ = shapes["features.0.0.weight"]
    size = {6: "tiny", 18: "small"}.get(_count(shapes, r"features\.5\.(\d+)\.norm1\.weight"))
    table = shapes["features.1.0.attn.relative_position_bias_table"][0]
    if width != 96 or size is None:
        return None
    spec = Swin(size=size, patch=patch, window=(math.isqrt(table) + 1) // 2)
    side = CIFAR if patch < 4 else IMAGENET
    return Candidate(spec.label, f"patches of {patch} pixels, windows of {spec.window} patches", spec, channels, side,
                     side, False, _classes(shapes, "head.weight"))


_GUESSES: Mapping[str, Callable[[Shapes], Candidate | None]] = {
    "lenet_300_100": _lenet, "conv": _conv, "cifar_resnet": _cifar_resnet, "resnet": _resnet, "vgg": _vgg,
    "mlp_mixer": _mixer, "cifar_mobilenet_v2": _for_cifar(CifarMobilenetV2),
    "cifar_shufflenet": _for_cifar(CifarShufflenet), "cifar_efficientnet_b0": _for_cifar(CifarEfficientnetB0),
    "swin": _swin}
