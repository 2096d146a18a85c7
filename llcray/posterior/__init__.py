"""The tempered, localized posterior: its spec, and its density in JAX."""
