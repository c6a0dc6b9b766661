"""The sets that torchvision reads, from files in their real formats, or a clean refusal."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets as official

from lth_engine.core.errors import MissingData
from lth_engine.data import fashion_mnist
from lth_engine.data.image_set import load
from lth_engine.specs.data import Cifar10, Cifar100, DataSpec, FashionMnist, Kmnist, Mnist, Svhn
from tests.data.formats import flip, idx_files, place
from tests.data.layouts import WRITE, cifar10_files, cifar100_files, svhn_arrays

ALL = (Mnist(), FashionMnist(), Kmnist(), Cifar10(), Cifar100(), Svhn())


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed = fashion_mnist.Official(**{**vars(fashion_mnist.OFFICIAL), "system_folder": tmp_path / "none"})
    monkeypatch.setattr(fashion_mnist, "OFFICIAL", changed)


@pytest.mark.parametrize(("spec", "folder"), [
    (Mnist(), "MNIST/raw"), (FashionMnist(), "FashionMNIST/raw"), (Kmnist(), "KMNIST/raw")])
def test_idx_files_in_the_data_folder(spec: DataSpec, folder: str, tmp_path: Path, nothing_installed: None) -> None:
    files, arrays = idx_files()
    place(tmp_path / folder, files)
    found = load(spec.replace(validation_fraction=0), tmp_path)
    assert np.array_equal(found.train_x[:, 0].numpy(), arrays["train"])
    assert np.array_equal(found.test_x[:, 0].numpy(), arrays["t10k"])
    assert found.test_y.tolist() == [i % 10 for i in range(20)]
    assert found.classes[0] == {"mnist": "0", "fashion_mnist": "T-shirt/top", "kmnist": "o"}[spec.name]


def test_cifar10_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, rows = cifar10_files(monkeypatch)
    place(tmp_path / "cifar-10-batches-py", files)
    found = load(Cifar10(validation_fraction=0), tmp_path)
    assert found.train_x.shape == (100, 3, 32, 32)
    assert np.array_equal(found.train_x[20, 2, 31].numpy(), rows["data_batch_2"][0, -32:])  # blue, last line
    assert np.array_equal(found.test_x.numpy().reshape(20, -1), rows["test_batch"])
    assert found.train_y.tolist() == list(range(10)) * 10
    assert found.classes[3] == "thing 3"


def test_cifar100_batches_take_the_fine_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, rows = cifar100_files(monkeypatch)
    place(tmp_path / "cifar-100-python", files)
    found = load(Cifar100(validation_fraction=0), tmp_path)
    assert np.array_equal(found.train_x.numpy().reshape(200, -1), rows["train"])
    assert found.num_classes == 100
    assert found.test_y.tolist() == list(range(100)) * 2


def test_a_published_archive_in_the_data_folder_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, _ = cifar10_files(monkeypatch)
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(official.CIFAR10, "tgz_md5", hashlib.md5(
        (tmp_path / "cifar-10-python.tar.gz").read_bytes()).hexdigest())
    assert len(load(Cifar10(), tmp_path).train_x) == 90


def test_batches_with_another_checksum_are_never_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, _ = cifar10_files(monkeypatch)
    place(tmp_path / "cifar-10-batches-py", files | {"test_batch": files["test_batch"] + b"x"})
    monkeypatch.setattr(official.CIFAR10, "url", "http://127.0.0.1:9/cifar")
    monkeypatch.setattr("torchvision.datasets.cifar.pickle", None)
    with pytest.raises(MissingData, match=r"test_batch is damaged or not the published file \(MD5 .*: delete it"):
        load(Cifar10(), tmp_path)


def test_svhn_files_of_matlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(WRITE["svhn"](tmp_path, monkeypatch).spec.replace(validation_fraction=0), tmp_path)
    x, y = svhn_arrays(30, len("train"))
    assert np.array_equal(found.train_x.numpy(), np.stack([x[..., i].transpose(2, 0, 1) for i in range(30)]))
    assert found.train_y.tolist() == (y[:, 0] % 10).tolist()  # a zero is written as 10
    assert found.classes == tuple("0123456789")


@pytest.mark.parametrize(("name", "file"), [
    ("mnist", "MNIST/raw/t10k-images-idx3-ubyte"), ("mnist", "MNIST/raw/train-labels-idx1-ubyte.gz"),
    ("kmnist", "KMNIST/raw/train-images-idx3-ubyte"), ("kmnist", "KMNIST/raw/train-images-idx3-ubyte.gz"),
    ("fashion_mnist", "FashionMNIST/raw/train-images-idx3-ubyte"), ("cifar10", "cifar-10-batches-py/data_batch_3"),
    ("cifar100", "cifar-100-python/train"), ("svhn", "svhn/train_32x32.mat"), ("svhn", "svhn/test_32x32.mat"),
])
def test_one_flipped_byte_is_noticed(
    name: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network: None,
) -> None:
    written = WRITE[name](tmp_path, monkeypatch)
    flip(tmp_path / file)
    with pytest.raises(MissingData) as caught:
        load(written.spec, tmp_path)
    text = str(caught.value)
    assert f"{tmp_path / file} is damaged" in text
    assert "expected " in text
    assert "delete it and ask again" in text
    assert "\n" not in text


def test_a_packed_file_alone_is_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network: None) -> None:
    written = WRITE["kmnist"](tmp_path, monkeypatch)
    for path in (tmp_path / "KMNIST/raw").glob("*ubyte"):
        path.unlink()
    flip(tmp_path / "KMNIST/raw/t10k-labels-idx1-ubyte.gz")
    with pytest.raises(MissingData, match=r"t10k-labels-idx1-ubyte\.gz is damaged or not the published file"):
        load(written.spec, tmp_path)


def test_a_damaged_file_of_the_system_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, _ = idx_files(3)
    place(tmp_path / "system", {f"{name}.gz": gzip.compress(content) for name, content in files.items()})
    flip(tmp_path / "system/train-images-idx3-ubyte.gz")
    changed = fashion_mnist.Official(**{**vars(fashion_mnist.OFFICIAL), "system_folder": tmp_path / "system"})
    monkeypatch.setattr(fashion_mnist, "OFFICIAL", changed)
    with pytest.raises(MissingData, match=r"system/train-images-idx3-ubyte\.gz is damaged .*: install Debian's"):
        load(FashionMnist(), tmp_path / "root")


def test_debian_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, arrays = idx_files(3)
    place(tmp_path / "system", {f"{name}.gz": gzip.compress(content) for name, content in files.items()})
    changed = fashion_mnist.Official(**{**vars(fashion_mnist.OFFICIAL), "system_folder": tmp_path / "system"})
    monkeypatch.setattr(fashion_mnist, "OFFICIAL", changed)
    found = load(FashionMnist(validation_fraction=0), tmp_path / "root")
    assert np.array_equal(found.train_x[:, 0].numpy(), arrays["train"])


def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    files, _ = idx_files()
    for damaged in (files["train-images-idx3-ubyte"][:-100], b"", b"no idx file"):
        place(tmp_path / "MNIST/raw", files | {"train-images-idx3-ubyte": damaged})
        with pytest.raises(MissingData, match=r"The files of MNIST in .*MNIST/raw cannot be read .*: delete"):
            load(Mnist(), tmp_path)


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A web server on this machine: its address and the files it serves."""
    files: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content or b"")

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/", files
        running.shutdown()
        thread.join()


