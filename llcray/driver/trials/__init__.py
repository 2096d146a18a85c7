"""Runs trials through Ray Tune: the scheduler on the driver, and what workers do."""
