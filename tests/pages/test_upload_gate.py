"""A file under other names, through the real gate: renamed by a click, its clean copy answers as that network."""

from itertools import pairwise

import numpy as np
import pytest

from lth_engine.answer import answer
from lth_engine.gate.server import Server
from lth_engine.specs.questions import question_from_dict
from lth_engine.store.store import Store
from tests.pages.conftest import words
from tests.pages.diagnosed import button
from tests.pages.test_upload_page import until_read

SIZES = (64, 40, 20, 10)


@pytest.fixture
def weights(tmp_path):
    """LeNet-40-20 as nn.Sequential names it: layers 0, 2 and 4, a third of the weights of each 0."""
    draw, found = np.random.default_rng(0), {}
    for place, (inputs, outputs) in enumerate(pairwise(SIZES)):
        value = draw.normal(0, inputs**-0.5, (outputs, inputs)).astype(np.float32)
        found[f"{2 * place}.weight"] = np.where(draw.random(value.shape) < 1 / 3, 0, value).astype(np.float32)
        found[f"{2 * place}.bias"] = draw.normal(0, 0.1, outputs).astype(np.float32)
    np.savez(tmp_path / "sequential.npz", **found)
    return found


def test_one_click_renames_through_the_real_gate_and_what_is_brought_is_the_renamed_copy(
        weights, open_page, queue, tmp_path, monkeypatch):
    server = Server()
    monkeypatch.setattr("lth_engine.gate.ask._server", server)
    try:
        app = open_page("upload")
        app = app.file_uploader[0].upload("sequential.npz", (tmp_path / "sequential.npz").read_bytes()).run()
        app = until_read(app, 20)
        assert "LeNet-40-20" in words(app)
        assert "under other names" in words(app)
        button(app, "Apply the renaming").click().run()
        for _ in range(400):
            if any(b.key == "upload.use.bring" for b in app.button):
                break
            app.run()
        assert "Only the names differ" not in words(app)
        app.button(key="upload.use.bring").click().run()
        assert not app.exception
    finally:
        server.close()
    (job,) = queue.list()
    found = question_from_dict(dict(job.spec))
    (file,) = found.search.members
    store = Store(tmp_path / "answered")
    answer(found, store, data_root=tmp_path / "data")
    held = store.get(found.run(found.levels, 0).key)
    for ours, theirs in (("fc1", 0), ("fc2", 2), ("fc", 4)):
        for kind in ("weight", "bias"):
            assert np.array_equal(held.group("final")[f"{ours}.{kind}"], weights[f"{theirs}.{kind}"])
        assert np.array_equal(held.group("mask")[f"{ours}.weight"], weights[f"{theirs}.weight"] != 0)
    assert file.density == pytest.approx(held.summary["density"])
