"""A target that a function of the user's makes: any pytree and per-example loss."""

import dataclasses
import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from llcray.array_types import Arrays
from llcray.targets.arrays import named_arrays
from llcray.targets.factory_check import check_factory
from llcray.targets.target import Target
from llcray.targets.trees import check_data, check_params
from llcray.targets.variant import TargetVariant
from llcray.variant import NonNegativeInt, canonical_json


class PythonTarget(TargetVariant):
    """The `llcray.Target` that a function returns.

    The function's name and arguments make the id; its source does not: give changed code another name or argument.

    Attributes:
        factory: `package.module:function`; called with `arguments`, and with `seed` if it has such a parameter.
        arguments: Keyword arguments.
        seed: Varies what the function draws.
    """

    kind: Literal["python"] = "python"
    factory: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    arguments: dict[str, Any] = Field(default_factory=dict)
    seed: NonNegativeInt = 0

    @field_validator("arguments")
    @classmethod
    def _check_that_arguments_have_an_identity(cls, value: dict[str, Any]) -> dict[str, Any]:
        canonical_json(value)
        return value

    def check(self) -> None:
        """Looks for the function in its module's source, before any run starts.

        Raises:
            ValueError: There is no such module or function, or it does not take the arguments.
        """
        check_factory(self.factory, self.arguments)

    def build(self) -> Target:
        """The target that the named function returns.

        Raises:
            ValueError: There is no such module or function, or it returns something else than an `llcray.Target`.
        """
        import jax

        target = call_factory(self.factory, self.arguments, self.seed)
        if not isinstance(target, Target):
            raise ValueError(
                f"factory {self.factory!r} returned a {type(target).__name__}, not an llcray.Target. Return "
                "llcray.Target(params=..., loss_fn=..., data=...)."
            )
        check_params(target.params)
        check_data(target.data)
        on_host = {name: jax.tree.map(np.asarray, getattr(target, name)) for name in ("params", "data")}
        return dataclasses.replace(target, **on_host)

    def stored_arrays(self, target: Target) -> Arrays:
        return super().stored_arrays(target) | named_arrays("data", target.data)


def call_factory(name: str, arguments: Mapping[str, Any], seed: int) -> Any:
    """Calls the function `package.module:function` with `arguments`, and with `seed` if it takes one.

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
