"""Names that no set of weights has a reason to hold: a pickle that names one is refused, whatever else it holds.

This list is no defence: nothing of a file is ever run, listed or not. It decides only whether a file is
read (unknown classes are ignored) or refused in words, so that its owner learns what it would do elsewhere.
"""

from __future__ import annotations

import re

from lth_engine.core.errors import FileRefused

_ANYWHERE = frozenset({
    "os", "posix", "nt", "sys", "subprocess", "builtins", "__builtins__", "importlib", "shutil", "socket",
    "ctypes", "_ctypes", "runpy", "pty",
})
"""Modules that are refused wherever they stand in a dotted name: "torch.serialization" + "os.system" is os.system."""

_MODULES = _ANYWHERE | frozenset({
    "_io", "_pickle", "_posixsubprocess", "_socket", "_thread", "asyncio", "bdb", "cProfile", "cffi", "codeop",
    "commands", "distutils", "doctest", "ensurepip", "fileinput", "ftplib", "http", "idlelib", "imaplib", "inspect",
    "io", "linecache",
    "marshal", "mmap", "multiprocessing", "ntpath", "pdb", "pickle", "pip", "pkgutil", "poplib", "popen2",
    "posixpath", "pydoc", "requests", "setuptools", "smtplib", "socketserver", "ssl", "sysconfig", "telnetlib",
    "tempfile", "threading", "timeit", "urllib", "urllib2", "venv", "webbrowser", "xmlrpc", "zipimport",
})
"""Top-level modules that are refused; "code", "test" or "trace" are not among them: people name their own so."""

_FUNCTIONS = frozenset({
    "code.InteractiveConsole", "code.InteractiveInterpreter", "code.interact", "functools.reduce", "joblib.load",
    "numpy.fromfile", "numpy.load", "numpy.memmap", "numpy.testing._private.utils.runstring", "operator.attrgetter",
    "operator.methodcaller", "pandas.read_pickle", "platform.popen", "profile.runctx", "torch.classes.load_library",
    "torch.hub.load", "torch.jit.load", "torch.jit.unsupported_tensor_ops.execWrapper", "torch.load",
    "torch.ops.load_library", "torch.save", "torch.serialization.load", "torch.serialization.save", "trace.Trace",
    "types.CodeType", "types.FunctionType", "types.LambdaType",
})
"""Single functions that are refused."""

_RUNNERS = frozenset({
    "system", "popen", "eval", "exec", "execfile", "compile", "__import__", "import_module", "getattr", "setattr",
    "delattr", "open", "run", "call", "check_output", "check_call", "Popen", "load_library", "runctx",
})
"""Last names that are refused once they are called, whatever their module."""

_HARMLESS = frozenset({
    "object", "type", "int", "float", "complex", "bool", "str", "bytes", "bytearray", "list", "tuple", "dict",
    "set", "frozenset", "slice", "range", "Ellipsis", "NotImplemented", "property",
})
_ERROR = re.compile(r"[A-Z][A-Za-z]*(Error|Exception|Warning)|Exception|StopIteration|KeyboardInterrupt")

_OLD = {"__builtin__": "builtins", "copy_reg": "copyreg", "cPickle": "_pickle"}
"""Modules that Python 2 called otherwise."""


def today(module: str) -> str:
    """The name that a module has in Python 3."""
    return _OLD.get(module, module)


def check_named(module: str, name: str) -> None:
    """Refuse a name that a file holds.

    Raises:
        FileRefused: it is one of those above.
    """
    parts = f"{module}.{name}".split(".")
    if module == "builtins" and "." not in name and (name in _HARMLESS or _ERROR.fullmatch(name)):
        return
    if parts[0] in _MODULES or _ANYWHERE & set(parts[:-1]) or f"{module}.{name}" in _FUNCTIONS:
        raise refusal(f"{module}.{name}")


def check_called(module: str, name: str) -> None:
    """Refuse a name that a file calls. Raises as :func:`check_named`."""
    check_named(module, name)
    if name.rsplit(".", 1)[-1] in _RUNNERS:
        raise refusal(f"{module}.{name}")


def refusal(full: str) -> FileRefused:
    """The error for a name."""
    shown = "".join(c for c in full[:100] if c.isprintable() and c != "`")
    return FileRefused(f"Refused: this file asks Python to run `{shown}`. It was not run. Do not load it elsewhere.")
