"""From draws to an estimate with its error bar, diagnostics and verdict. NumPy in, numbers out; no JAX."""
