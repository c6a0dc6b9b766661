"""Tests of lth_engine.gate."""
