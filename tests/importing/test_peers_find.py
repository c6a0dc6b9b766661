"""Which program a directory is of, by names alone, from any depth; levels, replicates, branches and roles."""

from __future__ import annotations

import pytest

from lth_engine.core.errors import FileRefused
from lth_engine.importing.peers.directory import PRETRAIN, Member
from lth_engine.importing.peers.find import find, found

HASH = "93bc65d66dfa64ffaf2a0ab105433a2c"
MAIN = ("model_ep7_it263.pth", "model_ep160_it0.pth", "mask.pth", "logger", "sparsity_report.json", "checkpoint.pth")


def open_lth_files(levels: int = 3, replicates: int = 2) -> list[str]:
    files = []
    for replicate in range(1, replicates + 1):
        base = f"lottery_{HASH}/replicate_{replicate}"
        files += [f"{base}/level_pretrain/main/{n}" for n in ("model_ep0_it0.pth", "model_ep7_it263.pth", "logger")]
        files.append(f"{base}/level_0/main/hparams.log")
        files += [f"{base}/level_{level}/main/{name}" for level in range(levels) for name in MAIN]
        files += [f"{base}/level_2/lottery_branch_{branch}_{HASH}/{name}" for branch, names in (
            ("randomly_reinitialize", MAIN), ("retrain", [n for n in MAIN if n != "mask.pth"])) for name in names]
    return files


def only(files: list[str], **wanted: object) -> Member:
    directory = find(files)
    assert directory is not None
    fit = [m for m in directory.members if all(getattr(m, k) == v for k, v in wanted.items())]
    assert len(fit) == 1
    return fit[0]


def test_open_lth_levels_replicates_and_branches() -> None:
    directory = find(open_lth_files())
    assert directory is not None
    assert directory.kind == "open_lth"
    assert directory.notes == ()
    assert [(m.branch, m.replicate, m.level) for m in directory.members] == [
        *[("main", r, level) for r in (1, 2) for level in (PRETRAIN, 0, 1, 2)],
        *[(b, r, 2) for b in ("randomly_reinitialize", "retrain") for r in (1, 2)]]
    assert {m.experiment for m in directory.members} == {f"lottery_{HASH}"}


def test_open_lth_roles_of_a_level() -> None:
    base = f"lottery_{HASH}/replicate_2"
    assert only(open_lth_files(), branch="main", replicate=2, level=1).files == {
        "init": f"{base}/level_pretrain/main/model_ep0_it0.pth", "rewind": f"{base}/level_1/main/model_ep7_it263.pth",
        "final": f"{base}/level_1/main/model_ep160_it0.pth", "mask": f"{base}/level_1/main/mask.pth",
        "history": f"{base}/level_1/main/logger", "results": f"{base}/level_1/main/sparsity_report.json",
        "hyperparameters": f"{base}/level_0/main/hparams.log"}
    before = only(open_lth_files(), replicate=2, level=PRETRAIN)
    assert (before.files["init"], before.files["final"]) == (
        f"{base}/level_pretrain/main/model_ep0_it0.pth", f"{base}/level_pretrain/main/model_ep7_it263.pth")


def test_open_lth_retrain_takes_the_mask_of_its_level() -> None:
    base = f"lottery_{HASH}/replicate_1/level_2"
    assert only(open_lth_files(), branch="retrain", replicate=1).files["mask"] == f"{base}/main/mask.pth"
    other = only(open_lth_files(), branch="randomly_reinitialize", replicate=1)
    assert other.files["mask"] == f"{base}/lottery_branch_randomly_reinitialize_{HASH}/mask.pth"
    assert "init" not in other.files  # its weights were drawn anew: not those of pretraining


@pytest.mark.parametrize(("cut", "experiment", "replicate", "level"), [
    (1, "", 1, 2), (2, "", None, 2), (4, "", None, None)])
