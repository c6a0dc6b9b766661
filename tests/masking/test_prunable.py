"""Which parameters may be pruned, on a network that holds one layer of every kind."""

from torch import nn

from lth_engine.masking.prunable import prunable


class Zoo(nn.Module):
    """Layers with weights of many kinds; only some of them are prunable."""

    def __init__(self) -> None:
        super().__init__()
        self.b_conv1, self.conv2 = nn.Conv1d(4, 4, 3), nn.Conv2d(4, 4, 3, groups=4)
        self.linear, self.bilinear = nn.Linear(4, 4), nn.Bilinear(2, 2, 2)
        self.attention = nn.MultiheadAttention(4, 2)
        self.cross = nn.MultiheadAttention(4, 2, kdim=3, vdim=5)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.LayerNorm(4), nn.GroupNorm(2, 4)])
        self.words, self.slope = nn.Embedding(3, 4), nn.PReLU(4)
        self.position = nn.Parameter(nn.Embedding(3, 4).weight.detach())


def test_convolutions_linear_layers_and_attention_alone_in_sorted_order():
    model = Zoo()
    found = prunable(model)
    assert list(found) == [
        "attention.in_proj_weight", "attention.out_proj.weight", "b_conv1.weight", "conv2.weight",
        "cross.k_proj_weight", "cross.out_proj.weight", "cross.q_proj_weight", "cross.v_proj_weight", "linear.weight"]
    parameters = dict(model.named_parameters())
    assert all(parameters[name] is value for name, value in found.items())
    assert list(prunable(model, ("conv2.weight",))) == [name for name in found if name != "conv2.weight"]
