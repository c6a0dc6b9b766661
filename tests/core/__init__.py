"""Tests of lth_engine.core."""
