"""Stages of development, at whose boundaries a metric along training changes course. No JAX, no Ray."""
