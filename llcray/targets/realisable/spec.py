"""A network that is its own teacher: labels are its outputs exactly, w* its weights, L_n(w) least at w*."""

from typing import Annotated, Literal

from pydantic import Field

from llcray.architectures import MLP, DeepLinear
from llcray.data import AnisotropicGaussian, Gaussian, GaussianMixture, Manifold, StudentT
from llcray.variant import NonNegativeInt, PositiveFloat, Variant


class RealisableTarget(Variant):
    """A network at generic weights, where the LLC is half the rank of the Jacobian of its outputs over the data.

    That answer is given up to 2,000 parameters.

    Attributes:
        data: Inputs.
        architecture: The network; `gain` and `bias_scale` say how its weights are drawn.
        noise_scale: Standard deviation of the Gaussian likelihood; labels carry no noise.
        seed: Varies inputs and weights.
    """

    kind: Literal["realisable"] = "realisable"
    data: Annotated[Gaussian | AnisotropicGaussian | GaussianMixture | Manifold | StudentT, Field(discriminator="kind")]
    architecture: Annotated[MLP | DeepLinear, Field(discriminator="kind")]
    noise_scale: PositiveFloat = 0.1
    seed: NonNegativeInt = 0
