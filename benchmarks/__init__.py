"""Measurements: each prints a table of two sides that were run alternately in one run."""
