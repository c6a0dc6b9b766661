"""EuroSAT, TinyImageNet, CUB-200 and ImageNet from their published layouts: labels, order, and clean refusals."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from lth_engine.core.errors import BadInput, MissingData
from lth_engine.data import tiny_imagenet
from lth_engine.data.image_set import StreamedSet, load
from lth_engine.specs.data import Imagenet, Imagenet100
from tests.data.formats import flip, jpeg, md5, place, zipped
from tests.data.layouts import COLOURS, WNIDS, WRITE, devkit, eurosat_files, photographs, tiny_files

Patch = pytest.MonkeyPatch


def shown(image: np.ndarray) -> int | None:
    """The class that an image (C x H x W) shows by the colour of its lower right corner; None if it is gray."""
    colour = image[:, -1, -1].astype(int)
    near = [i for i, c in enumerate(COLOURS) if max(abs(colour - c)) <= 6]
    return near[0] if near else None


def part_of(found: object, part: str) -> tuple[list[np.ndarray], list[int]]:
    y = getattr(found, f"{part}_y").tolist()
    if isinstance(found, StreamedSet):
        files = getattr(found, part)
        return [files.pixels(i).transpose(2, 0, 1) for i in range(len(files))], y
    return list(getattr(found, f"{part}_x").numpy()), y


@pytest.mark.parametrize("name", ["eurosat", "tiny_imagenet", "imagenet", "imagenet100", "cub200", "own_images"])
def test_labels_follow_their_images(name: str, tmp_path: Path, monkeypatch: Patch) -> None:
    found = load(WRITE[name](tmp_path, monkeypatch).spec, tmp_path)
    gray = 0
    for part in ("train", "validation", "test"):
        for image, label in zip(*part_of(found, part), strict=True):
            assert image[:, 0, 0].min() > 240, "upright: the light corner is the upper left one"
            gray += shown(image) is None
            assert shown(image) in (label, None)
    assert gray == (name == "tiny_imagenet")


@pytest.mark.parametrize(("name", "classes"), [
    ("eurosat", ("AnnualCrop", "Forest", "River")), ("tiny_imagenet", ("thing 0", "thing 1", "thing 2")),
    ("imagenet", ("thing 0", "thing 1", "thing 2")), ("imagenet100", WNIDS),
    ("cub200", ("Black footed Albatross", "Laysan Albatross", "Sooty Albatross"))])
def test_classes_have_their_names(
    name: str, classes: tuple[str, ...], tmp_path: Path, monkeypatch: Patch,
) -> None:
    assert load(WRITE[name](tmp_path, monkeypatch).spec, tmp_path).classes == classes


def test_a_gray_picture_becomes_three_equal_channels(tmp_path: Path, monkeypatch: Patch) -> None:
    found = load(WRITE["tiny_imagenet"](tmp_path, monkeypatch).spec.replace(validation_fraction=0), tmp_path)
    gray = [x for x in found.train_x if shown(x.numpy()) is None]
    assert len(gray) == 1
    assert torch.equal(gray[0][0], gray[0][2])


def test_tiny_imagenet_is_the_same_from_its_zip(tmp_path: Path, monkeypatch: Patch) -> None:
    written = WRITE["tiny_imagenet"](tmp_path / "folder", monkeypatch)
    content = zipped(tiny_files())
    place(tmp_path / "zip", {"tiny-imagenet-200.zip": content})
    monkeypatch.setattr(tiny_imagenet, "SUMS", {"tiny-imagenet-200.zip": md5(content)})
    one, other = (load(written.spec, tmp_path / place) for place in ("folder", "zip"))
    assert torch.equal(one.train_x, other.train_x)
    assert torch.equal(one.test_x, other.test_x)
    assert one.test_y.tolist() == other.test_y.tolist() == [0, 1, 2] * 2  # in the order of the annotations


def test_eurosat_is_the_same_from_its_folder(tmp_path: Path, monkeypatch: Patch) -> None:
    written = WRITE["eurosat"](tmp_path / "zip", monkeypatch)
    place(tmp_path / "folder/eurosat", eurosat_files())
    one, other = (load(written.spec, tmp_path / place) for place in ("folder", "zip"))
    assert torch.equal(one.train_x, other.train_x)
    assert one.train_y.tolist() == other.train_y.tolist()


@pytest.mark.parametrize("name", ["imagenet", "imagenet100"])
def test_validation_images_by_class_or_in_one_folder(name: str, tmp_path: Path, monkeypatch: Patch) -> None:
    written = WRITE[name](tmp_path / "flat", monkeypatch)
    WRITE["imagenet"](tmp_path / "other", monkeypatch)  # for the checksum of the kit
    place(tmp_path / f"flat/{name}", {"ILSVRC2012_devkit_t12.tar.gz": devkit()})
    place(tmp_path / f"sorted/{name}", photographs(flat=False))
    one, other = (load(written.spec, tmp_path / place) for place in ("flat", "sorted"))
    assert [Path(n.decode()).name for n in one.test.names] == [Path(n.decode()).name for n in other.test.names]
    assert one.test_y.tolist() == other.test_y.tolist() == [0, 0, 1, 1, 2, 2]
    assert one.train.names.tolist() == other.train.names.tolist()


def test_the_kit_may_be_unpacked(tmp_path: Path, monkeypatch: Patch) -> None:
    written = WRITE["imagenet"](tmp_path, monkeypatch)
    before = load(written.spec, tmp_path)
    kit = tmp_path / "imagenet/ILSVRC2012_devkit_t12.tar.gz"
    with tarfile.open(kit) as archive:
        archive.extractall(tmp_path / "imagenet", filter="data")
    kit.unlink()
    again = load(written.spec, tmp_path)
    assert again.classes == before.classes
    assert again.test_y.tolist() == before.test_y.tolist()


def test_flat_validation_images_need_the_kit(tmp_path: Path, monkeypatch: Patch) -> None:
    written = WRITE["imagenet"](tmp_path, monkeypatch)
    (tmp_path / "imagenet/ILSVRC2012_devkit_t12.tar.gz").unlink()
    with pytest.raises(MissingData, match=r"have no labels: put ILSVRC2012_devkit_t12.tar.gz"):
        load(written.spec, tmp_path)


def test_a_list_picks_classes_of_imagenet(tmp_path: Path, monkeypatch: Patch) -> None:
    WRITE["imagenet100"](tmp_path / "unused", monkeypatch)
    WRITE["imagenet"](tmp_path, monkeypatch)
    monkeypatch.setattr("lth_engine.data.imagenet100.CLASSES", 2)
    (tmp_path / "mine.txt").write_text(f"{WNIDS[2]} third\n\n{WNIDS[0]}\n")
    found = load(Imagenet100(classes="mine.txt", size=32), tmp_path)
    assert found.classes == ("thing 0", "thing 2")
    assert found.test_y.tolist() == [0, 0, 1, 1]
    assert {shown(found.train.pixels(i).transpose(2, 0, 1)) for i in range(len(found.train))} == {0, 2}


@pytest.mark.parametrize(("text", "message"), [
    (f"{WNIDS[0]}\n", r"imagenet100 needs 2 classes\. Got 1 in .*list\.txt"),
    ("n01440764\nsalmon\n", r"one WordNet id \(n01440764\) a line\. Got 'salmon'"),
    (f"{WNIDS[0]}\nn99999999\n", r"lacks the images of class n99999999 in train/"),
    (None, r"list of classes .*list\.txt cannot be read")])
def test_a_list_that_cannot_be_used(text: str | None, message: str, tmp_path: Path, monkeypatch: Patch) -> None:
    WRITE["imagenet"](tmp_path, monkeypatch)
    monkeypatch.setattr("lth_engine.data.imagenet100.CLASSES", 2)
    if text is not None:
        (tmp_path / "list.txt").write_text(text)
    with pytest.raises((BadInput, MissingData), match=message):
        load(Imagenet100(classes="list.txt"), tmp_path)


@pytest.mark.parametrize("name", ["/etc/hosts", "../list.txt", "~/list.txt"])
def test_a_list_outside_of_the_data_folder_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="must be the name of a file in the data folder"):
        Imagenet100(classes=name)


@pytest.mark.parametrize(("name", "file"), [
    ("eurosat", "eurosat/EuroSAT.zip"), ("imagenet", "imagenet/ILSVRC2012_devkit_t12.tar.gz"),
    ("tiny_imagenet", "tiny-imagenet-200.zip")])
def test_one_flipped_byte_is_noticed(
    name: str, file: str, tmp_path: Path, monkeypatch: Patch, no_network: None,
) -> None:
    written = WRITE[name](tmp_path, monkeypatch)
    if name == "tiny_imagenet":
        place(tmp_path, {file: zipped(tiny_files())})
        monkeypatch.setattr(tiny_imagenet, "SUMS", {file: md5((tmp_path / file).read_bytes())})
        assert load(written.spec, tmp_path).num_classes == 3
        (tmp_path / "cache/tiny_imagenet-v1/meta.json").unlink()
    flip(tmp_path / file)
    with pytest.raises(MissingData, match=r"is damaged or not the published file \(MD5 .*\): delete it"):
        load(written.spec, tmp_path)


@pytest.mark.parametrize(("name", "gone", "message"), [
    ("eurosat", "eurosat/2750/River/River_3.jpg", r"29 training images where the published set has 30"),
    ("tiny_imagenet", f"tiny-imagenet-200/train/{WNIDS[1]}/images/{WNIDS[1]}_3.JPEG", r"11 training images where"),
    ("tiny_imagenet", "tiny-imagenet-200/val/images/val_2.JPEG", r"5 test images where .* 6"),
    ("tiny_imagenet", "tiny-imagenet-200/wnids.txt", r"lacks wnids\.txt: unpack tiny-imagenet-200\.zip again"),
    ("imagenet", f"imagenet/train/{WNIDS[0]}/{WNIDS[0]}_1.JPEG", r"11 training images where .* 12: unpack"),
    ("imagenet", "imagenet/val/ILSVRC2012_val_00000004.JPEG", r"5 test images where .* 6"),
    ("cub200", "CUB_200_2011/images/002.Laysan_Albatross/Laysan_Albatross_0003.jpg", r"0003\.jpg is missing: unpack"),
    ("cub200", "CUB_200_2011/train_test_split.txt", r"train_test_split\.txt cannot be read \(No such file")])
def test_a_set_with_files_missing_is_not_taken_for_the_published_one(
    name: str, gone: str, message: str, tmp_path: Path, monkeypatch: Patch,
) -> None:
    written = WRITE[name](tmp_path, monkeypatch)
    if name == "eurosat":
        (tmp_path / "eurosat/EuroSAT.zip").unlink()
        place(tmp_path / "eurosat", eurosat_files())
    (tmp_path / gone).unlink()
    with pytest.raises(MissingData, match=message):
        load(written.spec, tmp_path)


@pytest.mark.parametrize(("table", "line", "message"), [
    ("images.txt", "x y", r"Line 25 of .*images\.txt cannot be read .*: unpack"),
    ("image_class_labels.txt", "1 9", r"Line 25 of .*image_class_labels\.txt cannot be read \(1 9 names nothing\)"),
    ("train_test_split.txt", "7", r"Line 25 of .*train_test_split\.txt cannot be read \(1 fields in the place")])
def test_a_line_that_cannot_be_read_is_named(
    table: str, line: str, message: str, tmp_path: Path, monkeypatch: Patch,
) -> None:
    written = WRITE["cub200"](tmp_path, monkeypatch)
    with (tmp_path / "CUB_200_2011" / table).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(MissingData, match=message):
        load(written.spec, tmp_path)


def test_an_image_of_another_size_is_named(tmp_path: Path, monkeypatch: Patch) -> None:
    written = WRITE["tiny_imagenet"](tmp_path, monkeypatch)
    place(tmp_path / "tiny-imagenet-200/val/images", {"val_0.JPEG": jpeg(COLOURS[0], 64, 60)})
    with pytest.raises(MissingData, match=r"val_0\.JPEG has 64 x 60 pixels where the published image has 64 x 64"):
        load(written.spec, tmp_path)


def test_a_kit_that_is_none_is_told(tmp_path: Path, monkeypatch: Patch) -> None:
    written = WRITE["imagenet"](tmp_path, monkeypatch)
    kit = tmp_path / "imagenet/ILSVRC2012_devkit_t12.tar.gz"
    kit.write_bytes(b"not an archive")
    monkeypatch.setattr("lth_engine.data.imagenet_devkit.SUMS", {kit.name: md5(b"not an archive")})
    with pytest.raises(MissingData, match=r"development kit .* cannot be read"):
        load(written.spec, tmp_path)


def test_nothing_of_the_large_sets_is_ever_fetched(tmp_path: Path, monkeypatch: Patch) -> None:
    def fetched(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.create_connection", fetched)
    with pytest.raises(MissingData, match=r"ImageNet is not in .*/imagenet: ask for .* https://image-net\.org"):
        load(Imagenet(), tmp_path)

