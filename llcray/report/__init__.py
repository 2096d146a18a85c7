"""Looking at a dataset: tables, sweep plots, diagnostics, the one-page report. Reads only; no JAX, no Ray."""
