"""Where a dataset lies: local folders and object stores behind one interface, and the paths within them."""
