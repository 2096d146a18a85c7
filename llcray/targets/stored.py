"""Targets are built once: their arrays and what building measured are kept in the dataset and found again by id.

Each kind says which arrays are kept (`TargetVariant.stored_arrays`). Most keep their parameters; data are kept where
they come from a file or a user's function, and are otherwise drawn anew (equal bits on one platform, equal to rounding
on others). Checkpoints on disk stay where they are: their digest is kept, and they are read again.
"""

import dataclasses
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np

from llcray.array_types import Arrays, Row
from llcray.targets.build import build_target
from llcray.targets.target import Target, TargetFacts
from llcray.targets.variant import TargetVariant, TrajectoryVariant
from llcray.variant import canonical_json, content_id


class TargetStore(Protocol):
    """The part of `llcray_storage.Dataset` that keeps targets."""

    def read_target(self, target_id: str) -> tuple[Row, Arrays] | None:
        """Row and verified arrays; None when the target has to be built."""
        ...

    def write_target(self, row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
        """Keeps a target; of several writers the first one counts."""
        ...


@dataclasses.dataclass(frozen=True)
class StoredTargets:
    """The targets of a dataset, as a `llcray.targets.variant.TargetLibrary`."""

    store: TargetStore

    def find(self, spec: TargetVariant) -> Target | None:
        """The stored target of a spec; None when it, or a target that it needs, has to be built."""
        stored = self.store.read_target(content_id(spec))
        if stored is None:
            return None
        needed = [arrays for other in spec.needed_targets() if (arrays := self.arrays_of(other)) is not None]
        if len(needed) < len(spec.needed_targets()):
            return None
        row, arrays = stored
        return spec.restore(arrays, facts_of(row), needed)

    def has(self, spec: TargetVariant) -> bool:
        """Whether a target and the targets that it needs are stored whole."""
        return all(self.arrays_of(needed) is not None for needed in (spec, *spec.needed_targets()))

    def arrays_of(self, spec: TargetVariant) -> Arrays | None:
        stored = self.store.read_target(content_id(spec))
        return None if stored is None else stored[1]

    def keep(self, spec: TargetVariant, target: Target) -> bool:
        """Stores a target; False where another writer was first."""
        return self.store.write_target(row_of(spec, target), spec.stored_arrays(target)).created


def load_or_build(spec: TargetVariant, store: TargetStore | None) -> Target:
    """The target of a spec, from the store if it is there whole, else built and stored.

    When two workers build at once, both end with the bits of the one that stored them first.
    """
    if store is None:
        return build_target(spec)
    prepare_checkpoints([spec], store)
    targets = StoredTargets(store)
    target = targets.find(spec)
    if target is None:
        target = build_target(spec)
        if not targets.keep(spec, target):
            target = targets.find(spec) or target
    return target


def prepare_checkpoints(specs: Sequence[TargetVariant], store: TargetStore) -> None:
    """Builds and stores the checkpoints among these that the store lacks, and all others that their trainings record.

    Trainings that differ in their seed alone run side by side.
    """
    targets = StoredTargets(store)
    along = [spec for spec in specs if isinstance(spec, TrajectoryVariant) and spec.step is not None]
    missing = [spec for spec in along if not targets.has(spec)]
    for kind in dict.fromkeys(map(type, missing)):
        for checkpoint, target in kind.build_checkpoints(missing, targets):
            targets.keep(checkpoint, target)


def row_of(spec: TargetVariant, target: Target) -> Row:
    """The row of table `targets`."""
    import jax

    facts = dataclasses.asdict(target.facts)
    answer = target.oracle.asymptotic() if target.oracle is not None else None
    leaves = jax.tree.leaves(target.params)
    row = {
        "target_id": target.target_id,
        "target_kind": spec.kind,
        "spec": canonical_json(spec),
        "num_params": sum(leaf.size for leaf in leaves),
        "num_data": len(jax.tree.leaves(target.data)[0]),
        "train_loss": target.facts.loss_at_center,
        "dtype": str(np.result_type(*leaves)),
        "created_at": datetime.now(UTC),
        "python_version": platform.python_version(),
        **{f"{package}_version": version(package) for package in ("llcray", "jax", "flax", "optax")},
        **facts,
    }
    if isinstance(spec, TrajectoryVariant):
        row |= {"step": spec.step, "trajectory_id": spec.trajectory_id}
    if answer is not None:
        row |= {
            "true_llc": answer.value,
            "true_llc_kind": answer.kind,
            "true_llc_source": answer.source,
            "true_llc_mcse": answer.mcse,
            "true_llc_asymptotic": answer.value,
            "true_llc_asymptotic_kind": answer.kind,
            "true_multiplicity": answer.multiplicity,
        }
    return {name: value for name, value in row.items() if value is not None}


def facts_of(row: Row) -> TargetFacts:
    """The measurements of building, from a row of table `targets`."""
    names = [field.name for field in dataclasses.fields(TargetFacts)]
    return TargetFacts(**{name: row.get(name) for name in names})
