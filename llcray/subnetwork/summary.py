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
    """The change of a group of tensors by an update. Sparsity is the share of entries that stayed unchanged.

    Attributes:
        group: Name of the group.
        num_params: Number of entries.
        sparsity_exact: Share of entries unchanged to the bit.
        sparsity_tolerance: Share of entries unchanged up to the tolerance, as the paper gives it.
        sparsity_relative: Share of entries unchanged up to a share of their size.
        sparsity_tensor_mean: Unweighted mean over tensors of their shares unchanged to the bit.
        rank_fraction: Unweighted mean of the rank fractions of the matrices; None without any.
        storage_dtypes: Types in which the tensors are stored.
        compare_dtypes: Types in which the tensors were compared.
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
    """The changes of groups, in the order of their first tensor, layers by number."""
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
    """The name of a group as the grammar of components writes it."""
    block = role.block or REST
    return block if role.layer is None else f"l{role.layer} {block}"


def _order(role: Role) -> tuple[int, int]:
    """Sort key: embeddings, layers, all other tensors, the output; within a layer attention comes first."""
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
