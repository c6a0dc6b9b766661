"""The tensors of one network, out of the dictionaries, prefixes and copies around them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lth_engine.importing.checkpoint import Unwrapped
from lth_engine.importing.containers import chosen, told
from lth_engine.importing.contents import Contents, Fact
from lth_engine.importing.prefixes import stripped

_EPOCHS = ("epoch", "ep", "epochs", "current_epoch", "last_epoch")
"""Keys of the epoch, the surest first."""

_STEPS = ("it", "iteration", "iter", "step", "global_step")
"""Keys of the step."""

_SETTINGS = re.compile(r"(^|/)(args?|config|cfg|opts?|options|hparams|hyper_parameters|optimi[sz]er\w*|"
                       r"(lr_)?scheduler\w*|loops)(/|$)")
"""Where a key such as "epochs" is a wish and no state."""


def unwrap(contents: Contents) -> Unwrapped:
    """The largest network in the file that is no moving average; what else there is, is told in `beside`."""
    group, others = chosen(contents.tensors)
    tensors = {name: contents.tensors[path] for name, path in group.paths.items()}
    prefix = stripped(tensors)
    paths = {prefix.names[name]: group.paths[name] for name in prefix.names}
    framework = _framework(contents.facts)
    return Unwrapped(
        tensors={name: contents.tensors[path] for name, path in paths.items()}, paths=paths,
        wrappers=(*group.wrappers, *framework, *prefix.taken),
        beside=(*(told(other) for other in others), *prefix.beside, *_step(contents.facts)),
        epoch=_number(contents.facts, _EPOCHS))


def _framework(facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """Lightning says who it is by what stands beside the weights."""
    return ("Lightning",) if "pytorch-lightning_version" in facts else ()


def _number(facts: Mapping[str, Fact], keys: tuple[str, ...]) -> int | None:
    """The whole number that stands under the first of the keys that the file has, outside of settings."""
    for key in keys:
        for path, value in facts.items():
            last = path.rpartition("/")[2]
            whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
            if last == key and whole and value >= 0 and not _SETTINGS.search(path):
                return int(value)
    return None


def _step(facts: Mapping[str, Fact]) -> tuple[str, ...]:
    step = _number(facts, _STEPS)
    return () if step is None else (f"step {step}",)