def test_open_lth_from_any_depth(cut: int, experiment: str, replicate: int | None, level: int | None) -> None:
    """A folder inside the tree: what lies above is unknown, unless the caller says it."""
    above = f"lottery_{HASH}/replicate_1/level_2/main".split("/")
    deep = [f"{'/'.join(above)}/{name}" for name in MAIN]
    inside = ["/".join(path.split("/")[cut:]) for path in deep]
    member = only(inside)
    assert (member.experiment, member.replicate, member.level) == (experiment, replicate, level)
    assert set(member.files) == {"final", "rewind", "mask", "history", "results"}
    directory = find(inside, "data/" + "/".join(above[:cut]))
    assert directory is not None
    named = directory.members[0]
    assert (named.experiment, named.replicate, named.level, named.branch) == (f"lottery_{HASH}", 1, 2, "main")
    assert named.files["mask"] == inside[MAIN.index("mask.pth")]


def test_open_lth_half_written() -> None:
    base = "lottery_x/replicate_1/level_3/main"
    started = only([f"{base}/model_ep0_it0.pth", f"{base}/mask.pth"])
    assert set(started.files) == {"init", "mask"}
    assert "not trained to its end" in started.notes[0]
    stopped = only([f"{base}/model_ep0_it0.pth", f"{base}/mask.pth", f"{base}/checkpoint.pth"])
    assert stopped.files["final"] == f"{base}/checkpoint.pth"
    assert "in the middle" in stopped.notes[0]
    bare = only([f"{base}/model_ep0_it0.pth", f"{base}/model_ep2_it0.pth"])
    assert bare.notes == ("There is no mask.pth: what is pruned is told by exact zeros.",)


def test_lth_pacbayes() -> None:
    files = [f"lottery_data/{HASH}/replicate_{r}/level_{level}/{name}" for r in (0, 1) for level in range(3)
             for name in ("init_model.pth", "trained_model.pth", "mask.pth", "result_gaussian_0.json")]
    files += [f"lottery_data/{HASH}/replicate_{r}/result.json" for r in (0, 1)]
    directory = find(files)
    assert directory is not None
    assert directory.kind == "lth-pacbayes"
    assert [(m.experiment, m.replicate, m.level) for m in directory.members] == [
        (HASH, r, level) for r in (0, 1) for level in range(3)]
    base = f"lottery_data/{HASH}/replicate_1"
    assert directory.members[4].files == {
        "final": f"{base}/level_1/trained_model.pth", "init": f"{base}/level_1/init_model.pth",
        "mask": f"{base}/level_1/mask.pth", "results": f"{base}/result.json", "hyperparameters": f"{base}/result.json"}
    assert "1 of its PAC-Bayes results" in directory.members[0].notes[0]


def test_aws_chain_and_trainings() -> None:
    name = "cifar100_resnet50_seed2_aws"
    files = [f"checkpoint/{name}/checkpoint_iter{i}.pth.tar" for i in range(4)] + [f"checkpoint/{name}/log.txt"]
    files += [f"checkpoint/{name}_pretrained2_aws_{what}/{file}" for what in ("signtransfer", "retraining")
              for file in ("checkpoint.pth.tar", "log.txt")]
    directory = find(files)
    assert directory is not None
    assert directory.kind == "AWS"
    assert {(m.experiment, m.replicate) for m in directory.members} == {("cifar100_resnet50_aws", 2)}
    assert [(m.branch, m.level) for m in directory.members] == [
        *[("main", i) for i in range(4)], ("retraining", 2), ("signtransfer", 2)]
    assert directory.members[2].files["rewind"] == f"checkpoint/{name}/checkpoint_iter1.pth.tar"
    assert directory.members[4].files["rewind"] == f"checkpoint/{name}/checkpoint_iter2.pth.tar"
    assert "rewind" not in directory.members[5].files
    assert only(["checkpoint_pr0.36_iter2.pth.tar"]).level == 2


PREFIX = "CIFAR10_model_resnet18_trainingtype_{}_prunemethod_mag_target_0.20_seed_3_budget_90epochs_lr_0.200"


