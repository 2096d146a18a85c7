"""Maintains a dataset: compaction, vacuum, garbage collection, merging, verification and repair."""
