"""Hostile .pt files: the first table of section 7.2 of `users-and-security`, and what goes beyond it."""

from __future__ import annotations

import argparse
import os
import tarfile
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.hostile.case import Case, written
from tests.hostile.torch_archive import Asks, Stored, archive, legacy, pickled, saved, tensor

SYSTEM = ("Refused: this file asks Python to run `posix.system`. It was not run. Do not load it elsewhere.",)
RUN = "asks Python to run"


def payload(marker: Path) -> Asks:
    """What would create the marker."""
    return Asks(os.system, f"touch {marker}")


def by_hand(module: str, name: str, *args: str) -> bytes:
    """A pickle that calls any name with texts."""
    raw = b"".join(b"X" + len(a.encode()).to_bytes(4, "little") + a.encode() for a in args)
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"(" + raw + b"tR."


def called(module: str, name: str) -> Any:
    """A maker of an archive whose pickle calls a name with the command line of the payload."""
    return lambda f, m: archive(f / "called.pt", by_hand(module, name, f"touch {m}"))


def small() -> dict[str, torch.Tensor]:
    """An honest state dict."""
    return {"fc.weight": torch.arange(6.0).reshape(2, 3), "fc.bias": torch.zeros(2)}


def aliases(levels: int, make: type) -> Any:
    """Ten aliases a level: 10 ** levels leaves."""
    value: Any = make((torch.ones(1),))
    for _ in range(levels):
        value = make([value] * 10)
    return value


def deep(count: int) -> bytes:
    """The pickle of a list in a list in a list..."""
    return b"\x80\x02" + b"]" * count + b"a" * (count - 1) + b"."


def nested_key() -> bytes:
    """A dict whose key is a tuple of two aliases, sixty levels deep: hashing it never ends."""
    return b"\x80\x02}" + b"N\x85" + b"2\x86" * 60 + b"K\x01s."


def old_tar(folder: Path, marker: Path) -> Path:
    """A file of the first PyTorch: a tar of pickles."""
    path = folder / "old.tar"
    with tarfile.open(path, "w") as out:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            out.add(written(folder, f"part_{name}", pickled(payload(marker))), name)
    return path


def script(folder: Path, marker: Path) -> Path:
    """The members of a TorchScript archive."""
    return archive(folder / "script.pt", pickled({}), more={
        "archive/constants.pkl": pickled(()), "archive/code/__torch__.py": b"def forward(self, x):\n    return x\n"})


def quantised(folder: Path, marker: Path) -> Path:
    """A quantised tensor."""
    values = Asks(torch._utils._rebuild_qtensor, Stored(4, torch.QInt8Storage), 0, (4,), (1,),
                  (torch.per_tensor_affine, 0.1, 0), False, OrderedDict())
    return archive(folder / "quantised.pt", pickled({"w": values}), {"0": b"\0" * 4})


def sparse(folder: Path, marker: Path) -> Path:
    """Four terabytes once dense."""
    where, shape = torch.zeros(2, 1, dtype=torch.long), (10 ** 6, 10 ** 6)
    values = torch.sparse_coo_tensor(where, torch.ones(1), shape, check_invariants=True)
    return saved(folder / "sparse.pt", {"w": values})


def many_views(folder: Path, marker: Path) -> Path:
    """Two thousand names for one tensor of four megabytes."""
    values = torch.arange(1_000_000, dtype=torch.float32)
    return saved(folder / "views.pt", {f"layer{i}.weight": values for i in range(2000)})


def shifted_views(folder: Path, marker: Path) -> Path:
    """Two thousand different views of one storage, 7.6 GB if written out."""
    values = torch.arange(1_000_000, dtype=torch.float32)
    return saved(folder / "shifted.pt", {f"layer{i}.weight": values[i:950_000 + i] for i in range(2000)})


def many_keys(folder: Path, marker: Path) -> Path:
    """Twenty thousand tensors, as many as are read."""
    values = torch.arange(20_000, dtype=torch.float32)
    return saved(folder / "keys.pt", {f"layer{i}.weight": values[i:i + 1] for i in range(20_000)})


def one_name(folder: Path, marker: Path) -> Path:
    """A dict that sets one key 20 000 times."""
    one = pickled(tensor(1, (1,), (1,)))[2:-1]
    often = b"X\1\0\0\0wq\xfe0(" + one + b"q\xff0" + b"h\xfeh\xff" * 20_000
    return archive(folder / "n.pt", b"\x80\x02}" + often + b"u.", {"0": bytes(4)})


