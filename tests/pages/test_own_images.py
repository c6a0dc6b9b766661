"""Own images in the form: what cannot be a path or cannot be stored is one sentence, and leaves nothing behind."""

import errno
import io
import zipfile

import numpy as np
import pytest

from lth_engine.core.errors import BadInput
from pages.ui.own_images import keep
from tests.pages.conftest import key_of, words


def npz():
    buffer = io.BytesIO()
    np.savez(buffer, x=np.zeros((8, 4, 4), np.uint8), y=np.arange(8) % 2)
    return buffer.getvalue()


def zip_of(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return buffer.getvalue()


@pytest.fixture
def own(open_page):
    """The Find page with own images chosen."""
    app = open_page("find")
    return key_of(app, ".data.name").select("own_images").run()


@pytest.fixture
def uploading(own):
    return key_of(own, ".way").set_value("Upload").run()


@pytest.mark.parametrize(("path", "said"), [
    ("~nosuch/flowers", "This cannot be a path"), ("x" * 3000, "This cannot be a path: File name too long"),
    ("a\0b", "There is nothing at"), ("/no/such/![a](http://b.c/d.png)", "There is nothing at"),
])
def test_a_path_that_is_none_is_said(own, path, said):
    app = key_of(own, ".path").set_value(path).run()
    assert not app.exception
    assert said in words(app)


@pytest.mark.parametrize(("name", "content", "said"), [
    ("a.zip", b"", "is no .zip"), ("a.zip", zip_of(), "The uploaded .zip is empty"),
    ("a.zip", zip_of("class/"), "The uploaded .zip is empty"), ("a.npz", npz()[:100], "is no .npz"),
    ("a.txt", b"words", "must be a .zip or .npz file"),
])
def test_an_upload_that_is_no_images_is_refused_at_once(uploading, tmp_path, name, content, said):
    app = uploading.file_uploader[0].upload(name, content).run()
    assert not app.exception
    assert len(app.error) == 1
    assert said in words(app)
    assert not list(tmp_path.glob("data/uploads/*"))
    again = next(u for u in app.file_uploader if ".upload." in u.key)
    again.upload("good.npz", npz()).run()
    assert len(list(tmp_path.glob("data/uploads/*.npz"))) == 1


def test_a_data_folder_that_is_a_file_is_said(uploading, tmp_path):
    (tmp_path / "data").write_text("")
    app = uploading.file_uploader[0].upload("a.npz", npz()).run()
    assert not app.exception
    (error,) = app.error
    assert "LTH\\_DATA" in error.value
    assert str(tmp_path / "data" / "uploads") in words(app)
    (tmp_path / "data").unlink()
    assert not app.run().error
    assert len(list(tmp_path.glob("data/uploads/*.npz"))) == 1


def test_a_full_disk_leaves_no_part_of_an_upload(tmp_path, monkeypatch):
    def full(*names):
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("os.replace", full)
    file = io.BytesIO(npz())
    file.name = "a.npz"
    with pytest.raises(BadInput, match=r"No space left.*LTH_DATA"):
        keep(file, tmp_path / "uploads")
    assert not list((tmp_path / "uploads").iterdir())


def test_a_saved_question_of_another_kind_of_file_is_refused(open_page):
    app = open_page("find")
    app.file_uploader[0].upload("a.txt", b"{}").run()
    assert not app.exception
    assert "must be a .json file" in words(app)
