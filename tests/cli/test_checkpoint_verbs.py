"""The verbs about files from elsewhere: what they print, what they write, what they say when they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lth_engine.cli.mask import require_names
from lth_engine.core.errors import BadInput, FileUnreadable
from lth_engine.gate.ask import ask
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.store.reader import read_checkpoint
from tests.cli.conftest import Command
from tests.oracles import naive_scores

SPEC = CifarResnet(depth=20, width=4)
SIZE, CLASSES = 32, 10
KEYS = ("status", "reason", "format", "wrappers", "architecture", "classes", "tensors", "parameters", "density",
        "layers", "ignored", "findings", "sha256")
"""What the JSON of diagnose must have."""

RNG = np.random.default_rng(0)


def network(seed: int = 0) -> nn.Module:
    """A ResNet-20 of width 4 with running statistics of its own."""
    draw = torch.Generator().manual_seed(seed)
    model = build(SPEC, 3, SIZE, SIZE, CLASSES, seed)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(4, 9, generator=draw)
    return model.eval()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks (one of them wrapped), a small one of another kind, images, and what is no network."""
    folder = tmp_path_factory.mktemp("files")
    torch.save(network().state_dict(), folder / "a.pt")
    wrapped = {f"module.{name}": value for name, value in network(1).state_dict().items()}
    torch.save({"state_dict": wrapped, "epoch": 3}, folder / "b.pt")
    torch.save(build(Lenet300100(first=6, second=5), 3, SIZE, SIZE, CLASSES, 0).state_dict(), folder / "lenet.pt")
    x, y = RNG.integers(0, 256, (40, SIZE, SIZE, 3), dtype=np.uint8), np.arange(40) % CLASSES
    np.savez(folder / "batch.npz", x=x, y=y, mean=[0.5] * 3, std=[0.25] * 3)
    np.savez(folder / "images.npz", x=x, y=y)
    (folder / "page.pt").write_bytes(b"<html><body>404</body></html>")
    (folder / "pickle.pt").write_bytes(b"cposix\nsystem\n(S'touch marker'\ntR.")
    (folder / "text.pt").write_bytes(bytes(RNG.integers(0, 256, 500, dtype=np.uint8)))
    return folder


def images(files: Path) -> tuple[torch.Tensor, torch.Tensor]:
    with np.load(files / "batch.npz") as held:
        x = (torch.from_numpy(held["x"]).permute(0, 3, 1, 2).double() / 255 - 0.5) / 0.25
        return x.float(), torch.from_numpy(held["y"])


