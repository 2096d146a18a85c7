"""Modular arithmetic: the table of (a, b) -> a op b mod p, split once (Power et al. 2022, arXiv 2201.02177)."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from llcray.data.source import Examples, LabelledData, Split, Task
from llcray.variant import Count, NonNegativeInt

if TYPE_CHECKING:
    import numpy as np

Operation = Literal["add", "subtract", "multiply", "sum_of_squares"]


class Modular(LabelledData):
    """Pairs of operands as tokens (2,), labelled by the class a op b mod p.

    The whole table is shuffled and split once. The split depends on modulus, operation, `train_fraction` and
    `split_seed`, neither on the target's seed nor on the range of the operands, so that a curriculum of nested ranges
    never trains on a pair that is held out elsewhere.

    Attributes:
        modulus: p; operands run from 0 to p - 1.
        operation: op.
        train_fraction: Share of the table that is trained on.
        operand_range: Bound below which both operands of a pair lie, in either split; null takes all pairs.
        vocabulary: Number of tokens and classes that a network is made for, at least p; null is p. Targets that train
            on several moduli in turn have one vocabulary.
        split_seed: Seed of the split.
    """

    kind: Literal["modular"] = "modular"
    modulus: Count = Field(default=53, ge=2)
    operation: Operation = "add"
    train_fraction: float = Field(default=0.4, gt=0, le=1)
    operand_range: Count | None = None
    vocabulary: Count | None = None
    split_seed: NonNegativeInt = 0

    @model_validator(mode="after")
    def _check_the_ranges(self) -> Self:
        if self.vocabulary is not None and self.vocabulary < self.modulus:
            raise ValueError(f"vocabulary {self.vocabulary} is less than the modulus {self.modulus}: raise it")
        if self.operand_range is not None and self.operand_range > self.modulus:
            raise ValueError(f"operand_range {self.operand_range} is more than the modulus {self.modulus}: lower it")
        if self.size < 2:
            raise ValueError(f"train_fraction {self.train_fraction} leaves {self.size} training examples: raise it")
        return self

    @property
    def task(self) -> Task:
        return "classification"

    @property
    def num_outputs(self) -> int:
        return self.vocabulary or self.modulus

    @property
    def size(self) -> int:
        return len(self._pairs()[0])

    @property
    def num_held_out(self) -> int:
        return len(self._pairs()[1])

    def load(self, rng: "np.random.Generator") -> Split:
        del rng
        train, test = self._pairs()
        return Split(self._examples(train), self._examples(test), self.num_outputs)

    def _pairs(self) -> "tuple[np.ndarray, np.ndarray]":
        """The operands (pairs, 2) to train on and those to hold out."""
        import numpy as np

        table = np.stack(np.divmod(np.arange(self.modulus**2), self.modulus), axis=1)
        entropy = [self.split_seed, self.modulus, *self.operation.encode()]
        table = table[np.random.default_rng(entropy).permutation(len(table))]
        num_train = int(self.train_fraction * len(table))
        limit = self.operand_range or self.modulus
        train, test = (part[(part < limit).all(1)] for part in (table[:num_train], table[num_train:]))
        return train, test

    def _examples(self, pairs: "np.ndarray") -> Examples:
        import numpy as np

        a, b = pairs.T
        results = {"add": a + b, "subtract": a - b, "multiply": a * b, "sum_of_squares": a**2 + b**2}
        return Examples(pairs.astype(np.int32), (results[self.operation] % self.modulus).astype(np.int32))
