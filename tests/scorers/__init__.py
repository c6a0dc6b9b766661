"""Tests of the scorers, and how they are shown a network."""
