"""Targets from PyTorch modules: `target`, `language_model`, `save`, `load`.

    target = llcray.torch.target(module, loss, {"x": x, "y": y})     # loss(module, batch) -> (n,), in torch
    llcray.torch.save(target, "probe.llcray")                        # read without torch, by kind: torch or by `load`

The public names stand in `__init__.pyi`. PyTorch is imported when a module is traced, not before.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
