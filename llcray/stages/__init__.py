"""Stages of development: where a metric along training changes course. NumPy and scikit-learn in, records out."""
