"""Runs experiments, which are sweeps with sizes and with findings that are compared with their dataset."""
