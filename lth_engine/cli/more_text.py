"""What is known beyond the card, in words and tables: images, initialisation, two files, spectra, speed, a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lth_engine.cli.card_text import LISTED, card_text, findings_text, plain
from lth_engine.cli.words import columns, pairs
from lth_engine.core.sizes import size

Found = Mapping[str, Any]


def more_text(found: Found) -> str:
    """The parts that there are, each under its title."""
    return "\n\n".join(f"{title}\n\n{_said(found[name], text)}" for name, (title, text) in PARTS.items()
                       if name in found)


def _said(part: Found, text: Callable[[Found], str]) -> str:
    """A part in words, or why there is nothing to say."""
    return plain(part["reason"]) if set(part) - {"card"} == {"reason"} else text(part)


def images_text(data: Found) -> str:
    """Accuracy, calibration and the normalisation of the input."""
    used = data["normalisation"]
    tried = [[plain(one["name"]), f"{100 * one['accuracy']:.2f}", _number(one["loss"])] for one in used["tried"]]
    said = pairs([
        ("images", f"{data['images']:,}"),
        ("accuracy", f"{100 * data['accuracy']:.2f}% (95% interval {100 * data['low']:.2f} to "
         f"{100 * data['high']:.2f})"),
        ("loss", f"{data['loss']:.4f} nats"), ("confidence", f"{100 * data['confidence']:.2f}%"),
        ("calibration error", f"{100 * data['calibration_error']:.2f} points"),
        ("Brier score", f"{data['brier']:.4f}"),
        ("input", _input(used))])
    classes = [[plain(one["name"]), f"{one['images']:,}",
                "-" if one["accuracy"] is None else f"{100 * one['accuracy']:.2f}"] for one in data["classes"]]
    tables = [columns(["class", "images", "accuracy %"], classes)]
    if tried:
        tables.append(columns(["normalisation tried", "accuracy %", "loss"], tried))
    return "\n\n".join([said, *tables])


def _input(used: Found) -> str:
    """How the images are normalised; where that was guessed, on which images."""
    if not used["guessed"]:
        return plain(used["name"])
    which = f"{used['held_out']:,} of these images, which are not counted here" if used["held_out"] else \
        f"{used['guessed_on']:,} other images"
    return f"guessed: {plain(used['name'])}, on {which}"


def start_text(value: Found) -> str:
    """How far a network has come from its initialisation."""
    facts = [("distance", f"{_number(value['distance'])} ({_number(value['relative'])} of the length of the start)"),
             ("learning distance", f"{_number(value['learning_distance'])}, over the kept prunable weights"),
             ("signs kept", _percent(value["signs_kept"]))]
    rows = [[plain(layer["name"]), _number(layer["distance"]), _percent(layer["signs_kept"])]
            for layer in value["layers"]]
    return f"{pairs(facts)}\n\n{columns(['parameter', 'distance', 'signs kept'], rows)}"


def compared_text(value: Found) -> str:
    """What two networks are to one another, as a whole and by layer."""
    whole, names = value["whole"], ("only_first", "only_second")
    rows = [[plain(name), "in this file" if side == "only_first" else "in the other"]
            for side in names for name in value[side][:LISTED]]
    rows += [[plain(name), f"{one} here, {other} there"] for name, one, other in value["shapes"][:LISTED]]
    layers = [[plain(layer["name"]), f"{layer['weights']:,}", _number(layer["distance"]), _number(layer["cosine"]),
               _percent(layer["sign_agreement"]), _percent(layer["sign_chance"]), _percent(layer["density_first"]),
               _percent(layer["density_second"]), _percent(layer["overlap"])] for layer in [*value["layers"], whole]]
    layers[-1][0] = "all together"
    head = ["layer", "weights", "distance", "cosine", "signs agree", "by chance", "density here", "there", "overlap"]
    parts = [findings_text(value["findings"]), columns(["key", "differs"], rows, left=2) if rows else "",
             columns(head, layers)]
    return "\n\n".join(part for part in parts if part)


def spectra_text(value: Found) -> str:
    """The spectrum of each layer, and what its tail tells where it tells something."""
    rows = [[plain(layer["name"]), f"{layer['rows']} x {layer['columns']}", _number(layer["spectral_norm"]),
             _number(layer["stable_rank"]), _number((layer["bulk"] or {}).get("spikes")),
             _number(layer["tail"]["alpha"]) if layer["tail"]["applies"] else "-"] for layer in value["layers"]]
    words = [f"{plain(layer['name'])}: {plain(layer['text'])}" for layer in value["layers"]
             if layer["tail"]["applies"]]
    rest = [plain(value["reason"])] if value.get("reason") else []
    return "\n".join([columns(["layer", "matrix", "norm", "stable rank", "spikes", "tail exponent"], rows, left=2),
                      *words, *rest])


def speed_text(value: Found) -> str:
    """Measured time, operations and bytes."""
    bytes_ = value.get("bytes") or {}
    facts = [(f"batch of {row['batch']}", f"{1000 * row['median']:.3g} ms ({1000 * row['low']:.3g} to "
              f"{1000 * row['high']:.3g}, {row['passes']} passes), {row['images_per_second']:,.0f} images/s")
             for row in value.get("times", ())]
    facts += [(words, f"{value[name]:,.0f}") for name, words in (
        ("flops_dense", "FLOPs, dense"), ("flops_sparse", "FLOPs, if zeros were free"),
        ("flops_filters", "FLOPs, without empty filters")) if value.get(name) is not None]
    facts += [(words, size(bytes_[name])) for name, words in (
        ("raw", "bytes, raw"), ("zipped", "bytes, zipped"), ("packed", "bytes, mask and kept values"),
        ("sparse_rows", "bytes, sparse rows")) if bytes_.get(name) is not None]
    said = [value[name] for name in ("sentence", "reason") if value.get(name)]
    return "\n\n".join(part for part in (pairs(facts) if facts else "", *map(plain, said)) if part)


def folder_text(value: Found) -> str:
    """The networks of a folder."""
    rows = [[plain(member.get("label") or ""), _number(member.get("level")), _number(member.get("replicate")),
             _percent(member.get("density")), plain(", ".join(member.get("files") or {}))]
            for member in value.get("members", ())]
    return f"{plain(value.get('kind'))}\n\n{columns(['network', 'level', 'replicate', 'density', 'files'], rows)}"


def _beside(text: Callable[[Found], str]) -> Callable[[Found], str]:
    """What two files say of one another, or the card of the one that was not read."""
    def said(value: Found) -> str:
        if value["card"]["status"] != "read":
            return card_text(value["card"])
        return f"{plain(value['card']['name'])}, SHA-256 {value['card']['sha256']}\n\n{text(value)}"
    return said


PARTS: dict[str, tuple[str, Callable[[Found], str]]] = {
    "data": ("On these images", images_text), "init": ("From its initialisation", _beside(start_text)),
    "against": ("Against the other file", _beside(compared_text)),
    "spectra": ("Spectra of the weight matrices", spectra_text), "speed": ("Size and speed", speed_text),
    "directory": ("The folder", folder_text)}
"""Part -> its title, and what puts it into words."""


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.4g}%"


def _number(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else plain(value)
