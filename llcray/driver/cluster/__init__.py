"""A Ray cluster as the driver sees it: how it is joined or submitted to, what runs on it, and what it costs."""
