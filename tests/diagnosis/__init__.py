"""Tests of lth_engine.diagnosis."""
