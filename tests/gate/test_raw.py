"""Stage 0: kinds by content, and the sentence for everything that goes no further."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import socket
import struct
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from lth_engine.core.errors import FileRefused, FileUnreadable, NotRead
from lth_engine.core.sizes import part, size
from lth_engine.gate import zip_kinds
from lth_engine.gate.raw import sniff
from lth_engine.importing.read import read
from tests.gate.samples import SAMPLES


def put(folder: Path, data: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(data)
    return path


def said(folder: Path, data: bytes, kind: type[NotRead]) -> str:
    with pytest.raises(NotRead) as caught:
        sniff(put(folder, data))
    assert type(caught.value) is kind, caught.value
    return str(caught.value)


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def zipped_as(method: int, members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npy_saying(shape: str, descr: str = "<f4", data: bytes = b"") -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sound_file_is_known_by_its_content(name: str, tmp_path: Path) -> None:
    kind, make = SAMPLES[name]
    data = make()
    found = sniff(put(tmp_path, data))
    assert (found.kind, found.bytes, found.sha256) == (kind, len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_of_any_protocol(protocol: int, tmp_path: Path) -> None:
    assert sniff(put(tmp_path, pickle.dumps({"a": [1.0, 2]}, protocol))).kind == "pickle"


@pytest.mark.parametrize(("data", "words"), [
    (b"", "The file is empty."),
    (bytes(range(255, 0, -1)), "This is no kind of file that is known here"),
    (b"PK\x05\x06" + bytes(18), "The zip is empty: bring"),
])
def test_unreadable(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in said(tmp_path, data, FileUnreadable)


@pytest.mark.parametrize(("data", "words"), [
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 4800000\n",
     "This is a Git-LFS pointer (132 bytes), not the weights: run `git lfs pull`."),
    (b"\n <!DOCTYPE html>\n<html><body>404</body></html>", "This is a web page."),
    (b"\xef\xbb\xbf<HTML>", "This is a web page."),
    (b'{"a": 1}', "This is a text file"),
    (b"\x1f\x8b\x08rest", "This is a gzip archive"),
    (b"\x89PNG\r\n\x1a\nrest", "This is a picture"),
    (b"GGUF\x03", "This is a GGUF file"),
])
def test_something_else(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in said(tmp_path, data, FileUnreadable)


def test_a_tar(tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))
    assert "This is a tar archive" in said(tmp_path, file.getvalue(), FileRefused)


@pytest.mark.parametrize("name", ["zip.pt", "plain.safetensors", "stored.npz", "one.npy", "old.h5", "new.h5"])
def test_half_a_file(name: str, tmp_path: Path) -> None:
    data = SAMPLES[name][1]()
    assert "The file stops early (" in said(tmp_path, data[:len(data) // 2], FileUnreadable)


def test_half_a_file_says_how_much_there_is_where_it_can(tmp_path: Path) -> None:
    data = npy(np.zeros(1_200_000, np.float32))
    assert said(tmp_path, data[:1_200_000], FileUnreadable) == "The file stops early (1.2 of 4.8 MB)."


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_a_torch_file_cut_short_says_how_long_it_was(dtype: torch.dtype, tmp_path: Path) -> None:
    file, each = io.BytesIO(), torch.empty(0, dtype=dtype).element_size()
    tensors = [torch.zeros(n, dtype=dtype) for n in (3, 400_000 // each, 800_000 // each)]
    torch.save({f"layer{i}.weight": tensors[i % 3] for i in range(60)} | {"epoch": 3}, file)
    data = file.getvalue()
    assert len(data) > 1_200_000
    for kept in (1_100_000, 500_000, 20_000):
        assert said(tmp_path, data[:kept], FileUnreadable) == f"The file stops early ({kept / 1e6:.2g} of 1.2 MB)."


def test_a_torch_file_cut_short_at_every_length_of_its_beginning(tmp_path: Path) -> None:
    data = SAMPLES["zip.pt"][1]()
    for kept in range(1, 900, 3):
        with pytest.raises(FileUnreadable):
            sniff(put(tmp_path, data[:kept]))


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_torchscript(tmp_path: Path) -> None:
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), file)
    assert said(tmp_path, file.getvalue(), FileRefused) == (
        "This is a TorchScript program, not a set of weights. Save `model.state_dict()` and upload that.")


def test_a_compressed_member_of_a_torch_file(tmp_path: Path) -> None:
    words = said(tmp_path, zipped_as(zipfile.ZIP_DEFLATED, {"a/data.pkl": b"x" * 50, "a/data/0": bytes(2_000_000)}),
                 FileRefused)
    assert words.startswith("Refused: the file is 2.2 KB but describes 2 MB (member `a/data.pkl` is compressed")
    words = said(tmp_path, zipped_as(zipfile.ZIP_DEFLATED, {"a/data.pkl": b"x"}), FileRefused)
    assert "compressed, which torch.save never does" in words


@pytest.mark.parametrize(("names", "words"), [
    (["a/data.pkl", "b/data.pkl"], "2 members data.pkl"),
    (["a/data.pkl", "../../../x"], "a member `../../../x`, which lies outside"),
    (["a/data.pkl", "/etc/x"], "a member `/etc/x`, which lies outside"),
    (["a/data.pkl", "a\\..\\x"], "which lies outside"),
    (["a/data.pkl", "C:/x"], "which lies outside"),
    (["a.txt"], "This is a zip of 1 file (`a.txt`), not a set of weights"),
    (["a.jpg", "b.PNG", "c.txt"], "This is a zip of 3 pictures"),
    (["a/code/m.py", "a/constants.pkl"], "TorchScript program"),
    (["a/bytecode.pkl", "a/data.pkl"], "TorchScript program"),
])
def test_names_in_a_zip(names: list[str], words: str, tmp_path: Path) -> None:
    assert words in said(tmp_path, zipped(**dict.fromkeys(names, b"x")), FileRefused)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", b"x")
        archive.writestr("a/data.pkl", b"y")
    assert "same name" in said(tmp_path, file.getvalue(), FileRefused)


def test_too_many_members(tmp_path: Path) -> None:
    data = zipped_as(zipfile.ZIP_STORED, {f"a/data/{i}": b"" for i in range(20_001)})
    assert "at most 20,000" in said(tmp_path, data, FileRefused)


def test_an_encrypted_member(tmp_path: Path) -> None:
    data = bytearray(zipped_as(zipfile.ZIP_STORED, {"w.npy": npy(np.zeros(3))}))
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in said(tmp_path, bytes(data), FileRefused)


def test_members_that_overlap(tmp_path: Path) -> None:
    data = bytearray(zipped_as(zipfile.ZIP_STORED, {"a/data.pkl": b"x" * 9, "a/b": b"y" * 9}))
    second = data.rfind(b"PK\x01\x02")
    data[second + 42:second + 46] = bytes(4)
    assert "overlap" in said(tmp_path, bytes(data), FileRefused)


def test_a_zip_with_something_before_or_behind_it(tmp_path: Path) -> None:
    good = SAMPLES["zip.pt"][1]()
    for data in (good + b"more", good[:50] + b"PK\x03\x04" + good[50:]):
        assert "damaged" in said(tmp_path, data, FileUnreadable)


def test_arrays_of_no_plain_numbers_are_left_to_the_reader(tmp_path: Path) -> None:
    for array in (np.array([{}], dtype=object), np.array(["text"]), np.zeros(2, [("a", "f4")])):
        file = io.BytesIO()
        np.savez(file, w=array)
        assert sniff(put(tmp_path, file.getvalue())).kind == "npz"
        assert sniff(put(tmp_path, npy(array))).kind == "npy"


def test_arrays_that_declare_more_than_there_is(tmp_path: Path) -> None:
    lie = npy_saying("(25000000000,)")
    assert said(tmp_path, lie, FileRefused) == (
        f"Refused: the file is {len(lie)} bytes but describes 100 GB (array `array`, 25 000 000 000 values over 0 "
        "stored values). Save the array itself with numpy.save.")
    words = said(tmp_path, zipped_as(zipfile.ZIP_STORED, {"w.npy": npy_saying("(2000000000,)", data=bytes(16))}),
                 FileRefused)
    assert "but describes 8 GB (array `w`, 2 000 000 000 values over 4 stored values)." in words
    words = said(tmp_path, zipped_as(zipfile.ZIP_DEFLATED, {"w.npy": npy_saying("(9,)", data=bytes(16))}),
                 FileUnreadable)
    assert words == ("The file is damaged: array `w` should have 36 bytes and has 16 bytes. Copy or save it "
                     "again.")


def test_an_npz_that_unpacks_to_more_than_the_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, zipped_as(zipfile.ZIP_DEFLATED, {"w.npy": npy(np.zeros(300_000))}))
    with pytest.raises(FileRefused, match=r"is 2.\d KB but describes 2.4 MB \(array `w` alone 2.4 MB\)"):
        sniff(path, cap=2_000_000)
    assert sniff(path, cap=3_000_000).kind == "npz"
    monkeypatch.setattr(zip_kinds, "RATIO_FROM", 2_000_000)
    monkeypatch.setattr(zip_kinds, "RATIO", 500)
    with pytest.raises(FileRefused, match=r"describes 2.4 MB"):  # too dense, whatever the cap
        sniff(path, cap=3_000_000)


@pytest.mark.parametrize("shape", ["(-1,)", "(2**70,)", "(1.5,)", "[3]", "(True,)", "'x'", "()()", "(" * 5000])
def test_headers_that_numpy_would_not_write_are_judged_by_the_reader(shape: str, tmp_path: Path) -> None:
    path = put(tmp_path, npy_saying(shape))
    assert sniff(path).kind == "npy"
    with pytest.raises(FileUnreadable, match=r"damaged|stops early"):
        read(path, "npy")


def test_many_long_headers_cost_the_web_process_little(tmp_path: Path) -> None:
    """literal_eval of 1,000 headers of 10 KB took 8 s of processor time."""
    long = npy_saying("(1,)" + " " * 9_900, data=bytes(4))
    nested = npy_saying("(" + "(1,)," * 1900 + ")", data=bytes(4))
    for member in (long, nested):
        path = put(tmp_path, zipped_as(zipfile.ZIP_DEFLATED, {f"{i}.npy": member for i in range(1000)}))
        began = time.thread_time()
        assert sniff(path).kind == "npz"
        assert time.thread_time() - began < 0.5


def test_a_budget_of_headers_and_of_instructions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped_as(zipfile.ZIP_DEFLATED, {f"{i}.npy": npy(np.zeros(1)) for i in range(2 * zip_kinds.HEADERS)})
    looked: list[bytes] = []
    monkeypatch.setattr(zip_kinds.npy_header, "declared", lambda head: looked.append(head))
    assert sniff(put(tmp_path, data)).kind == "npz"
    assert len(looked) == zip_kinds.HEADERS
    pickled = b"\x80\x02" + b"N0" * 400_000 + b"."
    cut = zipped(**{"a/data.pkl": pickled})[:-30]
    began = time.thread_time()
    assert "stops early" in said(tmp_path, cut, FileUnreadable)
    assert time.thread_time() - began < 0.3


def test_a_safetensors_header_that_is_too_long(tmp_path: Path) -> None:
    words = said(tmp_path, struct.pack("<Q", 2**62) + b'{"w": 1}', FileRefused)
    assert "at most 16 MB" in words


def test_a_safetensors_file_that_describes_100_gb(tmp_path: Path) -> None:
    header = b'{"w":{"dtype":"F32","shape":[25000000000],"data_offsets":[0,100000000000]}}'
    words = said(tmp_path, struct.pack("<Q", len(header)) + header, FileRefused)
    assert words == "Refused: the file is 83 bytes but describes 100 GB; save it again with safetensors."


def test_a_file_over_the_cap(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"the file is 5 KB; at most 4 KB are read"):
        sniff(put(tmp_path, bytes(5000)), cap=4000)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    began = time.monotonic()
    for path in (tmp_path / "fifo", tmp_path / "socket", tmp_path, Path("/dev/zero"), Path("/dev/tty")):
        with pytest.raises(FileRefused, match="a folder, a pipe or a device"):
            sniff(path)
    assert time.monotonic() - began < 1
    for path in (tmp_path / "none", tmp_path / "nul\0", tmp_path / ("x" * 5000)):
        with pytest.raises(FileUnreadable, match="cannot be opened"):
            sniff(path)
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(FileRefused):
        sniff(tmp_path / "link")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(FileUnreadable):
        sniff(tmp_path / "loop")


def test_it_takes_little_beside_the_hash(tmp_path: Path) -> None:
    path = tmp_path / "big.pt"
    torch.save({f"w{i}": torch.zeros(250_000) for i in range(60)}, path)
    data = path.read_bytes()
    extra = []
    for _ in range(5):
        began = time.perf_counter()
        hashlib.sha256(data).hexdigest()
        hashed = time.perf_counter()
        sniff(path)
        extra.append((time.perf_counter() - hashed) - (hashed - began))
    assert min(extra) < 0.02  # 5 ms on a quiet machine; reading 60 MB is part of it


@pytest.mark.parametrize(("count", "words"), [
    (0, "0 bytes"), (999, "999 bytes"), (1000, "1 KB"), (1547, "1.5 KB"), (999_949, "999.9 KB"), (999_950, "1 MB"),
    (100_000_000_000, "100 GB"), (10**16, "10,000 TB")])
def test_sizes_in_words(count: int, words: str) -> None:
    assert size(count) == words


def test_parts_in_words() -> None:
    assert part(1_200_000, 4_800_000) == "1.2 of 4.8 MB"
    assert part(4_799_990, 4_800_000) == "4.79999 of 4.8 MB"
    assert part(16, 128) == "16 of 128 bytes"
    assert part(0, 4_800_000) == "0 of 4.8 MB"
    assert part(20_000, 4_800_000) == "0.02 of 4.8 MB"
