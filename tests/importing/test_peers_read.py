"""Networks saved in each program's own format come back: logits under the mask, levels, densities, accuracies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lth_engine.importing.network import network, state
from lth_engine.importing.peers.directory import PRETRAIN, Directory, Member
from lth_engine.importing.peers.find import found
from lth_engine.importing.peers.read_member import MemberRead, Opened, read_member
from tests.importing import peer_trees as tree
from tests.importing.peer_trees import accuracy, density, logits, masked, random_masks, resnet20

X = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(5))
TEXTS = ("history", "results", "hyperparameters")


def listed(root: Path) -> Directory:
    return found([str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()])


def opened(root: Path, member: Member) -> dict[str, Opened]:
    return {role: Opened(root / path, "" if role in TEXTS else "npy" if path.endswith(".npy") else "torch zip")
            for role, path in member.files.items()}


def everything(root: Path) -> list[MemberRead]:
    directory = listed(root)
    return [read_member(directory.kind, m, opened(root, m)) for m in directory.members]


def outputs(checkpoint: object) -> torch.Tensor:
    with torch.inference_mode():
        return network(checkpoint)[0](X)  # type: ignore[arg-type]


def same(checkpoint: object, wanted: torch.Tensor) -> None:
    torch.testing.assert_close(outputs(checkpoint), wanted, rtol=1e-4, atol=1e-5)


def kept(read: MemberRead) -> float:
    assert read.checkpoint is not None
    return density(network(read.checkpoint)[1])


def test_open_lth(tmp_path: Path) -> None:
    tree.open_lth(tmp_path)
    reads = everything(tmp_path)
    assert [(r.member.replicate, r.member.level) for r in reads] == [
        (r, level) for r in (1, 2) for level in (PRETRAIN, 0, 1, 2)]
    for read in reads:
        r, level = read.member.replicate, read.member.level
        assert read.notes == ()
        assert read.role == "final"
        assert read.logs.hyperparameters == {"dataset_name": "cifar10", "batch_size": "128", "lr": "0.1"}
        if level == PRETRAIN:
            same(read.checkpoint, logits(resnet20(10 + r), X))
            same(read.start, logits(resnet20(r), X))
            continue
        masks = random_masks(resnet20(0), level, r)
        same(read.checkpoint, logits(masked(resnet20(100 * r + level), masks), X))
        same(read.start, logits(masked(resnet20(10 + r), masks), X))
        same(read.starts["init"], logits(masked(resnet20(r), masks), X))
        assert kept(read) == density(masks)
        assert read.logs.accuracy == accuracy(level, r)
        assert read.logs.history["epoch"] == (0, 160)


def test_open_lth_training_that_stopped(tmp_path: Path) -> None:
    """checkpoint.pth has the masks inside, under names with underscores."""
    masks, here = random_masks(resnet20(0), 1, 1), tmp_path / "level_1" / "main"
    tree.save(masked(resnet20(1), masks), here / "model_ep0_it0.pth")
    tree.save(tree.open_lth_checkpoint(resnet20(2), masks), here / "checkpoint.pth")
    tree.save({n: m.int() for n, m in masks.items()}, here / "mask.pth")
    read, = everything(tmp_path)
    assert "in the middle" in read.notes[0]
    same(read.checkpoint, logits(masked(resnet20(2), masks), X))
    assert kept(read) == density(masks)


def test_open_lth_damaged_files_cost_only_themselves(tmp_path: Path) -> None:
    tree.open_lth(tmp_path, levels=3, replicates=1)
    base = tmp_path / f"lottery_{tree.HASH}/replicate_1"
    final = base / "level_1/main/model_ep160_it0.pth"
    final.write_bytes(final.read_bytes()[:3000])
    (base / "level_2/main/mask.pth").write_bytes(b"<!DOCTYPE html>")
    (base / "level_2/main/logger").write_bytes(b"\xff\xfe\x00garbage,,,")
    pretrain, dense, first, second = everything(tmp_path)
    assert (pretrain.role, dense.role, first.role, second.role) == ("final", "final", "rewind", "final")
    assert first.notes[0].startswith("Final weights: ")
    same(first.checkpoint, logits(masked(resnet20(11), random_masks(resnet20(0), 1, 1)), X))
    assert "exact zeros" in second.notes[0]
    assert second.logs.accuracy is None
    same(second.checkpoint, logits(resnet20(102), X))


def test_everything_of_a_member_is_damaged(tmp_path: Path) -> None:
    tree.write("no weights", tmp_path / "model_ep0_it0.pth")
    tree.write("no weights", tmp_path / "model_ep1_it0.pth")
    read, = everything(tmp_path)
    assert (read.checkpoint, read.role, read.start) == (None, "", None)
    assert read.notes[-1] == "No weights of it could be read."


def test_lth_pacbayes(tmp_path: Path) -> None:
    tree.lth_pacbayes(tmp_path)
    reads = everything(tmp_path)
    assert len(reads) == 6
    for read in reads:
        r, level = read.member.replicate, read.member.level
        assert r is not None
        assert level is not None
        masks = random_masks(resnet20(0), level, r)
        same(read.checkpoint, logits(masked(resnet20(100 * r + level), masks), X))
        same(read.start, logits(masked(resnet20(10 + r), masks), X))
        assert kept(read) == density(masks)
        assert read.logs.accuracy == accuracy(level, r)
        assert read.logs.hyperparameters["momentum"] == "None"
        assert read.notes == ()


def test_synaptic_flow(tmp_path: Path) -> None:
    masks = random_masks(resnet20(0), 2, 1)
    tree.save(tree.synaptic_flow(resnet20(3), masks), tmp_path / "singleshot/run/model.pt")
    tree.write(json.dumps({"experiment": "singleshot", "pruner": "synflow"}), tmp_path / "singleshot/run/args.json")
    (tmp_path / "singleshot/run/post-train.pkl").write_bytes(b"cos\nsystem\n")
    tree.save(tree.synaptic_flow(resnet20(4), {}), tmp_path / "multishot/run/model.pt")
    tree.write(json.dumps({"experiment": "multishot"}), tmp_path / "multishot/run/args.json")
    many, single = everything(tmp_path)
    same(single.checkpoint, logits(masked(resnet20(3), masks), X))
    assert kept(single) == density(masks)
    assert "never read" in single.notes[0]
    assert single.logs.hyperparameters["pruner"] == "synflow"
    assert (many.role, list(many.starts)) == ("init", ["init"])
    same(many.start, logits(resnet20(4), X))


def bare_resnet20(seed: int) -> tree.Tensors:
    """As pruning_is_enough has it: padded shortcuts, normalisation without parameters, no bias."""
    return {n: v for n, v in resnet20(seed, option="A", affine=False).items() if n != "fc.bias"}


def scored(saved: tree.Tensors, flags: tree.Tensors | None = None) -> tree.Tensors:
    """With the flags and scores that the program gives every layer; IMP never uses its own, which are drawn at random.

    Flags are cleared for half of what is pruned, scores lie beyond [0, 1], both as Gem-Miner leaves them.
    """
    g = torch.Generator().manual_seed(4)
    found: tree.Tensors = {}
    for name, value in saved.items():
        found[name] = value
        if value.dim() == 4:
            layer, kept = name.removesuffix("weight"), None if flags is None else flags[name] > 0
            drawn = torch.rand(value.shape, generator=g)
            found[f"{layer}flag"] = torch.ones_like(value) if kept is None else (kept | (drawn > 0.5)).float()
            found[f"{layer}scores"] = drawn - 0.5 if kept is None else torch.where(kept, drawn + 0.51, drawn - 0.51)
            found |= {f"{layer}bias_flag": torch.tensor([float("nan")]), f"{layer}bias_scores": torch.zeros(1)}
    return found


def test_pruning_is_enough_rounds(tmp_path: Path) -> None:
    """The mask of a round is a pickled mapping in a .npy."""
    for i in range(2):
        masks = random_masks(bare_resnet20(0), i, 1)
        for name, value in (("model", masked(bare_resnet20(7), masks)),
                            ("finish_model", bare_resnet20(8 + i))):
            tree.save({"model_state_dict": scored(tree.pruning_is_enough(value)), "optimizer_state_dict": {}},
                      tmp_path / f"round_{i}_{name}.pth")
        if i:
            held = tree.Mask(tree.pruning_is_enough({n: m.float() for n, m in masks.items()}))
            np.save(tmp_path / f"round_{i}_mask.npy", np.array(held, dtype=object), allow_pickle=True)
    tree.write("test,nact,before\n50,100,10\n60,100,10\n55,60,11\n61,60,11\n", tmp_path / "LTH_cifar10_resnet20.csv")
    dense, pruned = everything(tmp_path)
    masks = random_masks(bare_resnet20(0), 1, 1)
    assert (dense.notes, pruned.notes) == ((), ())
    same(dense.checkpoint, logits(bare_resnet20(8), X))
    same(pruned.checkpoint, logits(masked(bare_resnet20(9), masks), X))
    same(pruned.start, logits(masked(bare_resnet20(7), masks), X))
    assert kept(pruned) == density(masks)
    assert pruned.checkpoint is not None
    assert "factors and shifts" in pruned.checkpoint.contents.notes[-1]
    assert (dense.logs.accuracy, pruned.logs.accuracy) == (0.6, 0.61)


def test_pruning_is_enough_learned_masks(tmp_path: Path) -> None:
    p = bare_resnet20(5)
    masks = random_masks(p, 1, 1)
    flags = tree.pruning_is_enough({n: m.float() for n, m in masks.items()})
    path = tmp_path / "gm/model_checkpoints/ckpts_a/hc_ckpt_at_sparsity_60.pt"
    tree.save(scored(tree.pruning_is_enough(p), flags), path)
    read, = everything(tmp_path)
    same(read.checkpoint, logits(masked(p, masks), X))
    assert kept(read) == density(masks)


def aws_names() -> dict[str, str]:
    """The lab's name of a layer of MobileNetV2 for CIFAR -> AWS's."""
    names = {"conv": "conv1", "bn": "bn1", "last": "conv2", "last_bn": "bn2", "fc": "linear"}
    for i in range(17):
        names |= {f"blocks.{i}.{ours}": f"layers.{i}.{theirs}" for ours, theirs in (
            ("expand", "conv1"), ("bn1", "bn1"), ("depthwise", "conv2"), ("bn2", "bn2"), ("project", "conv3"),
            ("bn3", "bn3"), ("shortcut.0", "shortcut.0"), ("shortcut.1", "shortcut.1"))}
    return names


def test_aws(tmp_path: Path) -> None:
    """MobileNetV2, whose forward pass is the lab's own: what is checked are names, masks, levels and accuracies."""
    from lth_engine.models.build import build
    from lth_engine.specs.cifar_models import CifarMobilenetV2

    model = build(CifarMobilenetV2(), 3, 32, 32, 100, init_seed=0).eval()
    names, ours = aws_names(), dict(model.state_dict())
    theirs = {f"{names[n.rpartition('.')[0]]}.{n.rpartition('.')[2]}": v for n, v in ours.items()}
    prunable = {n: v for n, v in theirs.items() if v.dim() == 4}
    masks = {n: torch.rand(v.shape, generator=torch.Generator().manual_seed(1)) < 0.8 for n, v in prunable.items()}
    dense = {n: torch.ones_like(v, dtype=torch.bool) for n, v in prunable.items()}
    base = tmp_path / "checkpoint/cifar100_mobilenet_seed1_lrr"
    for i, mask in enumerate((dense, masks)):
        saved = {n: v * (i + 1) / 2 if n in masks else v for n, v in theirs.items()}
        tree.save({"epoch": 1, "acc": 60.0 + i, "optimizer": {"state": {}},
                   "state_dict": tree.fixed(saved, mask, torch.bool if i else torch.float32)},
                  base / f"checkpoint_iter{i}.pth.tar")
    tree.write("Learning Rate\tTrain Loss\tValid Loss\tTrain Acc.\tValid Acc.\t\n"
               "0.100000\t2.000000\t2.100000\t50.000000\t60.000000\t\n"
               "0.100000\t1.000000\t1.100000\t70.000000\t61.000000\t\n", base / "log.txt")
    first, second = everything(tmp_path)
    assert (first.notes, second.notes) == ((), ())
    assert (first.logs.accuracy, second.logs.accuracy) == (0.6, 0.61)
    assert second.logs.history["test_loss"] == (1.1,)
    inverse = {theirs: ours for ours, theirs in names.items()}
    by_ours = {f"{inverse[n.rpartition('.')[0]]}.weight": mask for n, mask in masks.items()}
    for read, factor in ((second.checkpoint, 1.0), (second.start, 0.5)):
        assert read is not None
        model.load_state_dict({n: v * by_ours[n] * factor if n in by_ours else v for n, v in ours.items()})
        with torch.inference_mode():
            same(read, model(X))
    assert second.checkpoint is not None
    held = network(second.checkpoint)[1]
    assert all(torch.equal(held[n], m) for n, m in by_ours.items())
    assert bool(held["fc.weight"].all())


