"""Scorers: each ranks the weights of a network and leaves it as it was."""
