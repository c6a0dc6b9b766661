"""Which program wrote a directory, by the names of its files alone; nothing is opened."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from lth_engine.core.errors import FileRefused
from lth_engine.importing.peers import aws, lth_pacbayes, open_lth, pruning_is_enough, synaptic_flow, turboprune
from lth_engine.importing.peers.directory import Directory, folders

PEERS: dict[str, ModuleType] = {p.KIND: p for p in (open_lth, lth_pacbayes, aws, turboprune, synaptic_flow,
                                                    pruning_is_enough)}
"""Name of a program -> the module of its format: KIND, LOOKED_FOR, find(folders), logs(member, text, facts)."""

MEMBERS = 2_000
"""Networks of one directory that are listed."""


def find(files: Sequence[str], root: str = "") -> Directory | None:
    """The directory that these files make up, or None where no program is known that leaves such files.

    Args:
        files: paths relative to the folder that the user gave, at any depth of the program's tree.
        root: where that folder lies, as far as known.
    """
    inside = folders(files, root)
    found = {kind: peer.find(inside) for kind, peer in PEERS.items()}
    kinds = sorted((kind for kind, members in found.items() if members), key=lambda kind: -len(found[kind]))
    if not kinds:
        return None
    members = sorted(found[kinds[0]], key=lambda member: member.order)
    notes = [f"Networks of {kind} ({len(found[kind])}) lie in it too: give their folder alone." for kind in kinds[1:]]
    if len(members) > MEMBERS:
        notes.append(f"It holds {len(members)} networks; the first {MEMBERS} are listed.")
    return Directory(kinds[0], tuple(members[:MEMBERS]), tuple(notes))


def found(files: Sequence[str], root: str = "") -> Directory:
    """The same.

    Raises:
        FileRefused: no program is known that leaves such files.
    """
    directory = find(files, root)
    if directory is None:
        wanted = "; ".join(peer.LOOKED_FOR for peer in PEERS.values())
        raise FileRefused(f"This folder of {len(files)} files is of no program that I know: I looked for {wanted}; "
                          f"give one file of weights instead, or the folder that holds these.")
    return directory
