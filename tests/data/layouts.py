"""Tiny image sets written as the real ones are published: the same names, formats and checks, few images."""

from __future__ import annotations

import functools
import gzip
import io
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torchvision.datasets as official
from scipy.io import savemat

from lth_engine.core.fingerprint import fingerprint
from lth_engine.data import cub200, eurosat, fashion_mnist, imagenet, imagenet100, imagenet_devkit, tiny_imagenet
from lth_engine.specs.data import (
    Cifar10,
    Cifar100,
    Cub200,
    DataSpec,
    Digits,
    Eurosat,
    FashionMnist,
    Imagenet,
    Imagenet100,
    Kmnist,
    Mnist,
    OwnImages,
    Svhn,
    TinyImagenet,
)
from tests.data.formats import Patch, cifar_batches, idx_files, jpeg, md5, place, publish, zipped

WNIDS = ("n01440764", "n02102040", "n03000684")
COLOURS = ((200, 40, 60), (30, 180, 90), (70, 60, 210))
"""Of the images of each class, so that a label can be told from the pixels."""


@dataclass(frozen=True)
class Written:
    """A set on the disk: how it is asked for and what must be found in it.

    Attributes:
        spec: the question.
        shape: channels and side of an image as the network sees it.
        train, test: labels of the published parts, in any order; `test` is None where the set has no test part.
        folder: part of what is said when it is missing; empty where nothing can be.
    """

    spec: DataSpec
    shape: tuple[int, int]
    train: list[int]
    test: list[int] | None
    folder: str


