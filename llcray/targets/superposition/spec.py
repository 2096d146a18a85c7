"""Toy model of superposition at a regular k-gon (Elhage et al. 2022, 2209.10652; Chen et al. 2023, 2310.06301).

Inputs are u e_i, u in [0, 1], i one of c features; outputs ReLU(W^T W x + b) with W of 2 rows; the error is squared.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from llcray.targets.target import Target
from llcray.targets.variant import TargetSize, TargetVariant
from llcray.variant import Count, NonNegativeInt, PositiveFloat


class SuperpositionTarget(TargetVariant):
    """The best regular k-gon: k columns of W on a circle, the other features dead (column 0, bias below 0).

    The inputs are the same grid of u for every feature, so that the k-gon of the population is critical up to the
    spacing of the grid.

    Attributes:
        num_features: c.
        polygon: k >= 5 corners. (3- and 4-gons sit on a kink of the ReLU.)
        noise_scale: Standard deviation of the Gaussian likelihood; 2^-1/2 makes the loss the plain squared error.
        num_data: Number of examples n, a multiple of c.
        seed: Tells replicates apart; the target is the same.
    """

    kind: Literal["superposition"] = "superposition"
    num_features: Annotated[Count, Field(ge=5)] = 6
    polygon: Annotated[Count, Field(ge=5)] = 5
    noise_scale: PositiveFloat = 0.1
    num_data: Count = 12_000
    seed: NonNegativeInt = 0

    @model_validator(mode="after")
    def _check_that_features_suffice(self) -> Self:
        if self.polygon > self.num_features:
            raise ValueError(f"polygon {self.polygon} is more than num_features {self.num_features}: raise that")
        if self.num_data % self.num_features:
            raise ValueError(f"num_data {self.num_data} is no multiple of num_features {self.num_features}")
        return self

    def build(self) -> Target:
        from llcray.targets.superposition.build import build_superposition

        return build_superposition(self.num_features, self.polygon, self.noise_scale, self.num_data)

    def signature(self) -> Any:
        return [self.num_features, self.num_data]

    @property
    def size(self) -> TargetSize:
        return TargetSize(self.num_data, 3 * self.num_features)
