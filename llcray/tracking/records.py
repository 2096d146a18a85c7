"""Rows that a tracker writes to the dataset, in the columns that sweeps use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from llcray_storage.schema.status import DONE

from llcray.array_types import Row
from llcray.components.masks import path_of
from llcray.estimation.pack import RunEstimate
from llcray.estimation.provenance import device, environment
from llcray.estimation.request import EstimateRequest
from llcray.estimation.rows import record_of
from llcray.targets.target import Target
from llcray.variant import ID_LENGTH, canonical_json, content_id, seed_from


@dataclass(frozen=True)
class TrackerFacts:
    """Facts of a tracker that its rows hold.

    Attributes:
        name: Name of the sweep.
        loss_name: Name of the loss, as column `loss_kind` has it.
        seed: Seed of the chains.
    """

    name: str
    loss_name: str
    seed: int


def seed_of(name: str, component: str, seed: int, step: int | None = None) -> int:
    """The seed of a component's chains: the same at every step, or one of a step whose chains go on from another's."""
    return seed_from(f"{name} {component} {seed}" if step is None else f"{name} {component} {seed} {step}")


def target_id(target: Target) -> str:
    """The identity of a tracked target, from the bytes of its parameters, data and buffers."""
    from llcray_storage.files.arrays import arrays_digest

    kinds = {"params": target.params, "data": target.data, "buffers": target.buffers}
    return arrays_digest({name: x for kind, tree in kinds.items() for name, x in _arrays(kind, tree).items()})[
        :ID_LENGTH
    ]


def write_target(dataset: Any, target: Target, step: int) -> None:
    """Stores the parameters of a step; half-precision ones as float32, which holds them exactly."""
    arrays = _arrays("params", target.params)
    stored = {name: _storable(array) for name, array in arrays.items()}
    dtypes = sorted({array.dtype.name for array in arrays.values()})
    row = {
        "target_id": target.target_id,
        "target_kind": "tracked",
        "num_params": sum(array.size for array in arrays.values()),
        "dtype": ", ".join(dtypes),
        "step": step,
        "created_at": datetime.now(UTC),
    }
    dataset.write_target(row, stored)


def row(
    facts: TrackerFacts,
    component: str,
    step: int,
    target: Target,
    request: EstimateRequest,
    result: RunEstimate,
    follows: str | None = None,
) -> Row:
    """The row of `runs` of one estimate.

    Args:
        facts: Facts of the tracker.
        component: Name of the component.
        step: Training step.
        target: The target of that step.
        request: The request.
        result: The estimate.
        follows: Id of the run whose chains this run's go on from; None for chains that start at w*.
    """
    spec: dict[str, Any] = {
        "sweep": facts.name,
        "target": target.target_id,
        "step": step,
        "component": component,
        "loss_kind": facts.loss_name,
        "seed": facts.seed,
        "sampler": request.sampler,
        "posterior": request.posterior,
        "sampling": request.sampling.model_copy(update={"start": "center"}),
    }
    if follows is not None:
        spec["follows"] = follows
    return {
        **record_of(result, target),
        "run_id": content_id(spec),
        "target_id": target.target_id,
        "sweep": facts.name,
        "status": DONE,
        "spec": canonical_json(spec),
        "target_kind": "tracked",
        "component": component,
        "step": step,
        "seed": facts.seed,
        "loss_kind": facts.loss_name,
        "sampler_kind": request.sampler.model_dump()["kind"],
        "precision": result.precision,
        "finished_at": datetime.now(UTC),
        **environment(),
        **device(),
    }


def _arrays(prefix: str, tree: Any) -> Mapping[str, np.ndarray]:
    import jax

    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {f"{prefix}/{path_of(path)}".rstrip("/"): np.asarray(leaf) for path, leaf in leaves}


def _storable(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind in "fiub" else array.astype(np.float32)
