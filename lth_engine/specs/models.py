"""The networks that can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec


@dataclass(frozen=True, kw_only=True)
class ModelSpec(Spec, family="model", package="lth_engine.models"):
    """A classification network. Its input and output sizes come from the data."""

    min_size: ClassVar[int] = 1
    """Smallest image side in pixels that the network accepts."""
    init: str = knob(
        "he_normal", "How weights are drawn: He's normal rule for every convolution and linear layer, with zero "
        "biases; the same with every weight of one size, its deviation, and a random sign (signed_constant); or as "
        "the network's definition draws them.", choices=("he_normal", "signed_constant", "library"), advanced=True,
        added=True, source="He et al. 2015, as in open_lth; AWS leaves the library's draw; signed_constant: "
        "Ramanujan et al. 2020")

    @property
    def label(self) -> str:
        """The usual name of this very network, such as ResNet-20."""
        return self.title


@dataclass(frozen=True, kw_only=True)
class LibraryDrawn(ModelSpec):
    """A network whose own draw belongs to its definition (position embeddings, attention): the default."""

    init: str = knob(
        "library", "How weights are drawn: as the network's definition draws them, or by He's normal rule for every "
        "convolution and linear layer, with zero biases; signed_constant: every weight of one size, its deviation, "
        "and a random sign.", choices=("library", "he_normal", "signed_constant"), advanced=True, added=True)


@dataclass(frozen=True, kw_only=True)
class Normalised(ModelSpec):
    """A network with batch normalisation."""

    running_stats: bool = knob(
        True, "Batch normalisation keeps running statistics for evaluation; without them it uses those of the batch, "
        "in training and in evaluation.", advanced=True, added=True,
        source="off in Concrete Ticket Search (networks without running statistics)")
    norm_init: str = knob(
        "ones", "First factors of batch normalisation: 1, or drawn uniformly from [0, 1).",
        choices=("ones", "uniform"), advanced=True, added=True, source="uniform in open_lth (bn_initializers)")


@dataclass(frozen=True, kw_only=True)
class Lenet300100(ModelSpec, name="lenet_300_100"):
    """Two hidden layers of 300 and 100 units with ReLU (LeCun 1998): the network of the first
    lottery tickets (Frankle & Carbin 2019, section 2)."""

    title: ClassVar[str] = "LeNet-300-100"
    first: int = knob(300, "Units of the first hidden layer.", low=1, high=10_000, advanced=True)
    second: int = knob(100, "Units of the second hidden layer.", low=1, high=10_000, advanced=True)

    @property
    def label(self) -> str:
        """LeNet and its units."""
        return f"LeNet-{self.first}-{self.second}"


@dataclass(frozen=True, kw_only=True)
class Conv(ModelSpec, name="conv"):
    """Conv-2, Conv-4 and Conv-6: VGG-like blocks of two 3x3 convolutions and a pool, then
    256-256-classes fully connected layers (Frankle & Carbin 2019, figure 2)."""

    title: ClassVar[str] = "Conv-2/4/6"
    min_size: ClassVar[int] = 8
    layers: int = knob(2, "Number of convolutions; a block of two has 64, 128 and 256 channels.", choices=(2, 4, 6))
    width: float = knob(1.0, "Factor on the number of channels and hidden units.", low=0.01, high=8, advanced=True)

    @property
    def label(self) -> str:
        """Name and depth."""
        return f"Conv-{self.layers}"


@dataclass(frozen=True, kw_only=True)
class CifarResnet(Normalised, name="cifar_resnet"):
    """Residual network for 32-pixel images with three stages of 16, 32 and 64 channels
    (He et al. 2016, section 4.2) and batch normalisation."""

    title: ClassVar[str] = "ResNet for CIFAR"
    min_size: ClassVar[int] = 8
    depth: int = knob(20, "Number of weighted layers, 6n + 2.", choices=(8, 14, 20, 32, 44, 56, 110))
    width: int = knob(16, "Channels of the first stage.", low=1, high=256, advanced=True)
    shortcut: str = knob(
        "projection", "How a block that changes size is skipped: 1x1 convolution (option B) or padding with "
        "zeros (option A).", choices=("projection", "padding"),
        source="open_lth uses projections (270,896 prunable weights in ResNet-20)", advanced=True)

    @property
    def label(self) -> str:
        """Name and depth."""
        return f"ResNet-{self.depth}"


@dataclass(frozen=True, kw_only=True)
class Resnet(Normalised, name="resnet"):
    """Residual network of 18, 34 or 50 layers (He et al. 2016, table 1) as torchvision defines it, with a stem that
    suits the size of the images."""

    title: ClassVar[str] = "ResNet"
    depth: int = knob(18, "Number of weighted layers.", choices=(18, 34, 50))
    stem: str = knob(
        "cifar", "First layers: a 3x3 convolution (cifar, 32 pixels); the same with stride 2, so that 64 pixels "
        "become 32 at once (64px); a 7x7 convolution with stride 2 and a max pool (imagenet, 224 pixels).",
        choices=("cifar", "64px", "imagenet"), source="AWS: ResNet-50 of 23,705,252 parameters on CIFAR-100")

    @property
    def label(self) -> str:
        """Name and depth."""
        return f"ResNet-{self.depth}"


@dataclass(frozen=True, kw_only=True)
class Vgg(Normalised, name="vgg"):
    """VGG with batch normalisation for small images: 3x3 convolutions, four max pools, a global average and one
    linear classifier (Simonyan & Zisserman 2015, table 1, with open_lth's classifier)."""

    title: ClassVar[str] = "VGG"
    min_size: ClassVar[int] = 16
    depth: int = knob(16, "Number of weighted layers in the original network.", choices=(11, 13, 16, 19))
    width: int = knob(64, "Channels of the first convolution; later ones have up to eight times as many.",
                      low=1, high=512, advanced=True)
    last_pool: str = knob(
        "average", "What follows the last convolutions: the global average alone, or a fifth max pool before it, for "
        "images of at least 32 pixels.", choices=("average", "max"), advanced=True, added=True,
        source="average in open_lth; max in pytorch-cifar and the original")

    @property
    def label(self) -> str:
        """Name and depth."""
        return f"VGG-{self.depth}"


@dataclass(frozen=True, kw_only=True)
class MlpMixer(LibraryDrawn, name="mlp_mixer"):
    """MLP-Mixer: blocks that mix patches, then channels, with layer normalisation (Tolstikhin et al. 2021). The
    defaults are Mixer-B; Mixer-S has 8 blocks, width 512, token_mlp 256 and channel_mlp 2048."""

    title: ClassVar[str] = "MLP-Mixer"
    patch: int = knob(4, "Side of a patch; 4 for 32-pixel images, 16 or 32 for 224.", low=1, high=64, unit="pixels")
    depth: int = knob(12, "Number of blocks.", low=1, high=64)
    width: int = knob(768, "Channels of a patch.", low=1, high=4096, advanced=True)
    token_mlp: int = knob(384, "Hidden units of the part that mixes patches.", low=1, high=16_384, advanced=True)
    channel_mlp: int = knob(3072, "Hidden units of the part that mixes channels.", low=1, high=16_384, advanced=True,
                            source="Tolstikhin et al. 2021, table 1")
