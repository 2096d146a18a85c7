"""Coroutines that decide how long and with which step size a run is sampled."""