def as_json(answer: tuple[int, str, str], code: int = 0) -> dict[str, Any]:
    """The one object on stdout, strictly read."""
    assert answer[0] == code, answer[2]
    def refused(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")
    found: dict[str, Any] = json.loads(answer[1], parse_constant=refused)
    return found


def test_the_json_of_a_card(files: Path, command: Command) -> None:
    found = as_json(command("diagnose", files / "b.pt", "--quick", "--json"))
    assert set(KEYS) <= set(found)
    assert found["status"] == "read"
    assert found["reason"] == ""
    assert found["architecture"]["name"] == "ResNet-20"
    assert found["architecture"]["variant"]
    assert found["classes"] == CLASSES
    assert found["tensors"] == len(network().state_dict())
    assert found["parameters"] == sum(p.numel() for p in network().parameters())
    assert found["density"] == 1
    assert all({"name", "shape", "density"} <= set(layer) for layer in found["layers"])
    assert all({"severity", "text"} <= set(finding) for finding in found["findings"])


def test_the_card_in_words(files: Path, command: Command) -> None:
    code, out, err = command("diagnose", files / "b.pt", "--quick")
    assert code == 0
    for words in ("ResNet-20", "width 4", "state_dict, module.", "torch zip", "17,534", "SHA-256", "100%", "epoch"):
        assert words in out, words
    assert err == ""


@pytest.mark.parametrize(("name", "status", "words"), [
    ("page.pt", "unreadable", "web page"), ("text.pt", "unreadable", ""), ("none.pt", "unreadable", "No such file"),
    ("pickle.pt", "refused", "posix.system")])
def test_what_is_not_read(files: Path, command: Command, name: str, status: str, words: str) -> None:
    found = as_json(command("diagnose", files / name, "--quick", "--json"), 2)
    assert set(KEYS) <= set(found)
    assert found["status"] == status
    assert words in found["reason"]
    assert found["reason"].count("\n") == 0
    assert found["architecture"] is None
    code, out, _ = command("diagnose", files / name, "--quick")
    assert code == 2
    assert found["reason"] in out


@pytest.mark.parametrize("words", [
    ("mask", "page.pt", "--scorer", "magnitude", "--density", "0.1", "--out", "m.npz"),
    ("curvature", "page.pt", "--batch", "batch.npz"), ("barrier", "a.pt", "page.pt", "--batch", "batch.npz"),
    ("recreate", "page.pt"), ("passport", "--of", "page.pt", "--out", "p")])
def test_a_file_that_is_refused_ends_every_verb_with_2(files: Path, command: Command, words: tuple[str, ...],
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert err == "error: page.pt: This is a web page.\n"


def test_our_own_failure_is_1(files: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise ZeroDivisionError("a bug")
    monkeypatch.setattr("lth_engine.cli.foreign.inspect", broken)
    code, out, err = command("diagnose", files / "a.pt", "--quick", "--json")
    assert (code, out) == (1, "")
    assert "a bug" in err
    assert "Traceback" not in err


def test_two_files_one_of_them_refused(files: Path, command: Command) -> None:
    found = as_json(command("diagnose", files / "a.pt", "--init", files / "page.pt", "--quick", "--json"), 2)
    assert found["status"] == "read"
    assert found["init"]["card"]["status"] == "unreadable"


def test_spectra_speed_and_a_second_file(files: Path, command: Command) -> None:
    found = as_json(command("diagnose", files / "a.pt", "--against", files / "b.pt", "--json"))
    weights = naive_scores.layers(network())
    norms = {layer["name"]: layer["spectral_norm"] for layer in found["spectra"]["layers"]}
    assert norms == pytest.approx({name: float(torch.linalg.matrix_norm(w.flatten(1), 2)) for name, w in
                                   weights.items()}, rel=1e-4)
    assert found["speed"]["times"]
    assert found["against"]["card"]["status"] == "read"
    assert found["against"]["same_shape"]
    others = naive_scores.layers(network(1))
    apart = sum(float((weights[name] - others[name]).double().square().sum()) for name in weights) ** 0.5
    assert found["against"]["whole"]["distance"] == pytest.approx(apart, rel=1e-4)
    code, out, _ = command("diagnose", files / "a.pt", "--against", files / "lenet.pt")
    assert code == 0
    for words in ("Against the other file", "They differ in shape", "Spectra of the weight matrices", "stable rank",
                  "FLOPs, dense", "images/s"):
        assert words in out, words


def test_what_was_found_before_the_time_was_over_is_kept(files: Path, command: Command,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(entry: str, paths: list[Path], arguments: dict[str, Any], *, heard: Any) -> dict[str, Any]:
        """The real answer, of which only a part arrives in time."""
        whole = ask(entry, paths, arguments)
        if entry == "speed":
            heard({"stage": "measuring", "part": whole | {"times": []}})
        else:
            heard({"done": 1, "of": 22, "layer": whole["layers"][0]})
        raise FileUnreadable("Reading stopped at the time limit (120 s).")
    monkeypatch.setattr("lth_engine.cli.diagnose.ask", slow)
    found = as_json(command("diagnose", files / "a.pt", "--json"))
    assert [layer["name"] for layer in found["spectra"]["layers"]] == ["conv.weight"]
    assert found["spectra"]["reason"] == "The rest was left out. Reading stopped at the time limit (120 s)."
    assert found["speed"]["times"] == []
    assert found["speed"]["flops_dense"] > 1e6
    assert found["speed"]["bytes"]["raw"] > 4 * 17_534
    assert found["speed"]["sentence"]
    assert found["speed"]["reason"] == "The rest was left out. Reading stopped at the time limit (120 s)."
    out = command("diagnose", files / "a.pt")[1]
    assert "FLOPs, dense" in out
    assert out.count("The rest was left out") == 2


def test_the_card_alone(files: Path, command: Command) -> None:
    assert not {"spectra", "speed"} & set(as_json(command("diagnose", files / "a.pt", "--quick", "--json")))


def test_a_folder_of_a_peer(files: Path, command: Command, tmp_path: Path) -> None:
    """As lth-pacbayes leaves it: weights and masks of one network."""
    (tmp_path / "run").mkdir()
    for name, seed in (("init_model.pth", 1), ("trained_model.pth", 0)):
        torch.save(network(seed).state_dict(), tmp_path / "run" / name)
    found = as_json(command("diagnose", tmp_path / "run", "--quick", "--json"))
    assert found["directory"]["kind"] == "lth-pacbayes"
    assert set(KEYS) <= set(found)
    assert "lth-pacbayes" in command("diagnose", tmp_path / "run", "--quick")[1]
    assert command("diagnose", tmp_path, "--quick", "--json")[0] in (0, 2)


def test_what_does_not_fit_is_told_key_by_key(files: Path, command: Command, tmp_path: Path) -> None:
    state = dict(network().state_dict())
    state["fc.weight"], state["extra.weight"] = torch.zeros(7, 9), torch.ones(2, 3)
    torch.save(state, tmp_path / "odd.pt")
    found = as_json(command("diagnose", tmp_path / "odd.pt", "--quick", "--json"))
    assert found["architecture"] is None
    code, out, _ = command("diagnose", tmp_path / "odd.pt", "--quick", "--data", files / "batch.npz", "--init",
                           files / "a.pt")
    assert code == 0
    assert out.count("none that is known here") == 2
    assert "Nearest: ResNet-20" in out
    assert "extra.weight" in out
    words = ("mask", tmp_path / "odd.pt", "--density", "0.1", "--out", tmp_path / "m.npz", "--scorer")
    code, _, err = command(*words, "synflow")
    assert code == 2
    assert "holds none that is known" in err
    assert command(*words, "magnitude")[0] == 0
    with np.load(tmp_path / "m.npz") as held:
        wanted = best({name: w.abs() for name, w in state.items() if w.ndim > 1})
        assert {name: int(held[name].sum()) for name in held.files} == {n: int(m.sum()) for n, m in wanted.items()}


def test_from_an_initialisation(files: Path, command: Command) -> None:
    found = as_json(command("diagnose", files / "a.pt", "--init", files / "b.pt", "--quick", "--json"))["init"]
    one, other = ({name: p.detach() for name, p in network(seed).named_parameters()} for seed in (0, 1))
    weights = naive_scores.layers(network())
    square = {name: float((one[name] - other[name]).double().square().sum()) for name in one}
    assert found["distance"] == pytest.approx(sum(square.values()) ** 0.5)
    assert found["learning_distance"] == pytest.approx(sum(square[name] for name in weights) ** 0.5)
    same = sum(int((one[name].sign() == other[name].sign()).sum()) for name in weights)
    assert found["signs_kept"] == pytest.approx(same / sum(w.numel() for w in weights.values()))
    assert len(found["layers"]) == len(weights)
    code, _, err = command("diagnose", files / "a.pt", "--init", files / "lenet.pt", "--quick")
    assert code == 2
    assert "the same network" in err


def test_on_images(files: Path, command: Command) -> None:
    found = as_json(command("diagnose", files / "a.pt", "--data", files / "batch.npz", "--quick", "--json"))["data"]
    x, y = images(files)
    with torch.no_grad():
        logits = network()(x)
    assert found["accuracy"] == float((logits.argmax(dim=1) == y).double().mean())
    assert found["loss"] == pytest.approx(float(nn.functional.cross_entropy(logits, y)), rel=1e-4)
    assert found["low"] < found["accuracy"] < found["high"]
    assert [one["images"] for one in found["classes"]] == [4] * CLASSES
    assert not found["normalisation"]["guessed"]
    assert found["normalisation"]["mean"] == [0.5] * 3


def test_the_normalisation_of_the_input_is_guessed(files: Path, command: Command, tmp_path: Path) -> None:
    """The labels are what the network answers to images from -1 to 1, so that this is the normalisation it wants."""
    with np.load(files / "images.npz") as held:
        x = held["x"]
    with torch.no_grad():
        wanted = network()((torch.from_numpy(x).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5).argmax(dim=1)
    np.savez(tmp_path / "labelled.npz", x=x, y=wanted.numpy())
    found = as_json(command("diagnose", files / "a.pt", "--data", tmp_path / "labelled.npz", "--quick",
                            "--json"))["data"]
    assert found["normalisation"]["guessed"]
    assert found["normalisation"]["tried"][0]["name"] == "own"
    best = max(one["accuracy"] for one in found["normalisation"]["tried"])
    assert {one["name"]: one["accuracy"] for one in found["normalisation"]["tried"]}["signed"] == best == 1


def test_a_folder_of_images(files: Path, command: Command, tmp_path: Path) -> None:
    for label in range(CLASSES):
        (tmp_path / f"class{label}").mkdir()
        for number in range(2):
            pixels = RNG.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"class{label}" / f"{number}.png")
    found = as_json(command("diagnose", files / "a.pt", "--data", tmp_path, "--quick", "--json"))["data"]
    assert (found["images"], found["normalisation"]["held_out"]) == (15, 5)
    assert found["classes"][3]["name"] == "class3"
    said = command("diagnose", files / "a.pt", "--data", tmp_path, "--quick")[1]
    assert "class3" in said
    assert "on 5 of these images, which are not counted here" in said


def test_a_folder_with_a_part_for_tests(files: Path, command: Command, tmp_path: Path) -> None:
    for part in ("train", "test"):
        for label in range(CLASSES):
            (tmp_path / part / f"class{label}").mkdir(parents=True)
            pixels = RNG.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / part / f"class{label}" / "0.png")
    found = as_json(command("diagnose", files / "a.pt", "--data", tmp_path, "--quick", "--json"))["data"]
    assert found["images"] == 10
    assert (found["normalisation"]["guessed_on"], found["normalisation"]["held_out"]) == (10, 0)
    assert "on 10 other images" in command("diagnose", files / "a.pt", "--data", tmp_path, "--quick")[1]


def test_a_network_that_overflows(files: Path, command: Command, tmp_path: Path) -> None:
    state = network().state_dict()
    state |= {name: torch.full_like(state[name], 3e38) for name in ("conv.weight", "fc.weight")}
    torch.save(state, tmp_path / "large.pt")
    code, out, err = command("diagnose", tmp_path / "large.pt", "--data", files / "batch.npz", "--quick", "--json")
    assert (code, out) == (2, "")
    assert "answers NaN or infinity" in err


def best(scores: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return naive_scores.best(scores, round(0.1 * sum(s.numel() for s in scores.values())))


@pytest.mark.parametrize("scorer", ["magnitude", "snip", "grasp", "synflow"])
def test_masks_are_those_of_naive_rewrites(files: Path, command: Command, tmp_path: Path, scorer: str) -> None:
    out = tmp_path / "mask.npz"
    code, _, err = command("mask", files / "a.pt", "--scorer", scorer, "--density", "0.1", "--batch",
                           files / "batch.npz", "--out", out)
    assert code == 0, err
    x, y = images(files)
    model = network().double()
    wanted = naive_scores.synflow(model, (3, SIZE, SIZE), 0.1, 100) if scorer == "synflow" else \
        best(getattr(naive_scores, scorer)(model, [(x.double(), y)]))
    with np.load(out) as found:
        assert set(found.files) == set(wanted)
        assert {found[name].dtype for name in wanted} == {np.dtype(bool)}
        assert sum(int(found[name].sum()) for name in wanted) == sum(int(kept.sum()) for kept in wanted.values())
        differing = sum(int((found[name] != wanted[name].numpy()).sum()) for name in wanted)
    assert differing <= 2, "float32 may swap two weights at the threshold"


def test_a_network_under_other_names(files: Path, command: Command, tmp_path: Path) -> None:
    """As nn.Sequential names its layers; --rename gives them the names of the lab."""
    state = torch.load(files / "lenet.pt", weights_only=True)
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in state))
    theirs = {name: f"{2 * layers.index(name.rpartition('.')[0])}.{name.rpartition('.')[2]}" for name in state}
    path = tmp_path / "sequential.pt"
    torch.save({theirs[name]: value for name, value in state.items()}, path)
    words = ("curvature", path, "--batch", files / "batch.npz", "--eigenvalues", "1", "--error", "0.5", "--json")
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert "are those of a LeNet-6-5 under other names: add --rename" in err
    one = as_json(command(*words, "--rename"))
    other = as_json(command(words[0], files / "lenet.pt", *words[2:]))
    assert one["loss"] == other["loss"]
    found = as_json(command("diagnose", path, "--rename", "--init", files / "lenet.pt", "--quick", "--json"))
    assert found["architecture"]["name"] == "LeNet-6-5"
    assert found["format"] == "torch zip"
    assert found["init"]["distance"] == 0
    assert "add --rename" in command("diagnose", path, "--quick")[1]
    words = ("mask", path, "--scorer", "synflow", "--rounds", "2", "--density", "0.5", "--out", tmp_path / "m.npz")
    assert "add --rename" in command(*words)[2]
    code, _, err = command(*words, "--rename")
    assert code == 0, err
    with np.load(tmp_path / "m.npz") as held:
        assert set(held.files) == {name for name in theirs.values() if name.endswith("weight")}


def test_a_mask_in_the_form_of_the_store(files: Path, command: Command, tmp_path: Path) -> None:
    for out in (tmp_path / "mask.npz", tmp_path / "mask.h5"):
        said = as_json(command("mask", files / "b.pt", "--scorer", "random", "--density", "0.25", "--seed", "7",
                               "--out", out, "--json"))
        assert said["kept"] == round(0.25 * said["prunable"])
    with (tmp_path / "mask.h5").open("rb") as raw:
        arrays, scalars = read_checkpoint(raw)
    with np.load(tmp_path / "mask.npz") as held:
        assert {f"mask/{name}" for name in held.files} == set(arrays)
        assert all((held[name] == arrays[f"mask/{name}"]).all() for name in held.files)
        assert set(held.files) == {f"module.{name}" for name in naive_scores.layers(network())}
    assert scalars["density"] == 0.25


def test_weights_that_are_not_finite(files: Path, command: Command, tmp_path: Path) -> None:
    state = network().state_dict()
    state["fc.weight"][0, 0] = torch.nan
    torch.save(state, tmp_path / "nan.pt")
    found = as_json(command("diagnose", tmp_path / "nan.pt", "--quick", "--json"))
    assert any(finding["severity"] == "problem" for finding in found["findings"])
    code, out, err = command("curvature", tmp_path / "nan.pt", "--batch", files / "batch.npz")
    assert (code, out) == (2, "")
    assert "fc.weight" in err


def test_what_the_file_prunes_stays_pruned(files: Path, command: Command, tmp_path: Path) -> None:
    """As torch.nn.utils.prune leaves it; a tenth is kept of what is left."""
    model = network()
    draw = torch.Generator().manual_seed(3)
    kept = {name: torch.rand(w.shape, generator=draw) < 0.5 for name, w in naive_scores.layers(model).items()}
    state = {}
    for name, value in model.state_dict().items():
        state |= {f"{name}_orig": value, f"{name}_mask": kept[name].float()} if name in kept else {name: value}
    torch.save(state, tmp_path / "pruned.pt")
    code, _, err = command("mask", tmp_path / "pruned.pt", "--scorer", "synflow", "--rounds", "5", "--density", "0.1",
                           "--out", tmp_path / "m.npz")
    assert code == 0, err
    with np.load(tmp_path / "m.npz") as found:
        assert set(found.files) == {f"{name}_orig" for name in kept}
        assert not any((found[f"{name}_orig"] & ~mask.numpy()).any() for name, mask in kept.items())
        assert sum(int(found[name].sum()) for name in found.files) == round(0.1 * sum(m.numel() for m in
                                                                                    kept.values()))
    code, _, err = command("mask", tmp_path / "pruned.pt", "--scorer", "magnitude", "--density", "0.9", "--out",
                           tmp_path / "m.npz")
    assert code == 2
    assert "what is pruned stays pruned" in err


@pytest.mark.parametrize("name", ["../../x.weight", "/x.weight", "a\\..\\x.weight", "C:x.weight"])
def test_names_that_lead_out_of_a_mask_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match="rename it"):
        require_names(["conv.weight", name], Path("net.pt"))
    require_names(["conv.weight", "dense/kernel:0", "module.a..b"], Path("net.pt"))


def test_settings_of_the_scorer_are_flags(files: Path, command: Command, tmp_path: Path) -> None:
    said = as_json(command("mask", files / "a.pt", "--scorer", "synflow", "--rounds", "3", "--scope", "layerwise",
                           "--density", "0.5", "--out", tmp_path / "m.npz", "--json"))
    assert said["scorer"] == {"name": "synflow", "rounds": 3}
    assert {layer["density"] for layer in said["layers"]} == {0.5}
    assert "--rounds" in "".join(command("mask", "--help")[1])


@pytest.mark.parametrize(("words", "sentence"), [
    (("--scorer", "magnitud", "--density", "0.1"), "Did you mean magnitude?"),
    (("--scorer", "magnitude", "--density", "0.1", "--rounds", "3"), "has no settings"),
    (("--scorer", "synflow", "--density", "0.1", "--temperature", "3"), "--temperature"),
    (("--scorer", "magnitude", "--density", "1.5"), "above 0 and below 1"),
    (("--scorer", "snip", "--density", "0.1"), "Give them with --batch"),
    (("--scorer", "snip", "--density", "0.1", "--batch", "images.npz"), "no array 'mean'"),
    (("--scorer", "snip", "--density", "0.1", "--batch", "none.npz"), "There is no file"),
    (("--scorer", "magnitude", "--density", "0.1", "--out", "m.txt"), "written as .npz or .h5"),
    (("--scorer", "magnitude", "--density", "0.1", "--out", "gone/m.npz"), "its folder must exist"),
    (("--scorer", "magnitude", "--density", "0.1", "--batch", "batch.npz", "--out", "batch.npz"), "another name")])
def test_masks_that_cannot_be_drawn(files: Path, command: Command, words: tuple[str, ...], sentence: str,
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    words = words if "--out" in words else (*words, "--out", "mask.npz")
    code, out, err = command("mask", "a.pt", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_curvature(files: Path, command: Command) -> None:
    """The numbers are tested beside the functions; here that they come through."""
    found = as_json(command("curvature", files / "lenet.pt", "--batch", files / "batch.npz", "--eigenvalues", "2",
                            "--error", "0.2", "--json"))
    assert {"value", "stderr", "num_samples"} <= set(found["trace"])
    assert len(found["eigenvalues"]) == len(found["residuals"]) == 2
    assert found["eigenvalues"][0] >= found["eigenvalues"][1]
    assert found["coordinates"] == 3072 * 6 + 6 + 6 * 5 + 5 + 5 * 10 + 10
    code, out, _ = command("curvature", files / "lenet.pt", "--batch", files / "batch.npz", "--estimator",
                           "gauss_newton", "--eigenvalues", "1")
    assert code == 0
    assert "exact" in out


def test_a_barrier(files: Path, command: Command) -> None:
    words = ("barrier", files / "a.pt", files / "b.pt", "--batch", files / "batch.npz", "--points", "5")
    for more in ((), ("--recalibrate", files / "batch.npz")):
        found = as_json(command(*words, *more, "--json"))
        assert len(found["errors"]) == len(found["losses"]) == 5
        ends = (found["errors"][0] + found["errors"][-1]) / 2
        assert found["barrier"] == pytest.approx(max(found["errors"]) - ends)
    x, y = images(files)
    plain = as_json(command(*words, "--json"))
    for place, seed in ((0, 0), (-1, 1)):
        with torch.no_grad():
            logits = network(seed)(x)
        assert plain["errors"][place] == float((logits.argmax(dim=1) != y).double().mean())
    assert "error barrier" in command(*words)[1]
    code, out, err = command("barrier", files / "a.pt", files / "lenet.pt", "--batch", files / "batch.npz")
    assert (code, out) == (2, "")
    assert "one architecture" in err


def test_names_of_a_file_cannot_write_to_the_terminal(files: Path, command: Command, tmp_path: Path) -> None:
    path = tmp_path / "odd\x1b[31m.pt"
    path.write_bytes((files / "a.pt").read_bytes())
    assert "\x1b" not in command("diagnose", path, "--quick")[1]


