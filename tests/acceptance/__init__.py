"""Acceptance: what the papers and their code do, to the number or to the bit. T.. are the numbers of the list of tests."""
