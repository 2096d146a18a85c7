"""What notebooks and terminals show of an object: HTML without a style sheet, and progress of a single call."""
