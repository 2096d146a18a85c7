"""Tables, sweep plots, diagnostics and the one-page report of a dataset, which is only read. No JAX, no Ray."""
