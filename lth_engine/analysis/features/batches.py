"""The batches that a classifier on features is trained on, in the order in which a run would see their images."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from lth_engine.analysis.features.kept import Features
from lth_engine.analysis.features.moved import Fit
from lth_engine.specs.training import Training
from lth_engine.training.batches import Batches, Images
from lth_engine.training.streamed import Batch, StreamedImages


def augments(training: Training) -> bool:
    """Whether each epoch shows changed images, so that their features must be computed in each."""
    return training.flip or training.crop > 0 or training.resized_crop


class FeatureBatches(Batches):
    """Batches of features, B x F: looked up where they are kept, else computed of the images of each step.

    Args:
        images: the training images.
        training: of the classifier; says batch size, subset, label noise and augmentation.
        seed: of order and augmentation.
        features: those of the un-augmented images.
        fit: what is made of each image.
    """

    def __init__(self, images: Images | StreamedImages, training: Training, seed: int, features: Features,
                 fit: Fit) -> None:
        super().__init__(images, training, seed, level=0)
        self._features, self._fit = features, fit
        drawn = features.images.images.index  # row of the features -> place among the chosen images
        self._row = torch.empty_like(drawn)
        self._row[drawn] = torch.arange(len(drawn), device=drawn.device)

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """See :meth:`Batches.epoch`."""
        kept = self._features.kept
        if kept is None or augments(self.training):
            for x, y in super().epoch(epoch, first_step):
                yield self._features.extract(self._fit(x)), y
            return
        order = self._row[self.order(epoch)[0].to(self._row.device)]
        size = self.training.batch_size
        for start in range(first_step * size, self.count, size):
            rows = order[start:start + size]
            yield kept[rows], self._features.y[rows]
