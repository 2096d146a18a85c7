"""A target that a function of the user's makes: any pytree and per-example loss."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from llcray.variant import NonNegativeInt, Variant, canonical_json


class PythonTarget(Variant):
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
