"""Small networks, each with one thing that a permutation of channels must get right, and how many units may move."""

import torch
import torch.nn.functional as F
from torch import nn


class Odd(nn.Module):
    """3 channels -> 6 channels -> `between` -> 4 channels -> classes; `between` says what happens in the middle."""

    def __init__(self, inside=6, **layers):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(inside, 4, 3, padding=1)
        self.fc = nn.Linear(4, 5)
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x):
        y = F.relu(self.last(self.between(F.relu(self.first(x)))))
        return self.fc(y.mean(dim=(2, 3)))

    def between(self, x):
        return x


def odd(between, inside=6, **layers):
    model = Odd(inside, **layers)
    model.between = lambda x: between(model, x)
    return model


class Shared(nn.Module):
    """One linear layer used twice: its rows and columns are the same units."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.fc = nn.Linear(48, 6), nn.Linear(6, 6), nn.Linear(6, 5)

    def forward(self, x):
        y = self.first(x.flatten(1))
        return self.fc(torch.tanh(self.again(torch.tanh(self.again(y)))))


class Attentive(nn.Module):
    """A vision transformer's block with a class token and positions: the stream moves, the heads stay."""

    def __init__(self):
        super().__init__()
        self.embed, self.token = nn.Conv2d(3, 8, 2, 2), nn.Parameter(torch.zeros(1, 1, 8))
        self.place = nn.Parameter(torch.zeros(1, 5, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        y = self.embed(x).flatten(2).transpose(1, 2)
        y = torch.cat([self.token.expand(len(y), -1, -1), y], dim=1) + self.place
        return self.fc(self.block(y)[:, 0])


def _written(model, x):
    room = torch.zeros_like(torch.cat([x, x], dim=1))
    room[:, :6] = x
    room[:, 6:] += model.extra(x)
    return room


def _standardised(model, x):
    w = model.extra.weight
    return F.conv2d(x, (w - w.mean(dim=(1, 2, 3), keepdim=True)) / w.std(dim=(1, 2, 3), keepdim=True))


def conv(inside, out, groups=1, size=1):
    return nn.Conv2d(inside, out, size, padding=size // 2, groups=groups)


def odd_networks():
    """Name -> network for 3 x 4 x 4 images, sizes of its groups, smallest first."""
    return {
        "plain": (odd(lambda m, x: x), [4, 6]),
        "padded in front and behind": (odd(lambda m, x: F.pad(x, (0, 0, 0, 0, 1, 3)) + m.extra(x), 10,
                                           extra=conv(6, 10)), [4, 4, 6]),
        "cut and joined": (odd(lambda m, x: torch.cat([x[:, 2:], m.extra(x[:, :2])], 1), 7, extra=conv(2, 3)),
                           [2, 3, 4, 4]),
        "split": (odd(lambda m, x: torch.cat(x.chunk(2, dim=1)[::-1], 1)), [3, 3, 4]),
        "one channel picked": (odd(lambda m, x: x * x[:, 1:2]), [4, 5]),
        "one channel selected": (odd(lambda m, x: x + x[:, 4].unsqueeze(1)), [4, 5]),
        "joined twice": (odd(lambda m, x: torch.cat([x, 2 * x], 1), 12), [4, 6]),
        "mirrored": (odd(lambda m, x: x + x.flip(1)), [4]),
        "rolled": (odd(lambda m, x: torch.cat([x, x.roll(1, 1)], 1), 12), [4, 6]),
        "indexed": (odd(lambda m, x: x[:, [5, 3, 1]], 3), [3, 3, 4]),
        "cumulative": (odd(lambda m, x: x.cumsum(1)), [4]),
        "sorted": (odd(lambda m, x: x.sort(1).values), [4]),
        "softmax over channels": (odd(lambda m, x: x.softmax(1)), [4, 6]),
        "grouped": (odd(lambda m, x: m.extra(x), 8, extra=conv(6, 8, 2)), [3, 3, 4, 4, 4]),
        "grouped twice by one weight": (odd(lambda m, x: m.extra(F.relu(m.extra(x))), extra=conv(6, 6, 2)), [3, 3, 4]),
        "depthwise": (odd(lambda m, x: m.extra(x), extra=conv(6, 6, 6, 3)), [4, 6]),
        "two filters a channel": (odd(lambda m, x: m.extra(x), 12, extra=conv(6, 12, 6, 3)), [4, 6]),
        "shuffled": (odd(lambda m, x: m.extra(x.reshape(-1, 2, 3, 4, 4).transpose(1, 2).reshape(x.shape)),
                         extra=conv(6, 6, 3)), [2, 2, 2, 2, 2, 2, 4]),
        "group norm": (odd(lambda m, x: m.extra(x), extra=nn.GroupNorm(2, 6)), [3, 3, 4]),
        "instance norm": (odd(lambda m, x: m.extra(x), extra=nn.InstanceNorm2d(6, affine=True)), None),
        "batch norm without statistics": (odd(lambda m, x: m.extra(x),
                                              extra=nn.BatchNorm2d(6, track_running_stats=False)), [4, 6]),
        "squeeze and excite": (odd(lambda m, x: x * m.extra(x.mean((2, 3), keepdim=True)).sigmoid(),
                                   extra=nn.Sequential(conv(6, 3), nn.ReLU(), conv(3, 6))), [3, 4, 6]),
        "flattened and back": (odd(lambda m, x: m.extra(x.flatten(1)).reshape(x.shape), extra=nn.Linear(96, 96)),
                               [4, 6]),
        "flattened and normalised": (odd(lambda m, x: m.extra(x.flatten(1)).unflatten(1, (6, 4, 4)),
                                         extra=nn.LayerNorm(96)), [4, 6]),
        "channels last": (odd(lambda m, x: m.extra(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), extra=nn.LayerNorm(6)),
                          [4, 6]),
        "written in place": (odd(_written, 12, extra=conv(6, 6)), [4, 6, 6]),
        "weights from weights": (odd(_standardised, extra=nn.Conv2d(6, 6, 1, bias=False)), [4, 6, 6]),
        "constants": (odd(lambda m, x: x * torch.arange(6.0, dtype=x.dtype).reshape(6, 1, 1)), [4]),
        "transposed convolution": (odd(lambda m, x: m.extra(x), extra=nn.ConvTranspose2d(6, 6, 1)), [4]),
        "read as a number": (odd(lambda m, x: x * float(x[0, 0, 0, 0] * 0 + 2)), None),
        "shared": (Shared(), [6]),
        "attention": (Attentive(), [8, 12]),
    }
