"""Which training images a training uses, and under which labels: class-balanced subsets and label noise."""

from __future__ import annotations

import torch

from lth_engine.data.label_noise import noisy_labels
from lth_engine.data.subset import balanced_subset
from lth_engine.specs.training import Training


def chosen(labels: torch.Tensor, training: Training) -> tuple[torch.Tensor | None, torch.Tensor]:
    """Indices of the images that are used (None: all), and the label of every image of the set.

    The noise is drawn over all training images and the subset balanced by true labels, so that neither depends on the
    other.

    Args:
        labels: true class of each training image, N; every class has some.
        training: says fraction and noise.
    """
    index, given = None, labels
    true = labels.cpu().numpy()
    if training.subset < 1:
        index = torch.from_numpy(balanced_subset(true, training.subset, training.subset_seed)).to(labels.device)
    if training.label_noise:
        noisy = noisy_labels(true, training.label_noise, int(true.max()) + 1, training.label_noise_seed)
        given = torch.from_numpy(noisy).to(labels.device)
    return index, given