@pytest.mark.parametrize(("way", "start"), [("imp", None), ("wr", "model_rewind.pt"), ("lrr", "model_level_0.pt")])
def test_turboprune(way: str, start: str | None) -> None:
    base = PREFIX.format(way) + "__a1b2c3__20250101_120000"
    files = [f"{base}/checkpoints/{n}.pt" for n in ("model_init", "model_rewind", "model_level_0", "model_level_1")]
    files += [f"{base}/expt_config.yaml", f"{base}/{PREFIX.format(way)}_summary.csv",
              f"{base}/metrics/level_wise_metrics/level_1_metrics.csv", f"{base}/artifacts/optimizer_init.pt"]
    member = only(files, level=1)
    assert (member.experiment, member.replicate) == (base, 3)
    assert member.files.get("rewind") == (start and f"{base}/checkpoints/{start}")
    assert member.files["init"] == f"{base}/checkpoints/model_init.pt"
    assert member.files["history"] == f"{base}/metrics/level_wise_metrics/level_1_metrics.csv"
    assert set(member.files) - {"rewind"} == {"final", "init", "history", "results", "hyperparameters"}
    assert only(["model_level_0.pt"]).files == {"final": "model_level_0.pt"}  # the folder checkpoints alone


def test_synaptic_flow() -> None:
    base = "Results/data/singleshot/cifar10-vgg16"
    single = only([f"{base}/{n}" for n in ("args.json", "model.pt", "optimizer.pt", "pre-train.pkl", "post-train.pkl",
                                           "compression.pkl")])
    assert (single.experiment, single.files) == (
        "singleshot/cifar10-vgg16", {"final": f"{base}/model.pt", "hyperparameters": f"{base}/args.json"})
    assert "never read" in single.notes[0]
    many = only([f"{base}/{n}" for n in ("args.json", "model.pt", "post-train-synflow-1.0-2.pkl")])
    assert set(many.files) == {"init", "hyperparameters"}
    assert find(["model.pt", "train.py"]) is None


def test_pruning_is_enough() -> None:
    files = ["round_0_model.pth", "round_0_finish_model.pth", "round_1_model.pth", "round_1_finish_model.pth",
             "round_1_mask.npy", "round_2_model.pth", "Liu_checkpoint_model_correct.pth", "LTH_cifar10_resnet20.csv"]
    directory = find([f"results/imp/{name}" for name in files])
    assert directory is not None
    assert (directory.kind, [m.level for m in directory.members]) == ("pruning_is_enough", [0, 1, 2])
    assert directory.members[1].files == {
        "final": "results/imp/round_1_finish_model.pth", "rewind": "results/imp/round_1_model.pth",
        "init": "results/imp/round_0_model.pth", "mask": "results/imp/round_1_mask.npy",
        "history": "results/imp/LTH_cifar10_resnet20.csv"}
    assert len(directory.members[2].notes) == 2
    learned = find(["results/gm/model_checkpoints/ckpts_seed1/hc_ckpt_at_sparsity_50.pt",
                    "results/gm/model_checkpoints/ckpts_seed1/hc_ckpt_at_sparsity_5.pt",
                    "results/gm/results_seed1/acc_and_sparsity.csv"])
    assert learned is not None
    assert [(m.experiment, m.branch, m.level, m.files["final"].rpartition("_")[2]) for m in learned.members] == [
        ("gm", "seed1", 0, "50.pt"), ("gm", "seed1", 1, "5.pt")]
    assert learned.members[0].files["results"] == "results/gm/results_seed1/acc_and_sparsity.csv"


def test_a_folder_of_no_program_says_what_was_looked_for() -> None:
    with pytest.raises(FileRefused, match=r"of 2 files.*model_ep160_it0\.pth \(open_lth\).*model_level_0\.pt"):
        found(["weights.pth", "notes.txt"])
    assert found(open_lth_files()).kind == "open_lth"


def test_what_macos_and_editors_leave_is_passed_over() -> None:
    assert find(["__MACOSX/model_ep0_it0.pth", ".git/model_ep0_it0.pth", "._model_ep0_it0.pth"]) is None


def test_two_programs_in_one_folder() -> None:
    directory = find([*open_lth_files(), "sf/model.pt", "sf/args.json"])
    assert directory is not None
    assert directory.kind == "open_lth"
    assert directory.notes == ("Networks of Synaptic-Flow (1) lie in it too: give their folder alone.",)
