"""Policies along a fine-tuning."""
