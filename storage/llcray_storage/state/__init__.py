"""Which files of a dataset count at one moment: commits, segments, manifests and snapshots of them."""
