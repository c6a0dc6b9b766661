"""The training loop: a generator of steps; whoever calls it records, saves and stops.

Nothing in it waits for the device, except the look at the loss that stops a run which became NaN: on a CPU it is free,
so every step is looked at before the weights move; on a GPU every fiftieth is, afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from lth_engine.core.errors import BadInput
from lth_engine.training.autopsy import not_finite
from lth_engine.training.batches import Batches
from lth_engine.training.captured import Captured
from lth_engine.training.fitting import out_of_memory, ran_out
from lth_engine.training.stepper import Stepper

_LOOK_EVERY_ON_GPU = 50
"""Steps between two looks at the loss on a GPU, where a look waits for the device."""


@dataclass(frozen=True)
class StepDone:
    """One finished optimizer step.

    Attributes:
        step: number of steps done since the start of training, the rewind point's own included.
        loss: of the step's batch, a tensor of no dimension on the device.
        images: images in the batch.
    """

    step: int
    loss: torch.Tensor
    images: int


def _gradient(step: Stepper | Captured, x: torch.Tensor, y: torch.Tensor, batches: Batches) -> torch.Tensor | None:
    """The loss; None if a GPU ran out of memory, once everything that the step held has been let go."""
    try:
        return step.gradient(x, y)
    except (ValueError, RuntimeError) as error:
        if not ran_out(error):
            said = in_words(str(error), batches)
            if said is None:
                raise
            raise said from error
    step.let_go()  # here, where the error and all that its frames held are gone
    return None


def in_words(text: str, batches: Batches) -> BadInput | None:
    """What a user can change, for errors of torch that tell it; else None."""
    if "does not have a deterministic implementation" in text:
        return BadInput(f"This network has no repeatable form of one operation on a GPU ({text.split()[0]}). "
                        "Set training.deterministic to false or choose another network.")
    if "more than 1 value per channel" not in text:
        return None
    return BadInput(f"Batch normalisation cannot work on one image alone, which {batches.count} images in batches of "
                    f"{batches.training.batch_size} leave at the end. Choose another training.batch_size.")


def require_statistics(model: nn.Module, shape: tuple[int, int, int], batches: Batches) -> None:
    """Refuse a last batch of one image for a network that would normalise single values there.

    Args:
        model: the network, on a CPU; its normalisation statistics move.
        shape: channels, height and width of an image.
        batches: of the training; its last batch has one image.

    Raises:
        BadInput: it is so.
    """
    try:
        with torch.no_grad():
            model.train()(torch.zeros(1, *shape))
    except ValueError as error:
        said = in_words(str(error), batches)
        if said is None:
            raise
        raise said from error


def train(step: Stepper | Captured, batches: Batches, *, start: int, stop: int, total: int) -> Iterator[StepDone]:
    """Train from step `start` to step `stop` of a schedule of `total` steps.

    Pruned weights are zero after every step. The model is in training mode while a step runs.

    Raises:
        NonFinite: the loss became NaN or infinite; the text names the layer. On a CPU the weights are those before
            the step.
        BadInput: a GPU ran out of memory (the text names the largest batch that fits), or the last batch of an epoch
            has one image and the network takes statistics over it.
    """
    model, per_epoch = step.model, batches.steps_per_epoch
    on_cpu = step.device.type == "cpu"
    step.mask.apply()
    model.train()
    done = start
    while done < stop:
        epoch, within = divmod(done, per_epoch)
        alphas = batches.alphas(epoch).to(step.device) if step.norms is not None else None
        for x, y in batches.epoch(epoch, within):
            rate = batches.training.learning_rate(done, total, per_epoch)
            step.set_rate(rate)
            if alphas is not None:
                step.alpha.copy_(alphas[done - epoch * per_epoch])
            _generator(step.device).manual_seed(batches.draw_seed(done))
            loss = _gradient(step, x, y, batches)
            if loss is None:
                raise out_of_memory(model, x, batches.training.precision, batches.training.batch_size)
            if (on_cpu or done % _LOOK_EVERY_ON_GPU == 0) and not torch.isfinite(loss):
                raise not_finite(model, x, done, total, rate)
            step.move()
            done += 1
            step.flatness.after(done, per_epoch)
            yield StepDone(done, loss, len(y))
            if not model.training:
                model.train()
            if done >= stop:
                return


def _generator(device: torch.device) -> torch.Generator:
    """The generator that the layers of a network on `device` draw from."""
    if device.type == "cpu":
        return torch.default_generator
    return torch.cuda.default_generators[device.index or 0]
