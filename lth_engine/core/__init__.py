"""The types that every layer speaks: torch-free, frozen, checked when made."""
