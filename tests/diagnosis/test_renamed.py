"""A file whose tensors go by other names: renamed by its card's own renaming, it is the network of the lab."""

import torch

from lth_engine.diagnosis.renamed import renamed
from lth_engine.importing.clean import write
from lth_engine.importing.contents import Contents
from lth_engine.importing.network import state
from lth_engine.importing.understand import understand
from lth_engine.models.lenet_300_100 import build
from lth_engine.specs.models import Lenet300100


def test_the_network_under_its_new_names_has_the_weights_of_the_file(tmp_path):
    torch.manual_seed(0)
    net = build(Lenet300100(), 1, 28, 28, 10)
    strange = {name: f"blob{place}_{name.replace('.', '-')}" for place, name in enumerate(net.state_dict())}
    contents = Contents("npz", {strange[name]: value for name, value in net.state_dict().items()})
    path = tmp_path / "clean.safetensors"
    with path.open("wb") as out:
        write(contents, out)
    checkpoint, under = renamed(path, {theirs: ours for ours, theirs in strange.items()})
    assert checkpoint.architecture.name == "LeNet-300-100"
    assert all(torch.equal(value, under.tensors[name]) for name, value in net.state_dict().items())
    again = state(understand(under))
    assert all(torch.equal(value, again[name]) for name, value in net.state_dict().items())
