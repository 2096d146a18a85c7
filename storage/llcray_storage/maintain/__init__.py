"""Compaction, vacuum, garbage collection, merging, verification and repair of a dataset."""
