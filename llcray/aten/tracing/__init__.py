"""Tracing of losses by `torch.export`, and their comparison with torch. Only this package imports torch."""
