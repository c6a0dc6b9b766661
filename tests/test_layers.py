"""Who may import whom, read from the source, and that the web process never loads torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT: dict[str, set[str]] = {
    "core": set(),
    "specs": {"core"},
    "store": {"core", "specs"},
    "jobs": {"core", "specs", "store"},
    "figures": {"core"},
    "data": {"core", "specs"},
    "models": {"core", "specs"},
    "masking": {"core", "specs"},
    "training": {"core", "specs", "data", "models", "masking"},
    "objectives": {"core", "specs", "masking"},
    "scorers": {"core", "specs", "masking", "objectives"},
    "finders": {"core", "specs", "scorers", "objectives", "training", "masking", "models", "data"},
    "analysis": {"core", "specs", "finders", "objectives", "training", "masking", "models", "data"},
    "gate": {"core"},
    "importing": {"core", "specs", "data", "models", "masking", "training"},
    "diagnosis": {"core", "specs", "gate", "importing", "analysis", "finders", "scorers", "objectives", "training",
                  "masking", "models", "data"},
    "answer": {"core", "specs", "store", "data", "models", "masking", "training", "scorers", "finders", "analysis",
               "importing"},
    "cli": {"core", "specs", "store", "jobs", "gate", "answer", "importing", "diagnosis"},
    "pages": {"core", "specs", "store", "jobs", "figures", "gate"},
}
"""Layer -> layers that it may import beside itself."""

ALSO: dict[str, set[str]] = {"jobs.worker": {"answer"}, "__main__": {"cli"}, "gate.child": {"diagnosis"}}
"""Single modules that may import more."""

TORCH = {"torch", "torchvision", "numpy", "scipy", "sklearn", "PIL"}
LIBRARIES: dict[str, set[str]] = {
    "core": {"numpy", "scipy"},
    "specs": set(),
    "store": {"numpy", "h5py"},
    "jobs": {"numpy"},
    "figures": {"numpy", "plotly", "PIL"},
    "cli": {"numpy"},
    "pages": {"numpy", "plotly", "streamlit", "starlette"},
    **dict.fromkeys(("data", "models", "masking", "training", "objectives", "scorers", "finders", "answer"), TORCH),
    "analysis": TORCH | {"pyhessian"},
    "importing": TORCH | {"h5py", "safetensors"},
    "diagnosis": TORCH,
    "gate": set(),
}
"""Layer -> libraries beyond the standard one that it may import."""

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ("lth_engine", "pages")
    for path in sorted((ROOT / folder).rglob("*.py"))
} | ({"app": ROOT / "app.py"} if (ROOT / "app.py").exists() else {})
"""Module name -> file, of the engine and the pages."""


def layer(module: str) -> str:
    """The layer of a module of ours: "core" for lth_engine.core.spec, "pages" for app."""
    parts = module.split(".")
    return "pages" if parts[0] in ("pages", "app") else parts[1] if len(parts) > 1 else ""


def imports(module: str) -> Iterator[str]:
    """Full names that a module imports, those inside functions and under TYPE_CHECKING too."""
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" if f"{source}.{alias.name}" in MODULES else source
                        for alias in node.names)


def ours(name: str) -> bool:
    """Whether an imported name is of the engine or the pages."""
    return name.split(".")[0] in ("lth_engine", "pages", "app")


def test_the_walk_sees_imports() -> None:
    found = set(imports("lth_engine.core.knob"))
    assert {"dataclasses", "lth_engine.core.errors", "lth_engine.core.step"} <= found
    assert len(MODULES) > 15


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_only_from_below(module: str) -> None:
    here = layer(module)
    if not here:
        assert not [name for name in imports(module) if ours(name)]
        return
    allowed = MAY_IMPORT.get(here, set()) | ALSO.get(module.removeprefix("lth_engine."), set()) | {here}
    for name in imports(module):
        if ours(name):
            assert layer(name) in allowed, f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_libraries_of_a_layer(module: str) -> None:
    allowed = LIBRARIES.get(layer(module), set()) | set(sys.stdlib_module_names)
    for name in imports(module):
        assert ours(name) or name.split(".")[0] in allowed, f"{module} imports {name}"


def test_layers_form_no_cycle() -> None:
    seen: list[str] = []
    left = dict(MAY_IMPORT)
    while left:
        ready = [name for name, below in left.items() if below <= set(seen)]
        assert ready, f"cycle among {sorted(left)}"
        seen += ready
        left = {name: below for name, below in left.items() if name not in ready}


def test_core_takes_from_scipy_only_special_functions() -> None:
    for module in MODULES:
        if layer(module) == "core":
            assert not [n for n in imports(module) if n.startswith("scipy") and not n.startswith("scipy.special")]


def load_in_fresh_process(modules: list[str]) -> list[str]:
    """Libraries that a new Python holds after importing these modules."""
    code = "import importlib, sys\nfor m in sys.argv[1:]: importlib.import_module(m)\n" \
           "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code, *modules],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


TORCH_FREE = {"core", "specs", "store", "jobs", "figures", "gate"}
WEB = sorted(
    {name for module in MODULES if layer(module) == "pages" for name in imports(module)
     if name in MODULES and layer(name) != "pages"}
    | {m for m in MODULES if layer(m) in TORCH_FREE and m not in ("lth_engine.jobs.worker", "lth_engine.gate.child")}
)
"""Everything of the engine that the pages import, or may."""


def test_the_web_process_never_loads_torch() -> None:
    held = load_in_fresh_process(WEB)
    assert "lth_engine" in held
    assert not {"torch", "torchvision", "sklearn"} & set(held)


def test_the_command_line_loads_torch_only_to_compute() -> None:
    held = load_in_fresh_process(sorted(m for m in MODULES if layer(m) == "cli"))
    assert not {"torch", "torchvision", "sklearn", "streamlit", "plotly"} & set(held)
