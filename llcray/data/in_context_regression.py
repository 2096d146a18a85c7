"""In-context linear regression, with a task t ~ N(0, I) for each sequence.

    y_k = t . x_k + sigma e_k,    e_k ~ N(0, 1)

A sequence is the tokens (0, x_1), (y_1, 0), ..., (0, x_K), (y_K, 0); the network predicts y_k after each x_k.

Reference: Garg et al. 2022 (arXiv 2208.01066); settings of Hoogland et al. 2024 (arXiv 2402.02364), section 3.
"""

from typing import TYPE_CHECKING, Literal

from llcray.data.source import Examples, LabelledData, Split, Task
from llcray.variant import Count, Fraction, PositiveFloat

if TYPE_CHECKING:
    import numpy as np


class InContextRegression(LabelledData):
    """Sequences of vectors, shape (2 K, D + 1), with labels (K,).

    Attributes:
        input_dimension: D.
        num_pairs: K.
        noise_scale: sigma. The likelihood has to be given the same scale.
        num_data: Number of training sequences n.
        test_fraction: Number of fresh test sequences, as a share of `num_data`.
    """

    kind: Literal["in_context_regression"] = "in_context_regression"
    input_dimension: Count = 4
    num_pairs: Count = 8
    noise_scale: PositiveFloat = 0.35355
    num_data: Count = 32_768
    test_fraction: Fraction = 0.1

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
        return self.num_pairs

    def load(self, rng: "np.random.Generator") -> Split:
        train, test = self._draw(rng, self.num_data), self._draw(rng, self.num_held_out)
        return Split(train, test, self.num_pairs)

    def _draw(self, rng: "np.random.Generator", num: int) -> Examples:
        import numpy as np

        tasks = rng.standard_normal((num, self.input_dimension))
        x = rng.standard_normal((num, self.num_pairs, self.input_dimension))
        y = np.einsum("nkd,nd->nk", x, tasks) + self.noise_scale * rng.standard_normal((num, self.num_pairs))
        tokens = np.zeros((num, 2 * self.num_pairs, self.input_dimension + 1))
        tokens[:, 0::2, 1:], tokens[:, 1::2, 0] = x, y
        return Examples(tokens, y)
