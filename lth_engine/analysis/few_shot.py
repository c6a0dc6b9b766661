"""Sparse training on few images: the ticket beside its baselines at every size of the subset, gathered."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lth_engine.analysis.features.paired import WORDS, Compared, compared, intervals
from lth_engine.analysis.ticket_search import require_askable
from lth_engine.analysis.unknown_start import unknown_start
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar, text_array
from lth_engine.core.errors import BadInput
from lth_engine.core.summary import number
from lth_engine.core.workbench import Workbench
from lth_engine.specs.features import FewShot
from lth_engine.training.batches import Batches
from lth_engine.training.material import material

VARIANTS = ("ticket", "shuffled_mask", "dense")

_THEY = {"shuffled_mask": "its mask shuffled in each layer", "dense": "the dense network"}


def before(question: FewShot, bench: Workbench) -> None:
    """Refuse sizes that the images do not allow.

    Raises:
        BadInput: a subset has no image of a class or is smaller than a batch, or its training ends before the rewind
            point.
    """
    images = material(question.of.data, bench).train
    counts = np.bincount(images.y.cpu().numpy())
    fewest = int(counts[counts > 0].min())
    for (percent, _, replicate), run in question.runs().items():
        if replicate:
            continue
        training = run.training
        if training.subset * fewest < 0.5:
            raise BadInput(f"A class has {fewest} training images, of which {percent}% are none: leave {percent} out "
                           "of few_shot.percents.")
        try:
            batches = Batches(images, training, 0, level=0)
            training.span(run.begin, batches.steps_per_epoch)
        except BadInput as error:
            words = str(error).replace("training.batch_size", "few_shot.batch_size")
            own = "" if question.batch_size else " (0 takes the batch of the search's training.)"
            raise BadInput(f"At {percent}% of the images: {words}{own}") from error
    require_askable(question.of, question.level, bench)


def answer(question: FewShot, inputs: Inputs, bench: Workbench) -> Answer:
    """Gather the trainings.

    Arrays table/percent, variant, replicate, test_accuracy, train_images, key, a row a training; row/percent, variant,
    accuracy (mean), half_width (95%), difference, low, high (ticket minus variant, paired, two-sided 90%; NaN for the
    ticket itself) and word (of the ticket against it; ""), a row a size and variant. Accuracies are fractions. The
    summary says chance, the ticket's density, and a sentence.
    """
    runs = question.runs()
    said = {cell: inputs.summary(run.key) for cell, run in runs.items()}
    one, labels = said[question.percents[0], "ticket", 0], material(question.of.data, bench).train
    sizes = {percent: Batches(labels, question.training(percent, 0).replace(batch_size=1), 0, level=0).count
             for percent in question.percents}
    arrays: dict[str, Array] = {
        "table/percent": np.array([int(percent) for percent, _, _ in runs]),
        "table/variant": text_array([variant for _, variant, _ in runs]),
        "table/replicate": np.array([replicate for _, _, replicate in runs]),
        "table/test_accuracy": np.array([number(s, "test_accuracy") for s in said.values()]),
        "table/train_images": np.array([sizes[percent] for percent, _, _ in runs]),
        "table/key": text_array([run.key for run in runs.values()])}
    accuracy = {(percent, variant): np.array([number(said[percent, variant, r], "test_accuracy")
                                              for r in range(question.of.replicates)])
                for percent in question.percents for variant in VARIANTS}
    found = {(percent, variant): compared(values, None if variant == "ticket" else accuracy[percent, "ticket"], values,
                                          int(number(one, "test_images")), question.of.margin)
             for (percent, variant), values in accuracy.items()}
    summary: dict[str, Scalar] = {"verdict_text": _sentence(question, found) + unknown_start(question),
                                  "chance": one["chance"], "density": one["density"]}
    return Answer(arrays | _rows(found), summary)


def _rows(found: Mapping[tuple[str, str], Compared]) -> dict[str, Array]:
    rows = list(found.values())
    return {"row/percent": np.array([int(percent) for percent, _ in found]),
            "row/variant": text_array([variant for _, variant in found]),
            "row/word": text_array([row.word for row in rows]),
            "row/accuracy": np.array([row.accuracy for row in rows]),
            "row/half_width": np.array([row.half_width for row in rows]),
            "row/difference": np.array([row.difference.mean for row in rows]),
            "row/low": np.array([row.difference.low for row in rows]),
            "row/high": np.array([row.difference.high for row in rows])}


def _sentence(question: FewShot, found: Mapping[tuple[str, str], Compared]) -> str:
    """The smallest subset in a sentence."""
    least, replicates = min(question.percents, key=int), question.of.replicates
    head = f"With {least}% of the images the ticket reaches {100 * found[least, 'ticket'].accuracy:.1f}%"
    if replicates < 2:
        others = ", ".join(f"{words} {100 * found[least, name].accuracy:.1f}%" for name, words in _THEY.items())
        return f"{head}, {others}. One replicate has no spread, so no test is possible: ask for 3 or more."
    rows = [found[least, name] for name in _THEY]
    said = intervals([row.difference for row in rows])
    others = "; ".join(f"{WORDS[row.word]} {name} ({words})"
                       for row, name, words in zip(rows, _THEY.values(), said, strict=True))
    return f"{head} (n = {replicates}). It is {others}."
