"""Components in a sweep file: texts of the grammar, and mappings that stand for several of them.

    components: [all, l0h1, "*/mlp/*", {attention: {layers: all, heads: each}}, {mlp: {layers: each}}, {match: embed}]

`all` takes layers (or heads) together, `each` makes one component of each, and a list one of each number it names.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from llcray.components.grammar import MASK, MATCH, UNION, parse
from llcray.components.structure import Structure
from llcray.file_digest import file_digest
from llcray.full_path import full_path
from llcray.variant import NonNegativeInt, Record

Numbers = Literal["all", "each"] | Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)]
DIGEST_LENGTH = 12


class OfLayers(Record):
    """Choice among the layers of a kind of block.

    Attributes:
        layers: Numbers of the layers, `all` together, or `each`.
    """

    layers: Numbers = "all"


class OfAttention(OfLayers):
    """Choice among attention blocks, whole or cut into heads or parts.

    Attributes:
        layers: Numbers of the layers, `all` together, or `each`.
        heads: Heads of these layers; `all` does not cut.
        parts: Those of q, k, v and o that are taken; null does not cut.
    """

    heads: Numbers = "all"
    parts: Literal["each"] | Annotated[tuple[Literal["q", "k", "v", "o"], ...], Field(min_length=1)] | None = None


class Choice(Record):
    """One or several components, chosen by exactly one key.

    Attributes:
        attention: Attention blocks, their heads or parts.
        mlp: Blocks between attention.
        norm: Layer norms.
        layers: Whole layers.
        match: Glob over parameter paths, or a part of a path.
        any_of: Texts of the grammar, taken together as one component.
        mask: A safetensors file of boolean arrays by parameter path.
    """

    attention: OfAttention | None = None
    mlp: OfLayers | None = None
    norm: OfLayers | None = None
    layers: Numbers | None = None
    match: Annotated[str, Field(min_length=1)] | None = None
    any_of: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    mask: Path | None = None

    @field_validator("any_of")
    @classmethod
    def _check_the_grammar(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for text in value or ():
            parse(text)
        return value

    @field_validator("mask")
    @classmethod
    def _check_the_file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}: give a path from the folder you run in, or a full one")
        return value

    @model_validator(mode="after")
    def _check_that_one_key_is_given(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"a component has exactly one of {known}; got {', '.join(given) or 'none'}")
        return self

    def names(self, structure: Structure | None) -> Iterator[str]:
        """The chosen components, as texts of the grammar.

        Raises:
            ValueError: `each` asks for all layers or heads of a network whose number of them is not known.
        """
        if self.attention is not None:
            yield from _attention(self.attention, structure)
        for block in ("mlp", "norm"):
            if (chosen := getattr(self, block)) is not None:
                yield from (f"{layer} {block}".strip() for layer in _layers(chosen.layers, structure))
        if self.layers is not None:
            yield from (layer for layer in _layers("each" if self.layers == "all" else self.layers, structure))
        if self.match is not None:
            yield self.match if parse(self.match).selectors[0].pattern == self.match else f"{MATCH}{self.match}"
        if self.any_of is not None:
            yield parse(UNION.join(self.any_of)).name
        if self.mask is not None:
            yield f"{MASK}{self.mask}"


class NamedComponent(NamedTuple):
    """A component under the name that it has in a run.

    Attributes:
        name: Text of the grammar, where a mask is named by the digest of its file: a moved file is the same component.
        mask_files: Files of the masks that the name refers to.
    """

    name: str
    mask_files: tuple[Path, ...] = ()


def components_of(chosen: Any, structure: Structure | None) -> list[NamedComponent]:
    """The components that an entry of `components` stands for.

    Raises:
        ValueError: The entry is not understood, asks for `each` of something whose number is not known, or names a file
            that does not exist.
    """
    return [_named(text) for text in ([chosen] if isinstance(chosen, str) else chosen.names(structure))]


def _named(text: str) -> NamedComponent:
    parts, files = [], []
    for part in parse(text).name.split(UNION):
        if part.startswith(MASK):
            path = full_path(part.removeprefix(MASK))
            if not path.is_file():
                raise ValueError(f"there is no file {path}: give a path from the folder you run in, or a full one")
            files.append(path)
            part = f"{MASK}#{file_digest(path)[:DIGEST_LENGTH]}"
        parts.append(part)
    return NamedComponent(UNION.join(parts), tuple(files))


def _attention(chosen: OfAttention, structure: Structure | None) -> Iterator[str]:
    parts = (
        [""] if chosen.parts is None else [f" {part}" for part in ("qkvo" if chosen.parts == "each" else chosen.parts)]
    )
    if chosen.heads == "all":
        yield from (f"{layer} attn{part}".strip() for layer in _layers(chosen.layers, structure) for part in parts)
        return
    num_heads = structure.num_heads if structure is not None else None
    heads = _numbers(chosen.heads, num_heads, "heads")
    layers = _layers("each" if chosen.layers == "all" else chosen.layers, structure)
    yield from (f"{layer}h{head}{part}" for layer in layers for head in heads for part in parts)


def _layers(chosen: Any, structure: Structure | None) -> list[str]:
    if chosen == "all":
        return [""]
    num_layers = structure.num_layers if structure is not None else None
    return [f"l{layer}" for layer in _numbers(chosen, num_layers, "layers")]


def _numbers(chosen: Any, number: int | None, what: str) -> list[int]:
    if chosen == "each":
        if number is None:
            raise ValueError(
                f"'{what}: each' needs to know how many {what} the target has, which its spec does not say; "
                f"list them, as in {what}: [0, 1]"
            )
        return list(range(number))
    if number is not None and (beyond := [index for index in chosen if index >= number]):
        raise ValueError(f"{what} {beyond} do not exist: the target has {number}, numbered from 0")
    return list(chosen)
