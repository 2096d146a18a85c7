"""A Ray cluster as the driver sees it: connecting, submitting, what runs there, what it costs."""
