"""Acceptance: what the papers and their code do, to the number or to the bit. T.. numbers a list of such tests."""
