"""Everything that adds to a dataset: runs, targets, stages, sweep files, unfinished runs."""
