"""Update sparsity of a component: the share of its entries, over all tensors, that an update left unchanged."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from llcray.subnetwork.changes import RELATIVE_TOLERANCE, TOLERANCE, delta_of, is_changed


@dataclass(frozen=True)
class Unchanged:
    """Shares of unchanged entries, as `llcray.subnetwork.changes` defines them.

    Attributes:
        num_params: Number of entries.
        exact: Share of entries that are unchanged to the bit.
        tolerance: Share of entries that are unchanged up to 1e-5.
        relative: Share of entries that are unchanged up to a thousandth of their size.
    """

    num_params: int
    exact: float
    tolerance: float
    relative: float


def unchanged(tensors: Iterable[tuple[np.ndarray, np.ndarray, Any]], compare_dtype: str | None) -> Unchanged:
    """Shares of unchanged entries among those that masks choose.

    Args:
        tensors: Values before, values after and mask of each tensor; a mask is True, False or of the tensor's shape.
        compare_dtype: Type of the comparison; None takes the narrower of the stored types.
    """
    total = exact = within = relative = 0
    for old, new, mask in tensors:
        chosen = np.broadcast_to(mask, new.shape)
        before, after, delta = delta_of(old, new, compare_dtype)
        size = np.maximum(np.abs(before.astype(np.float32)), np.abs(after.astype(np.float32)))
        total += int(chosen.sum())
        exact += int((chosen & (delta == 0)).sum())
        within += int((chosen & ~is_changed(delta, TOLERANCE)).sum())
        relative += int((chosen & (np.abs(delta.astype(np.float32)) <= RELATIVE_TOLERANCE * size)).sum())
    return Unchanged(total, exact / total, within / total, relative / total)
