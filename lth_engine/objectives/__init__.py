"""Objectives: what a masked network near its start should do well."""
