"""What people are told while a sweep runs: the live view, trackers, TensorBoard."""
