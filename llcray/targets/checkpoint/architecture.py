"""The architecture of a checkpoint: one that the built-in decoder computes, or one that is traced with torch."""

import json
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from llcray.components.counts import structure_in
from llcray.components.structure import Structure
from llcray.targets.checkpoint.decoder.config import DecoderConfig, UnknownArchitectureError, read_config
from llcray.targets.checkpoint.folder import ADAPTER, base_of

LENGTHS = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "max_seq_len")
"""Names of the number of positions in configurations."""


@dataclass(frozen=True)
class TracedConfig:
    """A causal language model that transformers computes, and the built-in decoder does not.

    Attributes:
        family: Hugging Face's `model_type`.
        base: Folder of the model that the folder's adapter belongs to; None for a whole model.
        vocabulary: Number of tokens.
        structure: Numbers of layers and heads.
        max_length: Most positions that the configuration names; None where it names none.
    """

    family: str
    base: Path | None
    vocabulary: int
    structure: Structure
    max_length: int | None

    @property
    def longest(self) -> None:
        """Most positions, where the configuration alone decides; torch refuses longer ones when it traces."""
        return None

    @property
    def needed_packages(self) -> tuple[str, ...]:
        """The packages that trace the model."""
        return packages_for(is_adapter=self.base is not None)


def packages_for(*, is_adapter: bool) -> tuple[str, ...]:
    """The packages that trace a checkpoint."""
    return ("torch", "transformers", *(["peft"] if is_adapter else []))


def read_architecture(folder: Path) -> DecoderConfig | TracedConfig:
    """The architecture that the configuration of a folder describes.

    Raises:
        ValueError: There is none, or neither the decoder nor transformers, where that is installed, computes it.
    """
    try:
        return read_config(folder)
    except UnknownArchitectureError as refusal:
        needed = packages_for(is_adapter=(folder / ADAPTER).is_file())
        if missing := [name for name in needed if find_spec(name) is None]:
            raise ValueError(
                f"{refusal} Or install {' and '.join(missing)} (pip install 'llcray[transformers]'), with which other "
                "models are traced."
            ) from None
    return _read_traced(folder)


def _read_traced(folder: Path) -> TracedConfig:
    base = base_of(folder)
    if base is not None:
        with suppress(UnknownArchitectureError):
            read_config(base)
    raw = json.loads(((base or folder) / "config.json").read_text(encoding="utf-8-sig"))
    architectures = raw.get("architectures")
    named = [name for name in architectures if isinstance(name, str)] if isinstance(architectures, list) else []
    others = [name for name in named if not name.endswith(("ForCausalLM", "LMHeadModel"))]
    if raw.get("is_encoder_decoder") or others:
        raise ValueError(
            f"{base or folder} holds {', '.join(named) or 'an encoder and a decoder'}, not a causal language model. "
            "Give the module and its loss to llcray.torch.target."
        )
    vocabulary = raw.get("vocab_size")
    if not isinstance(vocabulary, int) or isinstance(vocabulary, bool) or vocabulary < 1:
        raise ValueError(
            f"{base or folder}: vocab_size of config.json is {vocabulary!r:.40}, no number of tokens. Load the model "
            "and give it to llcray.torch.language_model."
        )
    return TracedConfig(
        family=str(raw["model_type"]),
        base=base,
        vocabulary=vocabulary,
        structure=structure_in(_Attributes(raw)) or Structure(),
        max_length=next((size for name in LENGTHS if type(size := raw.get(name)) is int and size > 0), None),
    )


class _Attributes:
    def __init__(self, entries: dict[str, object]) -> None:
        self.__dict__.update(entries)
