"""Optimizers, one file each: from a spec to a torch optimizer."""
