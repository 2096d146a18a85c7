"""Changes of tensors between two checkpoints: the entries that an update left unchanged, and the rank of the update.

Both tensors are cast to `compare_dtype` (by default the narrower of the types they are stored in). Their difference
delta, after minus before, is taken in that type, as the official script of Mukherjee et al. does with bfloat16.

    exact       delta == 0
    tolerance   |delta| <= 1e-5                                     (their torch.isclose(delta, 0, atol=1e-5))
    relative    |delta| <= 1e-3 max(|before|, |after|)              (aware of the spacing of bfloat16)
    rank        matrix_rank(float32(delta)) / min(shape), 2-D tensors that are not norms

The storage type decides the first two: a step smaller than half the spacing of bfloat16 leaves an entry as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from llcray.components.roles import Role, role_of
from llcray.targets.checkpoint.tensors import Checkpoint, import_ml_dtypes

TOLERANCE = 1e-5
RELATIVE_TOLERANCE = 1e-3
# A singular value decomposition of an 8192 x 8192 matrix takes minutes; larger ones are left out.
LARGEST_RANK_SIZE = 8192


@dataclass(frozen=True)
class TensorChange:
    """The change of one tensor by an update.

    Attributes:
        name: Name of the tensor.
        role: Layer and block of the tensor.
        num_params: Number of entries.
        num_unchanged_exact: Number of entries with delta == 0.
        num_unchanged_tolerance: Number of entries with |delta| up to the tolerance.
        num_unchanged_relative: Number of entries with |delta| up to a share of their own size.
        rank_fraction: Rank of delta over the largest possible rank; None where it does not apply or was not asked for.
        storage_dtype: Type in which the later checkpoint stores the tensor.
        compare_dtype: Type in which the tensors were compared.
    """

    name: str
    role: Role
    num_params: int
    num_unchanged_exact: int
    num_unchanged_tolerance: int
    num_unchanged_relative: int
    rank_fraction: float | None
    storage_dtype: str
    compare_dtype: str


def changes(
    before: Checkpoint,
    after: Checkpoint,
    *,
    compare_dtype: str | None = None,
    tolerance: float = TOLERANCE,
    relative_tolerance: float = RELATIVE_TOLERANCE,
    largest_rank_size: int = LARGEST_RANK_SIZE,
) -> Iterator[TensorChange]:
    """The change of every floating-point tensor, one pair of tensors in memory at a time.

    Args:
        before: The model before fine-tuning.
        after: The model after fine-tuning.
        compare_dtype: Type such as `bfloat16` or `float32`; None takes the narrower of the stored types.
        tolerance: Largest |delta| that counts as unchanged.
        relative_tolerance: Largest |delta| that counts as unchanged, as a share of the entry.
        largest_rank_size: Ranks of matrices whose smaller side exceeds it are left out; 0 computes none.

    Raises:
        ValueError: The checkpoints hold different tensors.
    """
    for name in common_names(before, after):
        old, new = before.read(name), after.read(name)
        if is_floating(new.dtype):
            yield _change(name, old, new, compare_dtype, tolerance, relative_tolerance, largest_rank_size)


def common_names(before: Checkpoint, after: Checkpoint) -> list[str]:
    """Names of the tensors that both checkpoints hold.

    Raises:
        ValueError: One holds a tensor that the other lacks.
    """
    lost, added = set(before.files) - set(after.files), set(after.files) - set(before.files)
    if lost or added:
        shown = ", ".join(sorted(lost | added)[:4])
        raise ValueError(
            f"{before.path} and {after.path} hold different tensors ({len(lost)} only in the first, {len(added)} only "
            f"in the second: {shown}). Compare checkpoints of one model; merge adapters first."
        )
    return after.names


def is_floating(dtype: np.dtype) -> bool:
    """Whether a type is floating point, as bfloat16 and the 8-bit types are, too."""
    return np.issubdtype(dtype, np.floating) or dtype.name.startswith(("bfloat", "float"))


def delta_of(old: np.ndarray, new: np.ndarray, compare_dtype: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both tensors and their difference, all in the type of the comparison."""
    import_ml_dtypes()
    narrower = old.dtype if old.dtype.itemsize < new.dtype.itemsize else new.dtype
    dtype = np.dtype(compare_dtype) if compare_dtype is not None else narrower
    old, new = old.astype(dtype), new.astype(dtype)
    return old, new, new - old


def is_changed(delta: np.ndarray, tolerance: float) -> np.ndarray:
    """Whether |delta| exceeds the tolerance, which is rounded to the type of delta as PyTorch does; 0 is exact."""
    return np.abs(delta) > delta.dtype.type(tolerance)


def rank_fraction(delta: np.ndarray) -> float:
    """Rank of a matrix over its smaller side.

    Singular values up to max(shape) eps(float32) times the largest one count as zero.
    """
    return float(np.linalg.matrix_rank(delta.astype(np.float32))) / min(delta.shape)


def _change(
    name: str,
    old: np.ndarray,
    new: np.ndarray,
    compare_dtype: str | None,
    tolerance: float,
    relative_tolerance: float,
    largest_rank_size: int,
) -> TensorChange:
    if old.shape != new.shape:
        raise ValueError(f"tensor {name} has shape {old.shape} before and {new.shape} after: not one model")
    storage = new.dtype.name
    old, new, delta = delta_of(old, new, compare_dtype)
    size = np.maximum(np.abs(old.astype(np.float32)), np.abs(new.astype(np.float32)))
    role = role_of(name)
    is_norm = role.block == "norm" or role.part == "norm"
    ranked = delta.ndim == 2 and not is_norm and 0 < min(delta.shape) <= largest_rank_size
    return TensorChange(
        name=name,
        role=role,
        num_params=delta.size,
        num_unchanged_exact=int(np.count_nonzero(delta == 0)),
        num_unchanged_tolerance=int(np.count_nonzero(~is_changed(delta, tolerance))),
        num_unchanged_relative=int(np.count_nonzero(np.abs(delta.astype(np.float32)) <= relative_tolerance * size)),
        rank_fraction=rank_fraction(delta) if ranked else None,
        storage_dtype=storage,
        compare_dtype=delta.dtype.name,
    )
