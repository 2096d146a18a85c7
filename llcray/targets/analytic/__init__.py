"""Targets whose loss is a formula and whose LLC is known."""
