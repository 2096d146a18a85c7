"""Sweep plots: from what a user asks, through panels, scales and series, to a saved figure."""
