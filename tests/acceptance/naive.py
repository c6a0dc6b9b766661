"""Training written out from the papers with plain tensors: an oracle that shares no code with the engine but the data.

The mask stands in the graph, terms of the loss and interpolated normalisation are differentiated by autograd, and every
update is the formula of its paper.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from lth_engine.core.seeds import derive

NORMS = (nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)


def norm_parameters(model):
    """Name of each scale and shift -> its initial value."""
    return {f"{path}.{kind}": value for path, layer in model.named_modules() if isinstance(layer, NORMS)
            for kind, value in (("weight", 1.0), ("bias", 0.0))}


class Naive:
    """One training; `theta` holds the weights (noisy ones under NVRM), `noise` what is on them."""

    def __init__(self, model, mask, training, *, seed=0, anchor=None):
        self.model, self.training, self.seed = model, training, seed
        self.theta = {n: p.detach().clone() for n, p in model.named_parameters()}
        self.buffers = {n: b.detach().clone() for n, b in model.named_buffers()}
        self.factor = {n: torch.from_numpy(mask[n].copy()).to(p.dtype) if n in mask else torch.ones_like(p)
                       for n, p in self.theta.items()}
        self.theta = {n: p * self.factor[n] for n, p in self.theta.items()}
        self.prunable, self.norms = list(mask), norm_parameters(model)
        self.anchor = anchor or {}
        self.noise = {n: torch.zeros_like(p) for n, p in self.theta.items()}
        self.memory = {n: (torch.zeros_like(p), torch.zeros_like(p)) for n, p in self.theta.items()}
        self.time = 0

    def step(self, x, y, rate, alpha=0.0, last_of_epoch=False):
        """One step at learning rate `rate`."""
        gradients = self.gradients(x, y, alpha)
        self.time += 1
        clean_or_noisy = {n: self.update(n, p, gradients[n], rate) for n, p in self.theta.items()}
        self.theta = {n: p * self.factor[n] for n, p in clean_or_noisy.items()}
        if self.training.flatness.name == "nvrm":
            fresh = self.fresh_noise(last_of_epoch)
            self.theta = {n: p + (fresh[n] - self.noise[n]) for n, p in self.theta.items()}
            self.noise = fresh

    def fresh_noise(self, none):
        draw = torch.Generator().manual_seed(derive(self.seed, "nvrm", self.time))
        noise = {n: torch.empty_like(p).normal_(0.0, self.training.flatness.scale, generator=draw) * self.factor[n]
                 for n, p in self.theta.items()}
        return {n: torch.zeros_like(v) for n, v in noise.items()} if none else noise

    def gradients(self, x, y, alpha):
        """Of the whole loss; under SAM the cross-entropy's is taken at the worst point."""
        term = self.differentiate(self.term)
        here = self.differentiate(lambda w: self.cross_entropy(w, self.buffers, x, y, alpha))
        flatness = self.training.flatness
        if flatness.name == "sam":
            kept = {n: g * self.factor[n] for n, g in here.items()}
            length = torch.cat([g.flatten() for g in kept.values()]).norm()
            worst = {n: (p + flatness.rho * kept[n] / length) for n, p in self.theta.items()}
            forgotten = {n: b.clone() for n, b in self.buffers.items()}
            here = self.differentiate(lambda w: self.cross_entropy(w, forgotten, x, y, alpha), worst)
        return {n: here[n] + term[n] for n in here}

    def differentiate(self, loss, at=None):
        leaves = {n: p.detach().clone().requires_grad_() for n, p in (at or self.theta).items()}
        found = torch.autograd.grad(loss(leaves), list(leaves.values()), allow_unused=True)
        return {n: torch.zeros_like(p) if g is None else g for (n, p), g in zip(leaves.items(), found, strict=True)}

    def cross_entropy(self, weights, buffers, x, y, alpha):
        seen = {n: (1 - alpha) * p + alpha * self.norms[n] if n in self.norms else p * self.factor[n]
                for n, p in weights.items()} if self.training.interpolate_norms else {
                    n: p * self.factor[n] for n, p in weights.items()}
        return F.cross_entropy(functional_call(self.model, (seen, buffers), (x,)), y)

    def term(self, weights):
        """The written term; 0 (with gradient 0) where it stands at the kink of the distance."""
        spec, away = self.training.term, 0.0
        if spec.name == "none":
            return sum((0 * p).sum() for p in weights.values())
        parts = [(self.factor[n] * (weights[n] - self.anchor.get(n, 0.0))).flatten() for n in self.prunable]
        away = torch.cat(parts)
        if spec.name == "learning_distance":
            return spec.tau * torch.linalg.vector_norm(away)
        return spec.strength * (away**2).sum()

    def update(self, name, p, g, rate):
        o = self.training.optimizer
        g = g + o.weight_decay * p
        first, second = self.memory[name]
        if o.name == "adam":
            first, second = o.beta1 * first + (1 - o.beta1) * g, o.beta2 * second + (1 - o.beta2) * g * g
            self.memory[name] = first, second
            mean, square = first / (1 - o.beta1**self.time), second / (1 - o.beta2**self.time)
            return p - rate * mean / (square.sqrt() + o.epsilon)
        if o.form == "paper":
            first = o.momentum * first - rate * g
            self.memory[name] = first, second
            return p + first
        first = o.momentum * first + g
        self.memory[name] = first, second
        return p - rate * (g + o.momentum * first if o.nesterov else first)
