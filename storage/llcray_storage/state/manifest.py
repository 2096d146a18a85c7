"""Manifests: which segments count.

Manifest N+1 replaces manifest N; creating it, if absent, is the commit of a compaction.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.files.encode import new_nonce
from llcray_storage.schema.tables import Table
from llcray_storage.store.layout import MANIFEST, Partition
from llcray_storage.store.objects import ObjectStore

ATTEMPTS = 5


@dataclass(frozen=True)
class Segment:
    """One compacted file.

    Attributes:
        table: Name of its table.
        name: File name.
        size: Bytes.
        sha256: Of the file.
        num_rows: Rows.
        first_id: Smallest key in it.
        last_id: Largest key in it.
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
    """The segments of a partition at one time; number 0 stands for none yet."""

    number: int
    segments: tuple[Segment, ...]

    def of(self, table: Table) -> tuple[Segment, ...]:
        """Segments of one table."""
        return tuple(segment for segment in self.segments if segment.table == table.name)


NONE_YET = Manifest(0, ())


def manifest_path(partition: Partition, number: int) -> str:
    """Path of a manifest."""
    return f"{partition.manifests}/{number:012d}.json"


def numbers_of(names: Iterable[str]) -> list[int]:
    """Manifest numbers among file names, ascending."""
    return sorted(int(match[1]) for name in names if (match := MANIFEST.fullmatch(name)))


def newest_number(store: ObjectStore, partition: Partition) -> int:
    """Number of the newest manifest; 0 when there is none."""
    return max(numbers_of(store.names(partition.manifests)), default=0)


def newest(store: ObjectStore, partition: Partition) -> Manifest:
    """The newest manifest.

    Raises:
        StorageError: It is damaged.
    """
    for _ in range(ATTEMPTS):
        number = newest_number(store, partition)
        if number == 0:
            return NONE_YET
        try:
            return load(store, partition, number)
        except ObjectMissingError:
            continue
    raise StorageError(
        f"the newest manifest of {partition.spoken} in '{store.uri}' vanishes again and again. Try later."
    )


def load(store: ObjectStore, partition: Partition, number: int) -> Manifest:
    """One manifest.

    Raises:
        ObjectMissingError: There is none of this number.
        StorageError: It is damaged.
    """
    path = manifest_path(partition, number)
    data = store.get(path)
    try:
        loaded = json.loads(data)
        body = loaded["body"]
        if loaded["sha256"] != _digest(body) or body["number"] != number:
            raise ValueError("hash or number differs")
        return Manifest(number, tuple(Segment(**segment) for segment in body["segments"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"manifest '{store.uri}/{path}' is damaged ({error}): run `llcray verify {store.uri} --repair`."
        ) from error


def publish(store: ObjectStore, partition: Partition, manifest: Manifest) -> bool:
    """Make the manifest the newest one; False when another writer took its number."""
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
