"""A small network written out with plain operations, and the six objectives from their formulas, in one graph.

Nothing here but torch's own primitives is shared with the engine: batch normalisation, log-softmax, the divergences
and the normalised distances are written out.
"""

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.masking.prunable import prunable
from lth_engine.specs.objectives import (
    FeatureMatching,
    GradientMatching,
    GradientNorm,
    LossChange,
    ReverseKl,
    TaskLoss,
)

ALL = (TaskLoss(), LossChange(), GradientNorm(of="weights"), GradientNorm(of="masked"), ReverseKl(),
       FeatureMatching(layers="normalised"), FeatureMatching(layers="raw"), GradientMatching(of="weights"),
       GradientMatching(of="masked"))
"""Every objective with each of its choices."""

IDS = [" ".join((one.name, *(str(getattr(one, n)) for n in ("of", "layers") if hasattr(one, n)))) for one in ALL]


def toy(seed=0):
    """Convolution, batch norm, ReLU, twice, and a linear layer, in float64, for 1 x 6 x 6 images."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 3),
                          nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 5)).double()
    with torch.no_grad():
        for layer in (model[1], model[4]):
            layer.weight.add_(0.3 * torch.randn_like(layer.weight))
            layer.bias.add_(0.3 * torch.randn_like(layer.bias))
            layer.running_mean.add_(0.2 * torch.randn_like(layer.running_mean))
            layer.running_var.mul_(1 + torch.rand_like(layer.running_var))
    return model


def batch(seed=1, count=12):
    draw = torch.Generator().manual_seed(seed)
    return (torch.randn(count, 1, 6, 6, generator=draw, dtype=torch.float64),
            torch.randint(0, 5, (count,), generator=draw))


class Naive:
    """The toy network as formulas; `weights` are its three prunable tensors, in the engine's order."""

    def __init__(self, model, statistics="batch"):
        self.model, self.statistics = model, statistics
        self.weights = [w.detach().clone() for w in prunable(model).values()]

    def norm(self, x, layer):
        if self.statistics == "batch":
            mean, var = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
        else:
            mean, var = layer.running_mean, layer.running_var
        scaled = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + layer.eps)
        return scaled * layer.weight.detach()[:, None, None] + layer.bias.detach()[:, None, None]

    def run(self, weights, x):
        """Logits, features before normalisation, features after it."""
        first = F.conv2d(x, weights[0])
        a = self.norm(first, self.model[1])
        second = F.conv2d(a.clamp(min=0), weights[1], self.model[3].bias.detach())
        b = self.norm(second, self.model[4])
        out = b.clamp(min=0).flatten(1) @ weights[2].T + self.model[7].bias.detach()
        return out, [first, second, out], [a, b, out]

    def loss(self, weights, x, y):
        z = self.run(weights, x)[0]
        return (torch.logsumexp(z, dim=1) - z[torch.arange(len(y)), y]).mean()

    def gradients(self, overlay, of, x, y):
        """By each layer's w (with its s in the chain) or by its s w."""
        by = [w.clone().requires_grad_() for w in self.weights] if of == "weights" else self.masked(overlay)
        masked = [s * w for s, w in zip(overlay, by, strict=True)] if of == "weights" else by
        return torch.autograd.grad(self.loss(masked, x, y), by, create_graph=True)

    def masked(self, overlay):
        found = [s * w for s, w in zip(overlay, self.weights, strict=True)]
        return found if found[0].requires_grad else [w.requires_grad_() for w in found]

    def split(self, vector):
        parts = vector.split([w.numel() for w in self.weights])
        return [p.view_as(w) for p, w in zip(parts, self.weights, strict=True)]

    def value(self, spec, vector, x, y):
        """The objective at the overlay `vector`."""
        overlay = self.split(vector)
        masked = [s * w for s, w in zip(overlay, self.weights, strict=True)]
        if spec.name == "task_loss":
            return self.loss(masked, x, y)
        if spec.name == "loss_change":
            return (self.loss(masked, x, y) / self.loss(self.weights, x, y) - 1).abs()
        if spec.name == "gradient_norm":
            return -sum((g * g).sum() for g in self.gradients(overlay, spec.of, x, y)).sqrt()
        if spec.name == "reverse_kl":
            ours, theirs = (torch.softmax(self.run(w, x)[0], dim=1) for w in (masked, self.weights))
            return (ours * (ours / theirs).log()).sum(dim=1).mean()
        if spec.name == "feature_matching":
            which = 2 if spec.layers == "normalised" else 1
            return distance(self.run(masked, x)[which], self.run(self.weights, x)[which])
        dense = [torch.ones_like(w) for w in self.weights]
        theirs = [g.detach() for g in self.gradients(dense, spec.of, x, y)]
        return distance(self.gradients(overlay, spec.of, x, y), theirs)


def distance(ours, theirs):
    def standard(t):
        return (t - t.mean()) / t.var(unbiased=False).sqrt()
    return sum(((standard(a) - standard(b)) ** 2).mean() for a, b in zip(ours, theirs, strict=True)) / len(ours)
