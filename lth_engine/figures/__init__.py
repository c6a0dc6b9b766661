"""Figures: pure functions from arrays to plotly figures."""
