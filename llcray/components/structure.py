"""The structure of a network: counts that components need besides the names and shapes of the parameters."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Structure:
    """Numbers of layers and heads, where a network has them.

    Attributes:
        num_layers: Number of layers, which `l0`, `l1`, ... name.
        num_heads: Number of query heads of an attention layer.
        num_kv_heads: Number of key and value heads; fewer than query heads where groups of these share one.
    """

    num_layers: int | None = None
    num_heads: int | None = None
    num_kv_heads: int | None = None

    @property
    def num_groups(self) -> int | None:
        """Number of key and value heads; that of query heads unless said otherwise."""
        return self.num_kv_heads or self.num_heads
