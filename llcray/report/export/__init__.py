"""What leaves a dataset for other programs: draws for ArviZ, runs for trackers of experiments."""
