"""Numbers of layers and heads in the configurations of language models, under the names that libraries give them."""

from typing import Any

from llcray.components.structure import Structure

COUNTS = {
    "num_layers": ("num_hidden_layers", "n_layers", "n_layer", "num_layers"),
    "num_heads": ("num_attention_heads", "n_heads", "n_head", "num_heads"),
    "num_kv_heads": ("num_key_value_heads", "n_key_value_heads"),
}
"""Names of the numbers of layers and heads in configurations."""


def structure_in(config: Any) -> Structure | None:
    """The numbers of layers and heads in a configuration of Hugging Face or TransformerLens, where it has them.

    Args:
        config: An object that has them as attributes; None has none.
    """
    found = {
        name: next((getattr(config, key) for key in keys if hasattr(config, key)), None)
        for name, keys in COUNTS.items()
    }
    counts = {name: count if isinstance(count, int) else None for name, count in found.items()}
    return Structure(**counts) if counts["num_layers"] or counts["num_heads"] else None
