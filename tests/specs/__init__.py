"""Tests of lth_engine.specs."""
