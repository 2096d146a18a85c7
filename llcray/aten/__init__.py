"""Losses of PyTorch modules as graphs of ATen calls, run in JAX. Of this package, `tracing` alone needs torch."""
