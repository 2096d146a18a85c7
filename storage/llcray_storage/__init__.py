"""The results dataset of llcray: plain Parquet, each run written whole and once, read with polars. No JAX, no Ray.

The public names stand in `__init__.pyi`; each is loaded when it is first used. The modules import in one order, each
only those before it:

    errors, schema, store, files, state, write and read, maintain, dataset and query

Beside them, `matched` (means over the same targets) imports schema alone, and `estimate_words` nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
