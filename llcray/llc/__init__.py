"""Draws -> estimate, error bar, diagnostics, verdict. NumPy in, numbers out; no JAX."""
