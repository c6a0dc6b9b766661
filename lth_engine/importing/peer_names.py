"""How well-known definitions of the lab's networks call their layers.

open_lth's CIFAR ResNets and torchvision's networks carry the lab's own names.
"""

from __future__ import annotations

from lth_engine.importing.conventions import Convention, Rule

_HEAD = r"fc|linear|classifier|head|output|last_linear"
_AS_IT_IS = Rule(r"(?P<all>.+)", "{all}")

_STAGED_BLOCKS = Convention("cifar_resnet", (
    Rule(r"conv1?", "conv"),
    Rule(r"bn1?", "bn"),
    Rule(r"(?:layer|stage|block|group)_?(?P<s>\d+)[._](?P<i>\d+)\.(?P<part>conv[12]|bn[12])", "blocks.{n}.{part}"),
    Rule(r"(?:layer|stage|block|group)_?(?P<s>\d+)[._](?P<i>\d+)\.(?:shortcut|downsample)\.(?P<part>[01])",
         "blocks.{n}.shortcut.{part}"),
    Rule(_HEAD, "fc")))
"""lth-pacbayes, pytorch_resnet_cifar10 (`linear`), pytorch-classification (`downsample`)."""

_SHORTCUT_BLOCKS = Convention("resnet", (
    Rule(r"(?P<block>layer[1-4]\.\d+)\.shortcut\.(?P<part>[01])", "{block}.downsample.{part}"),
    Rule(_HEAD, "fc"), _AS_IT_IS))
"""pytorch-cifar: ResNet-18, 34 and 50 with `shortcut` and `linear`."""

_RESIDUAL_FUNCTIONS = Convention("resnet", (
    Rule(r"conv1\.0", "conv1"), Rule(r"conv1\.1", "bn1"),
    *(Rule(rf"conv{stage + 1}_x\.(?P<block>\d+)\.residual_function\.{place}", f"layer{stage}.{{block}}.{name}")
      for stage in (1, 2, 3, 4)
      for place, name in ((0, "conv1"), (1, "bn1"), (3, "conv2"), (4, "bn2"), (6, "conv3"), (7, "bn3"))),
    *(Rule(rf"conv{stage + 1}_x\.(?P<block>\d+)\.shortcut\.(?P<part>[01])",
           f"layer{stage}.{{block}}.downsample.{{part}}") for stage in (1, 2, 3, 4)),
    Rule(_HEAD, "fc")))
"""pytorch-cifar100 and Synaptic-Flow's ResNet-18: `conv2_x.0.residual_function.0`."""

_NUMBERED_LAYERS_OF_TWO = Convention("vgg", (
    Rule(r"(?:layers|features)\.(?P<i>\d+)\.conv", "conv{m}"), Rule(r"(?:layers|features)\.(?P<i>\d+)\.bn", "bn{m}"),
    Rule(_HEAD, "fc")))
"""open_lth and Synaptic-Flow: `layers.0.conv`, `layers.0.bn`, an average of the last four pixels, `fc`."""

_FEATURES_AND_CLASSIFIER = Convention("vgg", (
    Rule(r"features\.(?P<i>\d+)", "conv{m}", dims=4), Rule(r"features\.(?P<i>\d+)", "bn{m}", dims=1),
    Rule(_HEAD, "fc")),
    knobs={"last_pool": "max"}, words="a fifth max pool, as networks with these names have")
"""pytorch-cifar and pytorch-classification."""

_FEATURE_AND_CLASSIFIER = Convention("vgg", (
    Rule(r"feature\.(?P<i>\d+)", "conv{m}", dims=4), Rule(r"feature\.(?P<i>\d+)", "bn{m}", dims=1),
    Rule(_HEAD, "fc")))
"""network-slimming: an average of the last four pixels."""

_CONVOLUTIONS_IN_FEATURES = Convention("conv", (
    Rule(r"(?:features|convs?)\.(?P<i>\d+)", "conv{m}", dims=4),
    Rule(r"(?:classifier|fcs?)\.(?P<i>\d+)", "fc{m}", dims=2, last="fc")))
"""lth-pacbayes: `features.0`, `features.2`, `classifier.0`, `classifier.2`, `classifier.4`."""

