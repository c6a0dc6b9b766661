"""`python -m lth_engine VERB ...`: reads the command line, calls the verb, turns errors into exit codes.

Exit codes: 0 success, 1 failure, 2 bad input or a file that was not read, 130 stopped by the user.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from lth_engine.cli.ask import Begun, ask, base
from lth_engine.cli.explain import explain
from lth_engine.cli.file_flags import EXPORTS, add_file_verbs
from lth_engine.cli.flags import apply_flags, read_flags
from lth_engine.cli.pointing import HOW, pointed, pointing
from lth_engine.core.errors import BadInput, Cancelled, LotteryError, NotRead, UnknownName
from lth_engine.core.spec import catalogue

ASKING = ("answer", "submit", "price")
"""Verbs whose flags are the settings of a question."""

ASKABLE = tuple(name for name in catalogue("question") if name not in ("ticket_search", "price"))
"""Kinds of questions beside the ticket search, which is asked where none is named, and its price."""

VERBS: dict[str, tuple[str, str]] = {
    "answer": ("compute.answer", "compute an answer here and show it"),
    "price": ("compute.price", "say what a search will cost on this machine"),
    "submit": ("queue.submit", "put a question into the queue and print the job's id"),
    "jobs": ("queue.jobs", "list the jobs"),
    "cancel": ("queue.cancel", "stop jobs; what they stored stays"),
    "resume": ("queue.resume", "queue failed or cancelled jobs again"),
    "worker": ("queue.worker", "work on the queue in the foreground"),
    "ls": ("shelf.ls", "list what is stored"),
    "show": ("shelf.show", "show one answer and where it came from"),
    "compare": ("compare.compare", "compare searches density by density"),
    "export": ("export.export", "copy answers into one HDF5 file, or a network into a file for other programs"),
    "verify": ("shelf.verify", "check that answers are what was written"),
    "presets": ("shelf.list_presets", "list ready-made questions"),
    "diagnose": ("diagnose.diagnose", "say what a checkpoint from elsewhere holds, and how healthy it is"),
    "mask": ("mask.mask", "draw a mask for a network from a file"),
    "curvature": ("curvature.curvature", "trace and largest eigenvalues of the Hessian at a network from a file"),
    "passport": ("passport.passport", "write the passport of a ticket: a small file that recreates it"),
    "recreate": ("passport.recreate", "make the ticket of a passport, verified by its hash"),
    "barrier": ("barrier.barrier", "error and loss on the line between two networks from files"),
}
"""Verb -> function of this package and what it does."""


TUNED = ("mask",)
"""Verbs that take the flags which their parser does not know, as settings of a spec that another flag names."""


class _Parser(argparse.ArgumentParser):
    """argparse that raises instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message[:1].upper()}{message[1:]}. See {self.prog} --help.")


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    try:
        code = _run(list(arguments))
        sys.stdout.flush()  # here, so that a reader who left is noticed here
        return code
    except SystemExit:  # argparse has shown its help
        return 0
    except (BadInput, NotRead) as error:
        return _say(error, 2)
    except (Cancelled, KeyboardInterrupt) as error:
        return _say(str(error) or "Stopped.", 130)
    except LotteryError as error:
        return _say(error, 1)
    except Exception as failure:
        if isinstance(failure, BrokenPipeError):
            return _reader_left()
        if os.environ.get("LTH_TRACEBACK"):
            raise
        return _say(in_words(failure), 1)