def cifar10_files(patch: Patch) -> tuple[dict[str, bytes], dict[str, np.ndarray]]:
    files, rows = cifar_batches([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"], "labels", 10)
    files["batches.meta"] = pickle.dumps({"label_names": [f"thing {i}" for i in range(10)]})
    publish(official.CIFAR10, files, patch)
    return files, rows


def cifar100_files(patch: Patch) -> tuple[dict[str, bytes], dict[str, np.ndarray]]:
    files, rows = cifar_batches(["train", "test"], "fine_labels", 100)
    files["meta"] = pickle.dumps({"fine_label_names": [f"thing {i}" for i in range(100)]})
    publish(official.CIFAR100, files, patch)
    return files, rows


def write_idx(spec: DataSpec, loader: type, root: Path, patch: Patch) -> Written:
    """The four files, unpacked, with the published .gz beside them."""
    files, _ = idx_files()
    packed = {f"{name}.gz": gzip.compress(content) for name, content in files.items()}
    patch.setattr(loader, "resources", [(name, md5(packed[name])) for name, _ in loader.resources])
    folder = f"{loader.__name__}/raw"
    place(root / folder, files | packed)
    return Written(spec, (1, 28), [i % 10 for i in range(40)], [i % 10 for i in range(20)], folder)


def write_fashion(root: Path, patch: Patch) -> Written:
    nothing = fashion_mnist.Official(**{**vars(fashion_mnist.OFFICIAL), "system_folder": root / "none"})
    patch.setattr(fashion_mnist, "OFFICIAL", nothing)
    return write_idx(FashionMnist(), official.FashionMNIST, root, patch)


def write_cifar10(root: Path, patch: Patch) -> Written:
    place(root / "cifar-10-batches-py", cifar10_files(patch)[0])
    return Written(Cifar10(), (3, 32), list(range(10)) * 10, list(range(10)) * 2, "cifar-10-python.tar.gz")


def write_cifar100(root: Path, patch: Patch) -> Written:
    place(root / "cifar-100-python", cifar100_files(patch)[0])
    return Written(Cifar100(), (3, 32), list(range(100)) * 2, list(range(100)) * 2, "cifar-100-python.tar.gz")


def svhn_arrays(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """X (32 x 32 x 3 x N) and y (N x 1, a zero is written as 10)."""
    y = (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]
    return np.random.default_rng(seed).integers(0, 256, (32, 32, 3, count), np.uint8), y


def write_svhn(root: Path, patch: Patch) -> Written:
    """The .mat files of MATLAB 5 that the authors publish."""
    sums = dict(official.SVHN.split_list)
    for part, count in (("train", 30), ("test", 20)):
        x, y = svhn_arrays(count, len(part))
        packed = io.BytesIO()
        savemat(packed, {"X": x, "y": y}, do_compression=True)
        place(root / "svhn", {f"{part}_32x32.mat": packed.getvalue()})
        sums[part] = [sums[part][0], f"{part}_32x32.mat", md5(packed.getvalue())]
    patch.setattr(official.SVHN, "split_list", sums)
    return Written(Svhn(), (3, 32), list(range(10)) * 3, list(range(10)) * 2, "svhn")


def eurosat_files() -> dict[str, bytes]:
    """2750/CLASS/CLASS_NUMBER.jpg."""
    return {f"2750/{name}/{name}_{i}.jpg": jpeg(colour, 64, 64)
            for name, colour in zip(("AnnualCrop", "Forest", "River"), COLOURS, strict=True) for i in range(1, 11)}


def write_eurosat(root: Path, patch: Patch) -> Written:
    content = zipped(eurosat_files())
    place(root / "eurosat", {"EuroSAT.zip": content})
    patch.setattr(eurosat, "SUMS", {"EuroSAT.zip": md5(content)})
    patch.setattr(eurosat, "PUBLISHED", (3, 30, 0))
    return Written(Eurosat(), (3, 64), [0, 1, 2] * 10, None, "eurosat")


def tiny_files() -> dict[str, bytes]:
    """Below tiny-imagenet-200/: tables in their own order, one gray image, test images without labels."""
    files = {"wnids.txt": "\n".join(reversed(WNIDS)).encode(),
             "words.txt": b"n00001740\tentity\n" + "".join(
                 f"{wnid}\tthing {i}, other name\n" for i, wnid in enumerate(WNIDS)).encode()}
    for label, wnid in enumerate(WNIDS):
        files[f"train/{wnid}/{wnid}_boxes.txt"] = f"{wnid}_0.JPEG\t0\t0\t62\t62\n".encode()
        for i in range(4):
            colour = 80 if (label, i) == (1, 2) else COLOURS[label]
            files[f"train/{wnid}/images/{wnid}_{i}.JPEG"] = jpeg(colour, 64, 64)
    lines = []
    for i in range(6):
        files[f"val/images/val_{i}.JPEG"] = jpeg(COLOURS[i % 3], 64, 64)
        lines.append(f"val_{i}.JPEG\t{WNIDS[i % 3]}\t0\t32\t44\t62\n")
    files["val/val_annotations.txt"] = "".join(lines).encode()
    files["test/images/test_0.JPEG"] = jpeg(COLOURS[0], 64, 64)
    return {f"tiny-imagenet-200/{name}": content for name, content in files.items()}


def write_tiny(root: Path, patch: Patch) -> Written:
    place(root, tiny_files())
    patch.setattr(tiny_imagenet, "PUBLISHED", (3, 12, 6))
    return Written(TinyImagenet(), (3, 64), [0, 1, 2] * 4, [0, 1, 2] * 2, "tiny-imagenet-200.zip")


@functools.cache
def devkit() -> bytes:
    """ILSVRC2012_devkit_t12.tar.gz: numbers in another order than the WordNet ids, and one node above the classes.
    Made once: the formats hold the time."""
    kind = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("gloss", "O"), ("num_children", "O"),
            ("children", "O"), ("wordnet_height", "O"), ("num_train_images", "O")]
    rows = [(i + 1, wnid, f"thing {2 - i}, other name", "gloss", 0, [], 0, 4) for i, wnid in enumerate(WNIDS[::-1])]
    synsets = np.array([*rows, (4, "n00001740", "entity", "gloss", 3, [1, 2, 3], 1, 0)], dtype=kind)
    meta = io.BytesIO()
    savemat(meta, {"synsets": synsets[:, None]})
    truth = "".join(f"{3 - i % 3}\n" for i in range(6)).encode()  # images 1, 2, 3 show classes 0, 1, 2
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in (("meta.mat", meta.getvalue()), ("ILSVRC2012_validation_ground_truth.txt", truth)):
            member = tarfile.TarInfo(f"ILSVRC2012_devkit_t12/data/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def photographs(flat: bool) -> dict[str, bytes]:
    """train/WNID/*.JPEG of several sizes, and val/ flat or by class."""
    files = {f"train/{wnid}/{wnid}_{i}.JPEG": jpeg(COLOURS[label], 50 + 7 * i, 40)
             for label, wnid in enumerate(WNIDS) for i in range(4)}
    for i in range(6):
        name = f"ILSVRC2012_val_{i + 1:08}.JPEG"
        files[f"val/{name}" if flat else f"val/{WNIDS[i % 3]}/{name}"] = jpeg(COLOURS[i % 3], 40, 60)
    return files


def write_imagenet(root: Path, patch: Patch) -> Written:
    kit = devkit()
    place(root / "imagenet", photographs(flat=True) | {"ILSVRC2012_devkit_t12.tar.gz": kit})
    patch.setattr(imagenet_devkit, "SUMS", {"ILSVRC2012_devkit_t12.tar.gz": md5(kit)})
    patch.setattr(imagenet, "PUBLISHED", (3, 12, 6))
    return Written(Imagenet(size=32), (3, 32), [0, 1, 2] * 4, [0, 1, 2] * 2, "imagenet")


def write_imagenet100(root: Path, patch: Patch) -> Written:
    place(root / "imagenet100", photographs(flat=False))
    patch.setattr(imagenet100, "CLASSES", 3)
    return Written(Imagenet100(size=32), (3, 32), [0, 1, 2] * 4, [0, 1, 2] * 2, "imagenet100")


def write_cub(root: Path, patch: Patch) -> Written:
    """Three kinds, eight images each; every fourth one is a test image."""
    kinds = ("001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross")
    names = [(label, f"{kind}/{kind[4:]}_{i:04}.jpg") for label, kind in enumerate(kinds) for i in range(8)]
    tables = {
        "classes.txt": [f"{i} {kind}" for i, kind in enumerate(kinds, 1)],
        "images.txt": [f"{i} {name}" for i, (_, name) in enumerate(names, 1)],
        "image_class_labels.txt": [f"{i} {label + 1}" for i, (label, _) in enumerate(names, 1)],
        "train_test_split.txt": [f"{i} {int(i % 4 != 0)}" for i in range(1, len(names) + 1)]}
    place(root / "CUB_200_2011", {name: "\n".join([*lines, ""]).encode() for name, lines in tables.items()})
    place(root / "CUB_200_2011/images", {name: jpeg(COLOURS[label], 48 + i, 36)
                                         for i, (label, name) in enumerate(names)})
    patch.setattr(cub200, "PUBLISHED", (3, 18, 6))
    return Written(Cub200(size=32), (3, 32), [0, 1, 2] * 6, [0, 1, 2] * 2, "CUB_200_2011")


def write_own(root: Path, patch: Patch) -> Written:
    folder = root / "mine"
    place(folder, {f"{name}/{i}.jpg": jpeg(colour, 20, 20)
                   for name, colour in zip("abc", COLOURS, strict=True) for i in range(10)})
    return Written(OwnImages(path=str(folder), fingerprint=fingerprint(folder)), (3, 20), [0, 1, 2] * 10, None, "")


def write_digits(root: Path, patch: Patch) -> Written:
    from sklearn.datasets import load_digits
    return Written(Digits(), (1, 8), load_digits().target.tolist(), None, "")


WRITE: dict[str, Callable[[Path, Patch], Written]] = {
    "digits": write_digits,
    "mnist": lambda root, patch: write_idx(Mnist(), official.MNIST, root, patch),
    "fashion_mnist": write_fashion,
    "kmnist": lambda root, patch: write_idx(Kmnist(), official.KMNIST, root, patch),
    "cifar10": write_cifar10,
    "cifar100": write_cifar100,
    "svhn": write_svhn,
    "eurosat": write_eurosat,
    "tiny_imagenet": write_tiny,
    "imagenet100": write_imagenet100,
    "imagenet": write_imagenet,
    "cub200": write_cub,
    "own_images": write_own,
}
"""How each member of the family is written below a data folder."""