@pytest.fixture
def mirror(server: tuple[str, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What torchvision finds where it looks for MNIST: files by name, their checksums taken for official."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    address, served = server
    files = {f"{name}.gz": gzip.compress(content) for name, content in idx_files(5)[0].items()}
    served.update({f"/{name}": content for name, content in files.items()})
    monkeypatch.setattr(official.MNIST, "mirrors", [address])
    monkeypatch.setattr(official.MNIST, "resources", [
        (name, hashlib.md5(files[name]).hexdigest()) for name, _ in official.MNIST.resources])
    return served


def test_download(mirror: dict[str, bytes], tmp_path: Path) -> None:
    heard: list[str] = []
    found = load(Mnist(validation_fraction=0), tmp_path, heard.append)
    assert np.array_equal(found.train_x[:, 0].numpy(), idx_files(5)[1]["train"])
    assert heard[0] == "Reading MNIST."
    assert heard[-1] == f"Fetching MNIST: {sum(map(len, mirror.values())) / 1e6:.1f} MB so far."


def test_download_of_wrong_content_is_refused(mirror: dict[str, bytes], tmp_path: Path) -> None:
    mirror["/t10k-images-idx3-ubyte.gz"] = gzip.compress(b"something else")
    with pytest.raises(MissingData, match=r"t10k-images-idx3-ubyte\.gz is damaged or not the published file"):
        load(Mnist(), tmp_path)


def test_download_can_be_cancelled(mirror: dict[str, bytes], tmp_path: Path) -> None:
    def report(text: str) -> None:
        if text.startswith("Fetching"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(Mnist(), tmp_path, report)


@pytest.mark.parametrize("spec", ALL, ids=lambda s: s.name)
def test_without_a_network_one_sentence_within_seconds(
    spec: DataSpec, tmp_path: Path, nothing_installed: None, no_network: None,
) -> None:
    """Real addresses, and no way out."""
    started = time.monotonic()
    with pytest.raises(MissingData) as caught:
        load(spec, tmp_path)
    assert time.monotonic() - started < 5
    text = str(caught.value)
    assert "\n" not in text
    assert "could not be downloaded (" in text
    assert "Network is unreachable" in text
    assert "into that folder" in text
    assert "choose digits or own_images" in text
    assert ("dataset-fashion-mnist" in text) == (spec.name == "fashion_mnist")
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize("silent", ["connection", "names"])
def test_a_network_that_does_not_answer_is_given_up(
    silent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: dict[str, bytes],
) -> None:
    released = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setattr(official.MNIST, "mirrors", [f"http://127.0.0.1:{mute.getsockname()[1]}/"])
        if silent == "names":
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(20) and [])
        monkeypatch.setattr("lth_engine.data.download.CONNECT_SECONDS", 1.0 if silent == "connection" else 30.0)
        monkeypatch.setattr("lth_engine.data.download.STALL_SECONDS", 1.5)
        started = time.monotonic()
        try:
            said = "timed out" if silent == "connection" else "nothing arrived for"
            with pytest.raises(MissingData, match=said):
                load(Mnist(), tmp_path)
            assert time.monotonic() - started < 4
        finally:
            released.set()
            for thread in threading.enumerate():
                if thread.name.startswith("download"):
                    thread.join(10)


def test_a_data_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path, nothing_installed: None) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MissingData, match="MNIST is not in"):
        load(Mnist(), tmp_path / "file")
