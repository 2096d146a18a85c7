"""Writes one target, first its arrays, last its row, which is the commit; and reads it back whole."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.files.arrays import arrays_digest, from_bytes, stored_arrays, to_bytes
from llcray_storage.files.encode import commit_bytes, new_nonce
from llcray_storage.schema.tables import SCHEMA_VERSION, TARGETS
from llcray_storage.state.live import live_rows
from llcray_storage.state.snapshot import take_snapshot
from llcray_storage.store.failpoints import failpoint
from llcray_storage.store.layout import ARTIFACT_PATH, TARGET_PARTITION, artifact_path, checked_id
from llcray_storage.store.objects import ObjectStore, quarantine
from llcray_storage.write.commit import WriteOutcome

COMMIT_COLUMNS = ("generation", "nonce", "schema_version", "artifact", "artifact_digest", "artifact_bytes", "shapes")
"""Columns that `commit_target` fills itself."""


def commit_target(store: ObjectStore, row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> WriteOutcome:
    """Write a target once. The first build counts: an outcome with `created=False` says to read that one.

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
        existing = find_target(store, identity)
        if (
            existing is not None
            and existing["artifact_digest"] != digest
            and _whole_arrays(store, existing) is not None
        ):
            return WriteOutcome(identity, existing["generation"], created=False)
        _put_artifact(store, path, data, digest)
        failpoint("target.artifact_put")
        if existing is not None and existing["artifact_digest"] == digest:
            return WriteOutcome(identity, existing["generation"], created=False)
        generation = 1 if existing is None else existing["generation"] + 1
        own = (generation, new_nonce(), SCHEMA_VERSION, path, digest, len(data), _shapes(stored))
        full = {**row, **dict(zip(COMMIT_COLUMNS, own, strict=True))}
        encoded = commit_bytes(TARGETS, full, full["nonce"])
        if store.put_if_absent(TARGET_PARTITION.commit_path(identity, generation), encoded):
            return WriteOutcome(identity, generation, created=True)


def load_target(store: ObjectStore, target_id: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Read row and arrays of a target; None when it has to be built (again). A damaged artifact goes to quarantine.

    Raises:
        StorageError: Storage cannot be read.
    """
    row = find_target(store, checked_id(target_id))
    if row is None:
        return None
    arrays = _whole_arrays(store, row)
    return None if arrays is None else (row, arrays)


def find_target(store: ObjectStore, target_id: str) -> dict[str, Any] | None:
    """Read the row of a target, whether or not its artifact is whole; None when there is none."""
    rows = live_rows(store, take_snapshot(store, TARGET_PARTITION, target_id), target_id)
    return rows[0] if rows else None


def read_arrays(store: ObjectStore, row: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
    """Read the arrays of a row's artifact, and change nothing; None when they are missing or damaged.

    Raises:
        StorageError: Storage cannot be read.
    """
    if not _names_artifact(row):
        return None
    try:
        return from_bytes(store.get(row["artifact"]), row["artifact_digest"])
    except ObjectMissingError:
        return None


def _whole_arrays(store: ObjectStore, row: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
    """Read the arrays of a row's artifact; None when it is missing, or damaged: then it goes to quarantine."""
    arrays = read_arrays(store, row)
    if arrays is None and _names_artifact(row):
        with contextlib.suppress(ObjectMissingError):
            quarantine(store, row["artifact"])
    return arrays


def _names_artifact(row: Mapping[str, Any]) -> bool:
    """Whether what a row, which somebody else may have written, names as its artifact can be one."""
    return isinstance(row["artifact"], str) and ARTIFACT_PATH.fullmatch(row["artifact"]) is not None


def _put_artifact(store: ObjectStore, path: str, data: bytes, digest: str) -> None:
    """Write the artifact; a damaged one of the same path goes to quarantine."""
    while not store.put_if_absent(path, data):
        try:
            if from_bytes(store.get(path), digest) is not None:
                return
            quarantine(store, path)
        except ObjectMissingError:
            continue


def _shapes(arrays: Mapping[str, np.ndarray]) -> str:
    return json.dumps({name: list(arrays[name].shape) for name in sorted(arrays)})
