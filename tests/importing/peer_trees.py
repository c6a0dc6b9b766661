"""Directories as other programs write them, with random weights and masks: the key lists are those of engines.md 3.

The networks are computed here by a forward pass of our own over plain dicts, so that an importer is not checked
against itself. Names "conv", "blocks.0.conv1" are those of open_lth's ResNet-20; those of others are made from them.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

Tensors = dict[str, torch.Tensor]

WIDTH, BLOCKS, CLASSES = 4, 9, 10
KEPT = 0.6


def resnet20(seed: int, option: str = "B", affine: bool = True) -> Tensors:
    """Random parameters and statistics of a ResNet-20 of width 4."""
    g = torch.Generator().manual_seed(seed)
    found: Tensors = {}

    def conv(name: str, inside: int, out: int, side: int) -> None:
        found[f"{name}.weight"] = torch.randn(out, inside, side, side, generator=g) * math.sqrt(2 / (inside * side**2))

    def norm(name: str, width: int) -> None:
        if affine:
            found[f"{name}.weight"] = torch.rand(width, generator=g) + 0.5
            found[f"{name}.bias"] = torch.randn(width, generator=g) / 10
        found[f"{name}.running_mean"] = torch.randn(width, generator=g) / 10
        found[f"{name}.running_var"] = torch.rand(width, generator=g) + 0.5
        found[f"{name}.num_batches_tracked"] = torch.tensor(100)

    conv("conv", 3, WIDTH, 3)
    norm("bn", WIDTH)
    inside = WIDTH
    for i in range(BLOCKS):
        out = WIDTH * 2 ** (i // 3)
        for name, (a, b) in {"1": (inside, out), "2": (out, out)}.items():
            conv(f"blocks.{i}.conv{name}", a, b, 3)
            norm(f"blocks.{i}.bn{name}", b)
        if inside != out and option == "B":
            conv(f"blocks.{i}.shortcut.0", inside, out, 1)
            norm(f"blocks.{i}.shortcut.1", out)
        inside = out
    found["fc.weight"] = torch.randn(CLASSES, inside, generator=g) / 4
    found["fc.bias"] = torch.randn(CLASSES, generator=g) / 10
    return found


def logits(p: Tensors, x: torch.Tensor) -> torch.Tensor:
    """The network of such parameters, in evaluation mode."""
    def norm(name: str, y: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(y, p[f"{name}.running_mean"], p[f"{name}.running_var"], p.get(f"{name}.weight"),
                            p.get(f"{name}.bias"), eps=1e-5)

    y = F.relu(norm("bn", F.conv2d(x, p["conv.weight"], padding=1)))
    for i in range(BLOCKS):
        stride = 2 if i in (3, 6) else 1
        inner = F.relu(norm(f"blocks.{i}.bn1", F.conv2d(y, p[f"blocks.{i}.conv1.weight"], stride=stride, padding=1)))
        inner = norm(f"blocks.{i}.bn2", F.conv2d(inner, p[f"blocks.{i}.conv2.weight"], padding=1))
        if f"blocks.{i}.shortcut.0.weight" in p:
            y = norm(f"blocks.{i}.shortcut.1", F.conv2d(y, p[f"blocks.{i}.shortcut.0.weight"], stride=stride))
        elif stride == 2:
            y = F.pad(y[:, :, ::2, ::2], (0, 0, 0, 0, y.shape[1] // 2, y.shape[1] // 2))
        y = F.relu(inner + y)
    return F.linear(y.mean((2, 3)), p["fc.weight"], p.get("fc.bias"))


def prunable(p: Tensors) -> list[str]:
    return [name for name, value in p.items() if value.dim() in (2, 4)]


def random_masks(p: Tensors, level: int, seed: int) -> Tensors:
    """Random masks that keep about 0.6^level of each layer; those of a level lie within those of the one before."""
    g = torch.Generator().manual_seed(1000 + seed)
    drawn = {name: torch.rand(p[name].shape, generator=g) for name in prunable(p)}
    return {name: values < KEPT**level for name, values in drawn.items()}


def masked(p: Tensors, masks: Tensors) -> Tensors:
    return {name: value * masks[name] if name in masks else value for name, value in p.items()}


def density(masks: Tensors) -> float:
    return sum(int(m.sum()) for m in masks.values()) / sum(m.numel() for m in masks.values())


def accuracy(level: int, replicate: int) -> float:
    """What the logs report, made up."""
    return round(0.9 - 0.01 * level - 0.001 * replicate, 4)


def save(value: object, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(value, path)


def write(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


HASH = "93bc65d66dfa64ffaf2a0ab105433a2c"


def open_lth(root: Path, levels: int = 3, replicates: int = 2, rewound: bool = True) -> None:
    """lottery_HASH/replicate_R/level_L/main; trained weights are not masked, since masks are applied before steps."""
    start = "model_ep7_it263.pth" if rewound else "model_ep0_it0.pth"
    for r in range(1, replicates + 1):
        base = root / f"lottery_{HASH}" / f"replicate_{r}"
        if rewound:
            save(resnet20(r), base / "level_pretrain/main/model_ep0_it0.pth")
            save(resnet20(10 + r), base / "level_pretrain/main" / start)
        write("Dataset Hyperparameters\n    * dataset_name => cifar10\n    * batch_size => 128\n"
              "Training Hyperparameters\n    * lr => 0.1\n", base / "level_0/main/hparams.log")
        for level in range(levels):
            here, masks = base / f"level_{level}" / "main", random_masks(resnet20(0), level, r)
            save(masked(resnet20(10 + r), masks), here / start)
            save(resnet20(100 * r + level), here / "model_ep160_it0.pth")
            save({name: mask.int() for name, mask in masks.items()}, here / "mask.pth")
            write("".join(f"test_loss,{step},1.5\ntest_accuracy,{step},{value}\n" for step, value in (
                (0, 0.1), (62560, accuracy(level, r)))), here / "logger")
            kept, total = sum(int(m.sum()) for m in masks.values()), sum(m.numel() for m in masks.values())
            write(json.dumps({"total": float(total), "unpruned": float(kept)}), here / "sparsity_report.json")


def open_lth_checkpoint(p: Tensors, masks: Tensors) -> dict[str, object]:
    """checkpoint.pth of a training that goes on: keys of the pruned model, masks as buffers beside."""
    state = {f"model.{name}": value for name, value in p.items()}
    state |= {f"mask_{name.replace('.', '___')}": mask.float() for name, mask in masks.items()}
    return {"ep": 5, "it": 0, "model_state_dict": state, "optimizer_state_dict": {"state": {}, "param_groups": []},
            "logger": "test_accuracy,0,0.1"}


def pacbayes_name(name: str) -> str:
    """conv1, bn1, layer1.0.conv1, layer2.0.shortcut.0, fc."""
    if name.startswith("blocks."):
        _, i, rest = name.split(".", 2)
        return f"layer{int(i) // 3 + 1}.{int(i) % 3}.{rest}"
    return name.replace("conv.", "conv1.", 1).replace("bn.", "bn1.", 1) if name.startswith(("conv.", "bn.")) else name


def lth_pacbayes(root: Path, levels: int = 3, replicates: int = 2) -> None:
    for r in range(replicates):
        base = root / "lottery_data" / HASH / f"replicate_{r}"
        every = [random_masks(resnet20(0), level, r) for level in range(levels)]
        for level, masks in enumerate(every):
            here = base / f"level_{level}"
            for file, value in (("init_model.pth", masked(resnet20(10 + r), masks)),
                                ("trained_model.pth", resnet20(100 * r + level)),
                                ("mask.pth", {name: mask.int() for name, mask in masks.items()})):
                save({pacbayes_name(name): tensor for name, tensor in value.items()}, here / file)
        write(json.dumps({"density_list": [density(m) for m in every], "best_acc_list": [0.99] * levels,
                          "final_acc_list": [accuracy(level, r) for level in range(levels)],
                          "args": {"lr": 0.01, "model_name": "resnet20", "momentum": None}}), base / "result.json")


def synaptic_flow(p: Tensors, masks: Tensors) -> Tensors:
    """model.pt: a mask buffer beside every parameter, and an Identity2d where a block keeps its size."""
    found: Tensors = {}
    for name, value in p.items():
        found[name] = value
        if name.endswith((".weight", ".bias")):
            found[f"{name}_mask"] = masks[name].float() if name in masks else torch.ones_like(value)
    for i in range(BLOCKS):
        if f"blocks.{i}.shortcut.0.weight" not in p:
            width = p[f"blocks.{i}.conv2.weight"].shape[0]
            found[f"blocks.{i}.shortcut.weight"] = torch.ones(width, 1, 1)
            found[f"blocks.{i}.shortcut.weight_mask"] = torch.ones(width, 1, 1)
    return found


def pruning_is_enough(p: Tensors) -> Tensors:
    """Names of lth-pacbayes; the last layer is a 1x1 convolution without bias (p comes without affine norms)."""
    return {pacbayes_name(name): value[:, :, None, None] if name == "fc.weight" else value
            for name, value in p.items() if name != "fc.bias"}


class Mask(dict):  # type: ignore[type-arg]
    """As imp_mask.Mask: a mapping from names to tensors, pickled as an object of its class."""


def fixed(p: Tensors, masks: Tensors, dtype: torch.dtype = torch.float32) -> Tensors:
    """AWS: X.fixed_m behind X.weight."""
    found: Tensors = {}
    for name, value in p.items():
        found[name] = value
        if name in masks:
            found[name.removesuffix("weight") + "fixed_m"] = masks[name].to(dtype)
    return found
