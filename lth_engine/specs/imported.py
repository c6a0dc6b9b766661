"""Tickets and networks that somebody brought as files, as members of the catalogues: every question accepts them.

A file is brought once: what the gate read of it is kept as a clean copy under its hash (`core.clean_files`), and the
questions below name that hash. A ticket search whose `search` is :class:`Imported` reports the networks of such files
where another one reports networks that the lab trained.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, cast

from lth_engine.core.clean_files import HASH
from lth_engine.core.errors import BadInput, clipped
from lth_engine.core.knob import knob, knobs
from lth_engine.core.spec import Spec
from lth_engine.specs.finding import SearchSpec
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run

UNKNOWN_START = "Its own starting weights are not known: those of the ticket are a draw of the lab under its mask."
"""Said of a network that was brought without what its training started from."""

LONGEST = 60
"""Characters of a label."""

_OTHER = re.compile(r"[^\w .,+=()-]")
"""What a label is not made of: all that a page or a figure could take for more than text."""


def plain_label(name: str) -> str:
    """The name of a file or directory as a label: other characters become "_", and of a long name the end is kept."""
    return _OTHER.sub("_", name)[-LONGEST:]


@dataclass(frozen=True)
class File:
    """One network that was brought.

    Attributes:
        level: of its search, 0 for a dense network.
        replicate: from 0.
        density: fraction of the prunable weights that it keeps, in (0, 1].
        weights: SHA-256 of the clean file of the network as it was trained.
        begins: SHA-256 of the clean file of what that training started from; "" if it is not known.
        masks: SHA-256 of the clean file of its masks, where these lay in a file beside it; else "".
    """

    level: int
    replicate: int
    density: float
    weights: str
    begins: str = ""
    masks: str = ""

    def __str__(self) -> str:
        """As it stands among the settings."""
        parts = (str(self.level), str(self.replicate), f"{self.density:.12g}", self.weights, self.begins, self.masks)
        return "/".join(parts).rstrip("/")

    @classmethod
    def parse(cls, text: str) -> File:
        """Read what :meth:`__str__` wrote. Raises BadInput."""
        parts = text.split("/")
        try:
            level, replicate, density = int(parts[0]), int(parts[1]), float(parts[2])
        except (ValueError, IndexError):
            raise _unlike(text) from None
        weights, *beside = parts[3:] or [""]
        if not (HASH.fullmatch(weights) and len(beside) <= 2 and all(HASH.fullmatch(h) for h in beside if h)
                and 0 <= level <= 200 and 0 <= replicate < 100 and 0 < density <= 1):
            raise _unlike(text)
        return cls(level, replicate, density, weights, *beside)


def _unlike(text: str) -> BadInput:
    return BadInput("A file that was brought is named LEVEL/REPLICATE/DENSITY/SHA256, and /SHA256 of its starting "
                    f"weights and of its masks if they are in other files. Got {clipped(text)}; bring the file again.")


@dataclass(frozen=True, kw_only=True)
class Imported(SearchSpec, name="imported"):
    """Nothing is searched: the tickets come from files that were brought."""

    title: ClassVar[str] = "Files that were brought"
    brought: ClassVar[bool] = True
    files: tuple[str, ...] = knob((), "The networks, each LEVEL/REPLICATE/DENSITY/SHA256 of the clean file, then "
                                  "/SHA256 of what its training started from and /SHA256 of its masks, as far as they "
                                  "came along in files of their own.")
    label: str = knob("", "Name of the file or directory, for lists.")

    def check(self) -> None:
        """Files that can be told apart, and a label that is nothing but a name."""
        for (level, replicate), count in Counter((f.level, f.replicate) for f in self.members).items():
            if count > 1:
                raise BadInput(f"Two files were brought for level {level} of replicate {replicate}. Bring one.")
        if self.label != plain_label(self.label):
            raise BadInput("imported.label must be at most 60 letters, digits, spaces and . , + = ( ) - _. "
                           f"Got {clipped(self.label)}; choose another.")

    @functools.cached_property
    def members(self) -> tuple[File, ...]:
        """The networks."""
        return tuple(map(File.parse, self.files))

    def file(self, level: int, replicate: int) -> File | None:
        """The network of a level, if one was brought."""
        return next((f for f in self.members if (f.level, f.replicate) == (level, replicate)), None)

    def alone(self, level: int, replicate: int) -> Imported:
        """With the file of one ticket only, so that the ticket does not depend on others or on the name."""
        found = self.file(level, replicate)
        if found is None:
            raise BadInput(f"No network of level {level}, replicate {replicate} was brought. Choose another level, "
                           "or bring its file too.")
        return self.replace(files=(str(found),), label="")

    def begins(self, replicate: int) -> str:
        """What the dense network of a replicate started from, as far as is known: of level 0, or else of the lowest
        level that says it."""
        known = sorted((f.level, f.begins) for f in self.members if f.replicate == replicate and f.begins)
        return known[0][1] if known else ""

    def dense(self, replicate: int, drawn: DenseTicket) -> DenseTicket:
        """The dense network of a replicate: `drawn` by the lab, unless its starting weights came along."""
        begins = self.begins(replicate)
        if not begins:
            return drawn
        values = {k.name: getattr(drawn, k.name) for k in knobs(DenseTicket)}
        return ImportedDense(**values, weights=begins)

    def require_cells(self, levels: int, replicates: int) -> None:
        """Refuse a search whose files leave gaps. Raises BadInput."""
        wanted = {(level, r) for level in range(1, levels + 1) for r in range(replicates)}
        there = {(f.level, f.replicate) for f in self.members}
        dense = {(0, r) for r in range(replicates)}
        if not there or there not in (wanted, wanted | dense):
            raise BadInput(f"A search of {levels} levels and {replicates} replicates needs a file for each of them "
                           "(for level 0 all replicates or none). Choose levels and replicates that came along whole.")

    @property
    def independent(self) -> bool:
        """No training of the lab decides the masks."""
        return True

    def reads_level(self, level: int) -> int | None:
        """None: the masks are there."""
        return None

    def exact_density(self, level: int) -> Fraction:
        """The mean over replicates of what the files keep; 1 of level 0 and of a level that was not brought."""
        found = [Fraction(str(f.density)) for f in self.members if f.level == level]
        return sum(found, Fraction(0)) / len(found) if found else Fraction(1)


class _NotTrainedHere:
    """Of a question whose weights came with a file: nothing is trained for it."""

    @property
    def trains(self) -> bool:
        """Nothing is trained."""
        return False

    @property
    def epochs(self) -> float:
        """None are trained."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class ImportedDense(_NotTrainedHere, DenseTicket, name="imported_dense", package="lth_engine.importing"):
    """A dense network with starting weights that were brought: its initialisation, or its rewind point."""

    title: ClassVar[str] = "Dense network with weights that were brought"
    weights: str = knob("", "SHA-256 of the clean file.")

    def check(self) -> None:
        """The rewind point must not lie behind the end of training; the file must be named by its hash."""
        super().check()
        require_hash(self.weights, "imported_dense.weights")

    def drawn(self, init_seed: int) -> DenseTicket:
        """See :meth:`DenseTicket.drawn`: the lab's own draw."""
        values = {k.name: getattr(self, k.name) for k in knobs(DenseTicket)}
        return DenseTicket(**values | {"init_seed": init_seed})


