"""What the grammar of components needs to know of a network besides the names and shapes of its parameters."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Structure:
    """Numbers of layers and heads, where a network has them.

    Attributes:
        num_layers: Layers that `l0`, `l1`, ... name.
        num_heads: Query heads of an attention layer.
        num_kv_heads: Key and value heads; fewer than query heads where groups of these share one.
    """

    num_layers: int | None = None
    num_heads: int | None = None
    num_kv_heads: int | None = None

    @property
    def num_groups(self) -> int | None:
        """Key and value heads; as many as query heads unless said otherwise."""
        return self.num_kv_heads or self.num_heads
