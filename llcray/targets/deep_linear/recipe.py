"""The fields of a deep linear teacher. They stand apart from its target so that the code that builds can name them.

The labels are y = W_L ... W_1 x exactly, the likelihood is Gaussian, and w* is the teacher itself (Aoyagi 2024):

    L_n(w) = 1/(2 noise_scale^2) mean_j |(W - W*) x_j|^2 + const, W the product of the matrices.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core.core_schema import ValidationInfo

from llcray.targets.variant import TargetVariant
from llcray.variant import Count, NonNegativeInt, PositiveFloat


class DeepLinearRecipe(TargetVariant):
    """Widths, rank and examples of a deep linear teacher.

    Attributes:
        widths: H_0, ..., H_L, input and output included: [10, 10, 10] has two matrices. Two matrices are reduced-rank
            regression.
        rank: Rank r of the product at w*.
        teacher: `aligned`: every matrix is U_s diag(1, ..., 1, 0, ..., 0) U_{s-1}^T of rank exactly r, with orthogonal
            U_s; there the LLC is Aoyagi's global minimum. `generic`: the first matrix has rank r and the others full
            rank; there it is larger (known where the product has constant rank nearby, and for two matrices).
            `published`: each matrix, at least one, is cut to rank r with probability 1/2, as benchmarks of the field
            do; beyond two matrices Aoyagi's value is then a lower bound.
        inputs: `whitened`: normal, then made to have second moment exactly I, so that the loss is
            |W - W*|^2/(2 noise_scale^2) for every n; `gaussian`: normal.
        noise_scale: Standard deviation of the likelihood; labels carry no noise.
        num_data: Number of examples n.
        seed: Varies teacher and inputs.
    """

    widths: Annotated[tuple[Count, ...], Field(min_length=2)] = (10, 10, 10)
    rank: NonNegativeInt = 5
    teacher: Literal["aligned", "generic", "published"] = "aligned"
    inputs: Literal["whitened", "gaussian"] = "whitened"
    noise_scale: PositiveFloat = 0.1
    num_data: Annotated[Count, Field(ge=2)] = 1000
    seed: NonNegativeInt = 0

    @field_validator("rank")
    @classmethod
    def _check_that_the_rank_fits(cls, value: int, info: ValidationInfo) -> int:
        widths = info.data.get("widths")
        if widths is not None and value > min(widths):
            raise ValueError(f"rank {value} is more than the narrowest of widths {list(widths)}: lower it")
        return value

    @model_validator(mode="after")
    def _check_that_inputs_can_be_whitened(self) -> Self:
        if self.inputs == "whitened" and self.num_data < self.widths[0]:
            raise ValueError(
                f"num_data {self.num_data} inputs of {self.widths[0]} coordinates cannot be whitened: raise num_data, "
                "or use inputs: gaussian"
            )
        return self
