"""Tests of lth_engine.importing."""