_NUMBERED = Convention("conv", (
    Rule(r"conv_?(?P<i>\d+)", "conv{m}", dims=4),
    Rule(r"(?:fc|linear|lin)_?(?P<i>\d+)", "fc{m}", dims=2, last="fc")))

_NUMBERED_LINEAR = Convention("lenet_300_100", (
    Rule(r"(?:fc|linear|lin|layer|hidden)_?(?P<i>\d+)", "fc{m}", dims=2, last="fc"),))

_LINEAR_IN_CLASSIFIER = Convention("lenet_300_100", (
    Rule(r"(?:classifier|fcs?|mlp)\.(?P<i>\d+)", "fc{m}", dims=2, last="fc"),))

_HIDDEN_AND_LAST = Convention("lenet_300_100", (
    Rule(r"(?:fc_layers|hidden|layers)\.(?P<i>\d+)", "fc{m}", dims=2), Rule(_HEAD, "fc")))
"""open_lth: `fc_layers.0`, `fc_layers.1`, `fc`."""

_INVERTED = Convention("cifar_mobilenet_v2", (
    Rule(r"conv1", "conv"), Rule(r"bn1", "bn"), Rule(r"conv2", "last"), Rule(r"bn2", "last_bn"),
    *(Rule(rf"layers\.(?P<i>\d+)\.{theirs}", f"blocks.{{n}}.{ours}") for theirs, ours in (
        ("conv1", "expand"), ("bn1", "bn1"), ("conv2", "depthwise"), ("bn2", "bn2"), ("conv3", "project"),
        ("bn3", "bn3"), ("shortcut.0", "shortcut.0"), ("shortcut.1", "shortcut.1"))),
    Rule(_HEAD, "fc")))
"""AWS and pytorch-cifar: `layers.0.conv1`."""

_SQUEEZED = Convention("cifar_efficientnet_b0", (
    Rule(r"conv1", "conv"), Rule(r"bn1", "bn"),
    *(Rule(rf"layers\.(?P<i>\d+)\.{theirs}", f"blocks.{{n}}.{ours}") for theirs, ours in (
        ("conv1", "expand"), ("bn1", "bn1"), ("conv2", "depthwise"), ("bn2", "bn2"), ("conv3", "project"),
        ("bn3", "bn3"), ("se.se1", "gate.squeeze"), ("se.se2", "gate.excite"))),
    Rule(_HEAD, "fc")),
    caveat="networks with these names leave their first expansion idle, which this one uses")
"""AWS and pytorch-cifar."""

_UNITS = Convention("cifar_shufflenet", (
    Rule(r"conv1\.conv", "conv"), Rule(r"conv1\.bn", "bn"),
    *(Rule(rf"stage(?P<s>\d)\.(?P<i>\d+)\.{theirs}", f"units.{{n}}.{ours}") for theirs, ours in (
        (r"bottlneck\.0\.pointwise\.0", "squeeze"), (r"bottlneck\.0\.pointwise\.1", "bn1"),
        (r"depthwise\.depthwise\.0", "depthwise"), (r"depthwise\.depthwise\.1", "bn2"),
        (r"expand\.pointwise\.0", "expand"), (r"expand\.pointwise\.1", "bn3"))),
    Rule(_HEAD, "fc")))
"""pytorch-cifar100."""

CONVENTIONS = (
    _STAGED_BLOCKS, _SHORTCUT_BLOCKS, _RESIDUAL_FUNCTIONS, _NUMBERED_LAYERS_OF_TWO, _FEATURES_AND_CLASSIFIER,
    _FEATURE_AND_CLASSIFIER, _CONVOLUTIONS_IN_FEATURES, _NUMBERED, _NUMBERED_LINEAR, _LINEAR_IN_CLASSIFIER,
    _HIDDEN_AND_LAST, _INVERTED, _SQUEEZED, _UNITS)
"""All of them."""

FAMILIES = ("lenet_300_100", "conv", "cifar_resnet", "resnet", "vgg", "mlp_mixer", "cifar_mobilenet_v2",
            "cifar_shufflenet", "cifar_efficientnet_b0", "swin")
"""The lab's networks but those of a library's catalogue."""

OWN = tuple(Convention(family, (_AS_IT_IS,)) for family in FAMILIES)
"""The lab's own names."""
