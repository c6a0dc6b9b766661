"""The answer to a ticket search: the table of all its runs, and a verdict at each level.

The verdict of the whole search is that of one level, chosen on validation images: the sparsest one that is matching or
winning there, by the same test (or, if none is, the one with the best mean). The test images then judge it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from lth_engine.analysis.empty_layers import empty_layers
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar, present, text_array, texts
from lth_engine.core.errors import BadInput
from lth_engine.core.search_table import Table, rows_where
from lth_engine.core.spec import catalogue
from lth_engine.core.verdict import Verdict, judge
from lth_engine.core.workbench import Workbench
from lth_engine.finders import learned_mask
from lth_engine.masking.feasible import require_level
from lth_engine.specs.costs import COSTS, Summaries, costly, table_with_costs
from lth_engine.specs.questions import TicketSearch, in_order, trainings
from lth_engine.specs.tickets import DenseTicket, FoundTicket, LearnedMask, Run
from lth_engine.training.batches import Batches
from lth_engine.training.loop import require_statistics
from lth_engine.training.material import Material, material, network


def before(question: TicketSearch, bench: Workbench) -> None:
    """Refuse what could only fail after hours; see :func:`require_askable`."""
    require_askable(question, question.levels, bench)


def require_askable(search: TicketSearch, level: int, bench: Workbench) -> None:
    """Refuse a search that could only fail on its way to a level: a training or a mask search that the images do not
    allow, a density that leaves no weight. Raises BadInput."""
    images = material(search.data, bench)
    ends = search.run(0, 0), search.run(level, 0)
    for needed in {(type(q), q.training): q for q in trainings(*ends)}.values():
        require_possible(search, needed, images)
    if search.search.brought:
        return
    require_level(search.search, level, network(search.model, images.facts, search.seed, "cpu"))
    for mask in in_order(*ends):
        if isinstance(mask, LearnedMask):
            learned_mask.before(mask, bench)


def require_possible(question: TicketSearch, needed: Run | DenseTicket, images: Material) -> None:
    """Refuse a training that the images do not allow; the text says under which name it is set. Raises BadInput."""
    name = question.setting_of(needed.training)
    try:
        batches = Batches(images.train, needed.training, 0, level=0)
        if isinstance(needed, Run):
            start, stop = needed.training.span(needed.begin, batches.steps_per_epoch)
        else:
            start, stop = 0, needed.training.reach(needed.rewind, batches.steps_per_epoch)[0]
        ends_an_epoch = stop // batches.steps_per_epoch > start // batches.steps_per_epoch
        if batches.last == 1 and ends_an_epoch:
            facts = images.facts
            require_statistics(network(question.model, facts, question.seed, "cpu"),
                               (facts.channels, facts.height, facts.width), batches)
    except BadInput as error:
        raise BadInput(str(error).replace("training.", f"{name}.")) from error


def answer(question: TicketSearch, inputs: Inputs, bench: Workbench) -> Answer:
    """Gather the runs and judge every level."""
    needed = [q.key for q in costly(question)]
    spent = present(inputs, needed)
    table = table_with_costs(question, spent)
    verdicts = {level: judge_level(question, table, level) for level in range(1, question.levels + 1)}
    chosen = chosen_level(table, question.levels, question.margin)
    arrays: dict[str, Array] = {f"table/{name}": column for name, column in table.items()}
    arrays |= _columns(table, verdicts)
    rows = rows_where(table, "ticket", chosen)
    density = float(np.mean(rows["density"]))
    word, sentence = (verdicts[chosen].word, verdicts[chosen].sentence) if chosen else ("undecided", _alone(rows))
    summary: dict[str, Scalar] = {
        "verdict": word, "verdict_level": chosen, "verdict_density": density,
        "verdict_text": f"At {100 * density:.3g}% density (level {chosen}): {sentence}"
                        + _empty_layers(table, chosen) + _remark(question, spent, chosen),
        "runs": len(table["level"]),
        **{name: math.fsum(_cost(spent[key][name]) if key in spent else math.nan for key in needed)
           for name in COSTS}}
    return Answer(arrays, summary)


def _cost(value: Scalar) -> float:
    """What an answer says it cost; NaN of a training elsewhere, which nobody knows."""
    return math.nan if value is None else float(value)


def _alone(rows: Table) -> str:
    """A dense network that was brought without any ticket."""
    return (f"a dense network alone, {100 * float(np.mean(rows['test_accuracy'])):.2f}% of the test images. There is "
            "no ticket to judge.")


def judge_level(question: TicketSearch, table: Table, level: int) -> Verdict:
    """The verdict on the tickets of one level."""
    return judge(rows_where(table, "ticket", level)["test_accuracy"], rows_where(table, "ticket", 0)["test_accuracy"],
                 {catalogue("ticket")[c].title.lower(): rows_where(table, c, level)["test_accuracy"]
                  for c in question.controls}, question.margin,
                 images=int(table["test_images"][0]), chance=float(table["chance"][0]))


def chosen_level(table: Table, levels: int, margin: float) -> int:
    """The level that the verdict is about, chosen on validation accuracy; the last one if there are no such images, or
    no levels but the dense network's."""
    if not levels:
        return 0
    seen = [rows_where(table, "ticket", level)["validation_accuracy"] for level in range(levels + 1)]
    if not np.isfinite(np.concatenate(seen)).all():
        return levels
    good = [level for level in range(1, levels + 1)
            if judge(seen[level], seen[0], {}, margin).word in ("winning", "matching")]
    return max(good) if good else 1 + int(np.argmax([values.mean() for values in seen[1:]]))


