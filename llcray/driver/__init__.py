"""Runs sweeps: Ray Tune schedules, the dataset remembers. The only package that imports ray, and that late.

The public names stand in `__init__.pyi`; each is loaded when it is first used, so that `llcray sweep --help`, which is
made of `llcray.driver.options`, loads nothing heavy.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
