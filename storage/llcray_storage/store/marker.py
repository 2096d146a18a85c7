"""The marker `llcray.json`, which makes a folder a dataset, and the probe of what its storage can do."""

import json
import secrets
from datetime import UTC, datetime

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.store.layout import FORMAT_VERSION, MARKER, TMP
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root, open_store

WRITTEN = ("runs", "draws", "targets", "stages", "sweeps", "_llcray")
"""Folders that commits are written to."""


def ensure_dataset(store: ObjectStore) -> None:
    """Check that the storage can be written and honours put-if-absent; make it a dataset if it is none yet.

    Raises:
        StorageError: The storage cannot be written, overwrites, or holds a dataset of a newer version.
    """
    _probe(store)
    for folder in WRITTEN:
        store.check_folder(folder)
    try:
        require_dataset(store)
    except ObjectMissingError:
        body = {
            "format_version": FORMAT_VERSION,
            "store_id": secrets.token_hex(8),
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "storage": {"put_if_absent": True},
        }
        store.put_if_absent(MARKER, (json.dumps(body, indent=2) + "\n").encode())
        require_dataset(store)


def open_existing(root: Root) -> ObjectStore:
    """Open the store of a dataset that exists.

    Raises:
        StorageError: There is no dataset.
    """
    store = open_store(root)
    require_dataset(store)
    return store


def require_dataset(store: ObjectStore) -> None:
    """Check that the storage holds a dataset this version can read.

    Raises:
        ObjectMissingError: The storage holds no dataset.
        StorageError: The dataset is of a newer version, or its marker is damaged.
    """
    try:
        data = store.get(MARKER)
    except ObjectMissingError as error:
        raise ObjectMissingError(
            f"no dataset at '{store.uri}': it has no {MARKER}. Check the path, or run a sweep with it as --storage."
        ) from error
    try:
        version = json.loads(data)["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StorageError(
            f"'{store.uri}/{MARKER}' is damaged: it should be JSON with format_version. "
            f'Write {{"format_version": {FORMAT_VERSION}}} into it.'
        ) from error
    if version != FORMAT_VERSION:
        raise StorageError(
            f"dataset '{store.uri}' has format version {version}; this llcray knows {FORMAT_VERSION}. Upgrade llcray."
        )


def _probe(store: ObjectStore) -> None:
    key = f"{TMP}/probe-{secrets.token_hex(8)}"
    try:
        first_written = store.put_if_absent(key, b"first")
        second_written = store.put_if_absent(key, b"second")
        content = store.get(key)
    except StorageError as error:
        raise StorageError(f"storage '{store.uri}' cannot be written: {error}") from error
    store.delete(key)
    if not first_written or second_written or content != b"first":
        raise StorageError(
            f"storage '{store.uri}' does not refuse a second write of one name, so runs could be lost: "
            "use a file system with hard links, or an object store with conditional PUT."
        )
