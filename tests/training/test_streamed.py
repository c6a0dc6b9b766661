"""StreamedImages: batches that do not depend on who decodes them, against torchvision's own transforms."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from lth_engine.core.errors import BadInput, LotteryError, MissingData
from lth_engine.core.seeds import derive
from lth_engine.data.listed import IMAGENET_MEAN, IMAGENET_STD, Files
from lth_engine.training.mixed import Mixed
from lth_engine.training.streamed import StreamedImages
from lth_engine.training.views import View, Views, middle, moved, random_part

COUNT, SIZE = 23, 32
Y = torch.arange(COUNT) % 4


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Photographs of many sizes: smooth colours, so that resampling has something to average."""
    folder, random = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    for i in range(COUNT):
        small = random.integers(0, 256, (6, 7, 3), np.uint8)
        Image.fromarray(small).resize((44 + 3 * i, 90 - 2 * i), Image.Resampling.BICUBIC).save(folder / f"{i}.jpg")
    return Files.of(folder, [f"{i}.jpg" for i in range(COUNT)])


def images(files: Files, workers: int, y: torch.Tensor = Y) -> StreamedImages:
    return StreamedImages(files, y, SIZE, IMAGENET_MEAN, IMAGENET_STD, "cpu", workers)


@contextlib.contextmanager
def closing(made: StreamedImages) -> Iterator[StreamedImages]:
    yield made
    made.close()


ORDER = torch.randperm(COUNT, generator=torch.Generator().manual_seed(3))
AUGMENTED = {"mirror": torch.arange(COUNT) % 2 == 0, "resized_crop": True, "seed": 5, "epoch": 2}
SHIFTED = {"mirror": torch.arange(COUNT) % 3 == 0, "shift": torch.stack([ORDER % 5, ORDER.flip(0) % 5]), "pad": 2}


def same(one: list[tuple[torch.Tensor, torch.Tensor]], other: list[tuple[torch.Tensor, torch.Tensor]]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(one, other, strict=True))


