"""Sampling, from chains to draws: compiled inner loops, the engine that runs them, the schedules that decide."""
