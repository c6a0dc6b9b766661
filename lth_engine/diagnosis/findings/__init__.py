"""Findings: what weights alone tell about the health of a network; one module a kind, `find(anatomy)` in each."""
