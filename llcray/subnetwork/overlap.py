"""Overlap of the entries I1 and I2 that two fine-tunings of one model updated.

    o1 = |I1 and I2| / |I1|,    o2 = |I1 and I2| / |I2|

For independent updates o1 would be the density of I2, and o2 that of I1.

Reference: Mukherjee et al. 2025, arXiv 2505.11711, section 6.
"""

from dataclasses import dataclass

import numpy as np

from llcray.subnetwork.changes import common_names, delta_of, is_changed, is_floating
from llcray.targets.checkpoint.tensors import Checkpoint


@dataclass(frozen=True)
class Overlap:
    """Counts of updated entries.

    Attributes:
        num_params: Number of entries that were compared.
        num_first: Number of entries that the first run updated.
        num_second: Number of entries that the second run updated.
        num_both: Number of entries that both runs updated.
    """

    num_params: int
    num_first: int
    num_second: int
    num_both: int

    @property
    def of_first(self) -> float:
        """The overlap o1; NaN when the first run changed nothing."""
        return _ratio(self.num_both, self.num_first)

    @property
    def of_second(self) -> float:
        """The overlap o2; NaN when the second run changed nothing."""
        return _ratio(self.num_both, self.num_second)

    @property
    def chance_of_first(self) -> float:
        """The o1 of independent updates, which is the density of the second run's updates."""
        return _ratio(self.num_second, self.num_params)

    @property
    def chance_of_second(self) -> float:
        """The o2 of independent updates, which is the density of the first run's updates."""
        return _ratio(self.num_first, self.num_params)

    @property
    def jaccard(self) -> float:
        """The Jaccard index |I1 and I2| / |I1 or I2|."""
        return _ratio(self.num_both, self.num_first + self.num_second - self.num_both)

    def __add__(self, other: "Overlap") -> "Overlap":
        """The overlap over two disjoint sets of entries together."""
        return Overlap(
            self.num_params + other.num_params,
            self.num_first + other.num_first,
            self.num_second + other.num_second,
            self.num_both + other.num_both,
        )


def overlap(
    before: Checkpoint,
    first: Checkpoint,
    second: Checkpoint,
    *,
    compare_dtype: str | None = None,
    tolerance: float = 0.0,
) -> Overlap:
    """Overlap of the entries that two runs from one model updated, over all tensors.

    Args:
        before: The model that both runs started from.
        first: The model after the first run.
        second: The model after the second run.
        compare_dtype: Type of the comparison; None takes the narrower of the stored types.
        tolerance: Largest |delta| that counts as unchanged.
    """
    total = Overlap(0, 0, 0, 0)
    common_names(before, second)
    for name in common_names(before, first):
        old = before.read(name)
        if is_floating(old.dtype):
            masks = [is_changed(delta_of(old, run.read(name), compare_dtype)[2], tolerance) for run in (first, second)]
            total += overlap_of_masks(*masks)
    return total


def overlap_of_masks(first: np.ndarray, second: np.ndarray) -> Overlap:
    """Overlap of two boolean arrays of one shape."""
    counts = (np.count_nonzero(mask) for mask in (first, second, first & second))
    return Overlap(first.size, *(int(count) for count in counts))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