def _reader_left() -> int:
    """Nobody reads stdout any more, as in `ls | head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def in_words(failure: Exception) -> str:
    """One sentence about an error that nobody foresaw."""
    text = " ".join(str(failure).split())
    if "OutOfMemory" in type(failure).__name__ or isinstance(failure, MemoryError) or "DefaultCPUAllocator" in text:
        return "The memory is full. Lower the batch size or the size of the network, or close other programs."
    if isinstance(failure, OSError) and failure.strerror:
        return f"{failure.filename or 'The system'}: {failure.strerror}. Correct that and run the command again."
    return (f"Unexpected: {type(failure).__name__}: {text[:300]}. What was finished is kept; with LTH_TRACEBACK=1 in "
            "the environment the command shows where it happened.")


def _run(arguments: list[str]) -> int:
    if arguments and not arguments[0].startswith("-") and arguments[0] not in VERBS:
        raise UnknownName("verb", arguments[0], VERBS)
    parser, verbs = parsers()
    given, rest = parser.parse_known_args(arguments)
    flags = tuple(word for action in verbs[given.verb]._actions for word in action.option_strings)
    if given.verb in TUNED:
        return _function(given.verb)(given, rest)
    if given.verb not in ASKING:
        if rest:
            near = difflib.get_close_matches(rest[0], flags, n=1)
            raise BadInput(f"Unknown argument {rest[0]!r}." + (f" Did you mean {near[0]}?" if near else "")
                           + f" See {verbs[given.verb].prog} --help.")
        return _function(given.verb)(given)
    if given.help:
        print(verbs[given.verb].format_help())
        question, left = pointed(base(_begun(given)), read_flags(rest), given.store)
        print(explain(apply_flags(question, left), {name: HOW[k.type] for name, k in pointing(question).items()}))
        return 0
    own = tuple(flag.removeprefix("--") for flag in flags if flag.startswith("--"))
    return _function(given.verb)(given, ask(_begun(given), rest, given.store, own))


def _begun(given: argparse.Namespace) -> Begun:
    return Begun(given.spec, given.preset, given.question)


def _function(verb: str) -> Callable[..., int]:
    module, _, name = VERBS[verb][0].partition(".")
    function: Callable[..., int] = getattr(importlib.import_module(f"lth_engine.cli.{module}"), name)
    return function


def parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the whole command line, and that of each verb."""
    top = _Parser(prog="python -m lth_engine", description="Find, train, store and understand lottery tickets.",
                  epilog="Exit codes: 0 success, 1 failure, 2 bad input or a file that was not read, 130 stopped.",
                  allow_abbrev=False)
    below = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    where = _Parser(add_help=False)
    where.add_argument("--store", type=Path, default=Path(os.environ.get("LTH_STORE") or "lab"), metavar="DIR",
                       help="folder of the store (default: LTH_STORE or ./lab)")
    where.add_argument("--data-root", type=Path, default=Path(os.environ.get("LTH_DATA") or "data"), metavar="DIR",
                       help="folder of the image sets (default: LTH_DATA or ./data)")
    made: dict[str, argparse.ArgumentParser] = {}
    for verb, (_, help) in VERBS.items():
        asking = verb in ASKING
        made[verb] = below.add_parser(verb, help=help, description=f"{help[0].upper()}{help[1:]}.", parents=[where],
                                      allow_abbrev=False, add_help=not asking,
                                      usage=f"%(prog)s [options] {'[settings]' if asking else ''}".rstrip())
        if asking:
            _add_question(made[verb])
    _add_own(made)
    add_file_verbs(made)
    return top, made


def _add_question(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-h", "--help", action="store_true", help="show this and the settings, with those of the "
                        "members that are picked by the other flags")
    parser.add_argument("--preset", metavar="NAME", help="a ready-made question; see the verb presets")
    parser.add_argument("--question", metavar="NAME", help="what is asked, if it is no ticket search: "
                        f"{', '.join(ASKABLE)}")
    parser.add_argument("--spec", type=Path, metavar="FILE.json", help="a question as JSON")


def _add_own(made: dict[str, argparse.ArgumentParser]) -> None:
    for verb in ("answer", "price"):
        made[verb].add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto",
                                help="what computes (default: a GPU if there is one)")
    for verb in ("answer", "price", "submit", "jobs", "ls", "show", "compare", "presets"):
        made[verb].add_argument("--json", action="store_true", help="print JSON")
    for verb in ("jobs", "ls"):
        made[verb].add_argument("--limit", type=_count, default=20, metavar="N", help="how many (default: 20)")
    for verb in ("cancel", "resume"):
        made[verb].add_argument("job", nargs="+", help="id of a job")
    made["worker"].add_argument("--idle-minutes", type=float, default=10.0, metavar="X",
                                help="end after so long without a job (default: 10)")
    made["ls"].add_argument("--kind", metavar="KIND", help="only answers of this kind, like ticket_search")
    made["ls"].add_argument("--all", action="store_true", help="list everything")
    made["show"].add_argument("key", help="key of an answer, or its beginning")
    made["compare"].add_argument("key", nargs="+", help="keys of searches, or their beginnings: the first is the "
                                 "reference")
    made["compare"].add_argument("--metric", default="test_accuracy", metavar="NAME", help="what they are compared "
                                 "by, like test_accuracy (the default), above_dense, learning_distance or signs_kept")
    made["compare"].add_argument("--margin", type=float, metavar="X", help="difference below which nobody cares, as a "
                                 "fraction for accuracies (default: the reference's own, or 5%% of its dense mean)")
    made["compare"].add_argument("--variant", default="ticket", metavar="NAME", help="ticket (the default) or a "
                                 "control that all have")
    made["export"].add_argument("key", nargs="+", help="key of an answer, or its beginning; with --as safetensors or "
                                "torch_prune a run, also as SEARCH/LEVEL/REPLICATE")
    made["export"].add_argument("--to", type=Path, required=True, metavar="FILE", help="file to write")
    made["export"].add_argument("--as", dest="form", choices=("hdf5", *EXPORTS), default="hdf5", help="hdf5 (the "
                                "default), or one network as safetensors (NAME_mask beside pruned weights), or as a "
                                "state_dict of torch.nn.utils.prune (NAME_orig, NAME_mask)")
    made["export"].add_argument("--at", choices=("end", "start"), default="end", help="the network at the end of its "
                                "run (the default), or where it starts: the ticket")
    made["export"].add_argument("--only", action="store_true", help="leave out what the answers were made of")
    made["verify"].add_argument("key", nargs="*", help="key of an answer, or its beginning")
    made["verify"].add_argument("--all", action="store_true", help="every answer in the store")


def _count(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,9}", text) is None or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1. Got {text[:200]!r}")
    return int(text)


def _say(error: object, code: int) -> int:
    print(f"error: {error}" if code != 130 else error, file=sys.stderr)
    return code
