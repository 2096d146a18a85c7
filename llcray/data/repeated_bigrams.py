"""Sequences of a Markov chain repeated with a random period, which an induction head can predict and bigrams cannot.

Half of the sequences have their tokens relabelled by a random permutation, so that only the repetition predicts them.

Reference: induction heads, Olsson et al. 2022 (arXiv 2209.11895).
"""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from llcray.data.source import Examples, LabelledData, Split, Task
from llcray.variant import Count, Fraction

if TYPE_CHECKING:
    import numpy as np


class RepeatedBigrams(LabelledData):
    """Tokens (length,), labelled by the tokens that follow, (length,).

    Attributes:
        vocabulary: Number of tokens.
        length: Number of positions.
        shortest_period: Smallest number of tokens after which a sequence repeats.
        longest_period: Largest number of tokens after which a sequence repeats.
        num_data: Number of training sequences n.
        test_fraction: Number of fresh test sequences, as a share of `num_data`.
        chain_seed: Seed of the Markov chain.
    """

    kind: Literal["repeated_bigrams"] = "repeated_bigrams"
    vocabulary: Count = Field(default=32, ge=2)
    length: Count = 48
    shortest_period: Count = 16
    longest_period: Count = 24
    num_data: Count = 8192
    test_fraction: Fraction = 0.1
    chain_seed: int = 0

    @model_validator(mode="after")
    def _check_the_periods(self) -> Self:
        if self.shortest_period > self.longest_period:
            raise ValueError(
                f"shortest_period {self.shortest_period} is more than longest_period {self.longest_period}: lower it"
            )
        return self

    @property
    def size(self) -> int:
        return self.num_data

    @property
    def num_held_out(self) -> int:
        return round(self.test_fraction * self.num_data)

    @property
    def task(self) -> Task:
        return "classification"

    @property
    def num_outputs(self) -> int:
        return self.vocabulary

    def load(self, rng: "np.random.Generator") -> Split:
        """Fresh sequences for each seed, of a Markov chain that all seeds share."""
        train, test = self._draw(rng, self.num_data), self._draw(rng, self.num_held_out)
        return Split(train, test, self.vocabulary)

    def _draw(self, rng: "np.random.Generator", num: int) -> Examples:
        import numpy as np

        # Rows of a Dirichlet of small concentration: some successors are much likelier than others.
        chain = np.random.default_rng(self.chain_seed).dirichlet(np.full(self.vocabulary, 0.3), self.vocabulary)
        bounds = chain.cumsum(1)
        tokens = np.zeros((num, self.longest_period), np.int64)
        tokens[:, 0] = rng.integers(0, self.vocabulary, num)
        for position in range(1, self.longest_period):
            drawn = rng.uniform(0, 1, (num, 1)) > bounds[tokens[:, position - 1]]
            tokens[:, position] = np.minimum(drawn.sum(1), self.vocabulary - 1)
        names = np.argsort(rng.uniform(size=(num, self.vocabulary)), axis=1)
        names[rng.uniform(size=num) < 0.5] = np.arange(self.vocabulary)
        tokens = np.take_along_axis(names, tokens, axis=1)
        periods = rng.integers(self.shortest_period, self.longest_period + 1, (num, 1))
        repeated = np.take_along_axis(tokens, np.arange(self.length + 1) % periods, axis=1).astype(np.int32)
        return Examples(repeated[:, :-1], repeated[:, 1:])
