"""Diagnostics of one run from its stored draws: the numbers by ArviZ, the plots by matplotlib."""
