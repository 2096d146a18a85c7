"""Targets whose loss is a traced PyTorch module."""
