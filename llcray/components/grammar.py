"""The grammar of components: texts that name subsets of the parameters of a network.

    all                      every parameter
    embed, unembed           token and position embeddings; the map to logits
    attn, mlp, norm          of every layer
    attn q                   queries; also k, v, o; a fused weight is cut
    l0                       layer 0
    l0 attn, l0 mlp, l0 norm, l0 attn q
    l0h1, l0h1 q             head 1 of layer 0: its slices of the weights
    l0g1                     group 1 of grouped-query attention: its keys and values, and the heads that use them
    */mlp/*, q_proj          any other text is a glob over whole parameter paths if it has *, ? or [, else a substring
    match:embed              the same, where the text would mean something else
    mask:FILE                boolean arrays by parameter path in a safetensors file
    l0h1 + l1h3              both together

`/` and `.` separate the parts of a path alike. A head owns its slices of Q and O, and of K and V unless a group of
heads shares them. Biases go with the weights whose outputs they shift; the bias of O belongs to no head.

Reference: the words are those of Wang et al. 2024 (arXiv 2410.02984) as the package devinterp writes them.
"""

import re
from dataclasses import dataclass
from typing import Literal

ALL = "all"
UNION = " + "
MATCH, MASK = "match:", "mask:"
Block = Literal["embed", "unembed", "attn", "mlp", "norm"]
Part = Literal["q", "k", "v", "o"]
WORDS = r"(?P<block>embed|unembed|attn|mlp|norm)"
LAYER = r"l(?P<layer>\d+)"
NAMED = re.compile(rf"{WORDS}(?: (?P<part>[qkvo]))?")
IN_LAYER = re.compile(rf"{LAYER}(?: (?P<block>attn|mlp|norm)(?: (?P<part>[qkvo]))?)?")
HEAD = re.compile(rf"{LAYER}(?P<sort>[hg])(?P<number>\d+)(?: (?P<part>[qkvo]))?")
REMEDY = "write all, embed, unembed, attn, mlp, norm, l0, l0 attn, l0 attn q, l0h1, l0g0, or part of a parameter's path"


@dataclass(frozen=True)
class Selector:
    """A condition on parameters; a field that is None does not restrict them.

    Attributes:
        block: Sort of block that the parameter belongs to.
        layer: Number of the layer.
        part: Query, key, value or output of an attention layer.
        head: Number of the query head.
        group: Number of the key and value head of grouped-query attention.
        pattern: Glob or substring of the path.
        mask_file: Safetensors file of boolean arrays; `#` and the first digits of its SHA-256 in a run's name.
    """

    block: Block | None = None
    layer: int | None = None
    part: Part | None = None
    head: int | None = None
    group: int | None = None
    pattern: str | None = None
    mask_file: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether the selector is that of `all`, without any condition."""
        return self == Selector()


@dataclass(frozen=True)
class Component:
    """A union of selectors.

    Attributes:
        name: The text as written, without needless spaces; it enters the identity of a run.
        selectors: At least one.
    """

    name: str
    selectors: tuple[Selector, ...]


def parse(text: str) -> Component:
    """The component that a text names.

    Raises:
        ValueError: The text is empty, or has spaces where the grammar has none.
    """
    parts = [" ".join(part.split()) for part in text.split("+")]
    return Component(UNION.join(parts), tuple(_selector(part, text) for part in parts))


def _selector(text: str, whole: str) -> Selector:
    if not text:
        raise ValueError(f"component '{whole}' has an empty part; {REMEDY}")
    if text == ALL:
        return Selector()
    if text.startswith(MASK):
        return Selector(mask_file=text.removeprefix(MASK))
    if text.startswith(MATCH):
        return Selector(pattern=text.removeprefix(MATCH))
    if match := HEAD.fullmatch(text):
        number, part = int(match["number"]), match["part"]
        head, group = (number, None) if match["sort"] == "h" else (None, number)
        return Selector("attn", int(match["layer"]), _part(part), head=head, group=group)
    match = IN_LAYER.fullmatch(text)
    if match is not None:
        return Selector(_block(match["block"], match["part"], whole), int(match["layer"]), _part(match["part"]))
    if match := NAMED.fullmatch(text):
        return Selector(_block(match["block"], match["part"], whole), None, _part(match["part"]))
    if " " in text:
        raise ValueError(f"component '{text}' is not understood; {REMEDY}")
    return Selector(pattern=text)


def _block(block: str | None, part: str | None, whole: str) -> Block | None:
    if part is not None and block != "attn":
        raise ValueError(f"component '{whole}': only attention has parts q, k, v, o; write 'attn {part}'")
    return block  # pyright: ignore[reportReturnType]  (the pattern allows no other word)


def _part(part: str | None) -> Part | None:
    return part  # pyright: ignore[reportReturnType]
