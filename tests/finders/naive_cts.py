"""Algorithms 1 and 2 of Concrete Ticket Search in one graph, with Adam by hand; shares no code with the engine."""

import math

import torch


class Adam:
    """Kingma & Ba 2015, algorithm 1, with the defaults of the paper."""

    def __init__(self, lr):
        self.lr, self.first, self.second, self.time = lr, 0.0, 0.0, 0

    def step(self, value, gradient):
        self.time += 1
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        mean, square = self.first / (1 - 0.9**self.time), self.second / (1 - 0.999**self.time)
        return value - self.lr * mean / (square**0.5 + 1e-8)


class NaiveCts:
    """One search.

    `objective` maps the soft mask to R; `density` is that of the final mask.
    """

    def __init__(self, spec, size, density):
        self.spec, self.held = spec, spec.slack * density
        begin = self.held if spec.begin == "held" else density
        self.logits = torch.full((size,), math.log(begin / (1 - begin)), dtype=torch.float64)
        self.balancer = torch.zeros((), dtype=torch.float64)
        self.adam, self.ascent = Adam(spec.lr), Adam(spec.multiplier_lr)

    def step(self, objective, noise):
        """R, L_sparsity, and the balancer that the step used."""
        logits = self.logits.clone().requires_grad_()
        balancer = self.balancer.clone().requires_grad_()
        value = objective(torch.sigmoid((logits + noise) / self.spec.temperature))
        sparsity = torch.sigmoid(logits).sum() / (self.held * len(logits)) - 1
        if self.spec.balance == "lagrange":
            by_logits, by_balancer = torch.autograd.grad(value + balancer * sparsity, (logits, balancer))
            used = self.balancer
            self.balancer = self.ascent.step(self.balancer, -by_balancer)
        else:
            ours, = torch.autograd.grad(value, logits)
            pull, = torch.autograd.grad(sparsity, logits)
            wanted = ours.norm() / pull.norm() if sparsity > 0 else torch.zeros_like(self.balancer)
            used = self.balancer = self.spec.smoothing * self.balancer + (1 - self.spec.smoothing) * wanted
            by_logits = ours + self.balancer * pull
        self.logits = self.adam.step(self.logits, by_logits)
        return value.detach(), sparsity.detach(), used
