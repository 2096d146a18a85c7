"""Names for values that have no class of their own: arrays, trees of arrays, rows of tables.

`Array` and `PyTree` say what a value is to a reader; a type checker takes them for `Any`, since an array may be NumPy's
or JAX's, and this module loads neither.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

Array: TypeAlias = Any
PyTree: TypeAlias = Any
LossFn: TypeAlias = Callable[..., Array]
"""`loss_fn(params, batch) -> (batch,)`: losses of the examples of a batch; of targets with buffers
`loss_fn(params, batch, buffers)`."""
Arrays: TypeAlias = dict[str, Array]
"""Arrays by name."""
Row: TypeAlias = dict[str, Any]
"""A row of a table: column name to value."""
