"""Calls a user's function for a target."""

import dataclasses
import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import jax
import numpy as np

from llcray.targets.python import PythonTarget
from llcray.targets.target import Target


def build_python(spec: PythonTarget) -> Target:
    """The target that the named function returns.

    Raises:
        ValueError: There is no such module or function, or it returns something else than an `llcray.Target`.
    """
    target = call_factory(spec.factory, spec.arguments, spec.seed)
    if not isinstance(target, Target):
        raise ValueError(
            f"factory {spec.factory!r} returned a {type(target).__name__}, not an llcray.Target. Return "
            "llcray.Target(params=..., loss_fn=..., data=...)."
        )
    on_host = {name: jax.tree.map(np.asarray, getattr(target, name)) for name in ("params", "data")}
    return dataclasses.replace(target, **on_host)


def call_factory(name: str, arguments: Mapping[str, Any], seed: int) -> Any:
    """What the function `package.module:function` returns for `arguments`, and for `seed` if it takes one.

    Raises:
        ValueError: There is no such module or function.
    """
    module_name, function_name = name.split(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise ValueError(
            f"factory {name!r}: there is no module {error.name!r}. Install it, or put its folder on PYTHONPATH."
        ) from error
    factory = getattr(module, function_name, None)
    if not callable(factory):
        raise ValueError(f"factory {name!r}: module {module_name!r} has no function {function_name!r}.")
    takes_seed = "seed" in inspect.signature(factory).parameters and "seed" not in arguments
    return factory(**arguments, **({"seed": seed} if takes_seed else {}))
