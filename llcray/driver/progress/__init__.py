"""Tells people how far a sweep is while it runs: on the terminal, in logs, as JSON and in TensorBoard."""
