"""Masks on torch parameters: which weights may be pruned, how many, and keeping them at zero."""
