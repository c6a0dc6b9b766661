"""Files that attack, lie or are broken: one maker a row of section 7.2 of `users-and-security`, harmless payloads."""

from tests.hostile.array_cases import ARRAYS
from tests.hostile.case import Case
from tests.hostile.hdf5_cases import ENDLESS, HDF5
from tests.hostile.other_cases import OTHERS
from tests.hostile.torch_cases import TORCH

CASES: dict[str, Case] = {**TORCH, **HDF5, **ARRAYS, **OTHERS}
"""Name -> case."""

__all__ = ["CASES", "ENDLESS", "Case"]
