"""Real images that tests of several layers share; a test skips, with the reason, where they are missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lth_engine.data.fashion_mnist import OFFICIAL as FASHION

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def test_images() -> Path:
    """Folder of cifar10_jpeg.npz and unpack.py: LTH_TEST_IMAGES, or ../shared/data beside the repository."""
    candidates = [REPOSITORY / "../shared/data", REPOSITORY / "../../shared/data"]
    if "LTH_TEST_IMAGES" in os.environ:
        candidates = [Path(os.environ["LTH_TEST_IMAGES"])]
    for folder in candidates:
        if (folder / "cifar10_jpeg.npz").is_file():
            return folder.resolve()
    pytest.skip(f"cifar10_jpeg.npz is in none of {', '.join(map(str, candidates))}; set LTH_TEST_IMAGES")


@pytest.fixture(scope="session")
def cifar_folder(test_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Image folder {train,test}/CLASS/NUMBER.jpg: 20 real photographs of each of 10 classes in each part."""
    folder = tmp_path_factory.mktemp("cifar") / "images"
    subprocess.run(
        [sys.executable, test_images / "unpack.py", folder, "--per-class", "20"], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def fashion_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root in which fashion_mnist loads (70,000 real images, decoded on first use)."""
    if not all((FASHION.system_folder / Path(name).name).is_file() for name in FASHION.files):
        pytest.skip(f"No Fashion-MNIST in {FASHION.system_folder}; install Debian's package dataset-fashion-mnist")
    return tmp_path_factory.mktemp("fashion_root")
