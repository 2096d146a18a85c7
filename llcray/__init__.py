"""llcray: local learning coefficients of neural networks, swept on Ray into a Parquet dataset.

The public names stand in `__init__.pyi`; each is loaded, and JAX with it where it needs JAX, when it is first used.
"""

from importlib.metadata import version

import lazy_loader

__version__ = version("llcray")
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
