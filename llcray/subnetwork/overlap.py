"""Whether two fine-tunings of one model updated the same entries.

    o1 = |I1 and I2| / |I1|,    o2 = |I1 and I2| / |I2|,    I the updated entries

By chance o1 would be the density of I2 and o2 that of I1.

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
        num_params: Entries compared.
        num_first: Updated by the first run.
        num_second: Updated by the second.
        num_both: Updated by both.
    """

    num_params: int
    num_first: int
    num_second: int
    num_both: int

    @property
    def of_first(self) -> float:
        """o1; NaN when the first run changed nothing."""
        return _ratio(self.num_both, self.num_first)

    @property
    def of_second(self) -> float:
        """o2."""
        return _ratio(self.num_both, self.num_second)

    @property
    def chance_of_first(self) -> float:
        """o1 of independent masks: the density of the second."""
        return _ratio(self.num_second, self.num_params)

    @property
    def chance_of_second(self) -> float:
        """o2 of independent masks."""
        return _ratio(self.num_first, self.num_params)

    @property
    def jaccard(self) -> float:
        """|I1 and I2| / |I1 or I2|."""
        return _ratio(self.num_both, self.num_first + self.num_second - self.num_both)

    def __add__(self, other: "Overlap") -> "Overlap":
        """Of both sets of entries together."""
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
    """Overlap of what two runs from one model updated, pooled by element.

    Args:
        before: The model both started from.
        first: After one run.
        second: After the other.
        compare_dtype: See `llcray.subnetwork.changes`.
        tolerance: Largest |delta| that counts as unchanged.
    """
    total = Overlap(0, 0, 0, 0)
    common_names(before, second)
    for name in common_names(before, first):
        old = before.read(name)
        if is_floating(old.dtype):
            masks = [is_changed(delta_of(old, run.read(name), compare_dtype)[2], tolerance) for run in (first, second)]
            total += of_masks(*masks)
    return total


def of_masks(first: np.ndarray, second: np.ndarray) -> Overlap:
    """Overlap of two boolean arrays of one shape."""
    counts = (np.count_nonzero(mask) for mask in (first, second, first & second))
    return Overlap(first.size, *(int(count) for count in counts))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
