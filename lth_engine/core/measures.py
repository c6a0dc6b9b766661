"""What runs can be compared by: the columns of a search's table that have a meaning of their own, with their units."""

from __future__ import annotations

from dataclasses import dataclass

from lth_engine.core.errors import UnknownName


@dataclass(frozen=True)
class Measure:
    """One column of a search's table.

    Attributes:
        name: the column.
        title: what people call it, with its unit.
        unit: unit of a difference as it is shown.
        scale: factor from the stored to the shown value.
        better: +1 where more is better, -1 where less is, 0 where neither is.
        images: the column that says how many images it is a fraction of, or "".
        from_dense: whether it is measured from the dense network, which then is 0 and no news.
    """

    name: str
    title: str
    unit: str = ""
    scale: float = 1.0
    better: int = 0
    images: str = ""
    from_dense: bool = False

    @property
    def label(self) -> str:
        """The title without explanation and unit, for lists and addresses."""
        return self.title.partition(":")[0].partition(" (")[0]

    @property
    def is_accuracy(self) -> bool:
        """Whether a search's own margin, a loss of accuracy, is one for this measure."""
        return self.name.endswith("accuracy") or self.from_dense


TOTALS: dict[str, Measure] = {m.name: m for m in (
    Measure("total_epochs", "Total training (epochs)", "epochs", 1.0, -1),
    Measure("total_train_seconds", "Total training time (s)", "s", 1.0, -1),
    Measure("total_flops_dense", "Total compute as done, dense kernels (TFLOP)", "TFLOP", 1e-12, -1),
    Measure("total_flops_sparse", "Total compute if zeros were free (TFLOP)", "TFLOP", 1e-12, -1))}
"""What a ticket cost from nothing, with every training that it rests on."""

MEASURES: dict[str, Measure] = {m.name: m for m in (
    Measure("test_accuracy", "Test accuracy (%)", "points", 100.0, 1, "test_images"),
    Measure("above_dense", "Test accuracy above the dense network's (points)", "points", 100.0, 1, "test_images",
            from_dense=True),
    Measure("validation_accuracy", "Validation accuracy (%)", "points", 100.0, 1),
    Measure("test_loss", "Test loss (nats)", "nats", 1.0, -1),
    Measure("validation_loss", "Validation loss (nats)", "nats", 1.0, -1),
    Measure("train_loss", "Training loss (nats)", "nats", 1.0, -1),
    Measure("learning_distance", "Learning distance: L2 norm of the change of the kept weights"),
    Measure("signs_kept", "Signs kept in training (% of the kept weights)", "points", 100.0),
    Measure("signs_inherited", "Signs inherited from the network that was pruned (% of the kept weights)", "points",
            100.0),
    Measure("thinnest_density", "Density of the thinnest layer (%)", "points", 100.0),
    Measure("disconnected_units", "Units without a weight into them"),
    Measure("train_seconds", "Training time of the ticket alone (s)", "s", 1.0, -1),
    *TOTALS.values(),
)}
"""Everything that searches can be compared by, by column."""


def measure(name: str) -> Measure:
    """The measure of a column.

    Raises:
        UnknownName: searches are not compared by it.
    """
    if name not in MEASURES:
        raise UnknownName("metric", name, MEASURES)
    return MEASURES[name]