def denormalised(x: torch.Tensor) -> torch.Tensor:
    """B x C x H x W float -> the pixels 0..255 that it was made of."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (x * std + mean) * 255


@pytest.mark.parametrize("how", [{}, AUGMENTED, SHIFTED], ids=["plain", "resized crop", "shift"])
def test_the_same_batches_for_any_number_of_workers_and_from_the_middle(files: Files, how: dict) -> None:
    with closing(images(files, 0)) as one, closing(images(files, 2)) as other:
        expected = list(one.epoch_batches(ORDER, 5, **how))
        assert [len(y) for _, y in expected] == [5, 5, 5, 5, 3]
        assert same(list(other.epoch_batches(ORDER, 5, **how)), expected)
        assert same(list(other.epoch_batches(ORDER, 5, first_step=3, **how)), expected[3:])
        assert same(list(one.epoch_batches(ORDER, 5, first_step=5, **how)), [])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_mixed_order_shows_each_image_as_evaluation_does(files: Files, workers: int,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StreamedImages, "evaluation_batch", 10)
    stored = images(files, 0)
    x, y = (torch.cat(values) for values in zip(*stored.in_order(), strict=True))
    shown = Mixed(images(files, workers))
    batches = list(shown.in_order())
    assert [len(b) for _, b in batches] == [8, 8, 7]
    order = torch.cat(list(shown.parts))
    assert order.sort().values.tolist() == list(range(COUNT)) != order.tolist()
    assert torch.equal(torch.cat([b for b, _ in batches]), x[order])
    assert torch.equal(torch.cat([b for _, b in batches]), y[order])


def test_an_epoch_that_was_left_does_not_disturb_the_next(files: Files) -> None:
    with closing(images(files, 2)) as made:
        expected = list(made.epoch_batches(ORDER, 4, **AUGMENTED))
        left = made.epoch_batches(ORDER.flip(0), 3)
        next(left)
        assert same(list(made.in_order()), list(images(files, 0).in_order()))
        left.close()
        assert same(list(made.epoch_batches(ORDER, 4, **AUGMENTED)), expected)


@pytest.mark.parametrize("workers", [0, 1])
def test_two_epochs_at_a_time_do_not_mix(files: Files, workers: int) -> None:
    with closing(images(files, workers)) as made:
        first, second = list(made.epoch_batches(ORDER, 6, **AUGMENTED)), list(made.epoch_batches(ORDER.flip(0), 6))
        pairs = zip(made.epoch_batches(ORDER, 6, **AUGMENTED), made.epoch_batches(ORDER.flip(0), 6), strict=True)
        got = list(pairs)
        assert same([one for one, _ in got], first)
        assert same([other for _, other in got], second)


def test_labels_shape_and_layout(files: Files) -> None:
    made = images(files, 0)
    assert len(made) == COUNT
    assert made.x_shape == (3, SIZE, SIZE)
    (x, y), = made.in_order()
    assert x.shape == (COUNT, 3, SIZE, SIZE)
    assert x.dtype == torch.float32
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(y, Y)
    x, y = next(made.epoch_batches(ORDER, 7, resized_crop=True))
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(y, Y[ORDER[:7]])
    _, y = next(made.epoch_batches(ORDER, 7, labels=Y + 100))
    assert torch.equal(y, Y[ORDER[:7]] + 100)


def test_evaluation_sees_what_torchvision_makes_of_the_photograph(files: Files) -> None:
    """Its transforms of PIL images; the two resamplers round differently by one step of 255 here and there."""
    usual = transforms.Compose([transforms.Resize(round(SIZE * 256 / 224)), transforms.CenterCrop(SIZE)])
    (x, _), = images(files, 0).in_order()
    for i in range(COUNT):
        with Image.open(files.path(i)) as image:
            expected = torch.from_numpy(np.array(usual(image))).permute(2, 0, 1)
        assert (denormalised(x[i:i + 1])[0] - expected).abs().max() < 1.6


def test_a_random_part_is_the_one_that_torchvision_draws(files: Files) -> None:
    x, _ = next(images(files, 0).epoch_batches(ORDER, COUNT, **AUGMENTED))
    boxes = set()
    for place, i in enumerate(ORDER.tolist()):
        with Image.open(files.path(i)) as image:
            torch.manual_seed(derive(5, "crop", 2, i))
            expected = transforms.RandomResizedCrop(SIZE)(image)
            boxes.add(transforms.RandomResizedCrop.get_params(image, [0.08, 1], [3 / 4, 4 / 3]))
        pixels = torch.from_numpy(np.array(expected)).permute(2, 0, 1)
        pixels = pixels.flip(2) if place % 2 == 0 else pixels
        assert (denormalised(x[place:place + 1])[0] - pixels).abs().max() < 1.6
    assert len(boxes) == COUNT


def test_the_part_depends_on_seed_epoch_and_image_alone(files: Files) -> None:
    made = images(files, 0)

    def shown(order: torch.Tensor, seed: int, epoch: int) -> dict[int, bytes]:
        batches = made.epoch_batches(order, 6, resized_crop=True, seed=seed, epoch=epoch)
        rows = [row.numpy().tobytes() for x, _ in batches for row in x]
        return dict(zip(order.tolist(), rows, strict=True))

    first = shown(ORDER, 0, 0)
    assert shown(ORDER.flip(0), 0, 0) == first
    for seed, epoch in ((1, 0), (0, 1)):
        other = shown(ORDER, seed, epoch)
        assert all(other[i] != first[i] for i in range(COUNT))


def test_shifts_are_the_usual_padded_crop(files: Files) -> None:
    plain = torch.cat([x for x, _ in images(files, 0).epoch_batches(ORDER, COUNT)])
    x = torch.cat([x for x, _ in images(files, 0).epoch_batches(ORDER, COUNT, **SHIFTED)])
    for place in range(COUNT):
        pixels = torch.zeros(3, SIZE + 4, SIZE + 4)
        pixels[:, 2:-2, 2:-2] = denormalised(plain[place:place + 1])[0]
        down, right = SHIFTED["shift"][:, place].tolist()
        expected = pixels[:, down:down + SIZE, right:right + SIZE]
        expected = expected.flip(2) if SHIFTED["mirror"][place] else expected
        assert torch.allclose(denormalised(x[place:place + 1])[0], expected, atol=1e-3)


def test_moved_keeps_the_size_and_fills_with_black() -> None:
    image = torch.arange(1, 13, dtype=torch.uint8).reshape(1, 3, 4)
    assert moved(image, 1, -2).tolist() == [[[0, 0, 5, 6], [0, 0, 9, 10], [0, 0, 0, 0]]]


def test_an_image_smaller_than_the_view_is_enlarged() -> None:
    tiny = torch.full((3, 5, 9), 77, dtype=torch.uint8)
    assert torch.equal(middle(tiny, SIZE), torch.full((3, SIZE, SIZE), 77, dtype=torch.uint8))
    assert torch.equal(random_part(tiny, SIZE, 0), torch.full((3, SIZE, SIZE), 77, dtype=torch.uint8))


def test_the_global_random_numbers_stay_where_they_are(files: Files) -> None:
    before = torch.get_rng_state()
    for workers in (0, 1):
        with closing(images(files, workers)) as made:
            list(made.epoch_batches(ORDER, 8, **AUGMENTED))
            list(made.in_order())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_photograph_is_one_sentence(files: Files, workers: int, tmp_path: Path) -> None:
    (tmp_path / "0.jpg").write_bytes(files.path(0).read_bytes()[:400])
    damaged = Files.of(tmp_path, ["0.jpg", "1.jpg"])
    with closing(images(damaged, workers, Y[:2])) as made:
        with pytest.raises(BadInput, match=r"0\.jpg is not an image .* \(.*\): mend or remove it") as told:
            list(made.epoch_batches(torch.tensor([0]), 1))
        assert "\n" not in str(told.value)
        with pytest.raises(MissingData, match=r"1\.jpg cannot be read \(No such file or directory\): unpack the set"):
            list(made.epoch_batches(torch.tensor([1]), 1))


def test_a_killed_worker_is_one_sentence(files: Files) -> None:
    with closing(images(files, 1)) as made:
        batches = made.epoch_batches(ORDER.repeat(50), 2)
        next(batches)
        (worker,) = made._loader._iterator._workers
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(LotteryError, match=r"process that decodes images was killed, most likely for lack of"):
            list(batches)
        assert same(list(made.epoch_batches(ORDER, 4)), list(images(files, 0).epoch_batches(ORDER, 4)))


def running(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return False


@pytest.mark.slow
def test_workers_end_with_a_trainer_that_is_killed(files: Files, tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import os, torch
        from pathlib import Path
        from lth_engine.data.listed import Files
        from lth_engine.training.streamed import StreamedImages
        files = Files.of(Path({str(files.folder)!r}), ["0.jpg", "1.jpg"])
        made = StreamedImages(files, torch.tensor([0, 1]), 32, (0, 0, 0), (1, 1, 1), "cpu", 2)
        next(made.epoch_batches(torch.arange(2).repeat(100), 1))
        print(*[worker.pid for worker in made._loader._iterator._workers], flush=True)
        os.kill(os.getpid(), 9)
    """)
    with (tmp_path / "said").open("w") as said:  # a pipe would wait for the workers
        subprocess.run([sys.executable, "-c", program], stdout=said, check=False, timeout=120)
    workers = [int(pid) for pid in (tmp_path / "said").read_text().split()]
    assert len(workers) == 2
    until = time.monotonic() + 10
    while any(map(running, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(running, workers))


def test_workers_stay_for_the_next_epoch_and_end_when_closed(files: Files) -> None:
    made = images(files, 1)
    list(made.epoch_batches(ORDER, 8))
    (first,) = made._loader._iterator._workers
    list(made.epoch_batches(ORDER, 8))
    assert [w.pid for w in made._loader._iterator._workers] == [first.pid]
    made.close()
    first.join(10)
    assert not first.is_alive()


def test_no_images_are_no_batches(files: Files) -> None:
    none = images(files.take(np.arange(0)), 0, Y[:0])
    assert len(none) == 0
    assert list(none.in_order()) == []


def test_several_evaluation_batches_follow_one_another(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = torch.cat([x for x, _ in images(files, 0).in_order()])
    monkeypatch.setattr(StreamedImages, "evaluation_batch", 10)
    parts = list(images(files, 0).in_order())
    assert [len(y) for _, y in parts] == [10, 10, 3]
    assert torch.equal(torch.cat([x for x, _ in parts]), whole)


@pytest.mark.parametrize(("side", "count"), [(64, 256), (224, 256), (448, 64), (5000, 1)])
def test_of_large_images_fewer_are_shown_at_once(files: Files, side: int, count: int) -> None:
    with closing(StreamedImages(files, torch.zeros(COUNT, dtype=torch.int64), side, IMAGENET_MEAN, IMAGENET_STD, "cpu",
                                0)) as shown:
        assert shown.evaluation_batch == count


def test_a_view_is_uint8_with_the_channel_last(files: Files) -> None:
    batch = Views(files, SIZE).__getitems__([View(0), View(1, mirror=True)])
    assert batch.shape == (2, SIZE, SIZE, 3)
    assert batch.dtype == torch.uint8
    assert torch.equal(batch[1].flip(1), Views(files, SIZE)[View(1)])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_batches_on_a_gpu_are_those_of_the_cpu(files: Files) -> None:
    with closing(StreamedImages(files, Y, SIZE, IMAGENET_MEAN, IMAGENET_STD, "cuda", 2)) as made:
        got = list(made.epoch_batches(ORDER, 5, **AUGMENTED))
        assert all(x.is_cuda and y.is_cuda for x, y in got)
        expected = list(images(files, 0).epoch_batches(ORDER, 5, **AUGMENTED))
        for (x, y), (x0, y0) in zip(got, expected, strict=True):
            assert torch.allclose(x.cpu(), x0, atol=1e-5)
            assert torch.equal(y.cpu(), y0)


class Elsewhere(torch.Tensor):
    """Places on an accelerator, which gives its values only after `cpu`."""

    fetched = 0

    def tolist(self):
        raise TypeError("a wait for the device")

    def cpu(self):
        Elsewhere.fetched += 1
        return self.as_subclass(torch.Tensor)


def test_places_on_a_device_are_fetched_once(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Elsewhere, "fetched", 0)
    here = ORDER.split(4)
    with closing(images(files, 0)) as made:
        found = list(made.in_parts([part.as_subclass(Elsewhere) for part in here]))
        assert Elsewhere.fetched == 1
        assert same(found, list(made.in_parts(here)))
    assert torch.equal(torch.cat([y for _, y in found]), Y[ORDER])
