"""Other examples for a target's loss (data-refined LLC), in sampling and evaluation alike.

    lambda-hat(w*; q') = n beta (E[L_q'(w)] - L_q'(w*)),    n the number of examples of q'

Reference: Wang et al. 2024, arXiv 2410.02984, section 3.2.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from llcray.data import Data
from llcray.data.tokens import Tokens
from llcray.noise import Noise, NoNoise
from llcray.variant import Count, NonNegativeInt, Variant, canonical_json

SHARE_HELD_OUT = "its data's test_fraction (of modular: lower the train_fraction)"


class Examples(Variant):
    """Base of the other examples; one column of the dataset holds the whole spec."""

    one_column: ClassVar[bool] = True

    kind: Any  # a Literal in every kind

    def cell(self) -> str:
        """The value of column `loss_on`."""
        return canonical_json(self)

    def num_taken(self, num_available: int) -> int:
        """The number of examples taken, of so many that there are.

        Raises:
            ValueError: More are asked for, or there are none.
        """
        return num_available


class HeldOut(Examples):
    """The held-out examples of a trained target.

    Attributes:
        num_data: Of these, the first so many; null takes all.
    """

    kind: Literal["test"] = "test"
    num_data: Count | None = None

    def cell(self) -> str:
        return self.kind if self.num_data is None else super().cell()

    def num_taken(self, num_available: int) -> int:
        if not num_available:
            raise ValueError(f"examples test: the target holds none out. Raise {SHARE_HELD_OUT}.")
        return _first(self.num_data, num_available, "held-out examples", f"Lower it, or raise {SHARE_HELD_OUT}.")


class OtherData(Examples):
    """Other inputs (and labels) for a trained target: made as its own are, by its teacher if it has one.

    Attributes:
        data: The inputs, or inputs and labels.
        noise: Errors of their labels.
    """

    kind: Literal["data"] = "data"
    data: Data
    noise: Noise = NoNoise()


class OtherTokens(Examples):
    """Other token sequences for a checkpoint, of the length of its own.

    Attributes:
        data: The tokens.
    """

    kind: Literal["tokens"] = "tokens"
    data: Tokens


class PythonExamples(Examples):
    """Examples that a function of the user's returns: a pytree like the target's data.

    Attributes:
        factory: `package.module:function`; called with `arguments`, and with `seed` if it has such a parameter.
        arguments: Keyword arguments.
        seed: Varies what the function draws.
        num_data: Of these, the first so many; null takes all.
    """

    kind: Literal["python"] = "python"
    factory: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    arguments: dict[str, Any] = Field(default_factory=dict)
    seed: NonNegativeInt = 0
    num_data: Count | None = None

    @field_validator("arguments")
    @classmethod
    def _check_that_arguments_have_an_identity(cls, value: dict[str, Any]) -> dict[str, Any]:
        canonical_json(value)
        return value

    def num_taken(self, num_available: int) -> int:
        return _first(self.num_data, num_available, f"examples of {self.factory}", "Lower it, or return more.")


LossOn = Annotated[HeldOut | OtherData | OtherTokens | PythonExamples, Field(discriminator="kind")]


def _first(asked: int | None, num_available: int, what: str, remedy: str) -> int:
    if asked is not None and asked > num_available:
        raise ValueError(f"num_data {asked} is more than the {num_available} {what}. {remedy}")
    return num_available if asked is None else asked
