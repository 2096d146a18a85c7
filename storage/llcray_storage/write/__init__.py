"""Adds to a dataset: runs, targets, stages, sweep files and the states of unfinished runs."""
