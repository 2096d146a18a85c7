"""Changes of tensors pooled into groups: the whole model, layers, blocks, components, or tensors."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from llcray.components.roles import Role
from llcray.subnetwork.changes import TensorChange

By = Literal["all", "layer", "block", "component", "tensor"]
REST = "other"
BLOCKS = ("attn", "mlp", "norm")


@dataclass(frozen=True)
class GroupChange:
    """What an update did to a group of tensors. Sparsity is the unchanged fraction; 1 - sparsity was updated.

    Attributes:
        group: Name of the group.
        num_params: Entries.
        sparsity_exact: Unchanged to the bit, by element.
        sparsity_tolerance: Unchanged up to the tolerance, by element: the paper's number.
        sparsity_relative: Unchanged up to a share of their size, by element.
        sparsity_tensor_mean: Unchanged to the bit, the unweighted mean over tensors.
        rank_fraction: Unweighted mean over the matrices; None without any.
        storage_dtypes: Types the tensors are stored in.
        compare_dtypes: Types they were compared in.
    """

    group: str
    num_params: int
    sparsity_exact: float
    sparsity_tolerance: float
    sparsity_relative: float
    sparsity_tensor_mean: float
    rank_fraction: float | None
    storage_dtypes: tuple[str, ...]
    compare_dtypes: tuple[str, ...]


def summarize(changes: Iterable[TensorChange], by: By = "all") -> list[GroupChange]:
    """Groups in the order of their first tensor, layers by number."""
    groups: dict[str, list[TensorChange]] = {}
    for change in changes:
        groups.setdefault(_group(by)(change), []).append(change)
    ordered = sorted(groups, key=lambda group: _order(groups[group][0].role))
    return [_pooled(group, groups[group]) for group in ordered]


def _group(by: By) -> Callable[[TensorChange], str]:
    return {
        "all": lambda change: "all",
        "layer": lambda change: REST if change.role.layer is None else f"l{change.role.layer}",
        "block": lambda change: change.role.block or REST,
        "component": lambda change: _component(change.role),
        "tensor": lambda change: change.name,
    }[by]


def _component(role: Role) -> str:
    """As the grammar of components writes it."""
    block = role.block or REST
    return block if role.layer is None else f"l{role.layer} {block}"


def _order(role: Role) -> tuple[int, int]:
    """Embeddings, layers, the rest, the output; attention first within a layer."""
    outside = {"embed": -1, "unembed": sys.maxsize}.get(role.block or "", sys.maxsize - 1)
    within = BLOCKS.index(role.block) if role.block in BLOCKS else len(BLOCKS)
    return (role.layer if role.layer is not None else outside), within


def _pooled(group: str, members: Sequence[TensorChange]) -> GroupChange:
    total = sum(change.num_params for change in members)
    ranks = [change.rank_fraction for change in members if change.rank_fraction is not None]
    return GroupChange(
        group=group,
        num_params=total,
        sparsity_exact=sum(change.num_unchanged_exact for change in members) / total,
        sparsity_tolerance=sum(change.num_unchanged_tolerance for change in members) / total,
        sparsity_relative=sum(change.num_unchanged_relative for change in members) / total,
        sparsity_tensor_mean=float(np.mean([change.num_unchanged_exact / change.num_params for change in members])),
        rank_fraction=float(np.mean(ranks)) if ranks else None,
        storage_dtypes=tuple(sorted({change.storage_dtype for change in members})),
        compare_dtypes=tuple(sorted({change.compare_dtype for change in members})),
    )
