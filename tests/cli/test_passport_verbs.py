"""Passports and exports of tickets of a store, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from lth_engine.core.mask import Mask
from lth_engine.core.step import Step
from lth_engine.importing.passport import RECIPE, weights_sha256
from lth_engine.specs.controls import SignTransfer
from lth_engine.specs.data import OwnImages
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import DenseTicket, FoundTicket
from lth_engine.store.store import Store
from tests.cli.conftest import SEARCH, Command

RUN = SEARCH.run(1, 0)
ADDRESS = f"{SEARCH.key}/1/0"


def test_a_ticket_of_the_store_is_recreated(shelf: Path, tmp_path: Path, command: Command) -> None:
    path, out = tmp_path / "ticket.passport", tmp_path / "ticket.safetensors"
    code, said, _ = command("passport", "--of", ADDRESS, "--out", path, "--store", shelf)
    assert code == 0
    assert "drawn from the seed 0" in said
    assert path.stat().st_size < 20_000  # 50,200 weights at one bit, the signs of the kept ones, and the recipe
    code, said, err = command("recreate", path, "--out", out, "--store", tmp_path / "no store")
    assert code == 0, err
    assert "Verified" in said
    held = Store(shelf).get(RUN.ticket.key)
    found = safetensors.torch.load_file(out)
    for name, value in held.group("start").items():
        assert torch.equal(found[name], torch.from_numpy(value))
    assert not (tmp_path / "no store").exists()


def test_the_recipe(shelf: Path, tmp_path: Path, command: Command) -> None:
    code, out, _ = command("passport", "--of", RUN.key, "--out", tmp_path / "p", "--store", shelf, "--json")
    found, store = json.loads(out), Store(shelf)
    assert code == 0
    assert found["how"] == "seed"
    assert FoundTicket.from_dict(found["ticket"]) == RUN.ticket
    assert found["start_sha256"] == weights_sha256(store.get(RUN.ticket.key).group("start"))
    assert found["end_sha256"] == weights_sha256(store.get(RUN.key).group("final"))
    assert found["kept"] == Mask(store.get(RUN.key).group("mask")).kept
    assert found["software"]["torch"]


def test_a_control_has_a_passport_too(shelf: Path, tmp_path: Path, command: Command) -> None:
    code, _, err = command("passport", "--of", f"{ADDRESS}/random_mask", "--out", tmp_path / "p", "--store", shelf)
    assert code == 0, err
    assert command("recreate", tmp_path / "p")[0] == 0


def test_a_ticket_of_a_rewind_point_is_trained_anew(tmp_path: Path, command: Command) -> None:
    """The weights of a point of training follow from no seed alone: they are trained, and have the same hash."""
    store, path = tmp_path / "lab", tmp_path / "p"
    words = ("--levels", "1", "--replicates", "1", "--controls", "none", "--length", "4it", "--search.rewind", "2it",
             "--device", "cpu")
    assert command("answer", *words, "--store", store)[0] == 0
    key = Store(store).list("ticket_search", 1)[0].key
    code, out, _ = command("passport", "--of", f"{key}/1/0", "--out", path, "--store", store)
    assert code == 0
    assert "trained to the rewind point" in out
    code, out, err = command("recreate", path, "--store", tmp_path / "another", "--device", "cpu")
    assert (code, out) == (2, "")
    assert "LeNet-300-100 on digits to the rewind point 2it" in err
    assert "add --train" in err
    assert not (tmp_path / "another").exists()
    assert command("recreate", path, "--store", store)[0] == 0  # it has them
    code, out, err = command("recreate", path, "--store", tmp_path / "another", "--device", "cpu", "--train")
    assert code == 0, err
    assert "Verified" in out
    assert "Training the weights" in err


def changed(path: Path, **recipe: object) -> Path:
    """The same passport with other parts of its recipe."""
    tensors = safetensors.torch.load_file(path)
    told = json.loads(tensors[RECIPE].numpy().tobytes()) | recipe
    tensors[RECIPE] = torch.frombuffer(bytearray(json.dumps(told).encode()), dtype=torch.uint8)
    other = path.with_suffix(".changed")
    safetensors.torch.save_file(tensors, other)
    return other


FOREIGN = DenseTicket(data=OwnImages(path="/photos/of/mine"), rewind=Step(2, "it"))


@pytest.mark.parametrize(("question", "words"), [
    (FOREIGN, "from elsewhere cannot have"), (SEARCH, "wants a ticket_search"), (RUN, "wants a run"),
    (DenseTicket(model=Lenet300100(first=5), rewind=Step(2, "it")), "another network")])
def test_a_foreign_passport_trains_nothing_of_its_own_choice(shelf: Path, tmp_path: Path, command: Command,
                                                             question: Question, words: str) -> None:
    assert command("passport", "--of", ADDRESS, "--out", tmp_path / "p", "--store", shelf)[0] == 0
    foreign = changed(tmp_path / "p", how="training", origin={"question": question.to_dict(), "group": "start"})
    code, out, err = command("recreate", foreign, "--store", tmp_path / "no store", "--train")
    assert (code, out) == (2, "")
    assert words in err
    assert not (tmp_path / "no store").exists()


def test_a_foreign_passport_writes_nothing_to_the_terminal(shelf: Path, tmp_path: Path, command: Command) -> None:
    assert command("passport", "--of", ADDRESS, "--out", tmp_path / "p", "--store", shelf)[0] == 0
    foreign = changed(tmp_path / "p", software={"torch\x1b[31m": "2\x07"}, ticket={"name": "a\x1b[2J"})
    code, out, err = command("recreate", foreign)
    assert code == 0, err
    assert not {"\x1b", "\x07"} & set(out + err)
    assert "torch?[31m" in out


def test_a_passport_that_carries_the_weights(shelf: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "p"
    assert command("passport", "--of", ADDRESS, "--out", path, "--store", shelf, "--with-weights")[0] == 0
    code, out, _ = command("recreate", path, "--json")
    assert code == 0
    assert json.loads(out)["verified"]


def test_a_changed_passport_is_told(shelf: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "p"
    command("passport", "--of", ADDRESS, "--out", path, "--store", shelf)
    raw = bytearray(path.read_bytes())
    place = raw.index(b'"init_seed": 0')
    raw[place:place + 14] = b'"init_seed": 9'
    raw[(place := raw.rindex(b'"init_seed": 0')):place + 14] = b'"init_seed": 9'
    path.write_bytes(raw)
    code, out, err = command("recreate", path)
    assert (code, out) == (1, "")
    assert "have the hash" in err


def test_a_checkpoint_has_a_passport(shelf: Path, tmp_path: Path, command: Command) -> None:
    file, path = tmp_path / "net.pt", tmp_path / "p"
    assert command("export", ADDRESS, "--as", "torch_prune", "--to", file, "--store", shelf)[0] == 0
    code, said, err = command("passport", "--of", file, "--out", path)
    assert code == 0, err
    assert "carried by the passport" in said
    assert command("recreate", path, "--out", tmp_path / "again.pt", "--as", "torch_prune")[0] == 0
    one, other = (torch.load(p, weights_only=True) for p in (file, tmp_path / "again.pt"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_weights_that_nothing_else_gives_must_be_carried(shelf: Path, tmp_path: Path, command: Command,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    other = RUN.replace(ticket=SignTransfer(of=RUN.ticket))
    store = Store(shelf)
    held = store.get(RUN.ticket.key)
    monkeypatch.setattr("lth_engine.cli.passport.run_at", lambda address, root: other)
    monkeypatch.setattr("lth_engine.cli.passport.Store", lambda *args, **kwargs: _Half(store, held))
    code, _, err = command("passport", "--of", "it", "--out", tmp_path / "p", "--store", shelf)
    assert code == 2
    assert "--with-weights" in err
    assert command("passport", "--of", "it", "--out", tmp_path / "p", "--store", shelf, "--with-weights")[0] == 0


class _Half:
    """A store that has a ticket whose weights are twice those of the origin."""

    def __init__(self, store: Store, held: object) -> None:
        self._store, self._held = store, held

    def has(self, keys: list[str]) -> set[str]:
        return set(keys)

    def get(self, key: str) -> object:
        return self._held

    def read(self, key: str, group: str) -> object:
        return {name: 2 * value for name, value in self._store.read(SEARCH.dense(0).key, "start").items()}


def test_exports_are_those_of_the_store(shelf: Path, tmp_path: Path, command: Command) -> None:
    for at, group, key in (("end", "final", RUN.key), ("start", "start", RUN.ticket.key)):
        path = tmp_path / f"{at}.safetensors"
        code, out, err = command("export", ADDRESS, "--as", "safetensors", "--at", at, "--to", path, "--store", shelf)
        assert code == 0, err
        assert f"at its {at}" in out
        found = safetensors.torch.load_file(path)
        for name, value in Store(shelf).get(key).group(group).items():
            assert torch.equal(found[name], torch.from_numpy(value))


@pytest.mark.parametrize(("words", "sentence"), [
    (("passport", "--of", "nothing", "--out", "p"), "No training of a ticket has a key that begins"),
    (("passport", "--of", f"{SEARCH.key}/1/7", "--out", "p"), "REPLICATE from 0 to 1"),
    (("passport", "--of", ADDRESS, "--out", "gone/p"), "does not exist"),
    (("passport", "--of", "first-ticket/3/0", "--out", "p"), "Answer its search first"),
    (("export", ADDRESS, ADDRESS, "--as", "safetensors", "--to", "p"), "holds one network"),
    (("export", "first-ticket/3/0", "--as", "safetensors", "--to", "p"), "has not been trained"),
    (("recreate", "net.safetensors"), "is no passport")])
def test_what_cannot_be_done(shelf: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch,
                             words: tuple[str, ...], sentence: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.safetensors").write_bytes(safetensors.torch.save({"a.weight": torch.ones(2, 2)}))
    code, out, err = command(*words, "--store", shelf)
    assert (code, out) == (2, "")
    assert sentence in err
    assert not (tmp_path / "p").exists()


def test_where_there_is_no_store_yet(tmp_path: Path, command: Command) -> None:
    for words in (("passport", "--of", "first-ticket/4/0", "--out"), ("export", "first-ticket/4/0", "--as",
                                                                     "safetensors", "--to")):
        code, out, err = command(*words, tmp_path / "p", "--store", tmp_path / "none")
        assert (code, out) == (2, "")
        assert "python -m lth_engine answer --preset first-ticket" in err


def test_a_passport_is_no_network(shelf: Path, tmp_path: Path, command: Command) -> None:
    assert command("passport", "--of", ADDRESS, "--out", tmp_path / "p", "--store", shelf)[0] == 0
    code, out, err = command("passport", "--of", tmp_path / "p", "--out", tmp_path / "q")
    assert (code, out) == (2, "")
    assert "make the ticket with the verb recreate" in err
    assert "recreate" in command("mask", tmp_path / "p", "--scorer", "magnitude", "--density", "0.5", "--out",
                                 tmp_path / "m.npz")[2]
    found = json.loads(command("diagnose", tmp_path / "p", "--json")[1])
    assert "recreate" in found["speed"]["reason"]
    assert found["wrappers"] == []


def test_a_file_that_is_there_is_left(shelf: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "p").write_text("mine")
    assert command("passport", "--of", ADDRESS, "--out", tmp_path / "p", "--store", shelf)[0] == 2
    assert (tmp_path / "p").read_text() == "mine"
