"""The recipe of a ticket of the lab: where its weights come from, found out and not believed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lth_engine.core.artifact import Array, Artifact
from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Workbench
from lth_engine.importing.passport import weights_sha256
from lth_engine.importing.recreate import drawn
from lth_engine.specs.data import OwnImages
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.training.material import material
from lth_engine.training.outcome import masked


def recipe(run: Run, ticket: Artifact, origin: Mapping[str, Array], end_sha256: str | None,
           data_root: Path) -> dict[str, Any]:
    """How the ticket of a run comes to its weights, for :func:`lth_engine.importing.passport.made`.

    Args:
        run: the question.
        ticket: the answer about its ticket.
        origin: the weights that `run.ticket.origin()` names, as they are stored.
        end_sha256: of all tensors at the end of the run, if it was trained.
        data_root: folder of the image sets, for the size of an image.
    """
    start, mask, dense = ticket.group("start"), Mask(ticket.group("mask")), run.ticket.dense
    question, group = run.ticket.origin()
    facts = material(dense.data, Workbench(data_root)).facts
    found: dict[str, Any] = {
        "ticket": _shareable(run.ticket.to_dict()), "run": _shareable(run.to_dict()), "key": ticket.key,
        "network": {"model": dense.model.to_dict(), "channels": facts.channels, "height": facts.height,
                    "width": facts.width, "classes": facts.num_classes},
        "init_seed": dense.init_seed, "end_sha256": end_sha256, "software": dict(ticket.provenance.software),
        "commit": ticket.provenance.commit, "device": ticket.provenance.device}
    same = weights_sha256(masked(origin, mask)) == weights_sha256(start)
    if not same:
        return found | {"how": "weights"}
    if isinstance(question, DenseTicket) and not question.rewind.count:
        drawn_same = weights_sha256(masked(drawn(found), mask)) == weights_sha256(start)
        return found | {"how": "seed" if drawn_same else "weights"}
    of_here = bound_to_a_machine(question.to_dict())
    return found | {"how": "weights" if of_here else "training",
                    "origin": {"question": _shareable(question.to_dict()), "group": group}}


def bound_to_a_machine(values: Any) -> bool:
    """Whether a question, as plain JSON, names what one machine alone has: own images, or files brought to it."""
    if isinstance(values, dict):
        name = values.get("name")
        local = isinstance(name, str) and (name == OwnImages.name or name.startswith("imported"))
        return local or any(map(bound_to_a_machine, values.values()))
    return isinstance(values, list) and any(map(bound_to_a_machine, values))


def require_recreatable(how: str, with_weights: bool) -> None:
    """Refuse a passport without weights of a ticket whose weights nothing else gives. Raises BadInput."""
    if how == "weights" and not with_weights:
        raise BadInput("The weights of this ticket follow neither from a seed nor from a training that others can "
                       "repeat. Add --with-weights, and the passport carries those that are kept.")


def _shareable(values: Any) -> Any:
    """A question without the folders of this machine."""
    if isinstance(values, dict):
        return {name: Path(value).name if values.get("name") == OwnImages.name and name == "path" else
                _shareable(value) for name, value in values.items()}
    return values
