"""A network that is its own teacher: labels are its outputs exactly, w* its weights, L_n(w) least at w*."""

from typing import Annotated, Any, Literal

from pydantic import Field

from llcray.architectures import MLP, DeepLinear
from llcray.components.structure import Structure
from llcray.data import AnisotropicGaussian, Gaussian, GaussianMixture, Manifold, StudentT
from llcray.targets.target import Target
from llcray.targets.variant import TargetSize, TargetVariant
from llcray.variant import NonNegativeInt, PositiveFloat


class RealisableTarget(TargetVariant):
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

    def build(self) -> Target:
        from llcray.targets.realisable.build import build_realisable

        return build_realisable(self.architecture, self.data, self.noise_scale, self.seed)

    def signature(self) -> Any:
        return [self.architecture.signature(), self.data.signature()]

    def structure(self) -> Structure:
        return self.architecture.structure()

    @property
    def size(self) -> TargetSize:
        data = self.data
        return TargetSize(
            data.num_data, self.architecture.approximate_size(data.input_dimension, data.output_dimension)
        )
