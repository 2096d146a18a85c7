"""Which files of a dataset count: commits, manifests, segments and snapshots of them."""
