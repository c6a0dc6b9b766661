"""own_images: folders, zips and .npz files that are as they should be."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lth_engine.core.errors import BadInput
from lth_engine.core.fingerprint import fingerprint
from lth_engine.data.held import Held, hold
from lth_engine.data.image_set import ImageSet, channel_statistics, load
from lth_engine.data.listed import Files
from lth_engine.data.raw import silent
from lth_engine.specs.data import OwnImages


def ask(path: Path, data_root: Path, **knobs: object) -> ImageSet:
    return load(OwnImages(path=str(path), fingerprint=fingerprint(path), **knobs), data_root)


def save(path: Path, pixels: np.ndarray, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def gray(folder: Path, classes: tuple[str, ...] = ("cat", "dog"), each: int = 5, side: int = 6) -> Path:
    """Classes of lossless images, each of one gray value: 10 * class + number."""
    for c, name in enumerate(classes):
        for i in range(each):
            save(folder / name / f"{i}.png", np.full((side, side), 10 * c + i, np.uint8))
    return folder


def zipped(folder: Path, top: str = "") -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(file, top + file.relative_to(folder).as_posix())
    return path


def values(x: torch.Tensor) -> list[int]:
    return sorted(x[:, 0, 0, 0].tolist())


def test_real_photographs_with_train_and_test(cifar_folder: Path, tmp_path: Path) -> None:
    found = ask(cifar_folder, tmp_path)
    assert found.classes == tuple(sorted(p.name for p in (cifar_folder / "train").iterdir()))
    assert found.train_x.shape == (180, 3, 32, 32)
    assert found.validation_y.bincount().tolist() == [2] * 10
    assert found.test_y.bincount().tolist() == [20] * 10
    files = sorted((cifar_folder / "test").rglob("*.jpg"))
    for i in (0, 77, 199):
        with Image.open(files[i]) as image:
            assert np.array_equal(found.test_x[i].permute(1, 2, 0).numpy(), np.asarray(image.convert("RGB")))
        assert found.classes[found.test_y[i]] == files[i].parent.name


@pytest.mark.slow
def test_all_of_cifar10_has_its_published_statistics(test_images: Path, tmp_path: Path) -> None:
    """60,000 real photographs from an image folder; re-encoded, so that the third digit may differ."""
    subprocess.run([sys.executable, test_images / "unpack.py", tmp_path / "cifar"], check=True, capture_output=True)
    found = ask(tmp_path / "cifar", tmp_path)
    assert found.train_y.bincount().tolist() == [4500] * 10
    assert found.validation_y.bincount().tolist() == [500] * 10
    assert found.test_y.bincount().tolist() == [1000] * 10
    mean, std = channel_statistics(torch.cat([found.train_x, found.validation_x]).numpy())
    assert mean == pytest.approx((0.4914, 0.4822, 0.4465), abs=2e-3)
    assert std == pytest.approx((0.2470, 0.2435, 0.2616), abs=2e-3)


def test_real_photographs_are_the_same_when_they_stay_files(cifar_folder: Path, tmp_path: Path) -> None:
    found = ask(cifar_folder, tmp_path)
    names = sorted(path.relative_to(cifar_folder).as_posix() for path in (cifar_folder / "test").rglob("*.jpg"))
    (held,) = hold((Files.of(cifar_folder, names),), "cifar", tmp_path, silent)
    assert isinstance(held, Held)
    for i in range(len(names)):
        assert np.array_equal(found.test_x[i].permute(1, 2, 0).numpy(), held.pixels(i))


def test_a_zip_gives_what_its_folder_gives(cifar_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "images.zip"
    zipped(cifar_folder).rename(path)
    folder, archive = ask(cifar_folder, tmp_path), ask(path, tmp_path)
    assert torch.equal(folder.train_x, archive.train_x)
    assert torch.equal(folder.test_y, archive.test_y)


def test_without_a_test_folder_a_part_of_every_class_is_cut(tmp_path: Path) -> None:
    found = ask(gray(tmp_path / "in", each=10), tmp_path, test_fraction=0.3, validation_fraction=0.2)
    assert [y.bincount().tolist() for y in (found.train_y, found.validation_y, found.test_y)] == \
        [[6, 6], [1, 1], [3, 3]]
    together = torch.cat([found.train_x, found.validation_x, found.test_x])
    assert values(together) == list(range(20))
    assert all(v // 10 == y for v, y in zip(found.test_x[:, 0, 0, 0].tolist(), found.test_y.tolist(), strict=True))


def test_validation_folders_are_training_images(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        gray(tmp_path / "in" / part, each=3)
    found = ask(tmp_path / "in", tmp_path, validation_fraction=0)
    assert len(found.train_x) == 12
    assert len(found.test_x) == 6


@pytest.mark.parametrize("top", ["", "photos/", "./", "photos/train/"])
def test_folders_around_everything_are_passed_over(top: str, tmp_path: Path) -> None:
    assert ask(zipped(gray(tmp_path / "in"), top), tmp_path).classes == ("cat", "dog")


def test_hidden_and_foreign_files_are_passed_over(tmp_path: Path) -> None:
    folder = gray(tmp_path / "in")
    for name in (".DS_Store", "cat/._0.png", "__MACOSX/cat/._0.png", "README.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"no image")
    assert len(ask(folder, tmp_path, validation_fraction=0).train_x) == 8
    assert len(ask(zipped(folder), tmp_path, validation_fraction=0).train_x) == 8


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "webp", "tiff"])
def test_lossless_formats_keep_every_pixel(suffix: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    pixels[..., :] = pixels[..., :1] if suffix == "gif" else pixels
    folder = gray(tmp_path / "in")
    for name in ("cat", "dog"):
        for file in (folder / name).iterdir():
            file.unlink()
        for i in range(3):
            save(folder / name / f"{i}.{suffix}", pixels, **({"lossless": True} if suffix == "webp" else {}))
    found = ask(folder, tmp_path)
    assert torch.equal(found.train_x[0], torch.from_numpy(pixels).permute(2, 0, 1))


def test_exif_orientation_is_respected(tmp_path: Path) -> None:
    folder, exif = gray(tmp_path / "in"), Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: turn clockwise to view
    for file in folder.rglob("*.png"):
        pixels = np.zeros((4, 8), np.uint8)
        pixels[:, :4] = 200
        save(file, pixels, exif=exif)
    image = ask(folder, tmp_path).train_x[0, 0]
    assert image.shape == (8, 4)
    assert image[:4].eq(200).all()
    assert image[4:].eq(0).all()


def test_colour_modes(tmp_path: Path) -> None:
    folder = gray(tmp_path / "in")
    assert ask(folder, tmp_path).channels == 1
    assert ask(folder, tmp_path, colour="rgb").channels == 3
    red = np.zeros((6, 6, 4), np.uint8)
    red[...] = (255, 0, 0, 7)
    save(folder / "dog" / "red.png", red)
    mixed = ask(folder, tmp_path, validation_fraction=0, test_fraction=0.05)
    assert mixed.channels == 3
    assert [255, 0, 0] in mixed.train_x[:, :, 0, 0].tolist() + mixed.test_x[:, :, 0, 0].tolist()
    luma = ask(folder, tmp_path, colour="gray", validation_fraction=0)
    assert round(255 * 0.299) in values(luma.train_x) + values(luma.test_x)  # ITU-R 601


def test_other_pixel_types_are_brought_to_8_bits(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        save(folder / name / "16.png", np.full((4, 4), 0x1234, np.uint16))
        palette.save(folder / name / "p.png", transparency=b"\x00\x80")
        Image.new("CMYK", (4, 4), (0, 0, 0, 0)).save(folder / name / "c.jpg", quality=100)
        Image.new("1", (4, 4), 1).save(folder / name / "1.png")
        Image.new("LA", (4, 4), (77, 0)).save(folder / name / "la.png")
    found = ask(folder, tmp_path, validation_fraction=0)
    seen = {tuple(p) for p in torch.cat([found.train_x, found.test_x])[:, :, 0, 0].tolist()}
    assert seen == {(0x12,) * 3, (10, 20, 30), (255,) * 3, (77,) * 3}


def test_resizing_averages_what_it_shrinks(tmp_path: Path) -> None:
    """Stripes finer than the target become an even gray: without antialiasing they stay black and white."""
    folder, stripes = gray(tmp_path / "in"), np.zeros((64, 96), np.uint8)
    stripes[:, ::2] = 255
    save(folder / "cat" / "9.png", stripes)
    found = ask(folder, tmp_path, size=8, validation_fraction=0, test_fraction=0.05)
    assert found.train_x.shape[2:] == (8, 8)
    image = next(x for x in torch.cat([found.train_x, found.test_x]) if x.max() > 50)
    assert (image.int() - 127).abs().max() <= 8


@pytest.mark.parametrize("layout", ["N x H x W", "N x H x W x 3", "N x 3 x H x W", "N x H x W x 1"])
@pytest.mark.parametrize("tested", [True, False])
def test_npz(layout: str, tested: bool, tmp_path: Path) -> None:
    channels = 3 if "3" in layout else 1
    expected = np.random.default_rng(0).integers(0, 256, (12, channels, 5, 6), np.uint8)
    x = {"N x H x W": expected[:, 0], "N x 3 x H x W": expected}.get(layout, expected.transpose(0, 2, 3, 1))
    y = np.arange(12) % 2
    extra = {"x_test": x[::-1][:4], "y_test": y[::-1][:4]} if tested else {}
    np.savez_compressed(tmp_path / "own.npz", x=x, y=y.astype(np.uint8), **extra)
    found = ask(tmp_path / "own.npz", tmp_path, validation_fraction=0)
    if tested:
        assert np.array_equal(found.train_x.numpy(), expected)
        assert np.array_equal(found.test_x.numpy(), expected[::-1][:4])
        assert found.test_y.tolist() == [1, 0, 1, 0]
    else:
        rows = {p.tobytes() for p in expected}
        assert {p.numpy().tobytes() for p in torch.cat([found.train_x, found.test_x])} == rows
    assert found.classes == ("0", "1")


def test_npz_is_resized_and_coloured_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x=np.full((8, 4, 4), 9, np.uint8), y=np.arange(8) % 2)
    found = ask(tmp_path / "own.npz", tmp_path, size=7, colour="rgb")
    assert found.train_x.shape[1:] == (3, 7, 7)
    assert found.train_x.unique().tolist() == [9]


def test_a_fingerprint_is_required_and_must_fit(tmp_path: Path) -> None:
    folder = gray(tmp_path / "in")
    spec = OwnImages(path=str(folder), fingerprint=fingerprint(folder))
    for wrong in ("", "../../etc", "0" * 63):
        with pytest.raises(BadInput, match=r"must be the SHA-256 .*ask from the form or the command line"):
            load(spec.replace(fingerprint=wrong), tmp_path)
    with pytest.raises(BadInput, match=r"path is empty"):
        load(OwnImages(), tmp_path)
    save(folder / "cat" / "new.png", np.zeros((6, 6), np.uint8))
    with pytest.raises(BadInput, match=r"have changed since the question was asked .*ask again"):
        load(spec, tmp_path)


def test_decoded_images_outlive_their_source(tmp_path: Path) -> None:
    folder = gray(tmp_path / "in")
    spec = OwnImages(path=str(folder), fingerprint=fingerprint(folder))
    first = load(spec, tmp_path)
    folder.rename(tmp_path / "gone")
    assert torch.equal(load(spec, tmp_path).train_x, first.train_x)
    with pytest.raises(BadInput, match=r"no folder or file"):
        load(spec.replace(size=3), tmp_path)


def test_progress_is_reported_and_cancels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lth_engine.data.stacking._REPORT_SECONDS", 0)
    folder, heard = gray(tmp_path / "in", each=100), []

    def report(text: str) -> None:
        heard.append(text)
        if text.startswith("Decoding"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(OwnImages(path=str(folder), fingerprint=fingerprint(folder)), tmp_path, report)
    assert heard == [f"Reading {folder}.", "Decoding images: 64 of 200."]
    assert not list((tmp_path / "cache").glob("own_images-*-v1"))


def test_a_zip_is_read_in_memory_only(tmp_path: Path) -> None:
    path = zipped(gray(tmp_path / "in"))
    for file in (tmp_path / "in").rglob("*.png"):
        file.unlink()
    ask(path, tmp_path / "root")
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {
        "in.zip", "meta.json", "train_x.npy", "train_y.npy",
        f"own_images-{fingerprint(path)}-0-as_is-v1.lock"}
