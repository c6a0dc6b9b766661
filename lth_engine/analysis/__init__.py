"""Analyses: what is computed from tickets and runs."""