def _empty_layers(table: Table, level: int) -> str:
    """What is to be said of empty layers at the level of the verdict; if there are none, where they begin."""
    rows = rows_where(table, "ticket")
    thin = rows["level"][(rows["dead_layers"] > 0) & (rows["level"] >= level)]
    if not len(thin):
        return ""
    first = int(thin.min())
    rows = rows_where(table, "ticket", first)
    where = "" if first == level else f" At {100 * float(np.mean(rows['density'])):.3g}% density (level {first}),"
    said = empty_layers(rows["dead_layers"], texts(rows["thinnest_layer"]), "tickets",
                        "use fewer levels, search.scope layerwise, or name the layer in search.ignore")
    return where + said


def _remark(question: TicketSearch, spent: Summaries, level: int) -> str:
    """What a search of a mask says of itself, where it ended far from its density; empty if it did not."""
    if question.search.brought:
        runs = [question.run(level, replicate).key for replicate in range(question.replicates)]
        remarks = [str(spent[key].get("remark") or "") for key in runs if key in spent]
        return next((f" {remark}" for remark in remarks if remark), "")
    found = (question.found(level, replicate) for replicate in range(question.replicates))
    masks = [learned for ticket in found if isinstance(ticket, FoundTicket) and (learned := ticket.learned())]
    remarks = [str(spent[mask.key].get("remark") or "") for mask in masks if mask.key in spent]
    said = next((remark for remark in remarks if remark), "")
    return f" {said}" if said else ""


def _columns(table: Table, verdicts: Mapping[int, Verdict]) -> dict[str, Array]:
    levels = sorted(verdicts)
    return {
        "verdict/level": np.array(levels),
        "verdict/density": np.array([np.mean(rows_where(table, "ticket", level)["density"]) for level in levels]),
        "verdict/word": text_array([verdicts[level].word for level in levels]),
        "verdict/text": text_array([verdicts[level].sentence for level in levels]),
        "verdict/difference": np.array([verdicts[level].against_dense.mean for level in levels]),
        "verdict/low": np.array([verdicts[level].against_dense.low for level in levels]),
        "verdict/high": np.array([verdicts[level].against_dense.high for level in levels]),
        "verdict/beats_controls": np.array([verdicts[level].beats_controls for level in levels])}
