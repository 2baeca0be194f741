"""Measurements: one metric family in each file."""
