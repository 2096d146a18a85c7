"""Deep linear teachers: one that is written down, and one drawn at random."""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from llcray.targets.deep_linear.recipe import DeepLinearRecipe
from llcray.targets.target import Target
from llcray.targets.variant import TargetSize, TargetVariant
from llcray.variant import Count, NonNegativeInt, PositiveFloat


class DeepLinearTarget(DeepLinearRecipe):
    """A realisable deep linear network, whose LLC is known."""

    kind: Literal["deep_linear"] = "deep_linear"

    def build(self) -> Target:
        from llcray.targets.deep_linear.build import build_deep_linear

        return build_deep_linear(self)

    def signature(self) -> Any:
        return [self.widths, self.num_data]

    @property
    def size(self) -> TargetSize:
        return TargetSize(self.num_data, sum(before * after for before, after in pairwise(self.widths)))


class RandomDeepLinearTarget(TargetVariant):
    """A deep linear teacher drawn at random, whose LLC is known; sweep `seed` for more of them.

    Layers are uniform, parameters and examples uniform in their logarithms, widths within a factor e of each other.
    Half of the tasks, at random, have a teacher of rank from 1 to below the narrowest width, the others of full rank.

    Attributes:
        max_layers: Most matrices.
        min_params: Fewest parameters.
        max_params: Most parameters.
        min_data: Fewest examples.
        max_data: Most examples.
        teacher: As in `DeepLinearTarget`.
        noise_scale: As in `DeepLinearTarget`.
        seed: Which task.
    """

    kind: Literal["random_deep_linear"] = "random_deep_linear"
    max_layers: Count = 4
    min_params: Annotated[Count, Field(ge=4)] = 30
    max_params: Count = 2000
    min_data: Annotated[Count, Field(ge=2)] = 1000
    max_data: Count = 10_000
    teacher: Literal["aligned", "generic", "published"] = "aligned"
    noise_scale: PositiveFloat = 0.1
    seed: NonNegativeInt = 0

    @model_validator(mode="after")
    def _check_the_ranges(self) -> Self:
        if self.max_params < 2 * self.min_params:
            raise ValueError(f"max_params {self.max_params} is less than twice min_params {self.min_params}: raise it")
        if self.max_data < self.min_data:
            raise ValueError(f"max_data {self.max_data} is less than min_data {self.min_data}: raise it")
        return self

    def draw(self) -> DeepLinearTarget:
        """Draws layers, widths, rank and number of examples of the seed's task."""
        import numpy as np

        from llcray.targets.random_streams import generator

        rng = generator("random_deep_linear", self.seed, self.model_copy(update={"seed": 0}))
        num_data = round(np.exp(rng.uniform(np.log(self.min_data), np.log(self.max_data))))
        num_layers = int(rng.integers(1, self.max_layers + 1))
        widths, num_params = (0,), 0
        while not (self.min_params <= num_params <= self.max_params and widths[0] <= num_data):
            shape = np.exp(rng.uniform(0, 1, num_layers + 1))
            aim = np.exp(rng.uniform(np.log(self.min_params), np.log(self.max_params)))
            scale = np.sqrt(aim / np.sum(shape[1:] * shape[:-1]))
            widths = tuple(max(1, round(width)) for width in scale * shape)
            num_params = sum(before * after for before, after in pairwise(widths))
        narrowest = min(widths)
        singular = rng.random() < 0.5 and narrowest > 1
        return DeepLinearTarget(
            widths=widths,
            rank=int(rng.integers(1, narrowest)) if singular else narrowest,
            teacher=self.teacher,
            inputs="whitened",
            noise_scale=self.noise_scale,
            num_data=num_data,
            seed=self.seed,
        )

    def build(self) -> Target:
        return self.draw().build()

    def signature(self) -> Any:
        return self.draw().signature()
