"""Finders: each returns a ticket."""