@dataclass(frozen=True, kw_only=True)
class ImportedTicket(FoundTicket, name="imported_ticket", package="lth_engine.importing"):
    """A ticket that was brought: the mask of a file, and the weights that its training started from. Where these did
    not come along, they are those of the dense network at the rewind point."""

    title: ClassVar[str] = "Ticket that was brought"
    of_files: ClassVar[bool] = True
    search: SearchSpec = knob(Imported(), "The file: a search imported with this one file.")

    def check(self) -> None:
        """One file, of this level."""
        super().check()
        found = self.search.members if isinstance(self.search, Imported) else ()
        if not isinstance(self.search, Imported) or len(found) > 1 or any(f.level != self.at_level for f in found):
            raise BadInput("imported_ticket.search must be the search imported with the one file of the ticket's "
                           f"level. Got {clipped(self.search.name)} with {len(found)} files; bring the file again.")

    @property
    def file(self) -> File:
        """The file. Raises BadInput if none is named."""
        found = cast(Imported, self.search).members
        if not found:
            raise BadInput("imported_ticket.search names no file. Bring one on the page Diagnose a file.")
        return found[0]

    def origin(self) -> tuple[Question, str]:
        """Itself where its own starting weights came along; else the dense network."""
        own = cast(Imported, self.search).members[:1]
        return (self, "start") if own and own[0].begins else (self.start, "start")


@dataclass(frozen=True, kw_only=True)
class ImportedRun(_NotTrainedHere, Run, name="imported_run", package="lth_engine.importing"):
    """A network that was brought as it was trained elsewhere: nothing is trained, it is only measured. Its settings
    of training are those with which the lab trains the ticket itself where a question asks for that."""

    title: ClassVar[str] = "Network that was brought"
    quick: ClassVar[bool] = True
    weights: str = knob("", "SHA-256 of the clean file.")
    masks: str = knob("", "SHA-256 of the clean file of its masks, where they lay in a file beside it.")

    def check(self) -> None:
        """The file must be named by its hash."""
        super().check()
        require_hash(self.weights, "imported_run.weights")
        require_hash(self.masks, "imported_run.masks")

    @property
    def trained_here(self) -> Run:
        """The lab's own training of the ticket."""
        return Run(**{k.name: getattr(self, k.name) for k in knobs(Run)})

    def inputs(self) -> tuple[Spec, ...]:
        """The ticket, and the dense network that it descends from."""
        return tuple(dict.fromkeys((self.ticket, self.ticket.dense)))


def require_hash(text: str, setting: str) -> None:
    """Refuse what names no file; "" is nobody's. Raises BadInput."""
    if text and not HASH.fullmatch(text):
        raise BadInput(f"{setting} must be the SHA-256 of a clean file, 64 hex digits. Got {clipped(text)}.")


def start_known(search: SearchSpec, level: int, replicates: int) -> bool:
    """Whether what the tickets of a level started from is known: always, but of files that came without it."""
    if not isinstance(search, Imported):
        return True
    return all(search.begins(r) or ((f := search.file(level, r)) and f.begins) for r in range(replicates))

