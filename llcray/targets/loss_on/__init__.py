"""Losses on other examples than a target's own (data-refined LLC)."""
