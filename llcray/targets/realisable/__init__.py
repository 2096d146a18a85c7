"""Networks that are their own teachers."""
