"""Columns that say with what a row was made, and where."""

import platform
from functools import cache
from importlib.metadata import version
from typing import Any


@cache
def environment() -> dict[str, Any]:
    """Versions, and the machine."""
    return {
        "llcray_version": version("llcray"),
        "jax_version": version("jax"),
        "blackjax_version": version("blackjax"),
        "python_version": platform.python_version(),
        "host": platform.node(),
    }


@cache
def num_devices() -> int:
    """The number of devices that this process holds; claims them."""
    import jax

    return jax.local_device_count()


@cache
def device() -> dict[str, Any]:
    """The first device of this process; claims it."""
    import jax

    device = jax.devices()[0]
    return {"device_kind": device.device_kind, "device_platform": device.platform}
