"""Tests of lth_engine.cli."""