def deflated(folder: Path, marker: Path) -> Path:
    """30 MB of zeros in 0.03 MB."""
    count = 7_500_000
    return archive(folder / "deflated.pt", pickled({"w": tensor(count, (count,), (1,))}), {"0": bytes(4 * count)},
                   packing=zipfile.ZIP_DEFLATED)


def other_objects(**more: Any) -> Any:
    """A maker of a state dict with Python objects beside it."""
    return lambda f, m: saved(f / "objects.pt", {"state_dict": small(), **more})


def half(**options: Any) -> Any:
    """A maker of the first half of an honest file."""
    def make(folder: Path, marker: Path) -> Path:
        whole = saved(folder / "whole.pt", {"w": torch.randn(300_000)}, **options).read_bytes()
        return written(folder, "half.pt", whole[:len(whole) // 2])
    return make


def legacy_storage(count: int) -> Stored:
    """A reference to a storage as it was written before 1.6: with the view that it is of another."""
    stored = Stored(count)
    stored.pid = (*stored.pid, None)
    return stored


ZIP, OLD, BARE = "torch zip", "torch legacy", "pickle"
AS_TENSOR = (b"\x80\x02}X\x01\0\0\0wctorch._tensor\n_rebuild_from_type_v2\n(cbuiltins\nbytearray\nctorch\nTensor\n"
             b"\x8a\x05\x00\xe8\x76\x48\x17\x85}tRs.")
"""torch's own loader would make the bytearray before it sees that it is no tensor."""

HUGE = 25_000_000_000

TORCH: dict[str, Case] = {
    "os.system in a zip": Case(lambda f, m: archive(f / "a.pt", pickled(payload(m))), ZIP, "refused", SYSTEM),
    "os.system beside weights": Case(lambda f, m: saved(f / "a.pt", {"w": torch.ones(2), "x": payload(m)}), ZIP,
                                     "refused", SYSTEM),
    "os.system in a legacy file": Case(lambda f, m: legacy(f / "a.pt", pickled(payload(m))), OLD, "refused", SYSTEM),
    "os.system in a raw pickle": Case(
        lambda f, m: written(f, "a.pkl", pickled(payload(m), 4)), BARE, "refused", SYSTEM),
    "legacy tar": Case(old_tar, "", "refused"),
    "TorchScript": Case(script, ZIP, "refused", ("TorchScript program, not a set of weights",
                                                         "Save `model.state_dict()` and upload that.")),
    "whole module": Case(lambda f, m: saved(f / "m.pt", torch.nn.Linear(3, 2)), ZIP, "read"),
    "with a Namespace": Case(other_objects(args=argparse.Namespace(lr=0.1)), ZIP, "read"),
    "with a numpy scalar": Case(other_objects(best=np.float64(0.9)), ZIP, "read"),
    "with an ndarray": Case(other_objects(curve=np.arange(4.0)), ZIP, "read"),
    "with a path": Case(other_objects(folder=Path("runs/one")), ZIP, "read"),
    "with a defaultdict": Case(other_objects(meters=defaultdict(list, loss=[1.0])), ZIP, "read"),
    "expanded to 25e9 values": Case(
        lambda f, m: saved(f / "e.pt", {"w": torch.ones(1).expand(HUGE)}), ZIP, "refused",
        ("Refused: the file is", "KB but describes 100 GB (tensor `w`, 25 000 000 000 values over 1 stored value).")),
    "declares 25e9 values": Case(
        lambda f, m: archive(f / "d.pt", pickled({"w": tensor(HUGE, (HUGE,), (1,))}), {"0": bytes(16)}), ZIP,
        "refused", ("describes 100 GB", "25 000 000 000 values over 4 stored values")),
    "legacy, declares 100 GB": Case(
        lambda f, m: legacy(f / "d.pt", pickled({"w": Asks(
            torch._utils._rebuild_tensor_v2, legacy_storage(HUGE), 0, (4,), (1,), False, OrderedDict())}), ["0"]),
        OLD, "refused", ("describes 100 GB",)),
    "deflated 30 MB": Case(deflated, ZIP, "refused", ("compressed",)),
    "stride beyond the storage": Case(
        lambda f, m: archive(f / "s.pt", pickled({"w": tensor(4, (4, 4), (1000, 1))}), {"0": bytes(16)}), ZIP,
        "refused", ("beyond",)),
    "meta tensor of 100 GB": Case(lambda f, m: saved(f / "m.pt", {"w": torch.empty(HUGE, device="meta")}),
                                  ZIP, "refused", ("meta",)),
    "sparse": Case(sparse, ZIP, "refused", ("sparse", "to_dense()")),
    "quantised": Case(quantised, ZIP, "refused", ("quantised", "dequantize()")),
    "1e10 aliases": Case(lambda f, m: saved(f / "a.pt", aliases(10, list)), ZIP, "read"),
    "1e10 aliases in tuples": Case(lambda f, m: saved(f / "a.pt", aliases(10, tuple)), ZIP, "read"),
    "nested 200 000 deep": Case(lambda f, m: archive(f / "n.pt", deep(200_000)), ZIP, "refused", ("deep",)),
    "20 000 keys": Case(many_keys, ZIP, "read", seconds=10),
    "2 000 names of one tensor": Case(many_views, ZIP, "read"),
    "2 000 views of one storage": Case(shifted_views, ZIP, "refused", ("describes 7.6 GB",)),
    "member ../../../x": Case(
        lambda f, m: archive(f / "z.pt", pickled({}), more={"../../../x": b"x"}), ZIP, "refused"),
    "member /tmp/x": Case(
        lambda f, m: archive(f / "z.pt", pickled({}), more={"/tmp/x": b"x"}), ZIP, "refused", ("outside",)),
    "half a zip": Case(half(), ZIP, "unreadable", ("The file stops early",)),
    "half a legacy file": Case(half(_use_new_zipfile_serialization=False), OLD, "unreadable",
                               ("The file stops early (0.6 of 1.2 MB).",)),
    # beyond the table
    "os.system by a dotted name": Case(called("torch.serialization", "os.system"), ZIP, "refused", (RUN,)),
    "os.environ named, not called": Case(
        lambda f, m: archive(f / "n.pt", b"\x80\x02ctorch.serialization\nos.environ\n."), ZIP, "refused", (RUN,)),
    "eval": Case(called("builtins", "eval"), ZIP, "refused", ("`builtins.eval`",)),
    "eval of Python 2": Case(called("__builtin__", "eval"), ZIP, "refused", ("`builtins.eval`",)),
    "getattr": Case(called("builtins", "getattr"), ZIP, "refused", ("`builtins.getattr`",)),
    "runpy": Case(called("runpy", "_run_code"), ZIP, "refused", ("`runpy._run_code`",)),
    "subprocess": Case(called("subprocess", "Popen"), ZIP, "refused", ("`subprocess.Popen`",)),
    "load of another file": Case(called("torch", "load"), ZIP, "refused", ("`torch.load`",)),
    "an unknown class called": Case(called("mylab.models", "ResNet"), ZIP, "refused", ("no tensors",)),
    "INST of os.system": Case(
        lambda f, m: written(f, "i.pkl", b"(S'touch %s'\nios\nsystem\n." % str(m).encode()), BARE, "refused", (RUN,)),
    "OBJ of os.system": Case(
        lambda f, m: written(f, "o.pkl", b"(cos\nsystem\nS'touch %s'\no." % str(m).encode()), BARE, "refused", (RUN,)),
    "extension registry": Case(lambda f, m: archive(f / "x.pt", b"\x80\x02\x82\x01."), ZIP, "refused", ("registry",)),
    "bytearray of 100 GB": Case(
        lambda f, m: archive(f / "b.pt", b"\x80\x02cbuiltins\nbytearray\n\x8a\x05\x00\xe8\x76\x48\x17\x85R."), ZIP,
        "refused"),
    "bytearray of 100 GB as a tensor": Case(
        lambda f, m: archive(f / "t.pt", AS_TENSOR), ZIP, "refused", ("no tensors",)),
    "20 000 tensors of one name": Case(one_name, ZIP, "read"),
    "memo index of 4e9": Case(lambda f, m: archive(f / "p.pt", b"\x80\x02}r\xff\xff\xff\xff."), ZIP, "refused",
                              ("no tensors",)),
    "a key that is never hashed": Case(lambda f, m: archive(f / "k.pt", nested_key()), ZIP, "refused",
                                       ("no tensors",)),
    "a number of 4 MB": Case(lambda f, m: archive(f / "l.pt", b"\x80\x02\x8b\0\0\x40\0" + b"\x7f" * (4 << 20) + b"."),
                             ZIP, "refused", ("no tensors",)),
}

