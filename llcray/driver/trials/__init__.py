"""How trials are queued, scheduled and done on workers."""
