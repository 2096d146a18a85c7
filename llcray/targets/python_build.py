"""Calls a user's function for a target."""

import inspect
from importlib import import_module

import jax
import numpy as np

from llcray.targets.python import PythonTarget
from llcray.targets.target import Target


def build_python(spec: PythonTarget) -> Target:
    """The target that the named function returns.

    Raises:
        ValueError: There is no such module or function, or it returns something else than an `llcray.Target`.
    """
    module_name, function_name = spec.factory.split(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise ValueError(
            f"factory {spec.factory!r}: there is no module {error.name!r}. Install it, or put its folder on PYTHONPATH."
        ) from error
    factory = getattr(module, function_name, None)
    if not callable(factory):
        raise ValueError(f"factory {spec.factory!r}: module {module_name!r} has no function {function_name!r}.")
    takes_seed = "seed" in inspect.signature(factory).parameters and "seed" not in spec.arguments
    target = factory(**spec.arguments, **({"seed": spec.seed} if takes_seed else {}))
    if not isinstance(target, Target):
        raise ValueError(
            f"factory {spec.factory!r} returned a {type(target).__name__}, not an llcray.Target. Return "
            "llcray.Target(params=..., loss_fn=..., data=...)."
        )
    on_host = {name: jax.tree.map(np.asarray, getattr(target, name)) for name in ("params", "data")}
    return Target(on_host["params"], target.loss_fn, on_host["data"], target.is_likelihood, target.oracle, target.facts)
