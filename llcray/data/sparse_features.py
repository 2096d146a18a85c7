"""Inputs of the toy model of superposition, with one active feature at a time; the label is x itself.

    x = u e_i,    u ~ U[0, 1],    i uniform

Reference: Chen et al. 2023 (arXiv 2310.06301).
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from llcray.data.source import Examples, LabelledData, Split, Task
from llcray.variant import Count, Fraction

if TYPE_CHECKING:
    import numpy as np


class SparseFeatures(LabelledData):
    """Inputs (c,) with one coordinate that is not zero, labelled by themselves.

    Attributes:
        num_features: c.
        num_data: Number of training examples n.
        test_fraction: Number of fresh test examples, as a share of `num_data`.
    """

    kind: Literal["sparse_features"] = "sparse_features"
    num_features: Annotated[Count, Field(ge=2)] = 6
    num_data: Count = 1000
    test_fraction: Fraction = 0.2

    @property
    def size(self) -> int:
        return self.num_data

    @property
    def num_held_out(self) -> int:
        return round(self.test_fraction * self.num_data)

    @property
    def task(self) -> Task:
        return "regression"

    @property
    def num_outputs(self) -> int:
        return self.num_features

    def load(self, rng: "np.random.Generator") -> Split:
        return Split(self._draw(rng, self.num_data), self._draw(rng, self.num_held_out), self.num_features)

    def _draw(self, rng: "np.random.Generator", num: int) -> Examples:
        import numpy as np

        x = np.zeros((num, self.num_features))
        x[np.arange(num), rng.integers(0, self.num_features, num)] = rng.uniform(0, 1, num)
        return Examples(x, x.copy())
