"""Trained networks, at their minimum or along their training."""
