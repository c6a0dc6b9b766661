"""Text logs of each program: settings, histories in fractions, the accuracy of a level; and what is broken in them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
import pytest

from lth_engine.importing.peers import aws, lth_pacbayes, open_lth, pruning_is_enough, synaptic_flow, turboprune
from lth_engine.importing.peers.directory import Member
from lth_engine.importing.peers.find import PEERS
from lth_engine.importing.peers.logs import Logs
from lth_engine.importing.peers.plain_text import ENTRIES, WORDS, decoded, flat, json_value, table, yaml_settings


def logs(peer: object, texts: Mapping[str, str], level: int = 1, facts: Mapping[str, object] | None = None,
         **files: str) -> Logs:
    member = Member("x", "main", 1, level, {role: files.get(role, role) for role in {*texts, *files}})
    return peer.logs(member, lambda role: texts.get(role, ""), facts or {})  # type: ignore[attr-defined]


def test_open_lth() -> None:
    logger = "\n".join(f"{name},{step},{value}" for step, loss, accuracy in ((0, 2.4, 0.1), (39100, 0.6, 0.82),
                                                                            (62560, 0.4, 0.915))
                       for name, value in (("test_loss", loss), ("test_accuracy", accuracy), ("test_examples", 1e4)))
    settings = "Dataset Hyperparameters\n    * dataset_name => cifar10\n    * batch_size => 128\n" \
               "Training Hyperparameters\n    * lr => 0.1\nPretraining\n    * lr => 0.2\n"
    found = logs(open_lth, {"history": logger, "hyperparameters": settings}, final="a/b/model_ep160_it0.pth")
    assert found.history == {"step": (0, 39100, 62560), "epoch": (0, 100, 160), "test_loss": (2.4, 0.6, 0.4),
                             "test_accuracy": (0.1, 0.82, 0.915)}
    assert found.accuracy == 0.915
    assert found.hyperparameters == {"dataset_name": "cifar10", "batch_size": "128", "lr": "0.1",
                                     "Pretraining: lr": "0.2"}


def test_open_lth_broken_logger() -> None:
    found = logs(open_lth, {"history": "test_accuracy,10,0.5\ntest_loss,20,nan\ntest_accuracy,x,1\ntest_accura"})
    assert found.history == {"step": (10,), "test_accuracy": (0.5,)}
    assert logs(open_lth, {"history": "\0\0"}).history == {}


def test_lth_pacbayes() -> None:
    result = {"density_list": [1.0, 0.8], "best_acc_list": [0.9, 0.95], "final_acc_list": [0.89, 0.94],
              "args": {"lr": 0.01, "model_name": "resnet20", "rho": None}}
    found = logs(lth_pacbayes, {"results": json.dumps(result)})
    assert found.accuracy == 0.94
    assert found.hyperparameters == {"lr": "0.01", "model_name": "resnet20", "rho": "None"}
    assert logs(lth_pacbayes, {"results": json.dumps(result)}, level=2).accuracy is None
    assert "no JSON" in logs(lth_pacbayes, {"results": json.dumps(result)[:-9]}).notes[0]
    assert logs(lth_pacbayes, {}) == Logs()


def test_aws_rows_of_an_iteration() -> None:
    head = "Learning Rate\tTrain Loss\tValid Loss\tTrain Acc.\tValid Acc.\t\n"
    rows = "".join(f"0.1\t{3 - i / 4:.6f}\t{4 - i / 4:.6f}\t{10 + i:.6f}\t{8 + i / 3:.6f}\t\n" for i in range(8))
    found = logs(aws, {"history": head + rows}, facts={"acc": 8 + 5 / 3, "epoch": 2})
    assert found.accuracy == pytest.approx(0.0966666, abs=1e-6)
    assert found.history["epoch"] == (1, 2)
    assert found.history["test_accuracy"] == pytest.approx((0.09333333, 0.0966667))
    assert found.history["train_loss"] == (2.0, 1.75)
    lost = logs(aws, {"history": head + rows}, facts={"acc": 50.0, "epoch": 2})
    assert (lost.accuracy, lost.history) == (0.5, {})
    assert "not found" in lost.notes[0]
    assert logs(aws, {"history": ""}, facts={}) == Logs()


def test_turboprune() -> None:
    csv = "epoch,train_loss,test_loss,train_acc,test_acc,max_test_acc,sparsity\n1,2.0,1.9,30.0,35.0,35.0,20.0\n" \
          "2,1.0,1.1,60.0,55.5,55.5,20.0\n3,0.9"
    summary = "Level,Sparsity,Last_Test_Acc,Max_Test_Acc\n0,0.0,91.0,92.0\n1,20.0,90.25,92.0\n"
    yaml = "seed: 3\n# a comment\npruning_params:\n  prune_method: mag\n  rates:\n  - 0.1\n  - 0.2\n" \
           "optimizer_params:\n    lr: 0.2\n    nested:\n      name: 'OneCycleLR'\nlast: \"x: y\"\n"
    found = logs(turboprune, {"history": csv, "results": summary, "hyperparameters": yaml})
    assert found.history == {"epoch": (1, 2), "train_loss": (2.0, 1.0), "test_loss": (1.9, 1.1),
                             "train_accuracy": (0.3, 0.6), "test_accuracy": (0.35, 0.555)}
    assert found.accuracy == 0.9025
    assert found.hyperparameters == {
        "seed": "3", "pruning_params.prune_method": "mag", "pruning_params.rates": "0.1, 0.2",
        "optimizer_params.lr": "0.2", "optimizer_params.nested.name": "OneCycleLR", "last": "x: y"}
    assert logs(turboprune, {"history": csv}).accuracy == 0.555
    assert logs(turboprune, {"results": summary}, level=0).accuracy == 0.91


def test_synaptic_flow() -> None:
    one = json.dumps({"experiment": "singleshot", "lr": 0.1, "lr_drops": [60, 120]})
    assert logs(synaptic_flow, {"hyperparameters": one}, final="model.pt").hyperparameters == {
        "experiment": "singleshot", "lr": "0.1", "lr_drops": "60, 120"}
    many = logs(synaptic_flow, {"hyperparameters": json.dumps({"experiment": "multishot"})}, final="model.pt")
    assert many.untrained
    assert not logs(synaptic_flow, {"hyperparameters": one}, final="model.pt").untrained


def test_pruning_is_enough() -> None:
    csv = "test,nact,before\n50.0,100.0,10.0\n60.0,100.0,10.0\n55.0,80.0,11.0\n65.5,80.0,11.0\n40.0,64.0,12.0\n"
    found = logs(pruning_is_enough, {"history": csv}, final="round_1_finish_model.pth")
    assert found.history == {"epoch": (1, 2), "test_accuracy": (0.55, 0.655)}
    assert found.accuracy == 0.655
    assert logs(pruning_is_enough, {"history": csv}, level=3) == Logs()
    assert logs(pruning_is_enough, {"history": csv}, level=2).accuracy is None  # not trained to its end
    learned = "epoch,test_acc_before_rounding,test_acc,model_sparsity\n1,50,48,60\n2,70,69,50.2\n3,72,71,20\n"
    assert logs(pruning_is_enough, {"results": learned}, final="c/hc_ckpt_at_sparsity_50.pt").accuracy == 0.69


TEXTS = ("test_accuracy,1,0.5\ntest_loss,1,2\n", "    * lr => 0.1\n",
         '{"final_acc_list": [0.5, 0.6], "args": {"a": [1]}}',
         "Learning Rate\tTrain Loss\tValid Acc.\t\n0.1\t2\t60\t\n", "Level,Last_Test_Acc\n1,90\n",
         "a:\n  - b\n  c: d\n",
         "test,nact,before\n50,100,10\n55,80,11\n")


def test_changed_texts_never_raise() -> None:
    """Whatever stands in a log, a member has Logs whose numbers are finite or NaN, and accuracies in [0, 1]."""
    rng = np.random.default_rng(3)
    alphabet = list("\t\n ,:[]{}\"'0123456789.-eENaInf=>*_\0\ufeff")
    for _ in range(400):
        text = "".join(rng.permutation(TEXTS)[:2])
        for _ in range(int(rng.integers(0, 6))):
            at = int(rng.integers(0, len(text)))
            put = str(rng.choice(alphabet)) * int(rng.integers(0, 40))
            text = text[:at] + put + text[at + int(rng.integers(0, 5)):]
        for peer in PEERS.values():
            found = logs(peer, dict.fromkeys(("history", "results", "hyperparameters"), text), facts={
                "acc": float(rng.choice([60.0, float("nan"), 1e300])), "epoch": int(rng.integers(-2, 5))})
            assert found.accuracy is None or 0 <= found.accuracy <= 1
            assert not any(math.isinf(value) for column in found.history.values() for value in column)
            assert all(isinstance(v, str) and len(v) <= WORDS for v in found.hyperparameters.values())


def test_text_is_bounded() -> None:
    assert len(flat({str(i): i for i in range(10_000)})) == ENTRIES
    assert len(yaml_settings("\n".join(f"k{i}: 1" for i in range(10_000)))) == ENTRIES
    assert len(yaml_settings("\n".join(" " * i + f"k{i}:" for i in range(5000)) + " x")) <= ENTRIES
    assert all(len(v) <= WORDS for v in flat({"a": "x" * 10**6}).values())
    assert flat({"a": "one\x1b[31m\ntwo"}) == {"a": "one [31m two"}
    assert json_value("[" * 100_000) is None
    assert json_value("9" * 10_000) is None
    deep: object = 1
    for _ in range(5000):
        deep = {"a": deep}
    assert flat(deep) == {}
    assert decoded(b"\xff\xfea\xef\xbb\xbf").endswith("a\ufeff")


def test_tables_with_holes() -> None:
    found = table("a,b,c\n1,x,nan\n2,3,inf\n4\n")
    assert found["a"] == (1, 2)
    assert math.isnan(found["b"][0])
    assert found["b"][1] == 3
    assert "c" not in found
    assert table("") == {}
    assert table("," * 10_000 + "\n" + "1," * 10_000) == {}
