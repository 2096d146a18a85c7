"""Sweeps and figures from Python: `llcray.sweep`, its results, `llcray.plot`. Above the driver and the reports."""
