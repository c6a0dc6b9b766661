"""SNIP, GraSP, SynFlow and magnitude written out from their papers with plain loops, on weights of convolutions and
linear layers: nothing here comes from the lab."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call


def layers(model):
    """Name of each weight of a convolution or linear layer -> its values."""
    return {f"{name}.weight": module.weight.detach() for name, module in model.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear)}


def magnitude(model, batches):
    return {name: weight.abs() for name, weight in layers(model).items()}


def snip(model, batches):
    """|dL/dc| at c = 1, where the mask c multiplies the weights in the graph; L is the mean over all images."""
    weights = layers(model)
    masks = {name: torch.ones_like(weight).requires_grad_() for name, weight in weights.items()}
    count = sum(len(y) for _, y in batches)
    for x, y in batches:
        out = functional_call(model, {name: masks[name] * weight for name, weight in weights.items()}, (x,))
        picked = torch.log_softmax(out, dim=1)[torch.arange(len(y)), y]
        (-picked.sum() / count).backward()
    return {name: mask.grad.abs() for name, mask in masks.items()}


def grasp(model, batches, temperature=200.0):
    """The score w Hg, where Hg is the gradient of half the squared norm of the gradient g, all images in one graph."""
    weights = {name: weight.clone().requires_grad_() for name, weight in layers(model).items()}
    count = sum(len(y) for _, y in batches)
    loss = sum(F.cross_entropy(functional_call(model, weights, (x,)) / temperature, y) * len(y) / count
               for x, y in batches)
    norm = sum(g.square().sum() for g in torch.autograd.grad(loss, list(weights.values()), create_graph=True))
    (norm / 2).backward()
    return {name: (weight * weight.grad).detach() for name, weight in weights.items()}


def synflow(model, shape, density, rounds):
    """The mask after all rounds, the density falling by the same factor in each."""
    state = {name: value.double() for name, value in model.state_dict().items() if value.is_floating_point()}
    for name, value in state.items():
        if name.endswith("running_mean"):
            state[name] = torch.zeros_like(value)
        elif name.endswith("running_var"):
            state[name] = torch.ones_like(value)
        else:
            state[name] = value.abs()
    names = list(layers(model))
    masks = {name: torch.ones_like(state[name], dtype=torch.bool) for name in names}
    total = sum(mask.numel() for mask in masks.values())
    model = model.double()
    for done in range(1, rounds + 1):
        weights = {name: (state[name] * masks[name]).requires_grad_() for name in names}
        functional_call(model, {**state, **weights}, (torch.ones(1, *shape, dtype=torch.float64),)).sum().backward()
        scores = {name: (weight * weight.grad).detach() for name, weight in weights.items()}
        masks = best({n: torch.where(masks[n], s, -1) for n, s in scores.items()},
                     round(total * density ** (done / rounds)))
    return masks


def best(scores, keep):
    """True at the `keep` largest of all, by a sort."""
    flat = torch.cat([score.reshape(-1) for score in scores.values()])
    chosen = torch.zeros(flat.numel(), dtype=torch.bool)
    chosen[flat.argsort(descending=True)[:keep]] = True
    parts = chosen.split([score.numel() for score in scores.values()])
    return {name: part.reshape(score.shape) for (name, score), part in zip(scores.items(), parts, strict=True)}
