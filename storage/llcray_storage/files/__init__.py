"""How rows become Parquet bytes and arrays become safetensors, and back."""
