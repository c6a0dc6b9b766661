"""Peers' networks, written anew from their key lists and papers: the same names and the same computation, small."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn


class NamedBlock(nn.Module):
    """A basic block; the shortcut's attribute is called `skip_name`; option A if asked."""

    def __init__(self, inside: int, out: int, stride: int, skip_name: str, pads: bool = False) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.changes, self.pads, self.skip_name = stride != 1 or inside != out, pads, skip_name
        if self.changes and not pads:
            setattr(self, skip_name, nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.changes and self.pads:
            quarter = y.shape[1] // 4
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, quarter, quarter), "constant", 0)
        elif self.changes:
            x = getattr(self, self.skip_name)(x)
        return torch.relu(y + x)


class StagedResnet(nn.Module):
    """conv1, bn1, layer1 to layer3 or layer4, and a head: lth-pacbayes, pytorch_resnet_cifar10, pytorch-cifar."""

    def __init__(self, counts: tuple[int, ...], width: int, skip_name: str, head: str, pads: bool = False) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        inside, self.stages, self.head = width, len(counts), head
        for stage, count in enumerate(counts):
            blocks = []
            for index in range(count):
                out = width * 2**stage
                blocks.append(NamedBlock(inside, out, 2 if stage and not index else 1, skip_name, pads))
                inside = out
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        setattr(self, head, nn.Linear(inside, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        logits: torch.Tensor = getattr(self, self.head)(F.avg_pool2d(x, x.shape[-1]).flatten(1))
        return logits


class OpenLthVgg(nn.Module):
    """`layers.0.conv`, `layers.0.bn`, pools in between, an average of 2 x 2 pixels, `fc`."""

    class Layer(nn.Module):
        def __init__(self, inside: int, out: int) -> None:
            super().__init__()
            self.conv, self.bn = nn.Conv2d(inside, out, 3, padding=1), nn.BatchNorm2d(out)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(self.bn(self.conv(x)))

    def __init__(self, plan: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = 3
        for out in plan:
            layers.append(self.Layer(inside, out) if out else nn.MaxPool2d(2, 2))
            inside = out or inside
        layers.append(nn.AvgPool2d(2))
        self.layers, self.fc = nn.Sequential(*layers), nn.Linear(inside, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc(self.layers(x).flatten(1))
        return logits


class PooledVgg(nn.Module):
    """pytorch-cifar's (`features`, five max pools) or network-slimming's (`feature`, an average, no biases)."""

    def __init__(self, plan: tuple[int, ...], name: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = 3
        for out in plan:
            layers += [nn.Conv2d(inside, out, 3, padding=1, bias=name == "features"), nn.BatchNorm2d(out),
                       nn.ReLU(inplace=True)] if out else [nn.MaxPool2d(2, 2)]
            inside = out or inside
        layers.append(nn.AvgPool2d(1 if name == "features" else 2))
        self.name = name
        setattr(self, name, nn.Sequential(*layers))
        self.classifier = nn.Linear(inside, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(getattr(self, self.name)(x).flatten(1))
        return logits


class OpenLthLenet(nn.Module):
    """`fc_layers.0`, `fc_layers.1`, `fc`."""

    def __init__(self) -> None:
        super().__init__()
        self.fc_layers = nn.ModuleList([nn.Linear(784, 30), nn.Linear(30, 20)])
        self.fc = nn.Linear(20, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(1)
        for layer in self.fc_layers:
            x = F.relu(layer(x))
        logits: torch.Tensor = self.fc(x)
        return logits


class FeaturesAndClassifier(nn.Module):
    """lth-pacbayes' small convolutional network: two convolutions and a pool, three linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 16, 3, 1, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, 1, 1), nn.ReLU(),
                                      nn.MaxPool2d(2, 2))
        self.classifier = nn.Sequential(nn.Linear(16 * 14 * 14, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                                        nn.Linear(64, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(self.features(x).flatten(1))
        return logits


class Inverted(nn.Module):
    """A block of AWS's MobileNetV2."""

    def __init__(self, inside: int, out: int, expansion: int, stride: int) -> None:
        super().__init__()
        self.stride, planes = stride, expansion * inside
        self.conv1, self.bn1 = nn.Conv2d(inside, planes, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, groups=planes, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = nn.Conv2d(planes, out, 1, bias=False), nn.BatchNorm2d(out)
        self.shortcut = nn.Sequential()
        if stride == 1 and inside != out:
            self.shortcut = nn.Sequential(nn.Conv2d(inside, out, 1, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return y + self.shortcut(x) if self.stride == 1 else y


class AwsMobilenet(nn.Module):
    """`conv1`, `layers.0.conv1` ..., `conv2`, `linear`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32)
        layers, inside = [], 32
        for expansion, out, count, stride in ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2),
                                              (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
            for index in range(count):
                layers.append(Inverted(inside, out, expansion, 1 if index else stride))
                inside = out
        self.layers = nn.Sequential(*layers)
        self.conv2, self.bn2 = nn.Conv2d(320, 1280, 1, bias=False), nn.BatchNorm2d(1280)
        self.linear = nn.Linear(1280, 100)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layers(F.relu(self.bn1(self.conv1(x))))
        x = F.relu(self.bn2(self.conv2(x)))
        logits: torch.Tensor = self.linear(F.avg_pool2d(x, x.shape[-1]).flatten(1))
        return logits


class Identity2d(nn.Module):
    """Synaptic-Flow's shortcut: a factor a channel, with a mask, all one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


class SynapticFlowBlock(NamedBlock):
    """A basic block whose shortcut is never empty."""

    def __init__(self, inside: int, out: int, stride: int) -> None:
        super().__init__(inside, out, stride, "shortcut")
        if not self.changes:
            self.shortcut = Identity2d(out)
            self.changes = True


class SynapticFlowResnet(nn.Module):
    """`conv`, `bn`, `blocks.0.conv1` ..., `fc`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(SynapticFlowBlock(width, width, 1), SynapticFlowBlock(width, 2 * width, 2),
                                    SynapticFlowBlock(2 * width, 4 * width, 2))
        self.fc = nn.Linear(4 * width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(F.relu(self.bn(self.conv(x))))
        logits: torch.Tensor = self.fc(F.avg_pool2d(x, x.shape[-1]).flatten(1))
        return logits


class HiddenResnet(StagedResnet):
    """pruning_is_enough's: normalisation without factors, a 1 x 1 convolution without bias as the head."""

    def __init__(self) -> None:
        super().__init__((1, 1, 1), 4, "shortcut", "fc")
        for name, module in list(self.named_modules()):
            if isinstance(module, nn.BatchNorm2d):
                self.set_submodule(name, nn.BatchNorm2d(module.num_features, affine=False))
        self.fc = nn.Conv2d(16, 10, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        logits: torch.Tensor = self.fc(F.avg_pool2d(x, x.shape[-1])).flatten(1)
        return logits


class ResidualFunction(nn.Module):
    """A block of pytorch-cifar100's ResNet-18."""

    def __init__(self, inside: int, out: int, stride: int) -> None:
        super().__init__()
        self.residual_function = nn.Sequential(
            nn.Conv2d(inside, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True),
            nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out))
        self.shortcut = nn.Sequential()
        if stride != 1 or inside != out:
            self.shortcut = nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.residual_function(x) + self.shortcut(x))


class ResidualFunctionResnet(nn.Module):
    """`conv1.0`, `conv2_x.0.residual_function.0` ..., `fc`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU())
        inside = 64
        for stage in (1, 2, 3, 4):
            out = 32 * 2**stage
            blocks = [ResidualFunction(inside, out, 2 if stage > 1 else 1), ResidualFunction(out, out, 1)]
            setattr(self, f"conv{stage + 1}_x", nn.Sequential(*blocks))
            inside = out
        self.fc = nn.Linear(512, 100)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv1(x)
        for stage in (1, 2, 3, 4):
            x = getattr(self, f"conv{stage + 1}_x")(x)
        logits: torch.Tensor = self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return logits


def linear_as_line(state: dict[str, torch.Tensor], head: str) -> OrderedDict[str, torch.Tensor]:
    """TurboPrune's: the linear head as a convolution of length 1."""
    return OrderedDict((n, t.unsqueeze(2) if n == f"{head}.weight" else t) for n, t in state.items())
