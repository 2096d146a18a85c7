"""Experiments: sweeps with sizes, and with findings that are checked against their dataset."""