def test_turboprune(tmp_path: Path) -> None:
    """ResNet-18 of torchvision with a stem for CIFAR; its linear layer is stored as a convolution of length 1."""
    import torchvision

    model = torchvision.models.resnet18(num_classes=10)
    model.conv1, model.maxpool = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False), torch.nn.Identity()
    model.eval()
    saved, pruned = {}, {}
    for name, value in model.state_dict().items():
        layer, _, leaf = name.rpartition(".")
        saved[name] = value.unsqueeze(2) if name == "fc.weight" else value
        if leaf == "weight" and value.dim() > 1:
            mask = (torch.rand(value.shape, generator=torch.Generator().manual_seed(2)) < 0.5).float()
            saved[f"{layer}.mask"] = mask.unsqueeze(2) if name == "fc.weight" else mask
            pruned[name] = mask
    base = tmp_path / "CIFAR10_model_resnet18_trainingtype_imp_prunemethod_mag_target_0.20_seed_0_budget_2epochs__a__b"
    tree.save(saved, base / "checkpoints/model_level_1.pt")
    tree.write("Level,Sparsity,Last_Test_Acc,Max_Test_Acc\n0,0,91,92\n1,50,90,92\n", base / "x_summary.csv")
    tree.write("seed: 0\nmodel_params:\n  model_name: resnet18\n", base / "expt_config.yaml")
    read, = everything(tmp_path)
    model.load_state_dict({n: v * pruned[n] if n in pruned else v for n, v in model.state_dict().items()})
    with torch.inference_mode():
        same(read.checkpoint, model(X))
    assert kept(read) == density({n: m.bool() for n, m in pruned.items()})
    assert read.logs.accuracy == 0.9
    assert read.logs.hyperparameters["model_params.model_name"] == "resnet18"


@pytest.mark.parametrize("role", ["final", "rewind"])
def test_state_by_the_labs_names_has_masks_applied(tmp_path: Path, role: str) -> None:
    tree.lth_pacbayes(tmp_path, levels=2, replicates=1)
    read = everything(tmp_path)[1]
    checkpoint = read.checkpoint if role == "final" else read.start
    assert checkpoint is not None
    masks = random_masks(resnet20(0), 1, 0)
    wanted = masked(resnet20(1 if role == "final" else 10), masks)
    assert {n: torch.equal(v, wanted[n]) for n, v in state(checkpoint).items()} == dict.fromkeys(wanted, True)
