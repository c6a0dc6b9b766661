"""The store: one immutable HDF5 file an artifact, and an index that can be rebuilt from them."""
