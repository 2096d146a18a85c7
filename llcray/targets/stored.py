"""Targets are built once: their arrays and what building measured are kept in the dataset, found again by id.

Parameters are always stored. Data are stored when they come from a file or a user's function; otherwise the spec is
their recipe, and they are drawn anew (equal bits on one platform, equal to rounding on others). Checkpoints stay where
they are: their digest is kept, and they are read again.
"""

import dataclasses
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np

from llcray.data import File
from llcray.targets import CheckpointTarget, FineTunedTarget, PythonTarget, TrainedTarget
from llcray.targets.build import build_target
from llcray.targets.target import Target, TargetFacts
from llcray.types import Arrays, Row
from llcray.variant import Variant, canonical_json, content_id


class TargetStore(Protocol):
    """The part of `llcray_storage.Dataset` that keeps targets."""

    def read_target(self, target_id: str) -> tuple[Row, Arrays] | None:
        """Row and verified arrays; None when the target has to be built."""
        ...

    def write_target(self, row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
        """Keep a target; the first writer counts."""
        ...


def load_or_build(spec: Variant, store: TargetStore | None) -> Target:
    """The target of a spec, from the store if it is there whole, else built and stored.

    When two workers build at once, both end with the bits of the one that stored them first.
    """
    if store is None:
        return build_target(spec)
    prepare_checkpoints([spec], store)
    found = store.read_target(content_id(spec))
    if found is None:
        target = build_target(spec)
        outcome = store.write_target(row_of(spec, target), to_arrays(spec, target))
        found = None if outcome.created else store.read_target(target.target_id)
        if found is None:
            return target
    row, arrays = found
    if isinstance(spec, FineTunedTarget):
        return _fine_tuned(spec, arrays, store.read_target(content_id(spec.at_step(0))), _facts(row))
    return from_arrays(spec, arrays, _facts(row))


def prepare_checkpoints(specs: Sequence[Variant], store: TargetStore) -> None:
    """Builds and stores the checkpoints among these that the store lacks, and all others that their trainings record.

    Trainings that differ in their seed alone run side by side.
    """
    along = [spec for spec in specs if getattr(spec, "step", None) is not None]
    missing = [spec for spec in along if store.read_target(content_id(spec)) is None]
    trained = [spec for spec in missing if isinstance(spec, TrainedTarget)]
    fine_tuned = [spec for spec in missing if isinstance(spec, FineTunedTarget)]
    if trained:
        from llcray.targets.trained.trajectory import build_checkpoints

        _store_all(build_checkpoints(trained), store)
    if fine_tuned:
        from llcray.targets.fine_tuned.build import build_fine_tuned

        _store_all(build_fine_tuned(fine_tuned, lambda base: _base(base, store)), store)


def _store_all(checkpoints: Iterable[Any], store: TargetStore) -> None:
    for checkpoint in checkpoints:
        row = row_of(checkpoint.spec, checkpoint.target)
        store.write_target(row, to_arrays(checkpoint.spec, checkpoint.target))


def _base(spec: TrainedTarget, store: TargetStore) -> Target:
    """A network to fine-tune: trained once for all methods; when it grokked does not matter."""
    from llcray.targets.trained.trajectory import build_checkpoints

    if store.read_target(content_id(spec)) is None:
        _store_all(build_checkpoints([spec], num_looks=0), store)
    return load_or_build(spec, store)


def to_arrays(spec: Variant, target: Target) -> Arrays:
    """The arrays to keep, by name: `params/hidden_0/kernel`, `data/x`."""
    if isinstance(spec, CheckpointTarget):
        return {"sha256": np.frombuffer(bytes.fromhex(spec.sha256 or ""), np.uint8)}
    arrays = _named("params", target.params)
    if isinstance(spec, PythonTarget):
        arrays |= _named("data", target.data)
    if isinstance(spec, TrainedTarget) and isinstance(spec.data, File):
        arrays |= _named("data", target.data) | {"num_outputs": np.array(_num_outputs(target))}
    return arrays


def from_arrays(spec: Variant, arrays: Arrays, facts: TargetFacts) -> Target:
    """The target whose arrays these are, without training.

    Raises:
        ValueError: The arrays are not those of the spec.
    """
    if isinstance(spec, CheckpointTarget):
        return dataclasses.replace(build_target(spec), facts=facts)
    bare = _untrained(spec, arrays) if isinstance(spec, TrainedTarget) else build_target(spec)
    params = _unnamed("params", bare.params, arrays)
    stored_data = any(name.startswith("data") for name in arrays)
    data = _unnamed("data", bare.data, arrays) if stored_data else bare.data
    return dataclasses.replace(bare, params=params, data=data, facts=facts, target_id=content_id(spec))


def row_of(spec: Variant, target: Target) -> Row:
    """The row of table `targets`."""
    import jax

    facts = dataclasses.asdict(target.facts)
    answer = target.oracle.asymptotic() if target.oracle is not None else None
    leaves = jax.tree.leaves(target.params)
    row = {
        "target_id": target.target_id,
        "target_kind": getattr(spec, "kind", None),
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
    if isinstance(spec, TrainedTarget | FineTunedTarget | CheckpointTarget) and spec.step is not None:
        row |= {"step": spec.step, "trajectory_id": content_id(spec.at_step(None))}
    if answer is not None:
        row |= {
            "true_llc": answer.value,
            "true_llc_kind": answer.kind,
            "true_llc_source": answer.source,
            "true_llc_asymptotic": answer.value,
            "true_multiplicity": answer.multiplicity,
        }
    return {name: value for name, value in row.items() if value is not None}


def _untrained(spec: TrainedTarget, arrays: Arrays) -> Target:
    """Loss and data of a trained target, with shapes for parameters."""
    spec = spec.in_force()
    from llcray.targets.trained.build import loss_of
    from llcray.targets.trained.examples import batch_of, labelled_examples

    if "data/x" in arrays:
        data = {name.removeprefix("data/"): array for name, array in arrays.items() if name.startswith("data/")}
        num_outputs = int(arrays["num_outputs"])
    else:
        split = labelled_examples(spec)
        data, num_outputs = batch_of(spec, split.train), split.num_outputs
    loss = loss_of(spec, data["x"].shape[1:], num_outputs)
    return Target(params=loss.abstract_params(), loss_fn=loss, data=data)


def _fine_tuned(spec: FineTunedTarget, arrays: Arrays, before: tuple[Row, Arrays] | None, facts: TargetFacts) -> Target:
    from llcray.targets.fine_tuned.build import abstract_params, assembled
    from llcray.targets.fine_tuned.loss_spec import KLToCenter

    if before is None:
        raise ValueError(f"the weights before fine-tuning, of target {content_id(spec.at_step(0))}, are not stored.")
    shapes = abstract_params(spec)
    params, base = (_unnamed("params", shapes, each) for each in (arrays, before[1]))
    return assembled(spec, KLToCenter(), params, base, facts)


def _num_outputs(target: Target) -> int:
    from llcray.targets.model_loss import ModelLoss

    assert isinstance(target.loss_fn, ModelLoss)
    return target.loss_fn.num_outputs


def _facts(row: Row) -> TargetFacts:
    names = [field.name for field in dataclasses.fields(TargetFacts)]
    return TargetFacts(**{name: row.get(name) for name in names})


def _named(prefix: str, tree: Any) -> Arrays:
    import jax

    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {_name(prefix, path): np.array(leaf, order="C") for path, leaf in leaves}


def _unnamed(prefix: str, like: Any, arrays: Arrays) -> Any:
    import jax

    leaves, treedef = jax.tree_util.tree_flatten_with_path(like)
    names = [_name(prefix, path) for path, _ in leaves]
    stored = {name: array.shape for name, array in arrays.items() if name == prefix or name.startswith(f"{prefix}/")}
    wanted = {name: tuple(leaf.shape) for name, (_, leaf) in zip(names, leaves, strict=True)}
    if stored != wanted:
        raise ValueError(
            f"The stored target has arrays {json.dumps(stored)}, its spec now gives {json.dumps(wanted)}. If the code "
            "of its factory changed, give it another name or argument."
        )
    return jax.tree.unflatten(treedef, [arrays[name] for name in names])


def _name(prefix: str, path: Any) -> str:
    import jax

    keys = jax.tree_util.keystr(path, simple=True, separator="/")
    return f"{prefix}/{keys}" if keys else prefix
