"""Writing and reading one target: its arrays, then its row, which is the commit."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.files.arrays import arrays_digest, from_bytes, stored_arrays, to_bytes
from llcray_storage.files.encode import commit_bytes, new_nonce
from llcray_storage.read import live_rows
from llcray_storage.schema.tables import SCHEMA_VERSION, TARGETS
from llcray_storage.state import snapshot as snapshots
from llcray_storage.store.failpoints import reached
from llcray_storage.store.layout import TARGET_PARTITION, artifact_path, checked_id
from llcray_storage.store.objects import ObjectStore, quarantine
from llcray_storage.write.commit import WriteOutcome

OWN_COLUMNS = ("generation", "nonce", "schema_version", "artifact", "artifact_digest", "artifact_bytes", "shapes")


def commit_target(store: ObjectStore, row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> WriteOutcome:
    """Write a target once. The first build counts: when another is there whole, read that one.

    Raises:
        StorageError: The row or an array is refused, or storage cannot be written.
    """
    TARGETS.refuse_unknown(row)
    if not isinstance(row.get("target_id"), str):
        raise StorageError(f"column 'target_id' of 'targets' is {row.get('target_id')!r}: every row needs it as text.")
    identity = checked_id(row["target_id"])
    stored = stored_arrays(arrays)
    digest = arrays_digest(stored)
    path = artifact_path(identity, digest)
    data = to_bytes(stored)
    while True:
        there = find_target(store, identity)
        if there is not None and there["artifact_digest"] != digest and _whole(store, there) is not None:
            return WriteOutcome(identity, there["generation"], created=False)
        _put_artifact(store, path, data, digest)
        reached("target.artifact_put")
        if there is not None and there["artifact_digest"] == digest:
            return WriteOutcome(identity, there["generation"], created=False)
        generation = 1 if there is None else there["generation"] + 1
        own = (generation, new_nonce(), SCHEMA_VERSION, path, digest, len(data), _shapes(stored))
        full = {**row, **dict(zip(OWN_COLUMNS, own, strict=True))}
        encoded = commit_bytes(TARGETS, full, full["nonce"])
        if store.put_if_absent(TARGET_PARTITION.hot(identity, generation), encoded):
            return WriteOutcome(identity, generation, created=True)


def load_target(store: ObjectStore, target_id: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Row and arrays of a target; None when it has to be built (again). A damaged artifact goes to quarantine.

    Raises:
        StorageError: Storage cannot be read.
    """
    row = find_target(store, checked_id(target_id))
    arrays = None if row is None else _whole(store, row)
    return None if row is None or arrays is None else (row, arrays)


def find_target(store: ObjectStore, target_id: str) -> dict[str, Any] | None:
    """The row of a target, whether or not its artifact is whole."""
    taken = snapshots.take(store, TARGET_PARTITION, target_id)
    rows = live_rows(store, taken, target_id)
    return rows[0] if rows else None


def _whole(store: ObjectStore, row: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
    """The arrays of a row's artifact; None, and the artifact in quarantine, when they are not what the row says."""
    try:
        data = store.get(row["artifact"])
    except ObjectMissingError:
        return None
    arrays = from_bytes(data, row["artifact_digest"])
    if arrays is None:
        quarantine(store, row["artifact"])
    return arrays


def _put_artifact(store: ObjectStore, path: str, data: bytes, digest: str) -> None:
    """The artifact, whole under its name: what else lies there is damaged and goes to quarantine."""
    while not store.put_if_absent(path, data):
        try:
            if from_bytes(store.get(path), digest) is not None:
                return
            quarantine(store, path)
        except ObjectMissingError:
            continue


def _shapes(arrays: Mapping[str, np.ndarray]) -> str:
    return json.dumps({name: list(arrays[name].shape) for name in sorted(arrays)})
