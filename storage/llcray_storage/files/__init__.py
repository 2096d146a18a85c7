"""Converts rows to Parquet bytes and arrays to safetensors, and back."""
