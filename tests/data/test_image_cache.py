"""Decoded images are kept once, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from lth_engine.data import cache
from lth_engine.data.cache import cached
from lth_engine.data.raw import Raw, silent

RAW = Raw(np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2), np.array([0, 1]), None, None, ("a", "é"))


class Decoder:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Raw:
        self.asked += 1
        return RAW


def same(found: Raw) -> bool:
    return (np.array_equal(found.train_x, RAW.train_x) and np.array_equal(found.train_y, RAW.train_y)
            and found.test_x is None and found.test_y is None and found.classes == RAW.classes)


def test_decoded_once_and_mapped_after(tmp_path: Path) -> None:
    decoder = Decoder()
    assert same(cached(tmp_path, "set", decoder, silent))
    again = cached(tmp_path, "set", decoder, silent)
    assert same(again)
    assert decoder.asked == 1
    assert isinstance(again.train_x, np.memmap)
    assert {p.suffix for p in (tmp_path / "cache/set-v1").iterdir()} == {".npy", ".json"}


def test_a_test_part_is_kept_too(tmp_path: Path) -> None:
    whole = Raw(RAW.train_x, RAW.train_y, RAW.train_x[::-1], RAW.train_y[::-1], RAW.classes)
    for _ in range(2):
        found = cached(tmp_path, "set", lambda: whole, silent)
        assert np.array_equal(found.test_x, RAW.train_x[::-1])
        assert found.test_y.tolist() == [1, 0]


@pytest.mark.parametrize("name", ["train_x.npy", "train_y.npy", "meta.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "garbage"])
def test_a_damaged_folder_is_decoded_anew(name: str, damage: str, tmp_path: Path) -> None:
    decoder, heard = Decoder(), []
    cached(tmp_path, "set", decoder, silent)
    path = tmp_path / "cache/set-v1" / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes({"empty": b"", "cut": content[:-3], "garbage": b"garbage" * 30}[damage])
    assert same(cached(tmp_path, "set", decoder, heard.append))
    assert decoder.asked == 2
    assert any("damaged" in text for text in heard)
    assert same(cached(tmp_path, "set", decoder, silent))
    assert decoder.asked == 2


def test_an_interrupted_decoding_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(path: Path, array: np.ndarray) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "_write", stop)
    heard: list[str] = []
    assert same(cached(tmp_path, "set", Decoder(), heard.append))
    assert "No space left on device" in heard[-1]
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["set-v1.lock"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "cache/set-v1.part-x").mkdir(parents=True)
    cached(tmp_path, "set", Decoder(), silent)
    assert {p.name for p in (tmp_path / "cache").iterdir()} == {"set-v1", "set-v1.lock"}


def test_a_folder_that_cannot_be_written_still_gives_the_images(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    heard: list[str] = []
    assert same(cached(tmp_path, "set", Decoder(), heard.append))
    assert "cannot be kept" in heard[0]


def test_one_process_decodes_while_another_waits(tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import time
        from pathlib import Path
        import numpy as np
        from lth_engine.data.cache import cached
        from lth_engine.data.raw import Raw
        def decode():
            print("decoding", flush=True)
            time.sleep(1)
            return Raw(np.zeros((2, 1, 2, 2), np.uint8), np.array([0, 1]), None, None, ("a", "b"))
        cached(Path({str(tmp_path)!r}), "set", decode, lambda text: None)
    """)
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert "".join(said) == "decoding\n"


def test_waiting_can_be_cancelled(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()

    def report(text: str) -> None:
        assert text.startswith("Waiting for another process")
        raise KeyboardInterrupt

    with cache.alone(tmp_path / "cache/set-v1.lock", silent), pytest.raises(KeyboardInterrupt):
        cached(tmp_path, "set", Decoder(), report)
