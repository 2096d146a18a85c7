"""Manifests: each lists the segments of a partition that count.

Manifest N+1 replaces manifest N. Creating it, put if absent, is the commit of a compaction.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.files.encode import new_nonce
from llcray_storage.schema.tables import Table
from llcray_storage.store.layout import MANIFEST_FILE, SEGMENT_FILE, Partition, mending_command
from llcray_storage.store.objects import ObjectStore

ATTEMPTS = 5


@dataclass(frozen=True)
class Segment:
    """One compacted file.

    Attributes:
        table: Name of the table whose rows it holds.
        name: File name.
        size: Bytes.
        sha256: SHA-256 of the file.
        num_rows: Number of rows.
        first_id: Smallest key among the rows.
        last_id: Largest key among the rows.
    """

    table: str
    name: str
    size: int
    sha256: str
    num_rows: int
    first_id: str
    last_id: str


@dataclass(frozen=True)
class Manifest:
    """The segments of a partition at one time; number 0 stands for a partition without manifest."""

    number: int
    segments: tuple[Segment, ...]

    def of(self, table: Table) -> tuple[Segment, ...]:
        """Return the segments of one table."""
        return tuple(segment for segment in self.segments if segment.table == table.name)


NO_MANIFEST = Manifest(0, ())


def manifest_path(partition: Partition, number: int) -> str:
    """Return the path of a manifest."""
    return f"{partition.manifests}/{number:012d}.json"


def numbers_of(names: Iterable[str]) -> list[int]:
    """Return the manifest numbers among file names, ascending."""
    return sorted(int(match[1]) for name in names if (match := MANIFEST_FILE.fullmatch(name)))


def newest_manifest_number(store: ObjectStore, partition: Partition) -> int:
    """Return the number of the newest manifest; 0 when there is none."""
    return max(numbers_of(store.names(partition.manifests)), default=0)


def load_newest_manifest(store: ObjectStore, partition: Partition) -> Manifest:
    """Read the newest manifest; `NO_MANIFEST` when there is none.

    Raises:
        StorageError: The newest manifest is damaged.
    """
    for _ in range(ATTEMPTS):
        number = newest_manifest_number(store, partition)
        if number == 0:
            return NO_MANIFEST
        try:
            return load_manifest(store, partition, number)
        except ObjectMissingError:
            continue
    raise StorageError(
        f"the newest manifest of {partition.title} in '{store.uri}' vanishes again and again. Try later."
    )


def load_manifest(store: ObjectStore, partition: Partition, number: int) -> Manifest:
    """Read one manifest.

    Raises:
        ObjectMissingError: There is no manifest of this number.
        StorageError: The manifest is damaged.
    """
    path = manifest_path(partition, number)
    tables = {table.name for table in (partition.table, partition.details) if table is not None}
    data = store.get(path)
    try:
        loaded = json.loads(data)
        body = loaded["body"]
        if loaded["sha256"] != _digest(body) or body["number"] != number:
            raise ValueError("hash or number differs")
        segments = tuple(Segment(**segment) for segment in body["segments"])
        if any(not SEGMENT_FILE.fullmatch(segment.name) or segment.table not in tables for segment in segments):
            raise ValueError("a segment has a name that no segment can have")
        return Manifest(number, segments)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StorageError(
            f"manifest '{store.uri}/{path}' is damaged ({error}): run `{mending_command(store.uri)}`."
        ) from error


def publish_manifest(store: ObjectStore, partition: Partition, manifest: Manifest) -> bool:
    """Make the manifest the newest one; returns False when another writer took its number."""
    body = {
        "number": manifest.number,
        "sweep": partition.sweep,
        "nonce": new_nonce(),
        "segments": [asdict(segment) for segment in manifest.segments],
    }
    data = json.dumps({"body": body, "sha256": _digest(body)}, indent=1).encode()
    return store.put_if_absent(manifest_path(partition, manifest.number), data)


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
