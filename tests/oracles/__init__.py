"""Scores and masks written out naively, and tests that ours agree with them."""
