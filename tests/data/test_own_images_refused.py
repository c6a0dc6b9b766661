"""own_images: what cannot be used is refused in one sentence that names the file and the remedy."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lth_engine.core.errors import BadInput
from lth_engine.core.fingerprint import fingerprint
from lth_engine.data import decoding, image_source
from lth_engine.data.image_set import load
from lth_engine.specs.data import OwnImages


def refused(path: Path, **knobs: object) -> str:
    """The sentence with which images are refused; nothing may be kept of them."""
    root = path.parent / "root"
    with pytest.raises(BadInput) as caught:
        load(OwnImages(path=str(path), fingerprint=fingerprint(path), **knobs), root)
    text = str(caught.value)
    assert "\n" not in text
    assert not list(root.glob("cache/*.part-*"))
    return text


def png(value: int = 0, side: int = 6) -> bytes:
    file = io.BytesIO()
    Image.new("L", (side, side), value).save(file, "PNG")
    return file.getvalue()


def folder(where: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_bytes(content)
    return where


GOOD = {f"{label}/{i}.png": png(i) for label in ("cat", "dog") for i in range(4)}


def test_no_images(tmp_path: Path) -> None:
    text = refused(folder(tmp_path / "in", {"a/notes.txt": b"x", "b/data.csv": b"x"}))
    assert "holds no images" in text
    assert "put one folder of images for each class into it" in text


def test_images_without_class_folders(tmp_path: Path) -> None:
    assert "'0.png'" in (text := refused(folder(tmp_path / "in", {"0.png": png(), "1.png": png()})))
    assert "move it into the folder of its class" in text
    assert "'lost.png'" in refused(folder(tmp_path / "in2", {**GOOD, "lost.png": png()}))
    parts = {f"{part}/{name}": data for part in ("train", "test") for name, data in GOOD.items()}
    assert "'train/lost.png'" in refused(folder(tmp_path / "in3", {**parts, "train/lost.png": png()}))


def test_one_class(tmp_path: Path) -> None:
    text = refused(folder(tmp_path / "in", {"cat/0.png": png(), "cat/1.png": png(1)}))
    assert "one class only ('cat')" in text
    np.savez(tmp_path / "own.npz", x=np.zeros((4, 5, 5), np.uint8), y=np.zeros(4, np.int64))
    assert "at least two classes" in refused(tmp_path / "own.npz")


def test_a_class_with_one_image(tmp_path: Path) -> None:
    text = refused(folder(tmp_path / "in", {**GOOD, "eel/0.png": png()}))
    assert "Class 'eel' of own_images has 1 image to share among training and validation and test" in text
    assert "add images until it has at least 3, or remove the class" in text


def test_two_sizes(tmp_path: Path) -> None:
    text = refused(folder(tmp_path / "in", {**GOOD, "dog/large.png": png(side=9)}))
    assert "cat/0.png has 6 x 6 pixels, dog/large.png has 9 x 9" in text
    assert "set own_images.size" in text
    assert load(OwnImages(path=str(tmp_path / "in"), fingerprint=fingerprint(tmp_path / "in"), size=6), tmp_path)


@pytest.mark.parametrize("content", [
    b"not an image", b"", png()[:40], b"<html>", b"version https://git-lfs.github.com/spec/v1\n",
    b"P5 6 6 255\n" + bytes(36),  # PIL has a decoder for it, which is not among those that may run
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
@pytest.mark.parametrize("name", ["dog/bad.png", "dog/bad.txt"])
def test_a_file_that_is_not_an_image(content: bytes, name: str, tmp_path: Path) -> None:
    text = refused(folder(tmp_path / "in", {**GOOD, name: content}))
    assert f"{name} is not an image that can be read" in text
    assert text.endswith("mend or remove it.")


def test_truncated_photographs(cifar_folder: Path, tmp_path: Path) -> None:
    files = {f"{path.parent.name}/{path.name}": path.read_bytes() for path in (cifar_folder / "test").rglob("*.jpg")}
    name = max(files)
    assert f"{name} is not an image" in refused(folder(tmp_path / "in", {**files, name: files[name][:-200]}))


def test_damaged_images_of_every_format_never_escape_as_another_error() -> None:
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 256, (20, 20, 3), np.uint8))
    decoded, sentences = 0, []
    for kind in decoding.FORMATS:
        file = io.BytesIO()
        image.save(file, kind)
        for _ in range(150):
            data = bytearray(file.getvalue())
            for position in random.integers(0, len(data), 4):
                data[position] = random.integers(256)
            try:
                decoded += decoding.decode(bytes(data), "it", 0, "as is").dtype == np.uint8
            except BadInput as error:
                sentences.append(str(error))
    assert decoded > 0
    assert sentences
    assert all(text.startswith("it ") for text in sentences)


def _huge_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_434, 9_470, 30_000])  # over our limit, where PIL warns, where PIL refuses
def test_an_image_that_claims_to_be_huge(side: int, tmp_path: Path) -> None:
    text = refused(folder(tmp_path / "in", {**GOOD, "dog/bomb.png": _huge_png(side, side)}))
    assert "dog/bomb.png" in text
    assert "89,000,000 allowed: make it smaller or remove it" in text


def test_decoded_images_that_do_not_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lth_engine.data.stacking.MAX_BYTES", 200)
    assert "8 of them have 288" in (text := refused(folder(tmp_path / "in", GOOD)))
    assert "set own_images.size to a smaller side" in text


def test_32_bit_pixels(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("F", (6, 6), 0.5).save(file, "TIFF")
    assert "save it with 8 bits" in refused(folder(tmp_path / "in", {**GOOD, "dog/float.tiff": file.getvalue()}))


def test_other_classes_in_test_than_in_train(tmp_path: Path) -> None:
    files = {f"train/{name}": data for name, data in GOOD.items()} | {"test/cat/0.png": png(), "test/eel/0.png": png()}
    text = refused(folder(tmp_path / "in", files))
    assert "differ ('dog' is in train/ alone)" in text


def test_neither_folder_nor_archive(tmp_path: Path) -> None:
    (tmp_path / "images.tar").write_bytes(b"x" * 2000)
    assert "neither a folder nor a .zip nor an .npz" in refused(tmp_path / "images.tar")


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "name", ["/etc/cat/0.png", "../cat/0.png", "cat/../../0.png", "C:/cat/0.png", "cat\\..\\0.png"])
def test_a_zip_with_names_that_lead_outside(name: str, tmp_path: Path) -> None:
    text = refused(archive(tmp_path / "in.zip", {**GOOD, name: png()}))
    assert f"{name!r}, which leads outside the zip" in text
    assert {p.name for p in tmp_path.rglob("*.png")} == set()


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = archive(tmp_path / "in.zip", GOOD)
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1
    path.write_bytes(data)
    assert "is encrypted (file 'cat/0.png'): make a zip without a password" in refused(path)


def test_a_zip_with_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_source, "MAX_MEMBERS", 7)
    assert "holds 8 files, more than 7: unpack it" in refused(archive(tmp_path / "in.zip", GOOD))


def test_a_zip_bomb_is_refused_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_source, "MAX_BYTES", 10_000_000)
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    path = archive(tmp_path / "in.zip", {**GOOD, "dog/bomb.png": bytes(20_000_000)})
    assert path.stat().st_size < 50_000
    assert "more than the 10,000,000 that are allowed" in refused(path)


def test_one_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_source, "MAX_FILE_BYTES", 1_000_000)
    files = {**GOOD, "dog/bomb.png": bytes(2_000_000)}
    for path in (archive(tmp_path / "in.zip", files), folder(tmp_path / "in", files)):
        assert "'dog/bomb.png'" in (text := refused(path))
        assert "larger than the 1,000,000 bytes allowed" in text


def test_a_zip_that_lies_about_a_size_is_not_believed(tmp_path: Path) -> None:
    """The directory promises 5 bytes for a member of 20 MB: no more than 5 are ever unpacked."""
    path = archive(tmp_path / "in.zip", {**GOOD, "eel/bomb.png": bytes(20_000_000)})
    data = bytearray(path.read_bytes())
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 24:directory + 28] = struct.pack("<I", 5)
    path.write_bytes(data)
    assert "eel/bomb.png" in refused(path)


def test_a_damaged_zip(tmp_path: Path) -> None:
    path = archive(tmp_path / "in.zip", GOOD, zipfile.ZIP_STORED)
    whole = path.read_bytes()
    data = bytearray(whole)
    data[whole.index(b"IDAT") + 6] ^= 0xFF
    path.write_bytes(data)
    assert "'cat/0.png'" in (text := refused(path))
    assert "cannot be unpacked" in text
    path.write_bytes(whole[: len(whole) // 2])
    assert "neither a folder nor a .zip" in refused(path)


def test_a_zip_with_one_name_twice(tmp_path: Path) -> None:
    path = tmp_path / "in.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("cat/0.png", png())
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("cat/0.png", png())
    assert "two files with the name 'cat/0.png'" in refused(path)


X, Y = np.zeros((6, 5, 5), np.uint8), np.arange(6) % 2


@pytest.mark.parametrize(("arrays", "said"), [
    ({"x": X}, "has no array 'y' (it has x): save it with numpy.savez(path, x=images, y=labels)"),
    ({"images": X, "labels": Y}, "has no array 'x' (it has images, labels)"),
    ({"x": X, "y": Y, "x_test": X}, "has one of x_test and y_test: save both or neither"),
    ({"x": X.astype(np.float32), "y": Y}, "must be uint8 with pixels from 0 to 255. Got float32"),
    ({"x": X[0], "y": Y}, "Got 5 x 5."),
    ({"x": np.zeros((6, 5, 5, 4), np.uint8), "y": Y}, "with 1 or 3 channels. Got 6 x 5 x 5 x 4."),
    ({"x": X[:0], "y": Y[:0]}, "Got 0 x 5 x 5."),
    ({"x": X, "y": Y[:5]}, "must have a label for each of the 6 images. Got 5 labels"),
    ({"x": X, "y": Y - 1}, "Got labels from -1 to 0."),
    ({"x": X, "y": Y * 2**40}, "Got labels from 0 to 1099511627776."),
    ({"x": X, "y": Y * 2}, "No image has label 1, but some have 2; number the classes without gaps"),
    ({"x": X, "y": Y.astype(float)}, "must be one row of whole numbers. Got float64"),
    ({"x": X, "y": np.array(["a"] * 6)}, "must be one row of whole numbers"),
    ({"x": X, "y": np.eye(6, dtype=int)}, "Got int64 of 2 dimensions"),
    ({"x": X, "y": Y, "x_test": X, "y_test": Y + 1}, "labels in y_test"),
    ({"x": X, "y": Y, "x_test": X, "y_test": Y * 0}, "give both parts images of every class"),
    ({"x": X, "y": Y, "x_test": X[:, :4], "y_test": Y}, "differ (1 x 5 x 5 and 1 x 4 x 5)"),
])
def test_npz_that_does_not_fit(arrays: dict[str, np.ndarray], said: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", **arrays)
    assert said in refused(tmp_path / "own.npz")


class _Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return subprocess.check_call, ([sys.executable, "-c", f"open({str(self.path)!r}, 'w')"],)


def test_npz_with_python_objects_runs_nothing(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x=np.array([_Touch(tmp_path / "marker")] * 6, dtype=object), y=Y)
    assert "Array 'x'" in (text := refused(tmp_path / "own.npz"))
    assert "holds Python objects, which are never loaded" in text
    assert not (tmp_path / "marker").exists()


def test_npz_that_describes_more_than_it_stores(tmp_path: Path) -> None:
    file = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (25_000_000_000, 2, 2)}
    np.lib.format.write_array_header_1_0(file, header)
    path = archive(tmp_path / "own.npz", {"x.npy": file.getvalue() + b"1234", "y.npy": b""})
    assert "describes 100,000,000,000 bytes and stores 4" in refused(path)


def test_npz_of_garbage(tmp_path: Path) -> None:
    (tmp_path / "own.npz").write_bytes(b"no zip")
    assert "is not a readable zip file" in refused(tmp_path / "own.npz")
    random, whole = np.random.default_rng(0), io.BytesIO()
    np.save(whole, X)
    labels = io.BytesIO()
    np.save(labels, Y)
    sentences = []
    for i in range(300):
        data = bytearray(whole.getvalue())
        for position in random.integers(0, 128, 3):
            data[position] = random.integers(256)
        path = archive(tmp_path / f"own{i}.npz", {"x.npy": bytes(data), "y.npy": labels.getvalue()})
        spec = OwnImages(path=str(path), fingerprint=fingerprint(path))
        try:
            load(spec, tmp_path / "root")
        except BadInput as error:
            sentences.append(str(error))
    assert len(sentences) > 100
    assert all(str(tmp_path) in text for text in sentences)
